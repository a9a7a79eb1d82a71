//! Puts an account's token where its placeholder stands, or where nothing does.

use super::STAGE;
use crate::pipeline::exchange::{Errand, Exchange, Scheme};
use crate::pipeline::slot::{self, Occupant};
use crate::pipeline::stages::desk::{Desk, not_put_in, stands_for};
use crate::pipeline::{Denial, RequestHead, StageError};
use crate::vault::credentials::Binding;

/// Puts it in, or leaves the agent's own credential alone.
pub(super) async fn put(
    desk: &Desk,
    ex: &Exchange,
    head: &mut RequestHead,
    binding: &Binding,
) -> Result<Result<(), Denial>, StageError> {
    let (Some(account), Some(at)) = (&binding.account, binding.held) else { return Ok(Ok(())) };
    let Some(held) = ex.vault.held.get(at) else { return Ok(Ok(())) };
    let open = desk.on && ex.scheme == Scheme::Https;
    match slot::occupant(head, &binding.slot) {
        Occupant::Nothing if open => {}
        Occupant::One(text) if stands_for(held, text.expose()) => {
            if !open {
                return Ok(Err(not_put_in(STAGE, desk.on)));
            }
        }
        Occupant::Nothing | Occupant::One(_) | Occupant::Unclear => return Ok(Ok(())),
    }
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
