//! What a head says of the body behind it: its type, its codings, its length. Read in one place, so that no two
//! stages read the same header differently.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

/// A coding that can be looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// gzip, x-gzip.
    Gzip,
    /// deflate: zlib, or raw as some send it.
    Deflate,
    /// br.
    Brotli,
    /// zstd.
    Zstd,
    /// aws-chunked: a framing of AWS's that is declared as a coding.
    AwsChunked,
}

/// How a body is encoded, outermost last, as the header lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codings {
    /// Not at all.
    Identity,
    /// By these, in the order they were applied.
    Known(Vec<Coding>),
    /// By something that cannot be looked through.
    Unknown,
}

/// At most this many codings on one body; more is nobody's honest traffic.
const MOST_CODINGS: usize = 4;

/// Reads every `Content-Encoding` line.
#[must_use]
pub fn codings(headers: &HeaderMap) -> Codings {
    let mut list = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let Ok(text) = value.to_str() else { return Codings::Unknown };
        for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let coding = match name.to_ascii_lowercase().as_str() {
                "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                "aws-chunked" => Coding::AwsChunked,
                _ => return Codings::Unknown,
            };
            list.push(coding);
        }
    }
    // the outermost wherever it is listed: AWS writes it first, and frames what the others have made
    list.sort_by_key(|c| *c == Coding::AwsChunked);
    match list.len() {
        0 => Codings::Identity,
        1..=MOST_CODINGS => Codings::Known(list),
        _ => Codings::Unknown,
    }
}

/// What a body is by its first bytes, whatever its head says: gzip, zstd or zlib.
#[must_use]
pub fn sniffed(body: &[u8]) -> Option<Coding> {
    match body {
        [0x1f, 0x8b, 0x08, ..] => Some(Coding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Coding::Zstd),
        [0x78, second, ..] if (0x7800 | u16::from(*second)) % 31 == 0 => Some(Coding::Deflate),
        _ => None,
    }
}

/// The length the head declares, if it declares one.
#[must_use]
pub fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What kind of content the head declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of a known end: JSON, HTML, XML, plain text, forms.
    Text,
    /// Text that comes bit by bit: event streams, NDJSON.
    Stream,
    /// gRPC: framed messages, both ways at once.
    Grpc,
    /// Images, archives, anything else; or nothing declared.
    Other,
}

/// Reads `Content-Type`.
#[must_use]
pub fn kind(headers: &HeaderMap) -> Kind {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return Kind::Other };
    let essence = text.split(';').next().unwrap_or("").trim();
    let is = |n: &str| essence.eq_ignore_ascii_case(n);
    let starts = |n: &str| essence.get(..n.len()).is_some_and(|s| s.eq_ignore_ascii_case(n));
    let ends = |n: &str| {
        essence.len() >= n.len()
            && essence.get(essence.len() - n.len()..).is_some_and(|s| s.eq_ignore_ascii_case(n))
    };
    if is("text/event-stream") || is("application/x-ndjson") || is("application/jsonl") || ends("stream+json")
    {
        Kind::Stream
    } else if starts("application/grpc") {
        Kind::Grpc
    } else if starts("text/")
        || is("application/json")
        || ends("+json")
        || ends("+xml")
        || is("application/xml")
        || is("application/javascript")
        || is("application/x-www-form-urlencoded")
        || is("application/yaml")
    {
        Kind::Text
    } else {
        Kind::Other
    }
}

/// How a body that comes bit by bit is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// `text/event-stream`.
    Events,
    /// A JSON document a line.
    Lines,
}

/// Reads `Content-Type`; none: it is no such body.
#[must_use]
pub fn events(headers: &HeaderMap) -> Option<Events> {
    let sent = |b: &[u8]| {
        headers.get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().to_ascii_lowercase().starts_with(b))
    };
    match kind(headers) {
        Kind::Stream if sent(b"text/event-stream") => Some(Events::Events),
        Kind::Stream => Some(Events::Lines),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: &http::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut h = HeaderMap::new();
        for v in values {
            h.append(name, HeaderValue::from_static(v));
        }
        h
    }

    #[test]
    fn codings_add_up_over_lines() {
        assert_eq!(codings(&with(&CONTENT_ENCODING, &[])), Codings::Identity);
        assert_eq!(codings(&with(&CONTENT_ENCODING, &["identity", ""])), Codings::Identity);
        assert_eq!(
            codings(&with(&CONTENT_ENCODING, &["GZIP, br", "zstd"])),
            Codings::Known(vec![Coding::Gzip, Coding::Brotli, Coding::Zstd])
        );
        assert_eq!(codings(&with(&CONTENT_ENCODING, &["gzip, rot13"])), Codings::Unknown);
        assert_eq!(codings(&with(&CONTENT_ENCODING, &["gzip,gzip,gzip,gzip,gzip"])), Codings::Unknown);
    }

    #[test]
    fn kinds() {
        for (text, want) in [
            ("application/json; charset=utf-8", Kind::Text),
            ("application/problem+json", Kind::Text),
            ("TEXT/HTML", Kind::Text),
            ("text/event-stream", Kind::Stream),
            ("application/grpc+proto", Kind::Grpc),
            ("image/png", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(&with(&CONTENT_TYPE, &[text])), want, "{text}");
        }
    }
}
