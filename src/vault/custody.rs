//! Who keeps a vault's master key: shows it, moves it to another source without changing it, gives it out as a recovery
//! phrase and takes it back. Knows what the vault says of its key, and never shows the key.

use super::document::Claim;
use super::error::Error;
use super::key::{KeySource, Keys, MasterKey, Search, Source, allows, keep};
use super::place::Place;
use super::store::Vault;
use crate::base::atomic;
use crate::base::lock::FileLock;
use std::io;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// The key of one vault and the sources it may lie in.
#[derive(Debug)]
pub struct Custody {
    place: Place,
    keys: Keys,
}

/// What a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// This vault's key.
    ThisKey,
    /// A key of which this vault knows nothing.
    AnotherKey,
    /// A key, and there is no vault yet that it could be judged by.
    AKey,
    /// None.
    Nothing,
    /// `vault.key_source` leaves it out, and to ask it would trouble a person.
    NotAsked,
    /// It could not be asked, or what it has is no key.
    Trouble(Error),
}

/// One source, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Which.
    pub source: Source,
    /// Does `vault.key_source` let it be asked?
    pub allowed: bool,
    /// What it has.
    pub holds: Holds,
}

/// What a vault says of its key, without being opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The vault's id, 32 hex digits.
    pub vault: String,
    /// Tells keys apart and tells nothing about them; 32 hex digits.
    pub check: String,
    /// The source at the last write; one of [`super::key::LABELS`].
    pub written_with: Option<&'static str>,
}

/// A move, or an import, that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where the key lay; `None`: nowhere, it was imported.
    pub from: Option<Source>,
    /// Where it lies now.
    pub to: Source,
    /// Why the old source still has it, if it does.
    pub still_there: Option<Error>,
    /// Further sources that had the same key, left there by a move that was cut short, and have forgotten it now.
    pub ended: Vec<Source>,
    /// Further sources that have the same key still, as far as they answer without a person.
    pub also: Vec<Source>,
}

impl Custody {
    /// With the machine's sources.
    #[must_use]
    pub fn of(place: &Place) -> Self {
        Self::with(place, Keys::system(&place.key))
    }

    /// With these.
    #[must_use]
    pub fn with(place: &Place, keys: Keys) -> Self {
        Self { place: place.clone(), keys }
    }

    /// What the vault says of its key; `None`: there is no vault.
    ///
    /// # Errors
    /// The disk's; [`Error::Tampered`] when the file says nothing.
    pub fn mark(&self) -> Result<Option<Mark>, Error> {
        Ok(self.claim()?.and_then(|c| {
            Some(Mark { vault: c.vault_id()?, check: c.check()?.to_owned(), written_with: c.source() })
        }))
    }

    fn claim(&self) -> Result<Option<Claim>, Error> {
        for file in [&self.place.file, &self.place.anchor] {
            match atomic::read_private(file) {
                Ok(bytes) => {
                    let strange =
                        || Error::Tampered(format!("{} is not what was last written", file.display()));
                    return Claim::of(&bytes).map(Some).ok_or_else(strange);
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io(file, &e)),
            }
        }
        Ok(None)
    }

    /// Every source in the order of `auto`. One that has to be asked for a passphrase or may wait for a person is asked only if
    /// `vault.key_source` allows it.
    ///
    /// # Errors
    /// As [`Custody::mark`]. A source that fails is part of the answer.
    pub fn survey(&self) -> Result<Vec<Surveyed>, Error> {
        let claim = self.claim()?;
        let holds = |source: &dyn KeySource| match source.load() {
            Ok(None) => Holds::Nothing,
            Err(e) => Holds::Trouble(e),
            Ok(Some(key)) => match &claim {
                None => Holds::AKey,
                Some(c) if c.foreign(&key) => Holds::AnotherKey,
                Some(_) => Holds::ThisKey,
            },
        };
        let one = |s: &dyn KeySource| {
            let allowed = allows(self.keys.choice(), s.source().label());
            let troubles = matches!(s.source(), Source::Passphrase(_) | Source::Keyring);
            let holds = if allowed || !troubles { holds(s) } else { Holds::NotAsked };
            Surveyed { source: s.source(), allowed, holds }
        };
        Ok(self.keys.all().map(one).collect())
    }

    /// The key of the vault, which has been opened and found to be in order; and where it came from.
    ///
    /// # Errors
    /// [`Error::NoVault`], and as [`Vault::open`].
    pub fn key(&self, sources: Keys) -> Result<(MasterKey, Source), Error> {
        if self.claim()?.is_none() {
            return Err(Error::NoVault(self.place.file.clone()));
        }
        // finishes or undoes a rotation that was cut short, and refuses a vault that cannot be trusted
        Vault::open_with(&self.place, sources)?;
        let (key, home) = self.present()?;
        Ok((key, home.source()))
    }

