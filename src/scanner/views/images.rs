//! The text that images carry beside their pixels: PNG's and JPEG's. The pixels are not looked at.

use std::ops::Range;

use super::View;
use super::inflate;
use super::lattice::Sink;
use super::map::Map;
use super::plausible::{Kind, plausible};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
/// More pieces say nothing new.
const MOST: usize = 64;

/// Adds the texts of an image; whether it is one.
pub(super) fn decode(text: &[u8], sink: &mut Sink) -> bool {
    if text.starts_with(PNG) {
        png(text, sink);
    } else if text.starts_with(JPEG) {
        jpeg(text, sink);
    } else {
        return false;
    }
    true
}

fn png(text: &[u8], sink: &mut Sink) {
    let mut at = PNG.len();
    for _ in 0..MOST * 1024 {
        let Some(head) = text.get(at..at + 8) else { break };
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let (start, end) = (at + 8, (at + 8).saturating_add(len).min(text.len()));
        match &head[4..] {
            b"tEXt" => add(text, start..end, sink),
            b"zTXt" | b"iTXt" => {
                let compressed = text[start..end].windows(2).position(super::plausible::is_zlib_head);
                match compressed {
                    Some(i) => {
                        inflate::decode(&text[..end], start + i, sink);
                    }
                    None => add(text, start..end, sink),
                }
            }
            b"eXIf" => add(text, start..end, sink),
            // what stands behind the end is for nobody's eyes
            b"IEND" => {
                add(text, end + 4..text.len(), sink);
                break;
            }
            _ => {}
        }
        at = end.saturating_add(4);
    }
}

fn jpeg(text: &[u8], sink: &mut Sink) {
    let mut at = 2;
    for _ in 0..MOST {
        let Some([0xff, kind, high, low]) = text.get(at..at + 4) else { break };
        let end = (at + 2 + usize::from(*high) * 256 + usize::from(*low)).min(text.len());
        // comments and what programs add
        if matches!(kind, 0xfe | 0xe1..=0xef) {
            add(text, (at + 4).min(end)..end, sink);
        }
        if *kind == 0xda || end <= at + 2 {
            break;
        }
        at = end;
    }
}

/// Adds what is text of a piece.
fn add(text: &[u8], piece: Range<usize>, sink: &mut Sink) {
    let Some(bytes) = text.get(piece.clone()) else { return };
    // names and values are kept apart by zeros
    let mut at = piece.start;
    for part in bytes.split(|b| *b == 0) {
        if let Some(kind @ Kind::Text) = plausible(part, true) {
            sink.add(View::Image, (part.into(), Map::even(at..at + part.len(), 1, 1)), kind, part.len());
        }
        at += part.len() + 1;
    }
}
