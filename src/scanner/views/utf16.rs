//! UTF-16 in either order, all of a text.

use std::ops::Range;

use super::View;
use super::escapes::Bytes;
use super::lattice::{Sink, add_plausible};
use super::map::Draft;
use super::plausible::is_utf16;

pub(super) fn begins(text: &[u8]) -> bool {
    is_utf16(text)
}

pub(super) fn decode(text: &[u8], sink: &mut Sink) {
    let start = if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") { 2 } else { 0 };
    if !sink.affords(text.len(), &(0..text.len())) {
        return;
    }
    let big = text.get(start) == Some(&0);
    let unit = |p: &[u8; 2]| if big { u16::from_be_bytes(*p) } else { u16::from_le_bytes(*p) };
    let units = text[start..].as_chunks::<2>().0.iter().map(unit);
    let (mut draft, mut at) = (Draft::new(text.len() / 2), start);
    for c in char::decode_utf16(units) {
        let c = c.unwrap_or('\u{fffd}');
        let span: Range<usize> = at..at + 2 * c.len_utf16();
        draft.put(Bytes::of(c).as_slice(), span.clone());
        at = span.end;
    }
    let (bytes, map) = draft.finish();
    add_plausible(sink, &[View::Utf16], bytes, map, text.len());
}
