//! Puts in what was chosen: into the head at once, into a body when it is there in full.

use super::choice::{Put, uses};
use super::refusal;
use crate::base::clock::Timestamp;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::slot;
use crate::pipeline::stage::{Chunk, Edit, Replaced};
use crate::pipeline::stages::claims::bound_as_sent;
use crate::pipeline::{Denial, RequestHead, StageError};

/// Fills the slots of a head.
///
/// # Errors
/// When a value cannot stand in its slot.
pub(super) fn head(ex: &Exchange, head: &mut RequestHead, puts: &[Put]) -> Result<(), StageError> {
    for put in puts {
        let Some(secret) = ex.vault.held.get(put.held) else { continue };
        slot::fill(head, &put.slot, &secret.value).map_err(|why| StageError(why.to_owned()))?;
        ex.injected(put.held, put.slot.clone());
    }
    Ok(())
}

/// Adds an edit for each placeholder in a slot of the body. A body that is not there in full has none: a placeholder in it
/// was refused where it was found.
///
/// # Errors
/// When a value cannot stand in its slot.
pub(super) fn body(ex: &Exchange, chunk: &mut Chunk<'_>, on: bool) -> Result<Option<Denial>, StageError> {
    let Some(slots) = ex.body_slots().filter(|_| chunk.whole) else { return Ok(None) };
    let now = Timestamp::now();
    for stands in slots.find(chunk.text) {
        if let Some(code) = ex.vault.sealed {
            let binding = bound_as_sent(ex).into_iter().nth(stands.of);
            match binding.filter(|b| b.grammar.fits(stands.value.expose())) {
                Some(binding) => return Ok(Some(refusal::unread(code, &binding.secret))),
                None => continue,
            }
        }
        let Some(secret) = ex.vault.held.get(stands.of) else { continue };
        match uses(ex, secret, &stands.value, now, on) {
            Err(denial) => return Ok(Some(denial)),
            Ok(false) => {}
            Ok(true) => {
                let with = slots.written(&secret.value).map_err(|why| StageError(why.to_owned()))?;
                let what = Replaced::Placeholder { held: stands.of, nth: stands.nth };
                chunk.edits.push(Edit { span: stands.span, with, what });
            }
        }
    }
    Ok(None)
}
