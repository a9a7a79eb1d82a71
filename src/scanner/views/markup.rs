//! Markup between the letters or words of a phrase: `ig<b>nore</b> all`. What stands in comments and hidden elements is text
//! like any other, and is kept.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// A longer tag is left where it stands.
const TAG: usize = 512;

/// `at` is `<`. Returns where to go on.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    let Some(end) = tag(text, at) else { return at + 1 };
    if !is_known(&text[at..end]) {
        return at + 1;
    }
    let last = text[..at].iter().rev().find(|b| **b != b' ');
    let next = text[end..].iter().find(|b| **b != b' ');
    let word = |b: Option<&u8>| {
        b.is_some_and(|b| b.is_ascii_alphabetic() || *b >= 0x80 || matches!(b, b'<' | b'>' | b'.' | b','))
    };
    if word(last) && word(next) {
        signs.note(View::Markup, at..end, text.len());
    }
    end
}

/// Where the tag or comment at `at` ends.
fn tag(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at + 1..text.len().min(at + TAG)];
    if let Some(comment) = rest.strip_prefix(b"!--") {
        return memchr::memmem::find(comment, b"-->").map(|len| at + 4 + len + 3);
    }
    let name = rest.strip_prefix(b"/").unwrap_or(rest).first()?;
    (name.is_ascii_alphabetic() || *name == b'!').then_some(())?;
    memchr::memchr2(b'>', b'<', rest).filter(|len| rest[*len] == b'>').map(|len| at + len + 2)
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while let Some(found) = memchr::memchr(b'<', &text[at..window.end.max(at)]) {
        let start = at + found;
        at = start + 1;
        let Some(end) = tag(&text[..window.end], start).filter(|end| is_known(&text[start..*end])) else {
            continue;
        };
        draft.keep(text, kept..start);
        // between words that only the tag keeps apart
        let breaks = is_block(&text[start..end]);
        draft.put(if breaks { b" " } else { b"" }, start..end);
        (at, kept) = (end, end);
    }
    draft.keep(text, kept..window.end.max(kept));
}

const BLOCKS: &[&[u8]] = &[
    b"br",
    b"p",
    b"div",
    b"td",
    b"th",
    b"tr",
    b"li",
    b"h",
    b"ul",
    b"ol",
    b"dd",
    b"dt",
    b"dl",
    b"hr",
    b"pre",
    b"table",
    b"tbody",
    b"thead",
    b"section",
    b"article",
    b"header",
    b"footer",
    b"main",
    b"nav",
    b"blockquote",
    b"details",
    b"w:p",
    b"w:br",
    b"a:p",
];
const INLINE: &[&[u8]] = &[
    b"a", b"abbr", b"b", b"big", b"bdi", b"bdo", b"center", b"cite", b"code", b"del", b"em", b"font", b"i",
    b"img", b"ins", b"kbd", b"label", b"mark", b"q", b"s", b"samp", b"small", b"span", b"strike", b"strong",
    b"sub", b"sup", b"summary", b"tt", b"u", b"var", b"wbr", b"button", b"input", b"text", b"tspan", b"g",
    b"t", b"r",
];

/// A comment, or an element of HTML, SVG or office documents. Others, as a rule may look for them, stay.
fn is_known(tag: &[u8]) -> bool {
    let name = name(tag);
    name.starts_with(b"!")
        || name.contains(&b':')
        || BLOCKS.iter().chain(INLINE).any(|n| name.eq_ignore_ascii_case(n))
}

/// Does a reader see a gap there?
fn is_block(tag: &[u8]) -> bool {
    BLOCKS.iter().any(|b| name(tag).eq_ignore_ascii_case(b))
}

fn name(tag: &[u8]) -> &[u8] {
    let name = tag[1..].strip_prefix(b"/").unwrap_or(&tag[1..]);
    let len = name.iter().take_while(|b| !matches!(b, b' ' | b'>' | b'/' | b'1'..=b'6' | b'\n')).count();
    &name[..len]
}
