//! What a client begins to speak: told from the first bytes, which are looked at and put back.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The protocol of a stream's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// A TLS ClientHello.
    Tls,
    /// An HTTP/1 request line.
    Http1,
    /// The HTTP/2 preface.
    Http2,
    /// Anything else: refused, never passed through unseen.
    Unknown,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest method that is taken for one.
const LONGEST_METHOD: usize = 24;

/// What the bytes so far tell; `None`: not yet enough.
pub(super) fn tell(bytes: &[u8]) -> Option<Opening> {
    match bytes {
        [] => None,
        [0x16] => None,
        [0x16, 0x03, ..] => Some(Opening::Tls),
        [0x16, ..] => Some(Opening::Unknown),
        _ if bytes.starts_with(PREFACE) => Some(Opening::Http2),
        _ if PREFACE.starts_with(bytes) => None,
        _ if bytes.starts_with(b"PRI ") => Some(Opening::Unknown),
        _ => {
            let method =
                bytes.iter().take_while(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'_')).count();
            match bytes.get(method) {
                None if method <= LONGEST_METHOD => None,
                Some(b' ') if (1..=LONGEST_METHOD).contains(&method) => Some(Opening::Http1),
                _ => Some(Opening::Unknown),
            }
        }
    }
}

/// Reads until the opening can be told; the bytes stay in `seen`. End of stream before that is `Unknown`.
pub(super) async fn peek(io: &mut (impl AsyncRead + Unpin), seen: &mut BytesMut) -> std::io::Result<Opening> {
    loop {
        if let Some(opening) = tell(seen) {
            return Ok(opening);
        }
        if io.read_buf(seen).await? == 0 {
            return Ok(Opening::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings() {
        for (bytes, want) in [
            (&b""[..], None),
            (b"\x16", None),
            (b"\x16\x03\x01", Some(Opening::Tls)),
            (b"\x16\x02", Some(Opening::Unknown)),
            (b"GE", None),
            (b"GET /", Some(Opening::Http1)),
            (b"PROPFIND /", Some(Opening::Http1)),
            (b"PRI * HTTP", None),
            (PREFACE, Some(Opening::Http2)),
            (b"PRI * HTTP/2.1", Some(Opening::Unknown)),
            (b"SSH-2.0-OpenSSH", Some(Opening::Unknown)),
            (b"\x05\x01\x00", Some(Opening::Unknown)),
            (b"get /", Some(Opening::Unknown)),
            (b" GET /", Some(Opening::Unknown)),
            (&[b'A'; 40], Some(Opening::Unknown)),
        ] {
            assert_eq!(tell(bytes), want, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
