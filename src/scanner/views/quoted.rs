//! Quoted-printable, as in mail and in parts of multipart bodies.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::percent::pair;
use super::signs::Signs;

/// A line cut within a word is as long, or the word goes on in small letters.
const LINE: usize = 40;

/// `at` is an equals sign: does it hide a letter, or a line's end within a word? Returns where to go on.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    if let Some(len) = is_soft_break(text, at) {
        let (last, next) =
            (text[..at].last().copied().unwrap_or(0), text.get(at + len).copied().unwrap_or(0));
        let line = text[..at].iter().rev().take(LINE).take_while(|b| **b != b'\n').count();
        if next > b' '
            && last > b' '
            && (line >= LINE || last.is_ascii_lowercase() && next.is_ascii_lowercase())
        {
            signs.note(View::Quoted, at..at + 1, text.len());
        }
        return at + len;
    }
    let Some(byte) = pair(text, at + 1) else { return at + 1 };
    // `page=20&size=50` are values: a hidden letter stands among others, or beside another
    let another = text.get(at + 3) == Some(&b'=') && pair(text, at + 4).is_some();
    let last = text[..at].last().is_some_and(u8::is_ascii_alphabetic);
    let within = last && text.get(at + 3).is_some_and(u8::is_ascii_lowercase);
    if another || within && byte.is_ascii_alphabetic() {
        signs.note(View::Quoted, at..at + 3, text.len());
    }
    at + 3
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while let Some(found) = memchr::memchr(b'=', &text[at..window.end.max(at)]) {
        let start = at + found;
        let byte = pair(text, start + 1);
        at = start + 1;
        let Some(len) = byte.map(|_| 3).or_else(|| is_soft_break(text, start)) else { continue };
        draft.keep(text, kept..start);
        draft.put(byte.as_slice(), start..start + len);
        at = start + len;
        kept = at;
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// `=` at the end of a line: its length and the break's.
fn is_soft_break(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at + 1..)? {
        [b'\n', ..] => Some(2),
        [b'\r', b'\n', ..] => Some(3),
        // within a JSON string
        [b'\\', b'r', b'\\', b'n', ..] => Some(5),
        _ => None,
    }
}
