//! Hexadecimal digits: in one run, or in pairs set apart by anything.

use std::ops::Range;

use super::View;
use super::lattice::{Sink, add_plausible};
use super::map::Draft;
use super::percent::{nibble, pair};
use super::plausible::plausible;
use super::run::{Chars, TRIED};
use super::signs::Signs;

/// Fewer digits in a run hold nothing.
pub(super) const LEAST: usize = 16;
/// Fewer pairs set apart hold nothing.
const PAIRS: usize = 8;
/// Between two pairs.
const GAP: usize = 4;

/// A run of hexadecimal digits; where others stand among them (`mixed`), the longest that are not.
pub(super) fn decode(chars: &Chars<'_>, mixed: bool, sink: &mut Sink) -> bool {
    let run = &chars.bytes[..];
    let digits = if mixed { longest(run) } else { 0..run.len() };
    if digits.len() < LEAST {
        return false;
    }
    // a digit that belongs to something else may stand before
    [0, 1].iter().any(|skip| {
        let from = digits.start + skip;
        let start = &run[from..digits.end.min(from + TRIED)];
        bytes(start).is_some_and(|b| plausible(&b, false).is_some())
            && sink.affords(digits.len(), &chars.span())
            && bytes(&run[from..digits.end]).is_some_and(|decoded| {
                add_plausible(sink, &[View::Hex], decoded, chars.map(from..digits.end, 2, 1), digits.len())
            })
    })
}

pub(super) fn longest(run: &[u8]) -> Range<usize> {
    let (mut best, mut from) = (0..0, 0);
    for at in 0..=run.len() {
        if run.get(at).is_none_or(|b| !b.is_ascii_hexdigit()) {
            if at - from > best.len() {
                best = from..at;
            }
            from = at + 1;
        }
    }
    best
}

/// The bytes of a run of digits; an odd last one is dropped.
pub(super) fn bytes(run: &[u8]) -> Option<Vec<u8>> {
    run.as_chunks::<2>().0.iter().map(|pair| byte(*pair)).collect()
}

pub(super) fn byte([a, b]: [u8; 2]) -> Option<u8> {
    Some(nibble(a)? << 4 | nibble(b)?)
}

/// Notes a list of pairs that begins at `at`, if one does; returns its end.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> Option<usize> {
    let (list, _) = list(text, at)?;
    signs.note(View::Hex, list.clone(), text.len());
    Some(list.end)
}

/// Pairs from `at` on, all with the same between them, and from one to the next how far it is.
fn list(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    pair(text, at)?;
    let rest = &text[at + 2..];
    let mut gap = rest.iter().take(GAP).take_while(|b| !b.is_ascii_alphanumeric()).count();
    if rest[gap..].starts_with(b"0x") || rest[gap..].starts_with(b"0X") {
        gap += 2;
    }
    if gap == 0 {
        return None;
    }
    let between = &rest[..gap];
    let (mut end, mut pairs) = (at + 2, 1);
    while text[end..].starts_with(between) && pair(text, end + gap).is_some() {
        end += gap + 2;
        pairs += 1;
    }
    (pairs >= PAIRS).then_some((at..end, gap + 2))
}

/// Decodes the lists of pairs in the window.
pub(super) fn decode_spread(text: &[u8], window: Range<usize>, sink: &mut Sink) {
    let mut at = window.start;
    while at + 1 < window.end {
        let Some((found, period)) = list(text, at) else {
            at += 1;
            continue;
        };
        let mut draft = Draft::new(found.len() / period + 1);
        for from in found.clone().step_by(period) {
            draft.put(pair(text, from).as_slice(), from..from + 2);
        }
        let (decoded, map) = draft.finish();
        add_plausible(sink, &[View::Hex], decoded, map, found.len());
        at = found.end;
    }
}
