//! HTML and XML character references.

use std::ops::Range;

use super::View;
use super::escapes::Bytes;
use super::map::Draft;
use super::signs::Signs;
use super::unicode;

/// The names that stand for ASCII, and the few others that stand between words.
const NAMES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("ZeroWidthSpace", '\u{200b}'),
    ("hyphen", '-'),
    ("dash", '-'),
    ("fjlig", 'f'),
];
/// A reference is no longer.
const LONGEST: usize = 24;

/// `at` is an ampersand. References that hide letters, or rare signs, are signs; those that any page has are not. Returns
/// where to go on.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    if !text.get(at + 1).is_some_and(|b| *b == b'#' || b.is_ascii_alphabetic()) {
        return at + 1;
    }
    let Some((c, len)) = reference(text, at) else { return at + 1 };
    let next = &text[at + len..text.len().min(at + len + LONGEST)];
    let hides = match c {
        // `&amp;#65;`
        '&' => next.first() == Some(&b'#') || reference_follows(next),
        // `&lt;|`
        '<' => next.first().is_some_and(|b| matches!(b, b'|' | b'&' | b'<')),
        // between words
        ' ' if signs.for_readers() => {
            text[..at].last().is_some_and(u8::is_ascii_alphabetic)
                && next.first().is_some_and(u8::is_ascii_alphabetic)
        }
        '>' | '"' | '\'' | '\n' | '\t' | '\r' | ' ' => false,
        _ if c.is_ascii() => true,
        _ => c.is_alphanumeric() || unicode::is_hidden(c),
    };
    if hides {
        signs.note(View::Entities, at..at + len, text.len());
    }
    at + len
}

/// `lt;` and the like.
fn reference_follows(next: &[u8]) -> bool {
    let len = next.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    next.get(len) == Some(&b';') && NAMES.iter().any(|(name, _)| name.as_bytes() == &next[..len])
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while let Some(found) = memchr::memchr(b'&', &text[at..window.end.max(at)]) {
        let start = at + found;
        at = start + 1;
        if let Some((c, len)) = reference(text, start) {
            draft.keep(text, kept..start);
            draft.put(Bytes::of(c).as_slice(), start..start + len);
            at = start + len;
            kept = at;
        }
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// The character and the length of the reference; browsers do without the semicolon after a number.
fn reference(text: &[u8], at: usize) -> Option<(char, usize)> {
    let rest = text.get(at + 1..text.len().min(at + LONGEST))?;
    if let Some(number) = rest.strip_prefix(b"#") {
        let (digits, radix, skip) = match number {
            [b'x' | b'X', hex @ ..] => (hex, 16, 3),
            _ => (number, 10, 2),
        };
        let len = digits.iter().take_while(|b| char::from(**b).is_digit(radix)).count();
        let value =
            std::str::from_utf8(&digits[..len]).ok().and_then(|d| u32::from_str_radix(d, radix).ok())?;
        let end = usize::from(digits.get(len) == Some(&b';'));
        return Some((char::from_u32(value)?, skip + len + end));
    }
    let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    (rest.get(len) == Some(&b';')).then_some(())?;
    let named = NAMES.iter().find(|(name, _)| name.as_bytes() == &rest[..len])?;
    Some((named.1, len + 2))
}
