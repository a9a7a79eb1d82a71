//! `Vault`: what can be done with the secrets on disk. Every read judges the whole file, every write is read-judge-change-write
//! under one lock.

use super::disk::{Disk, Opened, State};
use super::document::{Document, Entry, Sealed};
use super::error::Error;
use super::held::Held;
use super::key::{Keys, Source};
use super::place::{Place, Stamp};
use super::providers::Providers;
use super::seal::{Bound, Sealer};
use super::value::{self, Name};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The file on disk and its key.
pub struct Vault {
    disk: Disk,
}

/// What is said when a value is set, beside the value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta {
    /// Take a value of fewer than [`value::SHORT`] bytes.
    pub allow_short: bool,
}

/// One value to keep, of several.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Under which name.
    pub name: &'a Name,
    /// The value.
    pub value: &'a Secret,
    /// What is said of it.
    pub meta: Meta,
}

/// One entry without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The entry's name.
    pub name: Arc<str>,
    /// What agents hold instead of the value.
    pub placeholder: Arc<str>,
    /// How many values the name has had.
    pub version: u64,
    /// When the name came in.
    pub created: Timestamp,
    /// When the present value came in.
    pub updated: Timestamp,
}

/// What `verify` found: all is well, and this is what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The vault file.
    pub file: PathBuf,
    /// Its generation; 0: there is no vault yet.
    pub generation: u64,
    /// How many entries, each of them opened.
    pub entries: usize,
    /// Where the key came from; `None`: none was needed.
    pub key_source: Option<Source>,
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
        let vault = Self { disk: Disk::new(place, keys) };
        if let State::There(opened) = vault.disk.load()? {
            vault.disk.heal(&opened);
        }
        Ok(vault)
    }

    /// Keeps a value, over the one the name had; returns the placeholder, which stays the same for a name that is there.
    ///
    /// # Errors
    /// [`Error::BadValue`], [`Error::ShortValue`], and as [`Vault::open`].
    pub fn set(&self, name: &Name, value: &Secret, meta: Meta) -> Result<Arc<str>, Error> {
        let all = self.set_all(&[New { name, value, meta }], true)?;
        all.into_iter().next().ok_or(Error::BadValue("was not kept"))
    }

    /// Keeps several values with one write, all or none; returns their placeholders in the same order.
    ///
    /// # Errors
    /// [`Error::Exists`] when a name is there and may not be overwritten, and as [`Vault::set`].
    pub fn set_all(&self, all: &[New<'_>], overwrite: bool) -> Result<Vec<Arc<str>>, Error> {
        for new in all {
            value::check(new.value, new.meta.allow_short)?;
        }
        let providers = Providers::builtin()?;
        self.disk.change(|document, sealer| {
            let there = |n: &&New<'_>| document.entries.contains_key(n.name.as_str());
            match all.iter().find(there).filter(|_| !overwrite) {
                Some(new) => Err(Error::Exists(new.name.to_string())),
                None => all.iter().map(|new| put(document, sealer, &providers, new)).collect(),
            }
        })
    }

    /// The value of a name.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::open`].
    pub fn get(&self, name: &Name) -> Result<Secret, Error> {
        let missing = || Error::NoEntry(name.to_string());
        let State::There(opened) = self.disk.load()? else { return Err(missing()) };
        let entry = opened.document.entries.get(name.as_str()).ok_or_else(missing)?;
        newest(&opened.sealer, name.as_str(), entry)
    }

    /// Every entry by name, without values.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn list(&self) -> Result<Vec<Listing>, Error> {
        let State::There(opened) = self.disk.load()? else { return Ok(Vec::new()) };
        let listing = |(name, entry): (&String, &Entry)| Listing {
            name: name.as_str().into(),
            placeholder: entry.placeholder.as_str().into(),
            version: entry.versions.first().map_or(0, |v| v.version),
            created: Timestamp::parse(&entry.created).unwrap_or_default(),
            updated: Timestamp::parse(&entry.updated).unwrap_or_default(),
        };
        Ok(opened.document.entries.iter().map(listing).collect())
    }

    /// Forgets a name, its value and its placeholder.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::open`].
    pub fn remove(&self, name: &Name) -> Result<(), Error> {
        self.disk.change(|document, _| {
            let gone = document.entries.remove(name.as_str());
            gone.map(drop).ok_or_else(|| Error::NoEntry(name.to_string()))
        })
    }

    /// Judges the file and opens every entry.
    ///
    /// # Errors
    /// [`Error::Tampered`] with the first thing wrong, and as [`Vault::open`].
    pub fn verify(&self) -> Result<Report, Error> {
        let (generation, entries) = match self.disk.load()? {
            State::Fresh => (0, 0),
            State::There(opened) => (opened.document.generation, held(&opened)?.len()),
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
            State::There(opened) => held(&opened),
        }
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

fn held(opened: &Opened) -> Result<Vec<Held>, Error> {
    let one = |(name, entry): (&String, &Entry)| {
        Name::parse(name)
            .map_err(|_| Error::Tampered("an entry has a name that no entry can have".into()))?;
        let value = newest(&opened.sealer, name, entry)?;
        Ok(Held::new(name.as_str(), value, entry.placeholder.as_str()))
    };
    opened.document.entries.iter().map(one).collect()
}

fn put(
    document: &mut Document,
    sealer: &Sealer,
    providers: &Providers,
    new: &New<'_>,
) -> Result<Arc<str>, Error> {
    let name = new.name.as_str();
    if document.entries.values().any(|e| e.placeholder.as_bytes() == new.value.expose()) {
        return Err(Error::BadValue("is a placeholder of this vault, not a secret"));
    }
    let now = Timestamp::now().to_string();
    let known = document.entries.get(name);
    let version = known.and_then(|e| e.versions.first()).map_or(1, |v| v.version + 1);
    let (placeholder, created) = match known {
        Some(e) => (e.placeholder.clone(), e.created.clone()),
        None => (providers.placeholder(name)?, now.clone()),
    };
    let generation = document.generation;
    let (key, text) = sealer.seal(Bound { name, version, generation }, new.value)?;
    let sealed = Sealed { version, generation, key, value: text };
    let answer = Arc::from(placeholder.as_str());
    let entry = Entry { placeholder, created, updated: now, versions: vec![sealed] };
    document.entries.insert(name.to_owned(), entry);
    Ok(answer)
}

fn newest(sealer: &Sealer, name: &str, entry: &Entry) -> Result<Secret, Error> {
    let none = || Error::Tampered(format!("the entry {name} has no value"));
    let sealed = entry.versions.first().ok_or_else(none)?;
    let at = Bound { name, version: sealed.version, generation: sealed.generation };
    sealer.open(at, &sealed.key, &sealed.value)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.disk.place.file.display())
    }
}

#[cfg(test)]
mod tests;
