//! Injected values on their way back: found in heads, bodies and trailers, so that the agent gets placeholders.

use crate::pipeline::StageError;
use crate::pipeline::exchange::Exchange;
use crate::vault::scrub::{Hit, Kind};
use http::{HeaderMap, HeaderName, HeaderValue};

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

/// Hits in order; of those that overlap, the one that begins first and reaches farthest.
fn apart(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end)));
    let mut end = 0;
    hits.retain(|h| {
        let keep = h.start >= end;
        end = if keep { h.end } else { end };
        keep
    });
    hits
}

/// Turns echoes in headers back; a header whose very name holds one goes.
pub(super) fn unecho(ex: &Exchange, headers: &mut HeaderMap) -> Result<(), StageError> {
    let named: Vec<HeaderName> =
        headers.keys().filter(|n| !in_whole(ex, n.as_str().as_bytes()).is_empty()).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        let hits = in_whole(ex, value.as_bytes());
        if hits.is_empty() {
            continue;
        }
        let (mut out, mut at) = (Vec::new(), 0);
        for hit in &hits {
            ex.unechoed(hit.secret as usize);
            out.extend_from_slice(&value.as_bytes()[at..hit.start]);
            out.extend_from_slice(ex.vault.held[hit.secret as usize].placeholder.as_bytes());
            at = hit.end;
        }
        out.extend_from_slice(&value.as_bytes()[at..]);
        *value =
            HeaderValue::from_bytes(&out).map_err(|_| StageError("an echo could not be taken out".into()))?;
    }
    Ok(())
}
