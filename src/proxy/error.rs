//! What can go wrong with a connection or a body, by whose side it went wrong on.

use std::time::Duration;

/// A failure of the path. Refusals are no errors; they are [`crate::pipeline::Denial`]s.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client sent what cannot be read, or went away.
    #[error("client: {0}")]
    Client(String),
    /// Upstream sent what cannot be read, or went away.
    #[error("upstream: {0}")]
    Upstream(String),
    /// A peer was silent too long.
    #[error("silent for {0:?}")]
    Silent(Duration),
    /// A ruling ended a body that was already moving.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The listener could not be opened.
    #[error("cannot listen on {at}: {why}")]
    Listen {
        /// The address.
        at: String,
        /// The operating system's words.
        why: std::io::Error,
    },
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Error {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => "client_failed",
            Self::Upstream(_) => "upstream_failed",
            Self::Silent(_) => "timed_out",
            Self::Refused(code) => code,
            Self::Listen { .. } => "listen_failed",
            Self::Tls(_) => "tls_failed",
        }
    }
}
