//! The text of PDF pages: what stands in strings between text operators, put together as a reader does. Compressed streams
//! are inflated here, as their beginnings are known.

use super::View;
use super::lattice::{Sink, add_plausible};
use super::map::Draft;
use super::{inflate, percent};

/// In a `TJ` array, a larger step back is a space.
const SPACE: i32 = -150;

/// So far behind a file's beginning the mark may stand.
const BEGINNING: usize = 1024;

pub(super) fn begins(text: &[u8]) -> bool {
    memchr::memmem::find(&text[..text.len().min(BEGINNING)], b"%PDF-").is_some()
}

/// Inflates the streams of a document.
pub(super) fn decode(text: &[u8], sink: &mut Sink) {
    for found in memchr::memmem::find_iter(text, b"stream") {
        let after = found + 6;
        let skip = text[after..].iter().take(2).take_while(|b| matches!(b, b'\r' | b'\n')).count();
        if super::plausible::is_zlib(&text[after + skip..]) && !text[..found].ends_with(b"end") {
            inflate::decode(text, after + skip, sink);
        }
    }
}

/// Are there operators that show text?
pub(super) fn shows(text: &[u8]) -> bool {
    [&b") Tj"[..], b")Tj", b"] TJ", b"]TJ", b"> Tj", b">Tj"]
        .iter()
        .any(|op| memchr::memmem::find(text, op).is_some())
}

/// The shown strings, one after the other.
pub(super) fn decode_page(text: &[u8], sink: &mut Sink) {
    if !sink.affords(text.len(), &(0..text.len())) {
        return;
    }
    let (mut draft, mut at, mut in_array) = (Draft::new(text.len() / 2), 0, false);
    while at < text.len() {
        match text[at] {
            b'[' => in_array = true,
            b']' => in_array = false,
            b'(' => {
                at = string(text, at + 1, &mut draft);
                continue;
            }
            b'<' if text.get(at + 1) != Some(&b'<') => {
                at = digits(text, at + 1, &mut draft);
                continue;
            }
            b'-' if in_array => {
                let len = text[at + 1..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
                let step = std::str::from_utf8(&text[at..=at + len]).ok().and_then(|n| n.parse::<i32>().ok());
                if step.is_some_and(|s| s < SPACE) {
                    draft.put(b" ", at..at + 1);
                }
            }
            // moves to the next line, or ends the text
            b'T' if matches!(text.get(at + 1), Some(b'd' | b'D' | b'*' | b'm')) => {
                draft.put(b" ", at..at + 2);
            }
            _ => {}
        }
        at += 1;
    }
    let (bytes, map) = draft.finish();
    add_plausible(sink, &[View::Pdf], bytes, map, text.len());
}

/// A string in parentheses; returns its end.
fn string(text: &[u8], mut at: usize, draft: &mut Draft) -> usize {
    let mut depth = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => {
                at += 1;
                if let Some(b) = text.get(at) {
                    draft.put(&[*b], at - 1..at + 1);
                }
            }
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth -= 1,
            b => draft.put(&[b], at..at + 1),
        }
        at += 1;
    }
    at
}

/// A string of hexadecimal digits; returns its end.
fn digits(text: &[u8], mut at: usize, draft: &mut Draft) -> usize {
    while let Some(b) = percent::pair(text, at) {
        if b != 0 {
            draft.put(&[b], at..at + 2);
        }
        at += 2;
    }
    at
}
