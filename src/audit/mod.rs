//! The audit trail: what happened, one JSON line a record, each chained to the one before by SHA-256.
//! Owns the files under the audit directory. What goes into a record is the caller's business; a secret never may.

pub mod query;
mod canonical;
mod head;
mod lines;
mod record;
mod store;
mod trail;
mod uses;
mod verify;
mod writer;

pub use record::{Decision, Event, Finding, Record, Text, redact_path};
pub use trail::{Ticket, Trail};
pub use uses::last_use;
pub use verify::{Break, Reason, verify};

use std::io;
use std::path::PathBuf;

/// `prev_hash` of the very first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where the trail ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Files the trail is in, the active one included.
    pub segments: u64,
    /// Records in all of them.
    pub records: u64,
    /// The last record's hash, 64 hex digits; [`GENESIS`] when there is none.
    pub hash: String,
    /// Bytes of an unfinished last line that a crash left; the next writer takes them off and records it.
    pub torn: u64,
}

/// Why the trail cannot be opened or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk does not take the records. They are kept as far as there is room, and written when it does.
    #[error("the audit trail cannot be written: {0}")]
    Unwritable(String),
    /// Records come in faster than the disk takes them, for longer than a caller may be held up.
    #[error("the audit queue is full: the disk does not keep up")]
    Full,
    /// Another process holds the trail's lock and does not let go.
    #[error("the audit trail {} is held by another process", .0.display())]
    InUse(PathBuf),
    /// A symlink, somebody else's file, or not a plain file.
    #[error("{}: {why}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operating system's refusal.
    #[error("{}: {why}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its words.
        why: String,
    },
}

impl Error {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unwritable(_) => "audit_unwritable",
            Self::Full => "audit_full",
            Self::InUse(_) => "audit_in_use",
            Self::Unsafe { .. } => "audit_unsafe",
            Self::Io { .. } => "audit_io",
        }
    }

    fn io(path: impl Into<PathBuf>, e: &io::Error) -> Self {
        Self::Io { path: path.into(), why: e.to_string() }
    }
}

#[cfg(test)]
mod tests;