    fn present(&self) -> Result<(MasterKey, &dyn KeySource), Error> {
        match self.keys.find()? {
            Search::Found(key, home) if !self.foreign(&key)? => Ok((key, home)),
            Search::Found(_, home) => Err(Error::KeyWrong(home.source().to_string())),
            Search::Nowhere(said) => Err(Error::KeyMissing(said)),
        }
    }

    fn foreign(&self, key: &MasterKey) -> Result<bool, Error> {
        Ok(self.claim()?.is_none_or(|c| c.foreign(key)))
    }

    /// The same key at another source: laid there, loaded from there, and only then forgotten where it was. A crash in between
    /// leaves it in both, and moving again ends it.
    ///
    /// # Errors
    /// [`Error::KeyTaken`] when the other source has another key; that source's own; and as [`Vault::open`].
    pub fn move_to(&self, target: &dyn KeySource, opening: Keys) -> Result<Moved, Error> {
        self.not_locked()?;
        self.key(opening)?;
        let _lock = self.lock()?;
        let (key, home) = self.present()?;
        let (from, to) = (home.source(), target.source());
        self.lay(target, &key)?;
        let still_there = if from == to { None } else { self.let_go(home).err() };
        let ended = self.retire(&key, [&from, &to]);
        let also = self.also(&key, &to).into_iter().filter(|s| *s != from).collect();
        Ok(Moved { from: Some(from), to, still_there, ended, also })
    }

    /// Makes a source forget its key, unless a rotation has laid the next one beside it.
    fn let_go(&self, home: &dyn KeySource) -> Result<(), Error> {
        if let Some(other) = home.also_opens(&self.place.file) {
            return Err(Error::KeyShared { origin: home.source().to_string(), other });
        }
        match home.staged()? {
            None => home.forget(),
            Some(_) => Err(Error::KeyTaken(format!("{} is in the middle of a rotation and", home.source()))),
        }
    }

    /// What an earlier move left behind when it was cut short: the same key at sources that are asked. They forget it too.
    fn retire(&self, key: &MasterKey, but: [&Source; 2]) -> Vec<Source> {
        let others = self.keys.asked().into_iter().filter(|s| !but.contains(&&s.source()));
        let has_it = |s: &&dyn KeySource| s.load().is_ok_and(|k| k.is_some_and(|k| k.same(key)));
        others.filter(has_it).filter(|s| self.let_go(*s).is_ok()).map(KeySource::source).collect()
    }

    /// A key that was kept elsewhere, back to a source; judged by the vault first.
    ///
    /// # Errors
    /// [`Error::NoVault`], [`Error::KeyWrong`], [`Error::KeyTaken`], the source's.
    pub fn import(&self, key: &MasterKey, target: Option<&dyn KeySource>) -> Result<Moved, Error> {
        self.not_locked()?;
        if self.claim()?.is_none() {
            return Err(Error::NoVault(self.place.file.clone()));
        }
        if self.foreign(key)? {
            return Err(Error::KeyWrong("that phrase".into()));
        }
        let _lock = self.lock()?;
        let homes = match target {
            Some(target) => vec![target],
            None => self.keys.homes()?,
        };
        let mut last = Error::KeyMissing("no source can keep it".into());
        for home in homes {
            match self.lay(home, key) {
                Ok(()) => {
                    let to = home.source();
                    let also = self.also(key, &to);
                    return Ok(Moved { from: None, to, still_there: None, ended: Vec::new(), also });
                }
                Err(e @ Error::KeyTaken(_)) => return Err(e),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// Lays the key there, unless another one is there already.
    fn lay(&self, target: &dyn KeySource, key: &MasterKey) -> Result<(), Error> {
        match target.load()? {
            Some(there) if there.same(key) => {}
            Some(_) => return Err(Error::KeyTaken(target.source().to_string())),
            None => keep(target, key)?,
        }
        target.remember(&self.place.file)
    }

    fn also(&self, key: &MasterKey, but: &Source) -> Vec<Source> {
        let quiet = |s: &Source| !matches!(s, Source::Passphrase(_) | Source::Keyring);
        let others = self.keys.all().filter(|s| s.source() != *but && quiet(&s.source()));
        let has_it = |s: &&dyn KeySource| s.load().is_ok_and(|k| k.is_some_and(|k| k.same(key)));
        others.filter(has_it).map(KeySource::source).collect()
    }

    fn not_locked(&self) -> Result<(), Error> {
        self.place.open_to_all()
    }

    fn lock(&self) -> Result<FileLock, Error> {
        let path = &self.place.write_lock;
        FileLock::take_in_turn(path, PATIENCE).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => Error::Busy(path.clone()),
            _ => Error::io(path, &e),
        })
    }
}

#[cfg(test)]
mod tests;
