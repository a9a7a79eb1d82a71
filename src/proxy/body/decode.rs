//! Looks through content codings, stacked ones too, piece by piece and bounded: a few bytes that would become
//! gigabytes are refused, and so is what does not decode.

use super::aws_chunked::Unchunked;
use crate::pipeline::content::Coding;
use std::io::{self, Write};

/// Why a body could not be looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not what it says it is.
    #[error("it does not decode")]
    Malformed,
    /// It is small, and would be very large.
    #[error("it decodes to far more than it is")]
    Bomb,
}

/// Decodes one body.
pub struct Decoder {
    layers: Layer,
    wire: usize,
    decoded: usize,
    ratio: usize,
    /// Does a piece count only when more than it has been decoded? zstd gives a block out when it has all of it.
    pub(in crate::proxy) lags: bool,
}

/// Decoded bytes that are always allowed, whatever the ratio.
const FREE: usize = 4 * 1024 * 1024;

/// Decoded bytes that one piece may come to before it is looked at.
const MOST_AT_ONCE: usize = 64 * 1024 * 1024;

impl Decoder {
    /// Codings in the order they were applied; `ratio`: decoded bytes allowed per byte on the wire.
    ///
    /// # Errors
    /// A decoder that cannot be made.
    pub fn new(codings: &[Coding], ratio: usize) -> Result<Self, DecodeError> {
        let mut layers = Layer::End(Sink::default());
        for coding in codings {
            layers = Layer::wrap(*coding, layers)?;
        }
        Ok(Self { layers, wire: 0, decoded: 0, ratio, lags: codings.contains(&Coding::Zstd) })
    }

    /// Decodes a piece; what it comes to is appended to `out`.
    ///
    /// # Errors
    /// [`DecodeError`]; what was decoded before is there.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.wire += piece.len();
        let allowed = FREE.max(self.wire.saturating_mul(self.ratio)) - self.decoded.min(FREE);
        self.layers.sink().room = allowed.min(MOST_AT_ONCE);
        let written = self.layers.write_all(piece).and_then(|()| self.layers.flush());
        self.collect(&written, out)
    }

    /// The end: what the codings still held back. A body that was cut short is no error; nothing more can follow.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.layers.sink().room = MOST_AT_ONCE;
        let _ = self.layers.flush();
        let _ = self.collect(&Ok(()), out);
    }

    fn collect(&mut self, written: &io::Result<()>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let sink = self.layers.sink();
        let overflowed = sink.overflowed;
        self.decoded += sink.data.len();
        out.append(&mut sink.data);
        match written {
            _ if overflowed => Err(DecodeError::Bomb),
            Ok(()) => Ok(()),
            Err(_) => Err(DecodeError::Malformed),
        }
    }
}

