//! `Vault`: what can be done with the secrets on disk. Every read judges the whole file, every write is read-judge-change-write
//! under one lock.

use super::disk::{Disk, State};
use super::document::Document;
use super::error::Error;
use super::held::Held;
use super::hold;
use super::key::{Keys, Source};
use super::listing::{self, Listing, Report};
use super::place::{Place, Stamp};
use super::rotation::Rotation;
use super::seal::Sealer;
use super::value::Name;
use super::write::Healed;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use std::fmt;
use std::io;

/// The file on disk and its key.
pub struct Vault {
    pub(super) disk: Disk,
    healed: Option<Healed>,
}

impl Vault {
    /// Opens the vault of this place with the machine's key sources. No vault yet is an empty vault; nothing is written.
    ///
    /// # Errors
    /// [`Error::Locked`], the key's ([`Error::KeyWrong`], …), [`Error::Tampered`], [`Error::NotPrivate`], the disk's.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Self::open_with(place, Keys::system(&place.key))
    }

    /// The same with these key sources.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_with(place: &Place, keys: Keys) -> Result<Self, Error> {
        let opened = Self::look_with(place, keys);
        match &opened {
            Ok(_) => place.passed(),
            Err(e @ Error::Tampered(_)) => place.failed(e),
            Err(_) => {}
        }
        opened
    }

    /// Opens it without counting what fails: for whoever looks again and again whether a vault is well by now.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn look(place: &Place) -> Result<Self, Error> {
        Self::look_with(place, Keys::system(&place.key))
    }

    pub(super) fn look_with(place: &Place, keys: Keys) -> Result<Self, Error> {
        let disk = Disk::new(place, keys);
        let healed = disk.warm()?.and_then(|opened| disk.heal(&opened));
        Ok(Self { disk, healed })
    }

    /// A handle to whatever is there, for tests of what every operation makes of it.
    #[cfg(test)]
    pub(super) fn unjudged(place: &Place, keys: Keys) -> Self {
        Self { disk: Disk::new(place, keys), healed: None }
    }

    /// What this open found half done by a writer that was killed, and ended.
    #[must_use]
    pub fn healed(&self) -> Option<Healed> {
        self.healed
    }

    /// The value of a name.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::open`].
    pub fn get(&self, name: &Name) -> Result<Secret, Error> {
        let missing = || Error::NoEntry(name.to_string());
        let opened = self.disk.warm()?.ok_or_else(missing)?;
        let entry = opened.document.entries.get(name.as_str()).ok_or_else(missing)?;
        let newest = entry.versions.first().ok_or_else(|| hold::valueless(name.as_str()))?;
        hold::open(&opened.sealer, name.as_str(), newest)
    }

    /// An earlier value of a name, or the present one.
    ///
    /// # Errors
    /// [`Error::NoVersion`] when it is not kept, and as [`Vault::get`].
    pub fn get_version(&self, name: &Name, version: u64) -> Result<Secret, Error> {
        let missing = || Error::NoEntry(name.to_string());
        let opened = self.disk.warm()?.ok_or_else(missing)?;
        let entry = opened.document.entries.get(name.as_str()).ok_or_else(missing)?;
        let sealed = entry.versions.iter().find(|v| v.version == version).ok_or_else(|| {
            let kept: Vec<String> = entry.versions.iter().map(|v| v.version.to_string()).collect();
            Error::NoVersion { name: name.to_string(), version, kept: kept.join(", ") }
        })?;
        hold::open(&opened.sealer, name.as_str(), sealed)
    }

    /// Every entry by name, without values.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn list(&self) -> Result<Vec<Listing>, Error> {
        let Some(opened) = self.disk.warm()? else { return Ok(Vec::new()) };
        Ok(listing::listing(&opened.document))
    }

    /// One entry by name, without its values.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::open`].
    pub fn history(&self, name: &Name) -> Result<Listing, Error> {
        let mut all = self.list()?;
        let at = all.iter().position(|l| *l.name == *name.as_str());
        at.map(|at| all.swap_remove(at)).ok_or_else(|| Error::NoEntry(name.to_string()))
    }

    /// Judges the file and opens every entry.
    ///
    /// # Errors
    /// [`Error::Tampered`] with the first thing wrong, and as [`Vault::open`].
    pub fn verify(&self) -> Result<Report, Error> {
        let (generation, entries) = match self.disk.load()? {
            State::Fresh => (0, 0),
            State::There(opened) => {
                (opened.document.generation, hold::held(&opened, Timestamp::now())?.len())
            }
        };
        let file = self.disk.place.file.clone();
        Ok(Report { file, generation, entries, key_source: self.disk.source() })
    }

    /// Everything in the clear, by name: for the request path, once per generation.
    ///
    /// # Errors
    /// As [`Vault::open`]. One entry that does not open fails all: what is not held is not scrubbed.
    pub fn hold(&self) -> Result<Vec<Held>, Error> {
        match self.disk.load()? {
            State::Fresh => Ok(Vec::new()),
            State::There(opened) => {
                let mut all = hold::held(&opened, Timestamp::now())?;
                all.retain(|h| !Name::is_internal(&h.name));
                Ok(all)
            }
        }
    }

    /// Read, judge, change, write, under the lock. `work` also hears how many versions are kept.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&mut Document, &Sealer, usize) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let keep = self.disk.place.keep;
        self.disk.change(|document, sealer| work(document, sealer, keep))
    }

    /// A new master key, and everything sealed anew under it. `to`: the label of another source that is to hold it, one of
    /// [`super::key::LABELS`]. Survives a kill at any instant: the next open finishes it or undoes it.
    ///
    /// # Errors
    /// [`Error::NoVault`], [`Error::KeyUnusable`] when the source cannot hold two keys, [`Error::KeyTaken`] when the other
    /// source has one, and as [`Vault::open`]. The vault and its key are then what they were.
    pub fn rotate(&self, to: Option<&str>) -> Result<Rotation, Error> {
        self.disk.rotate(to)
    }

    /// Where the key came from; `None` as long as there was nothing to open.
    #[must_use]
    pub fn key_source(&self) -> Option<Source> {
        self.disk.source()
    }

    /// A look at the files; when it has changed, open the vault anew.
    ///
    /// # Errors
    /// The operating system's.
    pub fn stamp(&self) -> io::Result<Stamp> {
        self.disk.place.stamp()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.disk.place.file.display())
    }
}

#[cfg(test)]
mod tests;
