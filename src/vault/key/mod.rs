//! The master key and where it comes from. `auto` goes through the sources in one fixed order and says which one it took.

mod master;
mod environment;
mod systemd;
mod words;
mod passphrase;
mod record;
mod file;
mod kernel;
mod keyring;
mod sources;
pub mod phrase;

pub use environment::{Environment, VARIABLES};
pub use file::KeyFile;
pub use kernel::KernelKeyring;
pub use keyring::OsKeyring;
pub use master::MasterKey;
pub(super) use master::no_randomness;
pub use passphrase::{Cost, Passphrase};
pub use sources::{Keys, allows};
pub(super) use sources::{Search, keep, nowhere};
pub use systemd::{CREDENTIAL, SystemdCredential};
pub use words::{Ask, PASSPHRASE, Words, ask_new, ask_with, hand};

use super::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// Which source gave a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An environment variable, by name.
    Environment(&'static str),
    /// A systemd credential.
    Systemd,
    /// A file that a passphrase opens.
    Passphrase(PathBuf),
    /// A key file.
    File(PathBuf),
    /// The Linux kernel's keyring of this user.
    Kernel,
    /// The operating system's keyring.
    Keyring,
}

/// The label of every source, in the order in which `auto` asks them: what the vault's header names.
pub const LABELS: [&str; 6] = ["environment", "systemd", "passphrase", "file", "kernel", "keyring"];

/// A place that can hold a master key. The seam for tests.
pub trait KeySource: Send + Sync + fmt::Debug {
    /// Which one it is.
    fn source(&self) -> Source;

    /// The key; `None` when it has none.
    ///
    /// # Errors
    /// [`Error::KeyUnusable`] when it has something that is no key, or cannot be asked; [`Error::NotPrivate`].
    fn load(&self) -> Result<Option<MasterKey>, Error>;

    /// Keeps a new key.
    ///
    /// # Errors
    /// When it cannot.
    fn store(&self, key: &MasterKey) -> Result<(), Error>;

    /// The key that a rotation laid beside the present one and has not promoted yet.
    ///
    /// # Errors
    /// As [`KeySource::load`].
    fn staged(&self) -> Result<Option<MasterKey>, Error> {
        Ok(None)
    }

    /// Lays the next key beside the present one, durably; the present one stays what [`KeySource::load`] gives.
    ///
    /// # Errors
    /// When the source cannot keep two keys, or not this one: then nothing may be rotated.
    fn stage(&self, _next: &MasterKey) -> Result<(), Error> {
        let why = "a program cannot change it; rotate with --to another source".into();
        Err(Error::KeyUnusable { origin: self.source().to_string(), why })
    }

    /// The staged key becomes the present one, in one step; the old one is gone. Nothing staged: nothing to do.
    ///
    /// # Errors
    /// When it could not be done; both keys are still there then.
    fn promote(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Forgets the staged key. Nothing staged: nothing to do.
    ///
    /// # Errors
    /// When it could not be done.
    fn unstage(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Forgets the key altogether, after it has moved to another source.
    ///
    /// # Errors
    /// When it could not be done.
    fn forget(&self) -> Result<(), Error> {
        let why = "a program cannot take it away; do that yourself".into();
        Err(Error::KeyUnusable { origin: self.source().to_string(), why })
    }

    /// Does the source remember that its key has opened a vault at this path? Then a vault that is gone was deleted.
    fn remembers(&self, _vault: &Path) -> bool {
        false
    }

    /// Another vault that its key has opened and that is still there: what is done to the key is done to that one too.
    fn also_opens(&self, _vault: &Path) -> Option<PathBuf> {
        None
    }

    /// Remembers it, where the source can.
    ///
    /// # Errors
    /// When it could but did not.
    fn remember(&self, _vault: &Path) -> Result<(), Error> {
        Ok(())
    }
}

impl Source {
    /// One of [`LABELS`]: as it stands in the vault's header.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Environment(_) => "environment",
            Self::Systemd => "systemd",
            Self::Passphrase(_) => "passphrase",
            Self::File(_) => "file",
            Self::Kernel => "kernel",
            Self::Keyring => "keyring",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::Systemd => write!(f, "the systemd credential {CREDENTIAL}"),
            Self::Passphrase(path) => write!(f, "the passphrase of {}", path.display()),
            Self::File(path) => write!(f, "the key file {}", path.display()),
            Self::Kernel => f.write_str("the kernel keyring"),
            Self::Keyring => f.write_str("the OS keyring"),
        }
    }
}

#[cfg(test)]
mod tests;
