//! Tokens that are out, in what an agent sends: it never held one, so each has come back to it some way katana did not see.
//! Treated as the vault's values are.

use super::STAGE;
use crate::broker::minted::{Out, Set};
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Chunk, ChunkVerdict, Edit, Replaced};
use crate::pipeline::stages::desk;
use crate::pipeline::stages::head_text::{Field, HeadText, apply, with_head};
use crate::pipeline::{Denial, RequestHead};
use crate::vault::scrub::Hit;
use http::{HeaderMap, Uri};
use std::ops::Range;

type Placed = Vec<(Hit, Vec<(Field, Range<usize>)>)>;

/// Takes them out of a head.
pub(super) fn head(ex: &Exchange, head: &mut RequestHead, blocks: bool) -> Result<(), Denial> {
    let Some(set) = ex.minted() else { return Ok(()) };
    let placed = with_head(head, |text| placed(&set, text, &head.headers));
    take_out(ex, &set, Some(&mut head.uri), &mut head.headers, &placed, blocks)
}

/// Takes them out of trailers.
pub(super) fn fields(ex: &Exchange, trailers: &mut HeaderMap, blocks: bool) -> Result<(), Denial> {
    let Some(set) = ex.minted() else { return Ok(()) };
    let placed = placed(&set, &HeadText::write(Vec::new(), None, trailers), trailers);
    take_out(ex, &set, None, trailers, &placed, blocks)
}

/// Takes them out of a body.
pub(super) fn chunk(ex: &Exchange, chunk: &mut Chunk<'_>, blocks: bool) -> ChunkVerdict {
    let Some(set) = ex.minted() else { return ChunkVerdict::Forward };
    let mut hits = Vec::new();
    if chunk.end {
        set.matcher.find(chunk.text, &mut hits);
    } else {
        let hold = set.matcher.scan(chunk.text, &mut hits);
        chunk.hold_from(hold);
        hits.retain(|h| h.start < hold);
    }
    for hit in hits {
        let Some(out) = set.tokens.get(hit.secret as usize) else { continue };
        if blocks {
            return ChunkVerdict::Abort(blocked(out, "request body"));
        }
        let with = out.placeholder.as_bytes().into();
        chunk.edits.push(Edit { span: hit.start..hit.end, with, what: Replaced::Token(index(ex, out)) });
    }
    ChunkVerdict::Forward
}

/// The token's entry in this generation of the vault; one that is gone has no index, and no name in the record.
pub(super) fn index(ex: &Exchange, out: &Out) -> usize {
    desk::held(ex, &out.entry).map_or(usize::MAX, |(at, _)| at)
}

fn placed(set: &Set, text: &HeadText, headers: &HeaderMap) -> Placed {
    let mut hits = Vec::new();
    set.matcher.find(text.text(), &mut hits);
    let fields = |h: Hit| {
        let fields = text.fields(headers, &(h.start..h.end));
        (h, fields)
    };
    hits.into_iter().map(fields).collect()
}

fn take_out(
    ex: &Exchange,
    set: &Set,
    uri: Option<&mut Uri>,
    headers: &mut HeaderMap,
    placed: &Placed,
    blocks: bool,
) -> Result<(), Denial> {
    let mut edits: Vec<(Field, Range<usize>, &str)> = Vec::new();
    for (hit, fields) in placed {
        let Some(out) = set.tokens.get(hit.secret as usize) else { continue };
        match fields.as_slice() {
            [(field, span)] if !blocks => {
                ex.scrubbed(index(ex, out));
                edits.push((field.clone(), span.clone(), &out.placeholder));
            }
            _ => return Err(blocked(out, "request head")),
        }
    }
    let failed = |_| Denial::unevaluated(STAGE, "scrub_failed", "A field could not be scrubbed.");
    apply(uri, headers, &edits).map_err(failed)
}

fn blocked(out: &Out, place: &str) -> Denial {
    Denial::forbidden(
        STAGE,
        "secret_blocked",
        format!("vault:{}", out.entry),
        format!("A token obtained for {} stands in the {place}.", out.entry),
        "Leave it out; where a credential belongs, send its placeholder and katana puts the token in.",
    )
}
