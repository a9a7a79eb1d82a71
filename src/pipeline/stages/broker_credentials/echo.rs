//! Tokens that are out, in what upstream answers: the agent gets placeholders. Only on hosts that the account is bound to.

use super::outgoing::index;
use crate::broker::minted::Set;
use crate::pipeline::StageError;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Chunk, Edit, Replaced};
use crate::vault::scrub::Hit;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Tokens that this host may reflect.
pub(super) fn reflected(ex: &Exchange) -> Option<Arc<Set>> {
    let set = ex.minted()?;
    set.tokens.iter().any(|out| ex.echoing().contains(&index(ex, out))).then_some(set)
}

/// Takes them out of a piece of a body.
pub(super) fn chunk(ex: &Exchange, chunk: &mut Chunk<'_>) {
    let Some(set) = reflected(ex) else { return };
    let (hits, hold) = if chunk.end && chunk.seen == 0 {
        (in_whole(&set, chunk.text), chunk.text.len())
    } else {
        let mut hits = Vec::new();
        let hold = set.echo.scan(chunk.text, &mut hits);
        (hits, hold)
    };
    chunk.hold_from(hold);
    for hit in hits.iter().filter(|h| chunk.end || h.start < hold) {
        let Some(out) = set.tokens.get(hit.secret as usize) else { continue };
        let with = out.placeholder.as_bytes().into();
        chunk.edits.push(Edit { span: hit.start..hit.end, with, what: Replaced::Echo(index(ex, out)) });
    }
}

/// In a text that is there in full: in any form at all.
fn in_whole(set: &Set, text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    set.matcher.find(text, &mut hits);
    set.echo.scan(text, &mut hits);
    hits.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end)));
    let mut end = 0;
    hits.retain(|h| {
        let keep = h.start >= end;
        end = if keep { h.end } else { end };
        keep
    });
    hits
}

/// Takes them out of headers; a header whose very name holds one goes.
pub(super) fn unecho(ex: &Exchange, set: &Set, headers: &mut HeaderMap) -> Result<(), StageError> {
    let named: Vec<HeaderName> =
        headers.keys().filter(|n| !in_whole(set, n.as_str().as_bytes()).is_empty()).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        let hits = in_whole(set, value.as_bytes());
        if hits.is_empty() {
            continue;
        }
        let (mut text, mut at) = (Vec::new(), 0);
        for hit in &hits {
            let Some(out) = set.tokens.get(hit.secret as usize) else { continue };
            ex.unechoed(index(ex, out));
            text.extend_from_slice(&value.as_bytes()[at..hit.start]);
            text.extend_from_slice(out.placeholder.as_bytes());
            at = hit.end;
        }
        text.extend_from_slice(&value.as_bytes()[at..]);
        *value = HeaderValue::from_bytes(&text)
            .map_err(|_| StageError("an echo could not be taken out".into()))?;
    }
    Ok(())
}
