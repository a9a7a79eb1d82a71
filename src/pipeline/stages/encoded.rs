//! Vault values under several encodings: what the derived forms of the matcher do not reach is looked for in the decoded views
//! of a text. Such a value cannot be replaced where it stands; the request is refused.

use std::ops::Range;

use crate::pipeline::exchange::Exchange;
use crate::scanner::views::{self, Path, Wants};
use crate::scanner::{Direction, Surface};
use crate::vault::scrub::{Hit, Kind};

/// A value's hit in a view of `text`, and the view, unless it stands in one of `known`: there it was seen as it is. Costs
/// next to nothing where the text has nothing encoded.
pub(super) fn find(ex: &Exchange, surface: Surface, text: &[u8], known: &[Hit]) -> Option<(Hit, Path)> {
    let (mut hits, mut found) = (Vec::new(), None);
    views::each(text, Wants::on(Direction::Request, surface), &mut |seen| {
        hits.clear();
        ex.vault.matcher.find(seen.bytes, &mut hits);
        let apart = |span: Range<usize>| known.iter().all(|k| k.end <= span.start || span.end <= k.start);
        let new =
            hits.drain(..).find(|h| h.kind != Kind::Placeholder && apart(seen.original(h.start..h.end)));
        if found.is_none() {
            found = new.map(|hit| (hit, seen.path));
        }
        found.is_some()
    });
    found
}
