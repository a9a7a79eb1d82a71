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

/// Read at a time. Where one is nothing but the byte that came last, it says nothing, and costs little.
const BLOCK: usize = 4096;
const CHEAP: usize = 16;

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
    if let Some(member) = stream.strip_prefix(b"PK\x03\x04") {
        decode_member(member, at + 4, sink);
    } else if stream.starts_with(b"\x1f\x8b") {
        let mut source = GzDecoder::new(stream);
        let read = read(&mut source, sink.grows());
        add(read, at..text.len() - source.into_inner().len(), sink);
    } else {
        let mut source = ZlibDecoder::new(stream);
        let read = read(&mut source, sink.grows());
        add(read, at..text.len() - source.into_inner().len(), sink);
    }
}

/// A file of a zip archive; `member` begins after the signature.
fn decode_member(member: &[u8], at: usize, sink: &mut Sink) {
    let short = |i: usize| member.get(i..i + 2).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let data = 26 + short(22) + short(24);
    if short(4) == 8
        && let Some(stream) = member.get(data..)
    {
        let mut source = DeflateDecoder::new(stream);
        let read = read(&mut source, sink.grows());
        add(read, at + data..at + member.len() - source.into_inner().len(), sink);
    }
}

/// What a stream gave.
struct Grown {
    /// Without most of what is one byte over and over.
    bytes: Vec<u8>,
    work: usize,
    /// There was no room for all of it.
    cut: bool,
}

/// What comes before a fault is worth a look too.
fn read(mut source: impl Read, room: usize) -> Grown {
    let (mut grown, mut block) = (Grown { bytes: Vec::new(), work: 0, cut: false }, [0; BLOCK]);
    loop {
        let mut len = 0;
        while len < BLOCK
            && let Ok(more @ 1..) = source.read(&mut block[len..])
        {
            len += more;
        }
        if len == 0 {
            return grown;
        }
        let block = &block[..len];
        let same = grown.bytes.last().is_some_and(|last| block.iter().all(|b| b == last));
        grown.work += if same { len / CHEAP } else { len };
        if grown.work > room {
            grown.cut = true;
            return grown;
        }
        if !same {
            grown.bytes.extend_from_slice(block);
        }
    }
}

/// A chance match of a header gives a few bytes of noise.
fn add(grown: Grown, source: Range<usize>, sink: &mut Sink) {
    let Grown { bytes, work, cut } = grown;
    if cut {
        sink.leave_out(&source);
    }
    let (kind, cost) = (plausible(&bytes, true).unwrap_or(Kind::Binary), bytes.len());
    if cost >= 8 {
        sink.grown(work, cost);
        sink.add(View::Inflate, (bytes, Map::Whole(source)), kind, cost);
    }
}
