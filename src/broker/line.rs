//! `Line`: one account's token over time. Says whether there is one, whether it must be waited for, or who goes and gets it,
//! so that any number of requests come to one call. Knows no runtime: waiting is the caller's affair.

use super::call::Granted;
use super::error::Error;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config::Account;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A token that was obtained.
#[derive(Debug)]
pub struct Token {
    /// Its text.
    pub value: Secret,
    /// When it came.
    pub obtained: Timestamp,
    /// Until when it is good.
    pub until: Timestamp,
    /// From when on another is wanted, while this one still serves.
    wanting: Timestamp,
}

/// What a requester is told.
pub enum Standing {
    /// Use this.
    Good(Arc<Token>),
    /// There is none, and asking again at once would not help.
    Bad(Error),
    /// Somebody is getting one.
    UnderWay,
    /// Go and get one; [`Line::settle`] or [`Line::abandon`] must follow. A refresh token that took the place of the
    /// vault's comes along.
    Begin(Option<Secret>),
}

/// What the vault holds for an account at one moment, as fingerprints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Which generation of the vault says so.
    pub generation: u64,
    main: [u8; 32],
    client: [u8; 32],
}

/// A token without a stated life is used for this long.
const UNSTATED: i64 = 5 * 60 * 1000;
/// Another token is wanted this long before the end of one; of a short life, the last fifth.
const MARGIN: i64 = 60 * 1000;
/// A failed call is not repeated for this long.
const PAUSE: i64 = 5 * 1000;
/// A token that upstream refuses is given up, but not sooner than this after it came.
const YOUNG: i64 = 10 * 1000;

/// See the module.
#[derive(Default)]
pub struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    source: Option<Source>,
    token: Option<Arc<Token>>,
    failure: Option<(Error, Timestamp)>,
    fetching: bool,
    rotated: Option<Secret>,
}

impl Source {
    /// Of the entries an account uses; what is missing counts as empty.
    #[must_use]
    pub fn of(account: &Account, purse: super::Purse<'_>, generation: u64) -> Self {
        let print = |entry: &str| {
            let value = purse.0.iter().find(|h| *h.name == *entry).map_or(&[][..], |h| h.value.expose());
            Sha256::digest(value).into()
        };
        let client = match account {
            Account::OAuth2(o) => o.client_secret.as_deref().unwrap_or_default(),
            _ => "",
        };
        Self { generation, main: print(account.entry()), client: print(client) }
    }
}

impl Line {
    /// Where things stand for a request that sees this of the vault.
    pub fn ask(&self, source: Source, now: Timestamp) -> Standing {
        let mut state = self.0.lock();
        state.follow(source);
        let failed = state.failure.as_ref().filter(|(_, until)| now < *until).map(|(why, _)| why.clone());
        match &state.token {
            Some(token) if now < token.wanting => return Standing::Good(token.clone()),
            // it is still good: only one goes for the next, and nobody waits for a call that just failed
            Some(token) if now < token.until && (state.fetching || failed.is_some()) => {
                return Standing::Good(token.clone());
            }
            _ => {}
        }
        if state.fetching {
            return Standing::UnderWay;
        }
        if let Some(why) = failed {
            return Standing::Bad(why);
        }
        state.fetching = true;
        Standing::Begin(state.rotated.clone())
    }

    /// The call has ended. `known` is told of the token before anybody can use it, and may refuse it.
    ///
    /// # Errors
    /// What the call ended with.
    pub fn settle(
        &self,
        ended: Result<Granted, Error>,
        now: Timestamp,
        known: impl FnOnce(&Arc<Token>) -> bool,
    ) -> Result<Arc<Token>, Error> {
        let mut state = self.0.lock();
        state.fetching = false;
        match ended {
            Ok(granted) => {
                let until = granted.until.unwrap_or(Timestamp(now.0 + UNSTATED));
                let margin = MARGIN.min((until.0 - now.0).max(0) / 5);
                let wanting = Timestamp(until.0 - margin);
                if granted.rotated.is_some() {
                    state.rotated = granted.rotated;
                }
                let token = Arc::new(Token { value: granted.token, obtained: now, until, wanting });
                if !known(&token) {
                    let why = Error::Unreadable("its token cannot be looked for");
                    state.failure = Some((why.clone(), Timestamp(now.0 + PAUSE)));
                    return Err(why);
                }
                state.token = Some(token.clone());
                state.failure = None;
                Ok(token)
            }
            Err(why) => {
                state.failure = Some((why.clone(), Timestamp(now.0 + PAUSE)));
                Err(why)
            }
        }
    }

    /// The call was given up before its end.
    pub fn abandon(&self) {
        self.0.lock().fetching = false;
    }

    /// Upstream refused this token: the next request gets another, unless this one has only just come.
    pub fn refused(&self, token: &Arc<Token>, now: Timestamp) {
        let mut state = self.0.lock();
        if now.0 - token.obtained.0 >= YOUNG && state.token.as_ref().is_some_and(|t| Arc::ptr_eq(t, token)) {
            state.token = None;
        }
    }
}

