//! Quoted-printable, as in mail and in parts of multipart bodies.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::percent::pair;
use super::signs::Signs;

/// `=41` alone may be a parameter's value: two of them near each other, or the end of a line, are a sign.
const NEAR: usize = 120;

pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    let end = text.len().min(at + NEAR);
    if is_soft_break(text, at).is_some() && at > 0 && !matches!(text[at - 1], b'=' | b' ' | b'\t' | b'\n') {
        signs.note(View::Quoted, at..at + 1, text.len());
    } else if pair(text, at + 1).is_some() {
        let rest = &text[at + 3..end.max(at + 3)];
        let another = memchr::memchr_iter(b'=', rest).any(|i| pair(text, at + 4 + i).is_some());
        if another {
            signs.note(View::Quoted, at..at + 3, text.len());
        }
    } else if at >= 2 && pair(text, at - 2).is_some() && at >= 5 && text[at - 3] == b'=' {
        signs.note(View::Reversed, at - 2..at + 1, text.len());
    }
    if is_form(&text[at + 1..text.len().min(at + NEAR)]) {
        signs.note(View::Percent, at..at + 1, text.len());
    }
    at + 1
}

/// Words of a form's field, with plus signs for spaces.
fn is_form(value: &[u8]) -> bool {
    let field = value.split(|b| matches!(b, b'&' | b'=' | b' ' | b'\n' | b'"')).next().unwrap_or_default();
    field
        .split(|b| *b == b'+')
        .filter(|word| word.len() > 1 && word.iter().all(u8::is_ascii_alphabetic))
        .count()
        > 2
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
