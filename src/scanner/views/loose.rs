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
    let (text, mut draft) = (&text[..text.len().min(at + READ * len)], Draft::new(len));
    read(text, at, len, |reads, span| match reads {
        Some(reads) => draft.put(reads, span),
        None => draft.keep(text, span),
    });
    let (bytes, map) = draft.finish();
    Loose { bytes, map }
}

/// The first bytes of `phrase`, however many of them fit; returns how many there are.
pub(in crate::scanner) fn phrase_head(text: &[u8], at: usize, len: usize, head: &mut [u8]) -> usize {
    let (text, mut filled) = (&text[..text.len().min(at + READ * len)], 0);
    let most = head.len().min(len);
    read(text, at, most, |reads, span| filled += fill(head, filled, reads.unwrap_or(&text[span])));
    filled
}

/// The first bytes of `unescaped`, likewise.
pub(in crate::scanner) fn unescaped_head(text: &[u8], at: usize, len: usize, head: &mut [u8]) -> usize {
    let (mut at, end, mut filled) = (at, text.len().min(at + len), 0);
    while at < end && filled < head.len() {
        match escapes::unescape(text, at).filter(|_| text[at] == b'\\') {
            Some((bytes, len)) => {
                filled += fill(head, filled, bytes.as_slice());
                at += len;
            }
            None => {
                filled += fill(head, filled, &text[at..=at]);
                at += 1;
            }
        }
    }
    filled
}

fn fill(head: &mut [u8], from: usize, bytes: &[u8]) -> usize {
    let room = &mut head[from..];
    let len = room.len().min(bytes.len());
    room[..len].copy_from_slice(&bytes[..len]);
    len
}

/// Reads up to `len` bytes from `at` on: tells `part` what a gap reads as, or that a part stands there as it is.
fn read(text: &[u8], mut at: usize, len: usize, mut part: impl FnMut(Option<&'static [u8]>, Range<usize>)) {
    let mut done = 0;
    while at < text.len() && done < len {
        let plain = plain(&text[at..text.len().min(at + len - done)]);
        if plain > 0 {
            part(None, at..at + plain);
            (at, done) = (at + plain, done + plain);
            continue;
        }
        let gap = gap(text, at);
        let reads = gap.reads.filter(|reads| *reads != b" " || gap.len > 1 || text[at] != b' ');
        let span = at..at + gap.len.max(1);
        done += reads.map_or(span.len(), <[u8]>::len);
        at = span.end;
        part(reads, span);
    }
}

/// How much stands at the beginning that is no gap, or a single space.
fn plain(text: &[u8]) -> usize {
    let begins = |i: usize| text.get(i).is_none_or(|b| BEGINS[usize::from(*b)]);
    let mut at = 0;
    while at < text.len() && (!begins(at) || text[at] == b' ' && !begins(at + 1)) {
        at += 1;
    }
    at
}

/// What a gap may begin with.
static BEGINS: [bool; 256] = {
    let (mut all, mut b) = ([false; 256], 0);
    while b < 256 {
        all[b] = matches!(
            b as u8,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b'+' | b'<' | b'&' | b'\\' | b'%' | 0x80..
        );
        b += 1;
    }
    all
};

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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_head_is_what_all_of_it_begins_with(parts in proptest::collection::vec(prop_oneof!["[a-z ]{0,9}", Just("</b>".to_owned()), Just("\\n\\t".to_owned()), Just("\\u0041\\x4".to_owned()), Just("\n    # ".to_owned()), Just("&nbsp;é".to_owned()), Just("<p class='x'> + %20".to_owned())], 0..30), len in 0_usize..60) {
            let text = parts.concat();
            let text = text.as_bytes();
            let mut head = [0; 24];
            let filled = phrase_head(text, 0, len, &mut head);
            let whole = phrase(text, 0, len).bytes;
            prop_assert!(whole.starts_with(&head[..filled]) && (filled == head.len() || filled + 1 >= whole.len().min(head.len())));
            let filled = unescaped_head(text, 0, len, &mut head);
            prop_assert!(unescaped(text, 0, len).bytes.starts_with(&head[..filled]));
        }
    }

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
