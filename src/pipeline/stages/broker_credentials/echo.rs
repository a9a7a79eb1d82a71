//! Tokens that are out, in what upstream answers: the agent gets placeholders. Only on hosts that the account is bound to.

use super::outgoing::index;
use crate::broker::minted::Set;
use crate::pipeline::StageError;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Chunk, Edit, Replaced};
use crate::pipeline::stages::reflected::{self, apart};
use crate::vault::scrub::Hit;
use http::HeaderMap;
use std::sync::Arc;

/// Tokens that this host may reflect.
pub(super) fn tokens(ex: &Exchange) -> Option<Arc<Set>> {
    let set = ex.minted()?;
    set.tokens.iter().any(|out| ex.echoing().contains(&index(ex, out))).then_some(set)
}

/// Takes them out of a piece of a body.
pub(super) fn chunk(ex: &Exchange, chunk: &mut Chunk<'_>) {
    let Some(set) = tokens(ex) else { return };
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
    apart(hits)
}

/// Takes them out of headers.
pub(super) fn unecho(ex: &Exchange, set: &Set, headers: &mut HeaderMap) -> Result<(), StageError> {
    let find = |text: &[u8]| in_whole(set, text);
    let back = |hit: &Hit| {
        let out = set.tokens.get(hit.secret as usize)?;
        Some((index(ex, out), &*out.placeholder))
    };
    reflected::unecho(ex, headers, find, back)
}
