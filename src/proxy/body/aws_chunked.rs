//! `aws-chunked`, a framing that calls itself a content coding: `SIZE[;chunk-signature=…]`, a line end, so many bytes, a line
//! end, and so on to a chunk of none; then trailers. Only the bytes in the chunks are text.

use std::io::{self, Write};

/// Takes the framing off.
pub(super) struct Unchunked<W> {
    inner: W,
    state: State,
    line: Vec<u8>,
}

enum State {
    Head,
    /// Bytes to come.
    Data(usize),
    /// The line end behind a chunk, and how much of it has come.
    End(usize),
    /// Behind the last chunk.
    Trailers,
}

/// A chunk's head is a number and a signature.
const LONGEST: usize = 1024;

impl<W: Write> Unchunked<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, state: State::Head, line: Vec::new() }
    }

    pub(super) fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Takes what belongs to the state; how many bytes that were.
    fn step(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self.state {
            State::Head => {
                let end = memchr::memchr(b'\n', buf);
                self.line.extend_from_slice(&buf[..end.unwrap_or(buf.len())]);
                if self.line.len() > LONGEST {
                    return Err(malformed());
                }
                if end.is_some() {
                    let size = size(&self.line).ok_or_else(malformed)?;
                    self.line.clear();
                    self.state = if size == 0 { State::Trailers } else { State::Data(size) };
                }
                Ok(end.map_or(buf.len(), |end| end + 1))
            }
            State::Data(left) => {
                let used = left.min(buf.len());
                self.inner.write_all(&buf[..used])?;
                self.state = if used == left { State::End(0) } else { State::Data(left - used) };
                Ok(used)
            }
            State::End(had) => {
                if buf[0] != b"\r\n"[had] {
                    return Err(malformed());
                }
                self.state = if had == 1 { State::Head } else { State::End(1) };
                Ok(1)
            }
            State::Trailers => Ok(buf.len()),
        }
    }
}

/// The number before the first `;`.
fn size(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r")?;
    let digits = line.split(|b| *b == b';').next()?;
    let plain = (1..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    plain.then(|| usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl<W: Write> Write for Unchunked<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while at < buf.len() {
            at += self.step(&buf[at..])?;
        }
        Ok(at)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wire: &[u8], step: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut unchunked = Unchunked::new(&mut out);
        wire.chunks(step).try_for_each(|piece| unchunked.write_all(piece))?;
        Ok(out)
    }

    #[test]
    fn only_what_is_in_the_chunks_is_text() {
        let signature = "0".repeat(64);
        let wire = format!(
            "5;chunk-signature={signature}\r\nhel\r\n\r\nA\r\nlo, world!\r\n0;chunk-signature={signature}\r\nx-amz-checksum-crc32:abc\r\n\r\n"
        );
        for step in [1, 3, 1000] {
            assert_eq!(text(wire.as_bytes(), step).unwrap(), b"hel\r\nlo, world!", "{step}");
        }
        for bad in ["zz\r\n", "5\nhello\r\n", "5\r\nhelloo\r\n", "\r\n", "-1\r\n", &"1".repeat(2000)] {
            assert!(text(bad.as_bytes(), 7).is_err(), "{bad}");
        }
    }
}
