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
            State::Trailers => {
                self.line.extend_from_slice(buf);
                if self.line.len() > LONGEST || !are_trailers(&self.line) {
                    return Err(malformed());
                }
                Ok(buf.len())
            }
        }
    }
}

/// The number before the first `;`, behind which stands a signature or nothing: what else it could be would be looked at by
/// nobody.
fn size(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r")?;
    let end = memchr::memchr(b';', line).unwrap_or(line.len());
    let (digits, signed) = line.split_at(end);
    if !signed.is_empty() {
        let signature = signed.strip_prefix(b";chunk-signature=")?;
        // 64 digits of version 4, up to 144 of version 4A, filled up with asterisks
        let good = signature.len() <= 144 && signature.iter().all(|b| b.is_ascii_hexdigit() || *b == b'*');
        good.then_some(())?;
    }
    let plain = (1..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    plain.then(|| usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

/// Lines of `x-amz-…`, the last perhaps not all there yet; behind an empty one nothing.
fn are_trailers(text: &[u8]) -> bool {
    const NAME: &[u8] = b"x-amz-";
    let mut over = false;
    text.split(|b| *b == b'\n').all(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            over = true;
            return true;
        }
        let known = line.len().min(NAME.len());
        !over && line[..known].eq_ignore_ascii_case(&NAME[..known])
    })
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
    fn nothing_hides_in_the_framing() {
        let hidden = "-----BEGIN PRIVATE KEY-----";
        for bad in [
            format!("0\r\n\r\n{hidden}"),
            format!("0\r\n{hidden}\r\n\r\n"),
            format!("0\r\nx-amz-checksum-crc32:abc\r\n\r\n{hidden}"),
            format!("0\r\nx-amz-checksum-crc32:{}", "a".repeat(2000)),
            format!("1;{hidden}\r\na\r\n0\r\n\r\n"),
            format!("1;chunk-signature={hidden}\r\na\r\n0\r\n\r\n"),
            format!("1;chunk-signature={}\r\na\r\n0\r\n\r\n", "0".repeat(200)),
        ] {
            for step in [1, 7, 5000] {
                assert!(text(bad.as_bytes(), step).is_err(), "{bad}");
            }
        }
        let long = format!("1;chunk-signature={}\r\na\r\n0\r\nx-amz-a:b\n\r\n\r\n", "0".repeat(144));
        assert_eq!(text(long.as_bytes(), 3).unwrap(), b"a");
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
