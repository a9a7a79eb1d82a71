//! Backslash escapes of JSON, shells and programming languages.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::percent::{nibble, pair};
use super::signs::Signs;

/// `at` is a backslash. Escapes that hide letters or signs are signs; those for white space and quotes are not, as rules know
/// them. Returns where to go on.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    // in strings within strings there are several
    let last = at + text[at + 1..].iter().take(64).take_while(|b| **b == b'\\').count();
    let hides = match text.get(last + 1) {
        Some(b'x' | b'u' | b'U' | b'o' | b'0'..=b'7') => {
            unescape(text, last).is_some_and(|(bytes, _)| is_hidden(bytes.as_slice()))
        }
        // between words
        Some(b't' | b'r') if signs.for_readers() => {
            let next = text.get(last + 2).is_some_and(u8::is_ascii_alphabetic);
            next && text[..at].last().is_some_and(u8::is_ascii_alphabetic)
        }
        // a name in an object within a string
        Some(b'"') => text.get(last + 2) == Some(&b':'),
        // of an address
        Some(b'/') => last > 0 && text[last - 1] == b':',
        _ => false,
    };
    if hides {
        signs.note(View::Escapes, at..last + 2, text.len());
    }
    last + 2
}

/// Not white space, and no control character.
fn is_hidden(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'') || *b >= 0x80)
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while let Some(found) = memchr::memchr(b'\\', &text[at..window.end.max(at)]) {
        let start = at + found;
        let Some((bytes, len)) = unescape(text, start) else {
            at = start + 1;
            continue;
        };
        draft.keep(text, kept..start);
        draft.put(bytes.as_slice(), start..start + len);
        at = start + len;
        kept = at;
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// Up to four bytes.
pub(super) struct Bytes([u8; 4], usize);

impl Bytes {
    pub(super) fn of(c: char) -> Bytes {
        let mut bytes = [0; 4];
        let len = c.encode_utf8(&mut bytes).len();
        Bytes(bytes, len)
    }

    fn one(b: u8) -> Bytes {
        Bytes([b, 0, 0, 0], 1)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

/// What the escape at `at` stands for, and its length.
pub(super) fn unescape(text: &[u8], at: usize) -> Option<(Bytes, usize)> {
    let next = *text.get(at + 1)?;
    let simple = |b: u8| Some((Bytes::one(b), 2));
    match next {
        b'n' => simple(b'\n'),
        b't' => simple(b'\t'),
        b'r' => simple(b'\r'),
        b'f' | b'v' => simple(b' '),
        b'"' | b'\'' | b'\\' | b'/' | b'`' | b'$' => simple(next),
        b'x' if text.get(at + 2) == Some(&b'{') => braced(text, at + 3, 16),
        b'x' => pair(text, at + 2).map(|b| (Bytes::one(b), 4)),
        b'u' if text.get(at + 2) == Some(&b'{') => braced(text, at + 3, 16),
        b'o' if text.get(at + 2) == Some(&b'{') => braced(text, at + 3, 8),
        b'u' => unit(text, at),
        b'U' => Some((Bytes::of(char::from_u32(number(text.get(at + 2..at + 10)?, 16)?)?), 10)),
        b'0'..=b'7' => octal(text, at + 1),
        _ => None,
    }
}

/// `\u0041`, or two of them for a character beyond the first plane.
fn unit(text: &[u8], at: usize) -> Option<(Bytes, usize)> {
    let first = number(text.get(at + 2..at + 6)?, 16)?;
    if !(0xd800..0xe000).contains(&first) {
        return Some((Bytes::of(char::from_u32(first)?), 6));
    }
    let rest = text.get(at + 6..at + 12)?.strip_prefix(b"\\u")?;
    let second = number(rest, 16).filter(|s| (0xdc00..0xe000).contains(s) && first < 0xdc00)?;
    let both = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((Bytes::of(char::from_u32(both)?), 12))
}

fn braced(text: &[u8], from: usize, radix: u32) -> Option<(Bytes, usize)> {
    let len = text.get(from..)?.iter().take(9).position(|b| *b == b'}')?;
    let c = char::from_u32(number(&text[from..from + len], radix)?)?;
    Some((Bytes::of(c), len + 4))
}

fn octal(text: &[u8], from: usize) -> Option<(Bytes, usize)> {
    let digits = text[from..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
    let value = number(&text[from..from + digits], 8)?;
    // `\0` and `\1` alone are more often something else
    (digits >= 2).then_some((Bytes::one(u8::try_from(value).ok()?), digits + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |all, b| {
        let digit = u32::from(nibble(*b)?);
        (digit < radix).then_some(())?;
        all.checked_mul(radix)?.checked_add(digit)
    })
}
