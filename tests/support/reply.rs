//! What an origin answers: a script of status, headers, pieces of body, pauses, and how it ends.

use super::codec;
use bytes::Bytes;
use std::time::Duration;

/// One scripted answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) content: Content,
    /// State the length in the head; otherwise chunked, or HTTP/2's own framing.
    pub(crate) sized: bool,
    pub(crate) trailers: Vec<(String, String)>,
    /// Before the head.
    pub(crate) delay: Duration,
    /// Between two pieces.
    pub(crate) gap: Duration,
    pub(crate) end: End,
}

/// Where the body of an answer comes from.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// These pieces.
    Pieces(Vec<Bytes>),
    /// The request's body, once it is there, under its own content type and coding.
    Echo,
    /// The request's body while it arrives.
    Mirror,
    /// The value of this request header, as the body and as `x-reflected`.
    Reflect(String, &'static [&'static str]),
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Clean,
    /// The connection (HTTP/1.1) or stream (HTTP/2) breaks after the last piece.
    Broken,
    /// Nothing more comes, and nothing ends.
    Silent,
}

impl Reply {
    /// A body in one piece, with its length in the head.
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            content: Content::Pieces(vec![body.into()]),
            sized: true,
            trailers: Vec::new(),
            delay: Duration::ZERO,
            gap: Duration::ZERO,
            end: End::Clean,
        }
    }

    /// No body at all.
    pub(crate) fn empty(status: u16) -> Self {
        Self { content: Content::Pieces(Vec::new()), sized: false, ..Self::new("") }.status(status)
    }

    /// Several pieces without a stated length.
    pub(crate) fn pieces<B: Into<Bytes>>(pieces: impl IntoIterator<Item = B>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self { content: Content::Pieces(pieces), sized: false, ..Self::new("") }
    }

    /// `count` times the same piece: large bodies that cost nothing to keep.
    pub(crate) fn repeat(piece: Vec<u8>, count: usize) -> Self {
        let piece = Bytes::from(piece);
        Self { sized: true, ..Self::pieces(vec![piece; count]) }
    }

    /// The request's body, whole.
    pub(crate) fn echo() -> Self {
        Self { content: Content::Echo, sized: false, ..Self::new("") }
    }

    /// The request's body, as it arrives.
    pub(crate) fn mirror() -> Self {
        Self { content: Content::Mirror, sized: false, ..Self::new("") }
    }

    /// The value of a request header, in the body (through these codings) and in the header `x-reflected`.
    pub(crate) fn reflect(header: &str, codings: &'static [&'static str]) -> Self {
        Self { content: Content::Reflect(header.to_owned(), codings), sized: false, ..Self::new("") }
    }

    /// A body in these content codings.
    pub(crate) fn coded(codings: &[&str], body: &[u8]) -> Self {
        Self::new(codec::encode_all(codings, body)).header("content-encoding", &codings.join(", "))
    }

    /// Server-sent events, one a piece.
    pub(crate) fn events(events: &[&str]) -> Self {
        let pieces = events.iter().map(|e| format!("data: {e}\n\n"));
        Self::pieces(pieces).header("content-type", "text/event-stream")
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::new("").status(status).header("location", to)
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// A trailer; over HTTP/1.1 only for a client that said `te: trailers`.
    pub(crate) fn trailer(self, name: &str, value: &str) -> Self {
        let mut reply = self.header("trailer", name);
        reply.trailers.push((name.to_owned(), value.to_owned()));
        reply.sized = false;
        reply
    }

    pub(crate) fn sized(mut self, sized: bool) -> Self {
        self.sized = sized;
        self
    }

    pub(crate) fn delay(mut self, millis: u64) -> Self {
        self.delay = Duration::from_millis(millis);
        self
    }

    pub(crate) fn gap(mut self, millis: u64) -> Self {
        self.gap = Duration::from_millis(millis);
        self
    }

    pub(crate) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}
