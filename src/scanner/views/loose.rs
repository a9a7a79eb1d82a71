//! A phrase as a reader takes it: whatever stands between two words, white space of any kind and width, markup, escapes, is
//! one space. Done only where a phrase seems to begin.

use std::ops::Range;

use super::map::{Draft, Map};
use super::unicode::{char_at, is_hidden};
use super::{escapes, markup};

/// A wider gap does not stand within a phrase.
const WIDEST: usize = 600;
/// What is read, for each byte that is wanted.
const READ: usize = 3;

/// A phrase, and the way back.
pub(in crate::scanner) struct Loose {
    pub(in crate::scanner) bytes: Vec<u8>,
    map: Map,
}

impl Loose {
    /// Where the first `len` bytes end in the original.
    pub(in crate::scanner) fn end(&self, len: usize) -> usize {
        self.map.back(&(0..len)).end
    }
}

/// Rules look past gaps of so many bytes themselves.
const KNOWN: usize = 6;

/// Is there a gap in this text that rules do not look past themselves?
pub(in crate::scanner) fn is_odd(text: &[u8]) -> bool {
    let mut run = 0;
    for b in text {
        run = if matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'*' | b'#' | b'/' | b'-' | b'>' | b'\\') {
            run + 1
        } else {
            0
        };
        if run > KNOWN {
            return true;
        }
    }
    false
}

/// Up to `len` bytes of what is read from `at` on.
pub(in crate::scanner) fn phrase(text: &[u8], at: usize, len: usize) -> Loose {
    let text = &text[..text.len().min(at + READ * len)];
    let (mut draft, mut at) = (Draft::new(len), at);
    while at < text.len() && draft.bytes.len() < len {
        let gap = gap(text, at);
        let span = at..at + gap.len;
        match gap.reads {
            Some(b" ") if span.len() == 1 && text[at] == b' ' => draft.keep(text, span),
            Some(reads) => draft.put(reads, span),
            None => draft.keep(text, at..at + 1),
        }
        at += gap.len.max(1);
    }
    let (bytes, map) = draft.finish();
    Loose { bytes, map }
}

/// The text from `at` on without its escapes.
pub(in crate::scanner) fn unescaped(text: &[u8], at: usize, len: usize) -> Loose {
    let mut draft = Draft::new(len);
    escapes::decode(text, at..text.len().min(at + len), &mut draft);
    let (bytes, map) = draft.finish();
    Loose { bytes, map }
}

struct Gap {
    len: usize,
    /// None: no gap.
    reads: Option<&'static [u8]>,
}

/// What stands between words at `at`: read as one space, or as nothing.
fn gap(text: &[u8], at: usize) -> Gap {
    let (mut end, mut space) = (at, false);
    while end < text.len() && end - at < WIDEST {
        let Some((len, is_space)) = piece(text, end) else { break };
        end += len;
        space |= is_space;
    }
    let reads = (end > at).then_some(if space { &b" "[..] } else { b"" });
    Gap { len: end - at, reads }
}

/// One character, tag or escape of a gap, and whether a reader sees a space there.
fn piece(text: &[u8], at: usize) -> Option<(usize, bool)> {
    let rest = &text[at..];
    let spelt: &[&[u8]] = &[b"&nbsp;", b"&#160;", b"&#32;", b"&#xa0;", b"\\n", b"\\r", b"\\t", b"%20"];
    match rest[0] {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Some((1, true)),
        b'+' => rest.get(1).filter(|b| b.is_ascii_alphabetic()).map(|_| (1, true)),
        b'<' => markup::element(text, at).map(|(span, breaks): (Range<usize>, bool)| (span.len(), breaks)),
        b'&' | b'\\' | b'%' => spelt.iter().find(|s| rest.starts_with(s)).map(|s| (s.len(), true)),
        0x80.. => {
            let (c, len) = char_at(text, at)?;
            (c.is_whitespace() || is_hidden(c)).then_some((len, c.is_whitespace() || c == '\u{200b}'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_read_whatever_is_between_its_words() {
        for text in [
            "send  the",
            "SEND\tThe",
            "send\u{a0}the",
            "send\n        the",
            "send</b> <i>the",
            "send&nbsp;the",
            "send\\n\\tthe",
        ] {
            assert_eq!(phrase(text.as_bytes(), 0, 100).bytes.to_ascii_lowercase(), b"send the", "{text}");
        }
        let found = phrase(b"send   <b>the</b>\n key.", 0, 100);
        assert_eq!((&*found.bytes, found.end(12)), (&b"send the key."[..], 22));
    }
}
