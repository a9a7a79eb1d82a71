//! A long word: which alphabet it may be of, and what it gives. Where no alphabet gives anything, it may be written backwards
//! or with its letters moved.

use std::borrow::Cow;
use std::ops::Range;

use super::lattice::Sink;
use super::map::{Anchor, Map};
use super::plausible::Kind;
use super::promise::{Makeup, promises};
use super::sweep::in_word;
use super::{View, base32, base58, base64, hex, shift};

/// Shorter words are not tried in disguise.
const WORD: usize = 20;
/// A line of a wrapped run has at least so many characters, but for the last.
const LINE: usize = 8;
/// What a try at a run looks at.
pub(super) const TRIED: usize = 32;

/// Decodes what is in the word, and in the lines that go on with it; returns where it ends.
pub(super) fn decode(text: &[u8], span: Range<usize>, sink: &mut Sink) -> usize {
    // the end of a line before it, as JSON writes it
    let escaped = text[..span.start].ends_with(b"\\") && matches!(text[span.start], b'n' | b'r' | b't');
    let span = span.start + usize::from(escaped)..span.end;
    let made = Makeup::of(&text[span.clone()]);
    let chars = Chars::gather(text, span);
    if !try_all(&made, &chars, sink) && chars.bytes.len() >= WORD && made.looks_random() {
        disguised(text, &chars, sink);
    }
    chars.end
}

/// Backwards, or with its letters moved, the run may give something.
fn disguised(text: &[u8], chars: &Chars<'_>, sink: &mut Sink) {
    let start = chars.span().start;
    // padding comes first, read backwards
    let before = text[..start].iter().rev().take(6).take_while(|b| **b == b'=').count();
    let whole = start - before..chars.end;
    let turned: Vec<u8> = chars.bytes.iter().rev().take(2 * TRIED).copied().collect();
    // turned round or moved again, it is what could be had at once
    if promises(&turned) && sink.last() != Some(View::Reversed) {
        shift::decode(View::Reversed, text, whole, sink);
        return;
    }
    let beginning = &chars.bytes[..chars.bytes.len().min(2 * TRIED)];
    if matches!(sink.last(), Some(View::Rot13 | View::Caesar)) {
        return;
    }
    let all = if sink.is_deep() { 1..26 } else { 13..14 };
    if let Some(by) = all.into_iter().find(|by| promises(&shift::moved(beginning, *by))) {
        let moved = shift::moved(&text[whole.clone()], by);
        sink.add(shift::view(by), (moved, Map::even(whole.clone(), 1, 1)), Kind::Text, whole.len());
    }
}

/// Adds what the first alphabet gives that gives anything.
fn try_all(made: &Makeup, chars: &Chars<'_>, sink: &mut Sink) -> bool {
    let one_case = made.one_case();
    // digits among other characters may be chance, and the rest something else
    let hex = made.digits > 0 && hex::decode(chars, made.beyond_f, sink);
    let wide = !one_case || chars.bytes.len() >= 40;
    if hex && !made.beyond_f
        || one_case && made.signs == 0 && (made.digits > 0 || made.lower == 0) && base32::decode(chars, sink)
        || wide && base64::decode(chars, sink)
    {
        return true;
    }
    let inside = wide && made.looks_random() && base64::decode_inside(chars, sink);
    let number = made.signs == 0 && made.digits > 0 && !one_case && base58::decode(chars, sink);
    hex || inside || number
}

/// The characters of a run, wrapped or not.
pub(super) struct Chars<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// `(first character, where it stands)` of each line.
    lines: Vec<(usize, usize)>,
    /// One past the last, padding included.
    pub(super) end: usize,
}

impl Chars<'_> {
    /// The run at `span`, and the lines that continue it.
    fn gather(text: &[u8], span: Range<usize>) -> Chars<'_> {
        let (mut bytes, mut lines, mut end) =
            (Cow::Borrowed(&text[span.clone()]), vec![(0, span.start)], span.end);
        let (width, mut last) = (span.len(), span.len());
        while width >= LINE && last == width {
            let Some(next) = next_line(text, end) else { break };
            if next.len() > width {
                break;
            }
            last = next.len();
            lines.push((bytes.len(), next.start));
            bytes.to_mut().extend_from_slice(&text[next.clone()]);
            end = next.end;
        }
        end += text[end..].iter().take(6).take_while(|b| **b == b'=').count();
        Chars { bytes, lines, end }
    }

    /// The way back from what `range` of the characters gave, `out` bytes for each `inn` of them.
    pub(super) fn map(&self, range: Range<usize>, inn: usize, out: usize) -> Map {
        let first = self.lines.partition_point(|(i, _)| *i <= range.start).saturating_sub(1);
        let (line, source) = self.lines[first];
        let mut anchors = vec![Anchor { decoded: 0, source: source + range.start - line }];
        for (i, source) in self.lines[first + 1..].iter().take_while(|(i, _)| *i < range.end) {
            anchors.push(Anchor { decoded: (i - range.start) * out / inn, source: *source });
        }
        Map::Pieces { anchors, inn, out, end: self.end }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.lines.first().map_or(0, |(_, at)| *at)..self.end
    }
}

/// The word that is all of the next line; a line may also end as JSON writes it.
fn next_line(text: &[u8], at: usize) -> Option<Range<usize>> {
    let trailing = text[at..].iter().take(4).take_while(|b| **b == b' ').count();
    let (at, rest) = (at + trailing, &text[at + trailing..]);
    let breaks: [&[u8]; 8] = [b"\r\n", b"\n", b"\\r\\n", b"\\n", b"%0D%0A", b"%0A", b"%0d%0a", b"%0a"];
    let skip = breaks.iter().find(|b| rest.starts_with(b))?.len();
    let indent = rest[skip..].iter().take(16).take_while(|b| matches!(b, b' ' | b'\t')).count();
    let start = at + skip + indent;
    let len = text[start..].iter().take_while(|b| in_word(**b) != 0).count();
    let after = text.get(start + len).copied().unwrap_or(b'\n');
    let rule = text[start..].starts_with(b"--");
    (len > 0 && !rule && !matches!(after, b' ' | b',' | b'.' | b':' | b'(' | b')'))
        .then_some(start..start + len)
}
