//! Markup between the letters or words of a phrase: `ig<b>nore</b> all`. What stands in comments and hidden elements is text
//! like any other, and is kept.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// A longer tag is left where it stands.
const TAG: usize = 512;

/// `at` is `<`: do tags or comments that no reader sees stand within a word, or between words?
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) {
    let blanks = text[..at].iter().rev().take(2).take_while(|b| **b == b' ').count();
    if !text[..at - blanks].last().is_some_and(u8::is_ascii_alphabetic) {
        return;
    }
    let (mut end, mut inline) = (at, true);
    // several may stand there
    while inline && let Some(next) = tag(text, end) {
        inline = is_known(&text[end..next]) && !is_block(&text[end..next]);
        end = next + text[next..].iter().take(2).take_while(|b| **b == b' ').count();
    }
    if inline && end > at && text.get(end).is_some_and(u8::is_ascii_alphabetic) {
        signs.note(View::Markup, at..end, text.len());
    }
}

/// Where the tag or comment at `at` ends.
fn tag(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..text.len().min(at + TAG))?.strip_prefix(b"<")?;
    if let Some(comment) = rest.strip_prefix(b"!--") {
        return memchr::memmem::find(comment, b"-->").map(|len| at + 4 + len + 3);
    }
    let name = rest.strip_prefix(b"/").unwrap_or(rest).first()?;
    (name.is_ascii_alphabetic() || *name == b'!').then_some(())?;
    memchr::memchr2(b'>', b'<', rest).filter(|len| rest[*len] == b'>').map(|len| at + len + 2)
}

/// The tag or comment at `at`, and whether a reader sees a gap there.
pub(super) fn element(text: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let end = tag(text, at).filter(|end| is_known(&text[at..*end]))?;
    Some((at..end, is_block(&text[at..end])))
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

/// Elements that a reader sees a gap at, and those that he does not; of HTML, SVG and office documents. Each list is sorted.
const BLOCKS: &[&str] = &[
    "a:p",
    "article",
    "blockquote",
    "br",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "footer",
    "h",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "w:br",
    "w:p",
];
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "big", "button", "center", "cite", "code", "del", "em", "font", "g", "i",
    "img", "input", "ins", "kbd", "label", "mark", "q", "r", "s", "samp", "small", "span", "strike",
    "strong", "sub", "summary", "sup", "t", "text", "tspan", "tt", "u", "var", "wbr",
];
/// No name in the lists is longer.
const NAME: usize = 12;

/// A comment, or an element of HTML, SVG or office documents. Others, as a rule may look for them, stay.
fn is_known(tag: &[u8]) -> bool {
    let name = name(tag);
    name.starts_with(b"!") || name.contains(&b':') || is_in(BLOCKS, name) || is_in(INLINE, name)
}

/// Does a reader see a gap there?
fn is_block(tag: &[u8]) -> bool {
    is_in(BLOCKS, name(tag))
}

fn is_in(list: &[&str], name: &[u8]) -> bool {
    let mut small = [0; NAME];
    let Some(small) = small.get_mut(..name.len()) else { return false };
    small.copy_from_slice(name);
    small.make_ascii_lowercase();
    list.binary_search_by(|known| known.as_bytes().cmp(small)).is_ok()
}

fn name(tag: &[u8]) -> &[u8] {
    let name = tag[1..].strip_prefix(b"/").unwrap_or(&tag[1..]);
    let len = name.iter().take_while(|b| !matches!(b, b' ' | b'>' | b'/' | b'1'..=b'6' | b'\n')).count();
    &name[..len]
}
