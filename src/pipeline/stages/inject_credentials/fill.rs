//! Puts in what was chosen.

use super::choice::Put;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::slot;
use crate::pipeline::{RequestHead, StageError};

/// Fills the slots of a head.
///
/// # Errors
/// When a value cannot stand in its slot.
pub(super) fn head(ex: &Exchange, head: &mut RequestHead, puts: &[Put]) -> Result<(), StageError> {
    for put in puts {
        let Some(secret) = ex.vault.held.get(put.held) else { continue };
        slot::fill(head, &put.slot, &secret.value).map_err(|why| StageError(why.to_owned()))?;
        ex.injected(put.held);
    }
    Ok(())
}
