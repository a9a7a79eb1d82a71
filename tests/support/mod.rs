//! What the integration tests are built from: an origin, a katana, clients, and an oracle that knows nothing of `src`.

pub(crate) mod pki;
pub(crate) mod random;
pub(crate) mod codec;
pub(crate) mod forms;
pub(crate) mod oracle;
pub(crate) mod reply;
pub(crate) mod feed;
pub(crate) mod wiretap;
pub(crate) mod origin;
pub(crate) mod scripted;
pub(crate) mod katana;
pub(crate) mod config;
pub(crate) mod client;
pub(crate) mod raw;
mod selftest;

pub(crate) use client::{Answer, Ask, Client, Session};
pub(crate) use katana::{Katana, katana};
pub(crate) use origin::{Origin, Received, origin};
pub(crate) use raw::Raw;
pub(crate) use reply::Reply;

use std::time::{Duration, Instant};

/// The longest a test waits for something that must happen. Reaching it is a failure, never a measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// HTTP/1.1 or HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Proto {
    /// HTTP/1.1.
    H1,
    /// HTTP/2.
    H2,
}

impl Proto {
    /// Its name in ALPN.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::H1 => b"http/1.1",
            Self::H2 => b"h2",
        }
    }
}

/// Client side and origin side, all four.
pub(crate) const CROSSINGS: [(Proto, Proto); 4] =
    [(Proto::H1, Proto::H1), (Proto::H1, Proto::H2), (Proto::H2, Proto::H1), (Proto::H2, Proto::H2)];

/// Asks again and again until there is an answer; fails after [`PATIENCE`].
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a future on a runtime of its own.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let out = runtime.block_on(async { tokio::time::timeout(PATIENCE * 20, future).await });
    runtime.shutdown_background();
    out.expect("the test hangs")
}

/// A header's value as text, empty if there is none.
pub(crate) fn header<'a>(headers: &'a http::HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |v| v.to_str().unwrap_or("(not text)"))
}

/// Megabytes of the large download: `KATANA_TEST_DOWNLOAD_MB`, 16 unless told otherwise.
pub(crate) fn download_megabytes() -> usize {
    std::env::var("KATANA_TEST_DOWNLOAD_MB").ok().and_then(|t| t.parse().ok()).unwrap_or(16)
}
