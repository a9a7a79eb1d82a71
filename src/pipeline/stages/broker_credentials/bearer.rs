//! Puts an account's token where its placeholder stands, or where nothing does.

use super::STAGE;
use crate::base::clock::Timestamp;
use crate::config::Account;
use crate::pipeline::exchange::{Errand, Exchange, Scheme};
use crate::pipeline::slot::{self, Occupant};
use crate::pipeline::stages::claims::held;
use crate::pipeline::stages::desk::Desk;
use crate::pipeline::stages::inject_credentials::refusal;
use crate::pipeline::{Denial, RequestHead, StageError};
use crate::vault::Standing;
use crate::vault::credentials::Binding;

/// Puts it in, or leaves the agent's own credential alone.
pub(super) async fn put(
    desk: &Desk,
    ex: &Exchange,
    head: &mut RequestHead,
    bound: &[&Binding],
) -> Result<Result<(), Denial>, StageError> {
    let open = desk.on && ex.scheme == Scheme::Https;
    let binding = match choose(ex, head, bound, open, desk.on) {
        Err(denial) => return Ok(Err(denial)),
        Ok(None) => return Ok(Ok(())),
        Ok(Some(binding)) => binding,
    };
    let (Some(account), Some((at, _))) = (&binding.account, held(ex, binding)) else { return Ok(Ok(())) };
    match desk.token(STAGE, ex, account).await {
        Err(denial) => return Ok(Err(denial)),
        Ok(None) => {}
        Ok(Some(token)) => {
            slot::fill(head, &binding.slot, &token.value).map_err(|why| StageError(why.to_owned()))?;
            ex.run(Errand::Token(account.clone(), token));
        }
    }
    ex.injected(at, binding.slot.clone());
    Ok(Ok(()))
}

/// The account whose placeholder stands in its slot; or the first of all that are bound, if nothing stands anywhere.
fn choose<'a>(
    ex: &Exchange,
    head: &RequestHead,
    bound: &[&'a Binding],
    open: bool,
    on: bool,
) -> Result<Option<&'a Binding>, Denial> {
    let now = Timestamp::now();
    let mut empty = true;
    for binding in bound {
        let Some((_, secret)) = held(ex, binding) else { continue };
        match slot::occupant(head, &binding.slot) {
            Occupant::Nothing => {}
            Occupant::Unclear => empty = false,
            Occupant::One(text) => {
                empty = false;
                match secret.standing(text.expose(), now).filter(|_| is_token(binding)) {
                    None => {}
                    Some(Standing::Lapsed(alias)) => return Err(refusal::lapsed(secret, alias)),
                    Some(Standing::Honoured) if !open => return Err(refusal::not_injected(on)),
                    Some(Standing::Honoured) => return Ok(Some(binding)),
                }
            }
        }
    }
    let first = bound.iter().find(|b| held(ex, b).is_some()).filter(|b| empty && open && is_token(b));
    Ok(first.copied())
}

fn is_token(binding: &Binding) -> bool {
    binding.account.as_deref().is_some_and(|a| !matches!(a, Account::AwsSigV4(_)))
}
