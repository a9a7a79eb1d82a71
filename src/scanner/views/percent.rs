//! `%41`, and `+` for a space beside it, as in URLs and forms.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    if text[at..].starts_with(b"%PDF-") {
        signs.note(View::Pdf, at..at + 5, text.len());
    }
    if pair(text, at + 1).is_some() {
        signs.note(View::Percent, at..at + 3, text.len());
        return at + 3;
    }
    // written backwards
    if at >= 2 && pair(text, at - 2).is_some() {
        signs.note(View::Reversed, at - 2..at + 1, text.len());
    }
    at + 1
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let form = !text[window.clone()].contains(&b' ');
    let (mut at, mut kept) = (window.start, window.start);
    while at < window.end {
        let step = match text[at] {
            b'%' => pair(text, at + 1).map(|b| (b, 3)),
            b'+' if form => Some((b' ', 1)),
            _ => None,
        };
        let Some((byte, len)) = step else {
            at += 1;
            continue;
        };
        draft.keep(text, kept..at);
        draft.put(&[byte], at..at + len);
        at += len;
        kept = at;
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// Two hexadecimal digits at `at`.
pub(super) fn pair(text: &[u8], at: usize) -> Option<u8> {
    let digits = text.get(at..at + 2)?;
    Some(nibble(digits[0])? << 4 | nibble(digits[1])?)
}

pub(super) fn nibble(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}
