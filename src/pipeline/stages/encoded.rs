//! Vault values under several encodings: what the derived forms of the matcher do not reach is looked for in the decoded views
//! of a text. Such a value cannot be replaced where it stands; the request is refused. So is one that has more encoded in it
//! than is looked through.

use std::ops::Range;

use crate::pipeline::exchange::Exchange;
use crate::scanner::views::{self, Path, Wants};
use crate::scanner::{Direction, Surface};
use crate::vault::scrub::{Hit, Kind};

/// What the views of a text hold.
pub(super) enum Under {
    /// A value, and the views it was found through.
    Value(Hit, Path),
    /// More than was looked through.
    TooMany,
}

/// What the views of `text` hold, but for what stands in one of `known`: there it was seen as it is. Costs next to nothing
/// where the text has nothing encoded.
pub(super) fn find(ex: &Exchange, text: &[u8], known: &[Hit]) -> Option<Under> {
    let (mut hits, mut found) = (Vec::new(), None);
    // a header may hold all that a body may: only the receiver knows what it is read as
    let spent = views::each(text, Wants::on(Direction::Request, Surface::Body), &mut |seen| {
        hits.clear();
        ex.vault.matcher.find(seen.bytes, &mut hits);
        let apart = |span: Range<usize>| known.iter().all(|k| k.end <= span.start || span.end <= k.start);
        let new =
            hits.drain(..).find(|h| h.kind != Kind::Placeholder && apart(seen.original(h.start..h.end)));
        if found.is_none() {
            found = new.map(|hit| Under::Value(hit, seen.path));
        }
        found.is_some()
    });
    found.or(spent.left_out.map(|_| Under::TooMany))
}
