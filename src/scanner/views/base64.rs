//! Base64 in either alphabet, padded or not. A run that is no text from its beginning may hold text further on: four steps
//! are possible, and what is ASCII shows in the characters before they are decoded.

use std::ops::Range;

use super::View;
use super::lattice::{Sink, add_plausible};
use super::plausible::{is_container, plausible};
use super::run::{Chars, TRIED};

const NONE: u8 = 0xff;
/// Fewer bytes of text within something else are chance.
const TEXT: usize = 16;
/// In longer runs only what is ASCII is looked for.
const SHORT: usize = 4096;

/// `inside`: also from further on.
pub(super) fn decode(chars: &Chars<'_>, inside: bool, sink: &mut Sink) -> bool {
    let run = &chars.bytes[..];
    let start = &run[..run.len().min(TRIED)];
    let from_start = bytes(start).is_some_and(|b| plausible(&b, start.len() == run.len()).is_some());
    if from_start {
        if !sink.affords(run.len(), &chars.span()) {
            return true;
        }
        let decoded = bytes(run).unwrap_or_default();
        let container = is_container(&decoded);
        if add_plausible(sink, &[View::Base64], decoded, chars.map(0..run.len(), 4, 3), run.len())
            || container
        {
            return true;
        }
    }
    let mut found = false;
    for step in if inside { 0..4 } else { 0..0 } {
        if run.len() <= SHORT {
            found |= add_texts(chars, step..run.len(), sink);
        } else {
            each_clear(run, step, |range| {
                found |= sink.affords(range.len(), &chars.span())
                    && add_texts(chars, range.start..run.len().min(range.end + 4), sink);
            });
        }
    }
    found
}

/// Adds what is text of what `range` of the characters gives: noise may stand around it.
fn add_texts(chars: &Chars<'_>, range: Range<usize>, sink: &mut Sink) -> bool {
    let (decoded, mut at, mut found) = (bytes(&chars.bytes[range.clone()]).unwrap_or_default(), 0, false);
    for chunk in decoded.utf8_chunks() {
        let valid = chunk.valid();
        let text = valid.trim_matches(|c: char| c.is_control() && !c.is_ascii_whitespace());
        if text.len() >= TEXT {
            let begin = at + valid.len()
                - valid.trim_start_matches(|c: char| c.is_control() && !c.is_ascii_whitespace()).len();
            let from = range.start + begin / 3 * 4 + begin % 3;
            let to = range.end.min(range.start + (begin + text.len()).div_ceil(3) * 4);
            found |= add_plausible(sink, &[View::Base64], text.into(), chars.map(from..to, 4, 3), to - from);
        }
        at += valid.len() + chunk.invalid().len();
    }
    found
}

/// The bytes of a run; what is left of a last group is dropped.
pub(super) fn bytes(run: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(run.len() / 4 * 3 + 2);
    for chars in run.chunks(4) {
        out.extend_from_slice(&group(chars)?.to_be_bytes()[1..chars.len().max(1)]);
    }
    Some(out)
}

/// The three bytes of up to four characters.
pub(super) fn group(chars: &[u8]) -> Option<u32> {
    let (mut bits, mut all) = (0_u32, 0);
    for b in chars {
        let value = VALUES[usize::from(*b)];
        all |= value;
        bits = bits << 6 | u32::from(value & 63);
    }
    (all & 0x80 == 0).then_some(bits << (6 * (4 - chars.len())))
}

/// Do four characters stand for three of ASCII text?
pub(super) fn is_text(chars: &[u8]) -> bool {
    let text = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    group(chars).is_some_and(|bits| bits & 0x80_8080 == 0 && bits.to_be_bytes()[1..].iter().all(text))
}

/// At which of four steps may the characters stand for ASCII? A bit each.
pub(super) fn steps(chars: [u8; 7]) -> u8 {
    let tops = chars.map(|b| TOPS_CLEAR[usize::from(b)]);
    (0..4).fold(0, |all, i| all | (tops[i] & tops[i + 1] >> 1 & tops[i + 2] >> 2 & 1) << i)
}

/// Bits 0 to 2: as the first, second, third of four characters, does it leave the top bit of a byte clear?
static TOPS_CLEAR: [u8; 256] = {
    let (mut clear, mut b) = ([0; 256], 0);
    while b < 256 {
        let value = VALUES[b];
        clear[b] = (value & 0b10_0000 == 0) as u8
            | ((value & 0b1000 == 0) as u8) << 1
            | ((value & 0b10 == 0) as u8) << 2;
        b += 1;
    }
    clear
};

/// Calls `found` with every stretch of characters, in groups of four from `step`, that is ASCII.
fn each_clear(run: &[u8], step: usize, mut found: impl FnMut(Range<usize>)) {
    // the top bits of the three bytes lie in these bits of the four characters
    const TOPS: [u8; 4] = [0b10_0000, 0b00_1000, 0b00_0010, 0];
    let mut from = step;
    for (at, group) in (step..).step_by(4).zip(run.get(step..).unwrap_or_default().chunks(4)) {
        let clear = group.iter().zip(TOPS).all(|(b, top)| VALUES[usize::from(*b)] & top == 0);
        if !clear {
            if at - from >= TEXT / 3 * 4 {
                found(from..at);
            }
            from = at + 4;
        }
    }
    if run.len() >= from + TEXT / 3 * 4 {
        found(from..run.len());
    }
}

static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let (mut values, mut i) = ([NONE; 256], 0);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while i < letters.len() {
        values[letters[i] as usize] = i as u8;
        i += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
}
