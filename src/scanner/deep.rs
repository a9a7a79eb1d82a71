//! What a lane's rules find in the decoded views of a text, as findings in the text itself.

use std::ops::Range;
use std::sync::Arc;

use super::search::{Lane, Look};
use super::views::{self, Kind, Path, Purse, View, Wants};
use super::{Direction, Family, Finding, Surface, coded, covert};

/// More findings than this say nothing new.
const MOST: usize = 256;

/// Below it a finding is only noted, and the search for another way to read the text goes on.
const SETTLES: u8 = 80;

/// A text in which more is encoded than is looked through is none that anybody writes.
const TOO_MANY: &str = "engine.too_many_encodings";

/// Stands for all that was left out, so that nothing hides behind decoys.
fn too_many(direction: Direction, Range { start, end }: Range<usize>) -> Finding {
    let family = if direction == Direction::Request { Family::Secret } else { Family::Injection };
    let (rule, confidence) = (Arc::from(TOO_MANY), coded::confidence(TOO_MANY));
    Finding { rule, family, confidence, start, end, path: Path::PLAIN }
}

/// Is it what somebody wrote there, byte for byte? What views make of look-alikes and of words taken apart is their own.
fn is_faithful(seen: &views::Seen<'_>) -> bool {
    use View::{Base64, Entities, Escapes, Hex, Inflate, Percent, Quoted};
    let faithful = |v| matches!(v, Base64 | Entities | Escapes | Hex | Inflate | Percent | Quoted);
    seen.kind == Kind::Text && seen.path.views().all(faithful)
}

/// Appends to what was found as the text stands (`out[first..]`), and sorts it all.
pub(super) fn find(
    lane: &Lane,
    (direction, surface): (Direction, Surface),
    text: &[u8],
    purse: &mut Purse,
    out: &mut Vec<Finding>,
    first: usize,
) {
    let plain = out.len();
    if plain - first > MOST {
        return;
    }
    let mut here = Vec::new();
    let spent = views::each_within(text, Wants::on(direction, surface), purse, &mut |seen| {
        here.clear();
        lane.look(&Look { path: seen.path, kind: seen.kind, surface }, seen.bytes, &mut here);
        if direction == Direction::Response && surface.is_body() && is_faithful(seen) {
            let plain = here.len();
            covert::find(seen.bytes, &mut here);
            here[plain..].iter_mut().for_each(|f| f.path = seen.path);
        }
        let mut found = false;
        for mut finding in here.drain(..) {
            let span = seen.original(finding.start..finding.end);
            (finding.start, finding.end) = (span.start, span.end);
            let known = out[first..]
                .iter()
                .any(|f| f.rule == finding.rule && f.start < finding.end && finding.start < f.end);
            // what was seen already, or is hardly a finding, does not say that this is the way to read it
            found |= !known && finding.confidence >= SETTLES;
            if !known && out.len() - plain < MOST {
                out.push(finding);
            }
        }
        found
    });
    out.extend(spent.left_out.map(|span| too_many(direction, span)));
    if out.len() > plain {
        out[first..].sort_by(|a, b| (a.start, &a.rule).cmp(&(b.start, &b.rule)));
    }
}