/// Where decoded bytes land, up to what there is room for.
#[derive(Default)]
struct Sink {
    data: Vec<u8>,
    room: usize,
    overflowed: bool,
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.data.len() + buf.len() > self.room {
            self.overflowed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.data.extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One coding over the next. The outermost coding, applied last, is undone first.
enum Layer {
    End(Sink),
    Gzip(Box<flate2::write::MultiGzDecoder<Layer>>),
    Deflate(Box<Deflate>),
    Brotli(Box<Brotli>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Layer>>),
    AwsChunked(Box<Unchunked<Layer>>),
}

/// Largest zstd window that is decoded: what browsers accept.
const ZSTD_WINDOW_LOG: u32 = 23;

impl Layer {
    fn wrap(coding: Coding, inner: Self) -> Result<Self, DecodeError> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(inner))),
            Coding::Deflate => Self::Deflate(Box::new(Deflate::Undecided(Some(inner)))),
            Coding::AwsChunked => Self::AwsChunked(Box::new(Unchunked::new(inner))),
            Coding::Brotli => Self::Brotli(Box::new(Brotli::new(inner))),
            Coding::Zstd => {
                let mut decoder =
                    zstd::stream::write::Decoder::new(inner).map_err(|_| DecodeError::Malformed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| DecodeError::Malformed)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    fn sink(&mut self) -> &mut Sink {
        match self {
            Self::End(sink) => sink,
            Self::Gzip(d) => d.get_mut().sink(),
            Self::Deflate(d) => d.inner().sink(),
            Self::Brotli(d) => d.0.get_mut().inner.sink(),
            Self::Zstd(d) => d.get_mut().sink(),
            Self::AwsChunked(d) => d.get_mut().sink(),
        }
    }
}

impl Write for Layer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = match self {
            Self::End(sink) => sink.write(buf),
            Self::Gzip(d) => d.write(buf),
            Self::Deflate(d) => d.write(buf),
            Self::Brotli(d) => d.write(buf),
            Self::Zstd(d) => d.write(buf),
            Self::AwsChunked(d) => d.write(buf),
        }?;
        // one that has come to its end takes nothing more, and who writes to it must hear that: brotli tries for ever
        if taken == 0 && !buf.is_empty() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(taken) }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::End(sink) => sink.flush(),
            Self::Gzip(d) => d.flush(),
            Self::Deflate(d) => d.flush(),
            Self::Brotli(d) => d.0.flush(),
            Self::Zstd(d) => d.flush(),
            Self::AwsChunked(d) => d.flush(),
        }
    }
}

/// When it wants more, the decoder gives out one buffer of what it has, however much that is. Nothing may wait there: who reads
/// the body has it all.
struct Brotli(brotli::DecompressorWriter<Counted>);

/// What it writes to.
struct Counted {
    inner: Layer,
    written: usize,
}

impl Brotli {
    fn new(inner: Layer) -> Brotli {
        Brotli(brotli::DecompressorWriter::new(Counted { inner, written: 0 }, 4096))
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = self.0.write(buf)?;
        let mut before = None;
        while before != Some(self.0.get_ref().written) {
            before = Some(self.0.get_ref().written);
            let _nothing = self.0.write(&[])?;
        }
        Ok(taken)
    }
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(buf)?;
        self.written += taken;
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// `deflate` is zlib by the book and raw from some servers; the first byte tells.
enum Deflate {
    Undecided(Option<Layer>),
    Zlib(flate2::write::ZlibDecoder<Layer>),
    Raw(flate2::write::DeflateDecoder<Layer>),
}

impl Deflate {
    fn inner(&mut self) -> &mut Layer {
        match self {
            Self::Undecided(inner) => inner.get_or_insert_with(|| Layer::End(Sink::default())),
            Self::Zlib(d) => d.get_mut(),
            Self::Raw(d) => d.get_mut(),
        }
    }

    fn decide(&mut self, first: u8) {
        if let Self::Undecided(inner) = self
            && let Some(inner) = inner.take()
        {
            // zlib: method 8, window at most 32 KiB
            *self = if first & 0x0f == 8 && first >> 4 <= 7 {
                Self::Zlib(flate2::write::ZlibDecoder::new(inner))
            } else {
                Self::Raw(flate2::write::DeflateDecoder::new(inner))
            };
        }
    }
}

impl Write for Deflate {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(first) = buf.first() {
            self.decide(*first);
        }
        match self {
            Self::Undecided(_) => Ok(0),
            Self::Zlib(d) => d.write(buf),
            Self::Raw(d) => d.write(buf),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Undecided(_) => Ok(()),
            Self::Zlib(d) => d.flush(),
            Self::Raw(d) => d.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    }

    fn encode(coding: Coding, data: &[u8]) -> Vec<u8> {
        match coding {
            Coding::Gzip => gzip(data),
            Coding::Deflate => {
                let mut e = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                e.write_all(data).unwrap();
                e.finish().unwrap()
            }
            Coding::Brotli => {
                let mut out = Vec::new();
                brotli::CompressorWriter::new(&mut out, 4096, 4, 20).write_all(data).unwrap();
                out
            }
            Coding::Zstd => zstd::encode_all(data, 3).unwrap(),
            Coding::AwsChunked => {
                let head = format!("{:x}\r\n", data.len());
                [head.as_bytes(), data, b"\r\n0\r\n\r\n"].concat()
            }
        }
    }

