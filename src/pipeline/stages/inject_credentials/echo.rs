//! Injected values on their way back: found in heads, bodies and trailers, so that the agent gets placeholders.

use crate::pipeline::StageError;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stages::reflected::{self, apart};
use crate::vault::scrub::{Hit, Kind};
use http::HeaderMap;

/// Every echo in a piece of a body, in the forms in which servers reflect, in order and not overlapping; and from where
/// one may be under way.
pub(super) fn in_piece(ex: &Exchange, text: &[u8]) -> (Vec<Hit>, usize) {
    let (mut hits, mut hold) = (Vec::new(), text.len());
    for held in ex.echoing() {
        if let Some(echo) = ex.vault.echo(*held) {
            let mut own = Vec::new();
            hold = hold.min(echo.scan(text, &mut own));
            let secret = u32::try_from(*held).unwrap_or(u32::MAX);
            hits.extend(own.into_iter().map(|h| Hit { secret, ..h }));
        }
    }
    (apart(hits), hold)
}

/// Every echo in a text that is there in full, in any form at all: nothing waits for it, so it can be searched as hard
/// as what goes out.
pub(super) fn in_whole(ex: &Exchange, text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    ex.vault.matcher.find(text, &mut hits);
    hits.retain(|h| h.kind == Kind::Value && ex.echoing().contains(&(h.secret as usize)));
    hits.extend(in_piece(ex, text).0);
    apart(hits)
}

/// Turns echoes in headers back.
pub(super) fn unecho(ex: &Exchange, headers: &mut HeaderMap) -> Result<(), StageError> {
    let find = |text: &[u8]| in_whole(ex, text);
    let back = |hit: &Hit| Some((hit.secret as usize, &*ex.vault.held[hit.secret as usize].placeholder));
    reflected::unecho(ex, headers, find, back)
}
