//! gzip, zlib and the deflated members of zip archives, wherever they begin: so also the streams of a PDF, the parts of
//! office documents, the compressed text of a PNG.

use std::io::Read;
use std::ops::Range;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::View;
use super::lattice::Sink;
use super::map::Map;
use super::plausible::{Kind, is_compressed, is_zlib, plausible};
use super::signs::Signs;

/// What one stream may grow to, for each byte of it and at least.
const GROWTH: usize = 100;
const LEAST: usize = 16 * 1024;

/// Is all of it compressed?
pub(super) fn begins(text: &[u8]) -> bool {
    is_compressed(text)
}

/// `at` is a control character: one of those in a header?
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) {
    let starts = match text[at] {
        0x1f => text[at..].starts_with(b"\x1f\x8b\x08").then_some(at),
        0x03 => at.checked_sub(2).filter(|s| text[*s..].starts_with(b"PK\x03\x04")),
        // zlib says little of itself: only where it is known to stand
        0x00 => (at + 3 < text.len() && is_zlib(&text[at + 1..])
            || text[at + 1..].first() == Some(&0) && is_zlib(&text[at + 2..]))
        .then_some(if is_zlib(&text[at + 1..]) { at + 1 } else { at + 2 }),
        _ => None,
    };
    if let Some(start) = starts.filter(|s| *s > 0) {
        signs.note_compressed(start);
    }
}

pub(super) fn decode(text: &[u8], at: usize, sink: &mut Sink) {
    let Some(stream) = text.get(at..) else { return };
    let limit = sink.room().min(LEAST + GROWTH * stream.len());
    if let Some(member) = stream.strip_prefix(b"PK\x03\x04") {
        decode_member(member, at + 4, limit, sink);
    } else if stream.starts_with(b"\x1f\x8b") {
        let mut source = GzDecoder::new(stream);
        let bytes = read(&mut source, limit);
        add(bytes, at..text.len() - source.into_inner().len(), sink);
    } else {
        let mut source = ZlibDecoder::new(stream);
        let bytes = read(&mut source, limit);
        add(bytes, at..text.len() - source.into_inner().len(), sink);
    }
}

/// A file of a zip archive; `member` begins after the signature.
fn decode_member(member: &[u8], at: usize, limit: usize, sink: &mut Sink) {
    let short = |i: usize| member.get(i..i + 2).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let data = 26 + short(22) + short(24);
    if short(4) == 8
        && let Some(stream) = member.get(data..)
    {
        let mut source = DeflateDecoder::new(stream);
        let bytes = read(&mut source, limit);
        add(bytes, at + data..at + member.len() - source.into_inner().len(), sink);
    }
}

/// What comes before a fault is worth a look too.
fn read(source: impl Read, limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = source.take(limit as u64).read_to_end(&mut bytes);
    bytes
}

/// A chance match of a header gives a few bytes of noise.
fn add(bytes: Vec<u8>, source: Range<usize>, sink: &mut Sink) {
    let (kind, cost) = (plausible(&bytes, true).unwrap_or(Kind::Binary), bytes.len());
    if cost >= 8 {
        sink.add(View::Inflate, (bytes, Map::Whole(source)), kind, cost);
    }
}