    fn decode(codings: &[Coding], wire: &[u8], step: usize) -> Result<Vec<u8>, DecodeError> {
        let mut d = Decoder::new(codings, 200)?;
        let mut out = Vec::new();
        for piece in wire.chunks(step) {
            d.push(piece, &mut out)?;
        }
        d.finish(&mut out);
        Ok(out)
    }

    const ALL: [Coding; 5] =
        [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd, Coding::AwsChunked];

    #[test]
    fn every_coding_and_every_pair_in_any_pieces() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|i| (i * 7919 % 1000).to_string().into_bytes()).collect();
        for a in ALL {
            for b in ALL {
                let wire = encode(b, &encode(a, &text));
                for step in [1, 7, 4096, usize::MAX] {
                    assert_eq!(decode(&[a, b], &wire, step).unwrap(), text, "{a:?} {b:?} {step}");
                }
            }
        }
    }

    #[test]
    fn what_follows_the_end_of_an_inner_coding_is_refused_or_dropped_and_no_decoder_waits_for_it() {
        for a in ALL {
            for b in ALL {
                let wire = encode(b, &[encode(a, b"the text"), vec![b'x'; 9000]].concat());
                for step in [1, usize::MAX] {
                    let decoded = decode(&[a, b], &wire, step);
                    assert!(
                        matches!(decoded.as_deref(), Ok(b"the text") | Err(DecodeError::Malformed)),
                        "{a:?} {b:?} {decoded:?}"
                    );
                }
            }
        }
        let twice = b"\0\0\0\0\x04\x48\xcd\xc9\xe9\x57\xc8\0\0\0\0\0\0\0\0\x19\x17";
        assert_eq!(decode(&[Coding::Brotli; 2], twice, usize::MAX), Err(DecodeError::Malformed));
    }

    #[test]
    fn what_was_pushed_comes_out_at_once() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            let wire = encode(coding, b"event: a\n\n");
            let mut d = Decoder::new(&[coding], 200).unwrap();
            let mut out = Vec::new();
            d.push(&wire[..wire.len() - 4], &mut out).unwrap();
            assert_eq!(out, b"event: a\n\n", "{coding:?}");
        }
    }

    #[test]
    fn of_a_body_cut_short_all_comes_out_that_is_there_whatever_the_pieces() {
        let text: Vec<u8> =
            (0..3000u32).flat_map(|i| format!("{} lines of it, ", i % 7).into_bytes()).collect();
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let wire = encode(coding, &text);
            for part in [2, 3, 5, 9] {
                let cut = &wire[..wire.len() - wire.len() / part];
                let (whole, pieces) = (decode(&[coding], cut, usize::MAX), decode(&[coding], cut, 1));
                assert_eq!(
                    whole.map(|w| w.len()),
                    pieces.map(|p| p.len()),
                    "{coding:?} without one of {part} parts"
                );
            }
        }
    }

    #[test]
    fn raw_deflate_and_concatenated_gzip_members() {
        let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(b"raw deflate").unwrap();
        assert_eq!(decode(&[Coding::Deflate], &e.finish().unwrap(), 3).unwrap(), b"raw deflate");
        assert_eq!(decode(&[Coding::Gzip], &[gzip(b"one "), gzip(b"two")].concat(), 5).unwrap(), b"one two");
    }

    #[test]
    fn bombs_and_rubbish_are_refused() {
        let zeros = vec![0; 300 * 1024 * 1024];
        for coding in [Coding::Gzip, Coding::Zstd] {
            assert_eq!(
                decode(&[coding], &encode(coding, &zeros), 1 << 16).unwrap_err(),
                DecodeError::Bomb,
                "{coding:?}"
            );
        }
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            assert_eq!(
                decode(&[coding], b"\xffnot encoded at all", 4).unwrap_err(),
                DecodeError::Malformed,
                "{coding:?}"
            );
        }
    }
}
