//! `proxy.limits`: what a peer can hold open, and for how long.

use std::time::Duration;

/// Sizes and counts.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one request or response head (431 beyond).
    pub header_bytes: usize,
    /// Header fields in one head.
    pub header_count: usize,
    /// A body up to this is cleared whole before anything of it is passed on; a larger one is scanned as it streams.
    pub whole_body: usize,
    /// Decoded bytes a compressed body may come to, per byte on the wire.
    pub decompression_ratio: usize,
    /// Client connections at once.
    pub connections: usize,
    /// Client connections at once from one address.
    pub connections_per_client: usize,
    /// Requests a second from one client address; 0: no limit.
    pub requests_per_second: u32,
    /// Body bytes a second sent by one client address; 0: no limit.
    pub bytes_per_second: u64,
    /// Streams at once on one HTTP/2 connection.
    pub h2_streams: u32,
    /// Times.
    pub timeouts: Timeouts,
}

/// Times after which a silent peer is let go.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// TLS handshake, either side.
    pub handshake: Duration,
    /// From the first byte of a head to its last; and for the first byte of a connection.
    pub headers: Duration,
    /// Between two frames of a body, and for an idle kept-alive connection.
    pub idle: Duration,
    /// Name resolution and TCP connect.
    pub connect: Duration,
    /// From the request's end to the response's head.
    pub response: Duration,
    /// How long `stop` waits for exchanges in flight.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 * 1024,
            header_count: 100,
            whole_body: 1024 * 1024,
            decompression_ratio: 200,
            connections: 10_000,
            connections_per_client: 5_000,
            requests_per_second: 0,
            bytes_per_second: 0,
            h2_streams: 256,
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            handshake: s(10),
            headers: s(15),
            idle: s(300),
            connect: s(10),
            response: s(600),
            drain: s(10),
        }
    }
}
