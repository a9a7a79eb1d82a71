//! Tokens on demand: one line to each account, and however many wait in it, one call. The call runs on a task of its own,
//! so that a client that goes away does not take a refresh token with it that has just been spent.

use super::Exchange;
use crate::audit::{Decision, Event, Record, Trail};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::broker::minted::Out;
use crate::broker::{Answer, Call, Error, Granted, Line, Minted, Purse, Source, Standing, Token, grant};
use crate::config::Account;
use crate::telemetry::metrics::Metric;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// An answer that is on its way.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

/// Carries calls to token endpoints.
pub trait Caller: Send + Sync + 'static {
    /// Calls, and waits for the answer, not for ever.
    fn call(self: Arc<Self>, call: Call) -> Answering;

    /// Is nobody called, because this is a rehearsal?
    fn rehearses(&self) -> bool {
        false
    }
}

/// Writes a refresh token back that took the place of the vault's.
pub trait Keeper: Send + Sync + 'static {
    /// Sees to it that the entry holds this value; returns at once.
    fn keep(&self, entry: &str, value: Secret);
}

/// All accounts' tokens. Outlives reloads and generations of the vault.
pub struct Tokens {
    waiting: Mutex<HashMap<Arc<Account>, Arc<Waiting>>>,
    minted: Arc<Minted>,
    keeper: Box<dyn Keeper>,
    trail: Arc<Trail>,
}

struct Waiting {
    line: Line,
    /// Changes when a call has ended.
    ended: watch::Sender<()>,
}

impl Tokens {
    /// None yet.
    #[must_use]
    pub fn new(trail: Arc<Trail>, keeper: Box<dyn Keeper>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), minted: Arc::default(), keeper, trail })
    }

    /// The tokens that are out.
    #[must_use]
    pub fn minted(&self) -> Arc<Minted> {
        self.minted.clone()
    }

    /// Forgets accounts that are configured no longer.
    pub fn keep_only(&self, accounts: &[Arc<Account>]) {
        self.waiting.lock().retain(|account, _| accounts.contains(account));
    }

    /// The account's token: the one there is, or one that is obtained now.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn token(
        self: &Arc<Self>,
        caller: &Arc<dyn Caller>,
        ex: &Exchange,
        account: &Arc<Account>,
    ) -> Result<Arc<Token>, Error> {
        if caller.rehearses() {
            return Err(Error::Rehearsal);
        }
        let purse = Purse(&ex.vault.held);
        // a token that is there does not outlive what it was obtained with
        purse.held(account.entry())?;
        let source = Source::of(account, purse, ex.vault.number);
        let waiting = self.waiting(account);
        let mut ended = waiting.ended.subscribe();
        loop {
            ended.mark_unchanged();
            match waiting.line.ask(source, Timestamp::now()) {
                Standing::Good(token) => return Ok(token),
                Standing::Bad(why) => return Err(why),
                Standing::UnderWay => {
                    if ended.changed().await.is_err() {
                        return Err(Error::Interrupted);
                    }
                }
                Standing::Begin(rotated) => {
                    let turn = Turn { at: waiting.clone(), settled: false };
                    let entry = account.entry().to_owned();
                    let placeholder = purse.held(&entry).map(|h| h.placeholder.clone());
                    let call = grant::call(account, purse, rotated.as_ref(), Timestamp::now());
                    let errand = Errand {
                        tokens: self.clone(),
                        account: account.clone(),
                        exchange: ex.id,
                        entry: entry.into(),
                        placeholder: placeholder.unwrap_or_else(|_| "".into()),
                    };
                    tokio::spawn(errand.run(turn, caller.clone(), call));
                }
            }
        }
    }

    /// Upstream refused this token.
    pub fn refused(&self, account: &Arc<Account>, token: &Arc<Token>) {
        self.waiting(account).line.refused(token, Timestamp::now());
    }

    fn waiting(&self, account: &Arc<Account>) -> Arc<Waiting> {
        let mut waiting = self.waiting.lock();
        let new = || Arc::new(Waiting { line: Line::default(), ended: watch::channel(()).0 });
        waiting.entry(account.clone()).or_insert_with(new).clone()
    }
}

/// Whose turn it is. However it ends, the others are told.
struct Turn {
    at: Arc<Waiting>,
    settled: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.settled {
            self.at.line.abandon();
        }
        self.at.ended.send_replace(());
    }
}

/// One call and what follows from it.
struct Errand {
    tokens: Arc<Tokens>,
    account: Arc<Account>,
    exchange: crate::base::id::ExchangeId,
    entry: Arc<str>,
    placeholder: Arc<str>,
}

impl Errand {
    async fn run(self, mut turn: Turn, caller: Arc<dyn Caller>, call: Result<Call, Error>) {
        let (to, asked) = match call {
            Ok(call) => (Some(call.to.clone()), caller.call(call).await),
            Err(why) => (None, Err(why)),
        };
        let now = Timestamp::now();
        let granted = asked.and_then(|answer| grant::read(&self.account, &answer, now));
        let rotated = granted.as_ref().ok().and_then(|g: &Granted| g.rotated.clone());
        let ended = turn.at.line.settle(granted, now, |token| {
            let (entry, placeholder) = (self.entry.clone(), self.placeholder.clone());
            self.tokens.minted.add(Out { entry, placeholder, token: token.clone() }, now)
        });
        turn.settled = true;
        // the record first: who waits finds the outcome written
        self.record(to, ended.as_ref().err());
        drop(turn);
        if let Some(value) = rotated {
            tracing::warn!(
                entry = &*self.entry,
                "the refresh token was replaced by the endpoint; writing it to the vault"
            );
            self.tokens.keeper.keep(&self.entry, value);
        }
    }

    fn record(&self, to: Option<crate::base::host::Authority>, failed: Option<&Error>) {
        let mut record = Record::new(Event::VaultAccess, Timestamp::now());
        record.tool_name = Some("credential.token".into());
        record.subject = Some(self.entry.to_string().into());
        record.exchange = Some(self.exchange);
        if let Some(to) = to {
            record.port = Some(to.port);
            record.host = Some(to.host);
        }
        record.decision = Some(Decision::Allow);
        match failed {
            None => {
                Metric::TokensObtained.inc();
                record.outcome = Some("obtained".into());
            }
            Some(why) => {
                Metric::TokensFailed.inc();
                tracing::warn!(entry = &*self.entry, code = why.code(), %why, "no token");
                record.outcome = Some("failed".into());
                record.code = Some(why.code().into());
                record.reasons = vec![why.to_string().into()];
            }
        }
        if let Err(why) = self.tokens.trail.append(record) {
            tracing::error!(%why, "a token call is not in the audit");
        }
    }
}
