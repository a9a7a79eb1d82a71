//! Import: secrets that already lie somewhere else come into the vault, and placeholders can take their place there.
//! Reads sources, decides what is a secret, and carries a plan out. Prints nothing.

mod ancestor;
mod agents;
mod carry;
mod env_file;
mod environment;
mod error;
mod names;
mod plan;
mod source;

pub use agents::{Places, agents};
pub use ancestor::{AncestorKey, ancestor, ancestor_place, is_ancestors, key_from_keyring, set_aside};
pub use carry::{Carried, Replaced, carry};
pub use env_file::env_file;
pub use environment::environment;
pub use error::Error;
pub use names::NO_SECRET;
pub use plan::{Choice, Fate, Plan, Row, plan};
pub use source::SourceFile;

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use std::fmt;
use std::ops::Range;

/// What one source holds.
#[derive(Debug)]
pub struct Reading {
    /// Where it was read.
    pub origin: Origin,
    /// Every value in it that could be meant, in the source's order.
    pub finds: Vec<Find>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// Where something was read.
#[derive(Debug)]
pub enum Origin {
    /// The environment of this process.
    Environment,
    /// A vault of hermes-katana.
    Ancestor(SourceFile),
    /// A file of settings, and which program's it is.
    File {
        /// `Claude Code`, `.env`, …
        program: &'static str,
        /// The file as it was read.
        file: SourceFile,
    },
}

/// One value that a source has.
#[derive(Debug)]
pub struct Find {
    /// What the source calls it.
    pub called: String,
    /// The name it would have in the vault; not yet checked.
    pub name: String,
    /// The value.
    pub value: Secret,
    /// What it is taken for.
    pub class: Class,
    /// Where its bytes stand, for a source that can be rewritten.
    pub spot: Option<Spot>,
    /// When it ends, if the source says so.
    pub expires: Option<Timestamp>,
}

/// What a value is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A secret.
    Secret,
    /// A secret that its program renews by itself: what would be kept is soon a dead one.
    Renewed,
    /// Taken only when everything is; says why.
    Plain(&'static str),
}

/// Where the bytes of a value stand in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Offsets in the file.
    pub range: Range<usize>,
    /// How a placeholder is written there.
    pub form: Form,
}

/// How a placeholder is written in place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// `base64(user:placeholder)`.
    Basic(String),
    /// `base64(placeholder)`.
    Base64,
    /// Not at all; says why.
    Never(&'static str),
}

impl Find {
    /// A text of several lines, which stands in no slot.
    fn is_document(&self) -> bool {
        memchr::memchr2(b'\r', b'\n', self.value.expose()).is_some()
    }
}

impl Origin {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&SourceFile> {
        match self {
            Self::Environment => None,
            Self::Ancestor(file) | Self::File { file, .. } => Some(file),
        }
    }

    /// Whose it is, in a word or two.
    #[must_use]
    pub fn program(&self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Ancestor(_) => "hermes-katana",
            Self::File { program, .. } => program,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file() {
            Some(file) => write!(f, "{}", file.path().display()),
            None => f.write_str("the environment"),
        }
    }
}
