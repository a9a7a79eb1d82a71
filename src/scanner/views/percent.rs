//! `%41`, and `+` for a space beside it, as in URLs and forms.

use std::ops::Range;

use super::View;
use super::leet;
use super::map::Draft;
use super::signs::Signs;

/// `%20` hides no letter: it is a sign only beside others.
const NEAR: usize = 24;
/// A form's field is looked at so far.
const FIELD: usize = 96;

/// `at` is `%`. Returns where to go on.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    let mut from = at + 1;
    // `%2541`
    while text[from..].starts_with(b"25") && pair(text, from + 2).is_some() {
        from += 2;
    }
    let Some(byte) = pair(text, from) else { return at + 1 };
    let gap = matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'"');
    let follows = &text[from + 2..text.len().min(from + 2 + NEAR)];
    if !gap && byte != 0 || memchr::memchr(b'%', follows).is_some_and(|i| pair(follows, i + 1).is_some()) {
        signs.note(View::Percent, at..from + 2, text.len());
    }
    from + 2
}

/// `at` is a plus sign between letters: one of a form's field? Returns where to go on.
pub(super) fn plus(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    // alone it is an operator, or a character of base64
    if !text[at + 1..text.len().min(at + NEAR)].contains(&b'+') {
        return at + 1;
    }
    let ends = |b: &u8| matches!(b, b'&' | b'=' | b'"') || *b <= b' ';
    let before = text[..at].iter().rev().take(FIELD).take_while(|b| !ends(b)).count();
    let after = text[at..].iter().take(FIELD).take_while(|b| !ends(b)).count();
    let field = at - before..at + after;
    let word = |w: &&[u8]| w.len() > 1 && (w.iter().all(u8::is_ascii_alphabetic) || leet::is_word(w));
    let parts = || text[field.clone()].split(|b| *b == b'+');
    let apart = parts().count() > 8 && parts().all(|w| w.len() < 2);
    if apart || parts().count() > 2 && parts().filter(|w| word(w)).count() * 2 >= parts().count() {
        signs.note(View::Percent, field.clone(), text.len());
    }
    field.end
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
