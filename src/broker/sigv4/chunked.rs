//! `aws-chunked` bodies whose chunks are signed: each signature is replaced by one of the real key, in its place, so that
//! not a byte more or less is sent. Chunk by chunk, as the body passes.

use super::sha256_hex;
use super::sign::Seed;

/// Bytes of one chunk that are held until its signature is known; the signature stands in front of them.
const MOST: usize = 16 * 1024 * 1024;
/// Bytes of a line: a chunk's head, or a trailer.
const LONGEST_LINE: usize = 8 * 1024;

/// Why a body is no chain of signed chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is framed otherwise than its head says.
    #[error("its chunks are not framed as aws-chunked")]
    Framing,
    /// One chunk is too large to be held.
    #[error("one of its chunks is larger than 16 MiB")]
    Size,
    /// It ended before its last chunk.
    #[error("it ends before its last chunk")]
    Short,
}

/// Signs the chunks of one body.
pub struct Resigner {
    seed: Seed,
    /// The signature of what came before.
    last: String,
    held: Vec<u8>,
    state: State,
    trailers: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A chunk's head comes.
    Head,
    /// This many bytes of a chunk and the line end behind it, `held` beginning with its head of so many bytes.
    Data {
        head: usize,
        size: usize,
    },
    Trailers,
    Done,
}

impl Resigner {
    /// Takes up from the signature of the head.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let last = seed.signature.clone();
        Self { seed, last, held: Vec::new(), state: State::Head, trailers: String::new() }
    }

    /// Takes bytes in; what can be sent comes out.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        self.held.extend_from_slice(bytes);
        let (mut out, mut at) = (Vec::new(), 0);
        while let Some(used) = self.step(at, &mut out)? {
            at += used;
        }
        self.held.drain(..at);
        if self.held.len() > MOST { Err(Fault::Size) } else { Ok(out) }
    }

    /// The body's end.
    ///
    /// # Errors
    /// [`Fault::Short`] if the last chunk is missing.
    pub fn finish(&self) -> Result<(), Fault> {
        let done = self.held.is_empty() && matches!(self.state, State::Done | State::Trailers);
        // the empty line behind the last chunk is left out by some
        if done { Ok(()) } else { Err(Fault::Short) }
    }

    /// One element from `at` on: how many bytes of it were used; `None`: more must come first.
    fn step(&mut self, at: usize, out: &mut Vec<u8>) -> Result<Option<usize>, Fault> {
        let rest = &self.held[at..];
        match self.state {
            State::Done if rest.is_empty() => Ok(None),
            State::Done => Err(Fault::Framing),
            State::Head => {
                let Some(line) = line(rest)? else { return Ok(None) };
                let (size, _) = chunk_head(line)?;
                if size > MOST {
                    return Err(Fault::Size);
                }
                let head = line.len() + 2;
                self.state = State::Data { head, size };
                Ok(Some(0))
            }
            State::Data { head, size } => {
                // the last chunk has no line end of its own: trailers or an empty line follow
                let whole = head + size + if size == 0 { 0 } else { 2 };
                if rest.len() < whole {
                    return Ok(None);
                }
                let data = &rest[head..head + size];
                if size > 0 && !rest[..whole].ends_with(b"\r\n") {
                    return Err(Fault::Framing);
                }
                let (_, signature_at) = chunk_head(&rest[..head - 2])?;
                let signature = self.chunk_signature(data);
                out.extend_from_slice(&rest[..signature_at]);
                out.extend_from_slice(signature.as_bytes());
                out.extend_from_slice(&rest[signature_at + signature.len()..whole]);
                self.last = signature;
                self.state = if size == 0 { State::Trailers } else { State::Head };
                Ok(Some(whole))
            }
            State::Trailers => self.trailer(at, out),
        }
    }

    fn trailer(&mut self, at: usize, out: &mut Vec<u8>) -> Result<Option<usize>, Fault> {
        let rest = &self.held[at..];
        let Some(line) = line(rest)? else { return Ok(None) };
        let used = line.len() + 2;
        let text = std::str::from_utf8(line).map_err(|_| Fault::Framing)?.trim();
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        if name.eq_ignore_ascii_case("x-amz-trailer-signature") {
            let signature = self.trailer_signature();
            let sent = value.trim();
            if sent.len() != signature.len() {
                return Err(Fault::Framing);
            }
            out.extend_from_slice(String::from_utf8_lossy(line).replace(sent, &signature).as_bytes());
            out.extend_from_slice(b"\r\n");
        } else {
            if text.is_empty() {
                self.state = State::Done;
            } else {
                self.trailers.push_str(&format!("{}:{}\n", name.trim().to_ascii_lowercase(), value.trim()));
            }
            out.extend_from_slice(&rest[..used]);
        }
        Ok(Some(used))
    }

    fn chunk_signature(&self, data: &[u8]) -> String {
        let nothing = sha256_hex(b"");
        self.signature("PAYLOAD", &format!("{nothing}\n{}", sha256_hex(data)))
    }

    fn trailer_signature(&self) -> String {
        self.signature("TRAILER", &sha256_hex(self.trailers.as_bytes()))
    }

    fn signature(&self, what: &str, hashes: &str) -> String {
        let Seed { key, time, scope, .. } = &self.seed;
        key.sign(&format!("AWS4-HMAC-SHA256-{what}\n{time}\n{scope}\n{}\n{hashes}", self.last))
    }
}

/// The line that begins here, without its end; `None`: its end has not come.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, Fault> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST_LINE)]) {
        Some(0) => Err(Fault::Framing),
        Some(end) if bytes[end - 1] == b'\r' => Ok(Some(&bytes[..end - 1])),
        Some(_) => Err(Fault::Framing),
        None if bytes.len() >= LONGEST_LINE => Err(Fault::Framing),
        None => Ok(None),
    }
}

/// `10000;chunk-signature=…`: the size, and where the signature's 64 digits begin.
fn chunk_head(line: &[u8]) -> Result<(usize, usize), Fault> {
    const SIGNATURE: &[u8] = b";chunk-signature=";
    let at = memchr::memmem::find(line, SIGNATURE).ok_or(Fault::Framing)?;
    let size = std::str::from_utf8(&line[..at]).ok().and_then(|t| usize::from_str_radix(t, 16).ok());
    let digits = &line[at + SIGNATURE.len()..];
    if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) && at <= 16 {
        size.map(|s| (s, at + SIGNATURE.len())).ok_or(Fault::Framing)
    } else {
        Err(Fault::Framing)
    }
}
