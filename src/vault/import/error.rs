//! Everything that can go wrong with an import before or after the vault is written. No variant carries a value.

use crate::vault;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing, or not all, was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A source that is not there.
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    /// A file that is not safe to read secrets from, or to rewrite.
    #[error("{} is not taken: {why}", .path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that is not written as its kind is.
    #[error("{}{}: {why}", .path.display(), line_of(*.line))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1; 0: unknown.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// A file of the ancestor's that its key does not vouch for.
    #[error("{} cannot be trusted: {why}", .path.display())]
    Unverified {
        /// The file.
        path: PathBuf,
        /// Which check it failed.
        why: String,
    },
    /// No key, or none that can be one.
    #[error("there is no key for it: {0}")]
    Key(String),
    /// A variable that was asked for by name is not set.
    #[error("{0} is not set in the environment")]
    NotSet(String),
    /// `--name` names what is not there, or two values would get one name.
    #[error("{0}")]
    Names(String),
    /// The vault did not give back what was put into it.
    #[error("the vault did not give back {0} as it was put in; no file was changed")]
    ReadBack(String),
    /// The operating system said no.
    #[error("{}: {why}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its words.
        why: String,
    },
    /// The vault's own.
    #[error(transparent)]
    Vault(#[from] vault::Error),
}

fn line_of(line: usize) -> String {
    if line == 0 { String::new() } else { format!(":{line}") }
}

impl Error {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "import_missing",
            Self::Unsafe { .. } => "import_unsafe_file",
            Self::Syntax { .. } => "import_syntax",
            Self::Unverified { .. } => "import_unverified",
            Self::Key(_) => "import_no_key",
            Self::NotSet(_) => "import_not_set",
            Self::Names(_) => "import_names",
            Self::ReadBack(_) => "import_read_back",
            Self::Io { .. } => "import_io",
            Self::Vault(e) => e.code(),
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Missing(_) => "name the file",
            Self::Unsafe { .. } => "name the plain file itself, and make it yours (chown, chmod 600)",
            Self::Syntax { .. } => "mend the line",
            Self::Unverified { .. } => "use a file and a key that belong together",
            Self::Key(_) => {
                "give the key with --key-env NAME, HERMES_KATANA_VAULT_KEY, the OS keyring, or on stdin"
            }
            Self::NotSet(_) => "export it, or leave it out",
            Self::Names(_) => "see the names with --dry-run",
            Self::ReadBack(_) => "run `katana vault verify`, and keep the source",
            Self::Io { .. } => "look at permissions and free space",
            Self::Vault(e) => e.remedy(),
        }
    }

    /// Refused for safety or because it cannot be trusted, rather than not found out?
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unsafe { .. } | Self::Unverified { .. } | Self::Names(_))
    }

    pub(super) fn io(path: &Path, e: &io::Error) -> Self {
        let path = path.to_owned();
        match e.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            _ if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Self::Unsafe { path, why: "it is a symlink".into() }
            }
            _ => Self::Io { path, why: e.to_string() },
        }
    }
}
