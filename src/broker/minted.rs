//! Tokens that are out: what finds each of them in what an agent sends and in what upstream reflects, as the vault's values
//! are found. A small matcher of its own, built anew when a token comes, so that no generation of the vault is.

use super::line::Token;
use crate::base::clock::Timestamp;
use crate::vault::scrub::{Echo, Matcher, Needle};
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::sync::Arc;

/// As many are looked for at once, the latest.
const MOST: usize = 64;
/// A token is looked for this long after its end: an answer may reflect it late.
const AFTERWARDS: i64 = 10 * 60 * 1000;

/// The tokens that are out. Swapped whole.
#[derive(Default)]
pub struct Minted {
    set: ArcSwapOption<Set>,
    turn: Mutex<()>,
}

/// Tokens and what finds them; hits name them by index.
pub struct Set {
    /// The tokens.
    pub tokens: Box<[Out]>,
    /// Finds them in every form.
    pub matcher: Matcher,
    /// Finds them as servers reflect.
    pub echo: Echo,
}

/// A token that is out.
#[derive(Clone)]
pub struct Out {
    /// The vault entry of its account.
    pub entry: Arc<str>,
    /// What agents hold in its place.
    pub placeholder: Arc<str>,
    /// The token.
    pub token: Arc<Token>,
}

impl Minted {
    /// The tokens that are out now; `None`: none ever was.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Set>> {
        self.set.load_full()
    }

    /// One more is out, before it goes anywhere. False: it cannot be looked for, and must not be used.
    #[must_use]
    pub fn add(&self, out: Out, now: Timestamp) -> bool {
        let _turn = self.turn.lock();
        let mut tokens: Vec<Out> = self.now().map_or_else(Vec::new, |s| s.tokens.to_vec());
        tokens.retain(|o| o.token.until.0 + AFTERWARDS > now.0);
        tokens.push(out);
        let spare = tokens.len().saturating_sub(MOST);
        tokens.drain(..spare);
        let needles: Vec<Needle<'_>> = tokens
            .iter()
            .zip(0..)
            .map(|(o, secret)| Needle { secret, value: o.token.value.expose(), placeholder: "", mark: 0 })
            .collect();
        let Ok(matcher) = Matcher::compile(&needles) else { return false };
        let values: Vec<_> = tokens.iter().map(|o| (o.token.value.expose(), &*o.placeholder)).collect();
        let echo = Echo::compile(&values);
        self.set.store(Some(Arc::new(Set { tokens: tokens.into(), matcher, echo })));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::broker::call::Granted;
    use crate::broker::line::Line;

    fn out(token: &str, until: i64) -> Out {
        let granted = Granted { token: Secret::from(token), until: Some(Timestamp(until)), rotated: None };
        let token = Line::default().settle(Ok(granted), Timestamp(0), |_| true).unwrap();
        Out { entry: "R".into(), placeholder: "placeholder".into(), token }
    }

    #[test]
    fn tokens_are_found_in_every_form_until_after_their_end() {
        let minted = Minted::default();
        assert!(minted.now().is_none());
        assert!(minted.add(out("first-token-123", 1000), Timestamp(0)));
        assert!(minted.add(out("second-token-456", AFTERWARDS * 2), Timestamp(1)));
        let find = |text: &str| {
            let (mut hits, set) = (Vec::new(), minted.now().unwrap());
            set.matcher.find(text.as_bytes(), &mut hits);
            hits.len()
        };
        let coded = data_encoding::BASE64.encode(b"second-token-456");
        assert_eq!((find("x first-token-123 y"), find(&coded), find("placeholder")), (1, 1, 0));
        assert!(minted.add(out("third-token-7890", AFTERWARDS * 2), Timestamp(AFTERWARDS + 1001)));
        assert_eq!((find("first-token-123"), minted.now().unwrap().tokens.len()), (0, 2));
        for i in 0..MOST {
            assert!(minted.add(out(&format!("token-number-{i:04}"), AFTERWARDS * 2), Timestamp(2)));
        }
        assert_eq!(minted.now().unwrap().tokens.len(), MOST);
    }
}
