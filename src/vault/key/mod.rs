//! The master key and where it comes from. `auto` goes through the sources in one fixed order and says which one it took.

mod environment;
mod file;
mod keyring;

pub use environment::{Environment, VARIABLES};
pub use file::KeyFile;
pub use keyring::OsKeyring;

use super::error::Error;
use super::place::KeyPlace;
use crate::base::id::random;
use crate::config;
use data_encoding::BASE64;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// 256 random bits. Wiped on drop, never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Which source gave a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An environment variable, by name.
    Environment(&'static str),
    /// A key file.
    File(PathBuf),
    /// The operating system's keyring.
    Keyring,
}

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

    /// Remembers it, where the source can.
    ///
    /// # Errors
    /// When it could but did not.
    fn remember(&self, _vault: &Path) -> Result<(), Error> {
        Ok(())
    }
}

/// Every source, and which of them may be asked.
#[derive(Debug)]
pub struct Keys {
    /// Which.
    pub choice: config::KeySource,
    /// `KATANA_VAULT_KEY`.
    pub environment: Box<dyn KeySource>,
    /// The key file.
    pub file: Box<dyn KeySource>,
    /// The OS keyring.
    pub keyring: Box<dyn KeySource>,
}

/// What a search for the key came to.
pub(super) enum Search<'a> {
    /// This source has it.
    Found(MasterKey, &'a dyn KeySource),
    /// None has; what each one said.
    Nowhere(String),
}

impl Keys {
    /// The sources of this machine.
    #[must_use]
    pub fn system(place: &KeyPlace) -> Self {
        // a person may have to answer the keyring's prompt when it was asked for by name; `auto` does not wait for that
        let patience = if place.choice == config::KeySource::Keyring { 60 } else { 5 };
        Self {
            choice: place.choice,
            environment: Box::new(Environment::of_process()),
            file: Box::new(KeyFile::at(&place.file)),
            keyring: Box::new(OsKeyring::with_patience(Duration::from_secs(patience))),
        }
    }

    /// Looks for a key that is already there.
    pub(super) fn find(&self) -> Result<Search<'_>, Error> {
        let mut said = Vec::new();
        for asked in self.asked() {
            match asked.load() {
                Ok(Some(key)) => return Ok(Search::Found(key, asked)),
                Ok(None) => said.push(format!("{}: none there", asked.source())),
                // a keyring that does not answer is the rule on a headless machine, and no reason to stop there
                Err(e) if self.choice == config::KeySource::Auto && asked.source() == Source::Keyring => {
                    said.push(e.to_string());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(Search::Nowhere(said.join("; ")))
    }

    /// Makes a new key and keeps it: in the keyring where that works, else in the key file.
    pub(super) fn make(&self) -> Result<(MasterKey, &dyn KeySource), Error> {
        let key = MasterKey::generate()?;
        let (file, keyring) = (self.file.as_ref(), self.keyring.as_ref());
        let homes = match self.choice {
            config::KeySource::Env => {
                let why = format!("{} is not set", VARIABLES[0]);
                return Err(Error::KeyMissing(why));
            }
            config::KeySource::File => vec![file],
            config::KeySource::Keyring => vec![keyring],
            config::KeySource::Auto => vec![keyring, file],
        };
        let mut last = Error::KeyMissing("no source can keep a new key".into());
        for home in homes {
            match home.store(&key).and_then(|()| home.load()) {
                Ok(Some(kept)) if kept.same(&key) => return Ok((key, home)),
                Ok(_) => {
                    last = Error::KeyUnusable {
                        origin: home.source().to_string(),
                        why: "it did not keep the new key".into(),
                    };
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// The source a key came from.
    pub(super) fn home(&self, source: &Source) -> Option<&dyn KeySource> {
        let all = [self.environment.as_ref(), self.file.as_ref(), self.keyring.as_ref()];
        all.into_iter().find(|s| s.source().label() == source.label())
    }

    fn asked(&self) -> Vec<&dyn KeySource> {
        match self.choice {
            config::KeySource::Auto => {
                vec![self.environment.as_ref(), self.file.as_ref(), self.keyring.as_ref()]
            }
            config::KeySource::Env => vec![self.environment.as_ref()],
            config::KeySource::File => vec![self.file.as_ref()],
            config::KeySource::Keyring => vec![self.keyring.as_ref()],
        }
    }
}

impl MasterKey {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = random::<32>().map_err(|e| no_randomness(&e))?;
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        Ok(key)
    }

    /// Reads base64 of exactly 32 bytes; surrounding white space does not count.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim().as_bytes()).ok()?);
        let mut key = Self(Zeroizing::new([0; 32]));
        (bytes.len() == 32).then(|| key.0.copy_from_slice(&bytes))?;
        Some(key)
    }

    /// The same, back.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(&*self.0))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn same(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
    }
}

/// The machine has no randomness to give; nothing can be sealed then.
pub(super) fn no_randomness(e: &std::io::Error) -> Error {
    Error::Io { path: PathBuf::from("getrandom"), why: e.to_string() }
}

impl Source {
    /// `environment`, `file` or `keyring`: as it stands in the vault's header.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Environment(_) => "environment",
            Self::File(_) => "file",
            Self::Keyring => "keyring",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the key file {}", path.display()),
            Self::Keyring => f.write_str("the OS keyring"),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests;
