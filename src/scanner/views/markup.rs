//! Markup between the letters or words of a phrase: `ig<b>nore</b> all`. What stands in comments and hidden elements is text
//! like any other, and is kept.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;
use super::whitespace::is_letter;

/// A longer tag is left where it stands.
const TAG: usize = 512;

/// `at` is `<`: do tags or comments that no reader sees stand within a word, or between words?
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) {
    let blanks = text[..at].iter().rev().take(2).take_while(|b| **b == b' ').count();
    if !text[..at - blanks].last().is_some_and(|b| is_letter(*b)) {
        return;
    }
    let (mut end, mut inline) = (at, true);
    // several may stand there
    while inline && let Some(next) = tag(text, end) {
        inline = Seen::of(&text[end..next]) == Some(Seen::Nothing);
        end = next + text[next..].iter().take(2).take_while(|b| **b == b' ').count();
    }
    if inline && end > at && text.get(end).is_some_and(|b| is_letter(*b)) {
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
    let end = tag(text, at)?;
    Some((at..end, Seen::of(&text[at..end])? == Seen::Gap))
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while let Some(found) = memchr::memchr(b'<', &text[at..window.end.max(at)]) {
        let start = at + found;
        at = start + 1;
        let Some((Range { end, .. }, breaks)) = element(&text[..window.end], start) else { continue };
        draft.keep(text, kept..start);
        // between words that only the tag keeps apart
        draft.put(if breaks { b" " } else { b"" }, start..end);
        (at, kept) = (end, end);
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// Elements that a reader sees a gap at, and those that he does not; of HTML, SVG and office documents. Each list is sorted.
const BLOCKS: [u128; 29] = packed_all([
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
]);
const INLINE: [u128; 39] = packed_all([
    "a", "abbr", "b", "bdi", "bdo", "big", "button", "center", "cite", "code", "del", "em", "font", "g", "i",
    "img", "input", "ins", "kbd", "label", "mark", "q", "r", "s", "samp", "small", "span", "strike",
    "strong", "sub", "summary", "sup", "t", "text", "tspan", "tt", "u", "var", "wbr",
]);

/// What a reader sees at a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Gap,
    Nothing,
}

impl Seen {
    /// At a comment, or an element of HTML, SVG or office documents. None: others, as a rule may look for them, stay.
    fn of(tag: &[u8]) -> Option<Seen> {
        let name = name(tag);
        let packed = packed(name);
        if packed.is_some_and(|name| BLOCKS.binary_search(&name).is_ok()) {
            return Some(Seen::Gap);
        }
        let inline = packed.is_some_and(|name| INLINE.binary_search(&name).is_ok());
        (inline || name.starts_with(b"!") || name.contains(&b':')).then_some(Seen::Nothing)
    }
}

/// A name as a number, in small letters; numbers have the order of their names.
const fn packed(name: &[u8]) -> Option<u128> {
    let (mut packed, mut i) = (0, 0);
    if name.len() > size_of::<u128>() {
        return None;
    }
    while i < size_of::<u128>() {
        let b = if i < name.len() { name[i].to_ascii_lowercase() } else { 0 };
        packed = packed << 8 | b as u128;
        i += 1;
    }
    Some(packed)
}

const fn packed_all<const N: usize>(names: [&str; N]) -> [u128; N] {
    let (mut all, mut i) = ([0; N], 0);
    while i < N {
        if let Some(name) = packed(names[i].as_bytes()) {
            all[i] = name;
        }
        i += 1;
    }
    all
}

fn name(tag: &[u8]) -> &[u8] {
    let name = tag[1..].strip_prefix(b"/").unwrap_or(&tag[1..]);
    let len = name.iter().take_while(|b| !matches!(b, b' ' | b'>' | b'/' | b'1'..=b'6' | b'\n')).count();
    &name[..len]
}
