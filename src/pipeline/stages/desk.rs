//! What the two stages of obtained credentials work with: tokens, who carries calls for them, and the words for failure.

use crate::audit::Trail;
use crate::base::clock::Timestamp;
use crate::broker::{Error, Token};
use crate::config::{Account, Mode};
use crate::pipeline::exchange::Exchange;
use crate::pipeline::{Caller, Denial, Tokens};
use crate::vault::{Held, Standing};
use std::sync::Arc;

/// Shared by the stages of one configuration.
#[derive(Clone)]
pub struct Desk {
    /// All tokens.
    pub tokens: Arc<Tokens>,
    /// Carries calls.
    pub caller: Arc<dyn Caller>,
    /// Where calls are recorded: without it none is made.
    pub trail: Arc<Trail>,
    /// May anything be put in?
    pub on: bool,
    /// How failures are treated.
    pub mode: Mode,
}

impl Desk {
    /// The account's token; `None` in a rehearsal, which obtains none.
    pub(super) async fn token(
        &self,
        stage: &'static str,
        ex: &Exchange,
        account: &Arc<Account>,
    ) -> Result<Option<Arc<Token>>, Denial> {
        if let Some(code) = ex.vault.sealed {
            let message = "The vault cannot be read, so there is nothing to obtain a token with.";
            return Err(Denial { code, ..Denial::unevaluated(stage, "vault_locked", message) });
        }
        if !self.trail.healthy() && self.mode != Mode::Permissive {
            let message = "The audit cannot be written, so no token is obtained.";
            return Err(Denial::unevaluated(stage, "audit_unwritable", message));
        }
        match self.tokens.token(&self.caller, ex, account).await {
            Ok(token) => Ok(Some(token)),
            Err(Error::Rehearsal) => Ok(None),
            Err(why) => Err(no_token(stage, account, &why)),
        }
    }
}

/// No token: 502 where the endpoint is at fault, 503 where it is what katana was given.
fn no_token(stage: &'static str, account: &Account, why: &Error) -> Denial {
    Denial {
        status: if why.is_upstream() { 502 } else { 503 },
        code: why.code(),
        stage,
        rule: format!("credential:{}", account.entry()).into(),
        message: format!("There is no token for {}: {why}.", account.entry()).into(),
        remedy: why.remedy().into(),
    }
}

/// Is this what an agent holds in place of the entry: its placeholder, or another that is still honoured?
pub(super) fn stands_for(held: &Held, text: &[u8]) -> bool {
    matches!(held.standing(text, Timestamp::now()), Some(Standing::Honoured))
}

/// An entry and its index in the vault generation.
pub(super) fn held<'a>(ex: &'a Exchange, entry: &str) -> Option<(usize, &'a Held)> {
    ex.vault.held.iter().enumerate().find(|(_, h)| *h.name == *entry)
}