impl State {
    /// Another value in the vault is another beginning; unless it is the refresh token that was written back.
    fn follow(&mut self, now: Source) {
        let Some(was) = self.source.filter(|was| (was.main, was.client) != (now.main, now.client)) else {
            self.source.get_or_insert(now);
            return;
        };
        // a request from before the change must not undo it
        if now.generation <= was.generation {
            return;
        }
        let rotated = self.rotated.as_ref().map(|r| <[u8; 32]>::from(Sha256::digest(r.expose())));
        self.source = Some(now);
        if rotated != Some(now.main) || was.client != now.client {
            (self.token, self.failure, self.rotated) = (None, None, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(generation: u64, main: &str) -> Source {
        Source { generation, main: Sha256::digest(main).into(), client: [0; 32] }
    }

    fn granted(token: &str, seconds: i64, rotated: Option<&str>) -> Result<Granted, Error> {
        let until = Some(Timestamp(seconds * 1000));
        Ok(Granted { token: Secret::from(token), until, rotated: rotated.map(Secret::from) })
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn told(line: &Line, source: Source, seconds: i64) -> String {
        match line.ask(source, at(seconds)) {
            Standing::Good(token) => String::from_utf8(token.value.expose().to_vec()).unwrap(),
            Standing::Bad(why) => why.code().to_owned(),
            Standing::UnderWay => "under way".to_owned(),
            Standing::Begin(rotated) => rotated.map_or("begin".to_owned(), |r| {
                format!("begin with {}", String::from_utf8_lossy(r.expose()))
            }),
        }
    }

    #[test]
    fn one_goes_and_the_others_wait_and_a_token_serves_until_its_end() {
        let (line, vault) = (Line::default(), source(1, "r1"));
        assert_eq!(told(&line, vault, 0), "begin");
        assert_eq!(told(&line, vault, 0), "under way");
        line.settle(granted("t1", 1000, None), at(0), |_| true).unwrap();
        assert_eq!(told(&line, vault, 939), "t1");
        assert_eq!(told(&line, vault, 941), "begin", "a minute before its end");
        assert_eq!(told(&line, vault, 941), "t1", "which serves the others meanwhile");
        line.settle(Err(Error::Interrupted), at(942), |_| true).unwrap_err();
        assert_eq!(told(&line, vault, 943), "t1", "a failure does not take away what is still good");
        assert_eq!(told(&line, vault, 948), "begin", "and is tried again after a pause");
        line.settle(granted("t2", 958, None), at(948), |_| true).unwrap();
        assert_eq!(
            (told(&line, vault, 955), told(&line, vault, 957)),
            ("t2".into(), "begin".into()),
            "the last fifth"
        );
    }

    #[test]
    fn failures_are_kept_for_a_moment_and_what_was_given_up_begins_anew() {
        let (line, vault) = (Line::default(), source(1, "r1"));
        assert_eq!(told(&line, vault, 0), "begin");
        line.abandon();
        assert_eq!(told(&line, vault, 0), "begin");
        line.settle(Err(Error::Refused { status: 400, error: None }), at(1), |_| true).unwrap_err();
        assert_eq!((told(&line, vault, 5), told(&line, vault, 6)), ("token_refused".into(), "begin".into()));
    }

    #[test]
    fn a_new_value_begins_anew_and_one_written_back_goes_on() {
        let line = Line::default();
        assert_eq!(told(&line, source(1, "r1"), 0), "begin");
        line.settle(granted("t1", 100, Some("r2")), at(0), |_| true).unwrap();
        assert_eq!(told(&line, source(2, "r2"), 1), "t1", "written back");
        assert_eq!(told(&line, source(1, "r1"), 1), "t1", "a request that began before");
        assert_eq!(told(&line, source(2, "r2"), 99), "begin with r2");
        line.abandon();
        assert_eq!(told(&line, source(3, "r9"), 2), "begin", "set anew by a person");
        line.settle(granted("t9", 100, None), at(2), |_| true).unwrap();
        assert_eq!(told(&line, source(2, "r2"), 3), "t9");
    }

    #[test]
    fn a_token_that_upstream_refuses_is_given_up_but_not_at_once() {
        let (line, vault) = (Line::default(), source(1, "r1"));
        assert_eq!(told(&line, vault, 0), "begin");
        let token = line.settle(granted("t1", 1000, None), at(0), |_| true).unwrap();
        line.refused(&token, at(9));
        assert_eq!(told(&line, vault, 9), "t1");
        line.refused(&token, at(10));
        assert_eq!(told(&line, vault, 10), "begin");
        line.settle(granted("t2", 1000, None), at(10), |_| true).unwrap();
        line.refused(&token, at(30));
        assert_eq!(told(&line, vault, 30), "t2", "another token was refused");
    }
}
