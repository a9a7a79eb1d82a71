//! The vault's files: read and judged together, written in the one order that a crash at any instant cannot break.
//! Order: the vault first, then the anchor; so a vault may be ahead of its anchor, and is never behind it.

use super::document::{self, Anchor, Claim, Document};
use super::error::Error;
use super::key::{Keys, MasterKey, Search, Source};
use super::place::Place;
use super::seal::{Sealer, Signed};
use crate::base::atomic;
use crate::base::id::random;
use crate::base::lock::FileLock;
use parking_lot::Mutex;
use std::io;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// The files of one vault and the key to them.
pub(super) struct Disk {
    pub(super) place: Place,
    keys: Keys,
    /// Asked for once; a process that lives longer opens the vault anew when its stamp changes.
    master: Mutex<Option<(MasterKey, Source)>>,
}

/// What the files hold.
pub(super) enum State {
    /// Nothing, and nothing was ever there.
    Fresh,
    /// A vault that is what was last written.
    There(Box<Opened>),
}

/// A vault that has been authenticated.
pub(super) struct Opened {
    pub(super) document: Document,
    pub(super) sealer: Sealer,
    /// The anchor is a generation behind: a writer ended between its two writes, or is between them now.
    behind: bool,
}

impl Disk {
    pub(super) fn new(place: &Place, keys: Keys) -> Self {
        Self { place: place.clone(), keys, master: Mutex::new(None) }
    }

    /// Where the key came from, once it was needed.
    pub(super) fn source(&self) -> Option<Source> {
        self.master.lock().as_ref().map(|(_, s)| s.clone())
    }

    /// Reads and judges. Takes no lock: files are replaced whole, and the anchor is read first.
    pub(super) fn load(&self) -> Result<State, Error> {
        self.not_locked()?;
        let anchor = optional(&self.place.anchor)?;
        let vault = optional(&self.place.file)?;
        // the first writer of all makes the anchor before the vault: whoever saw only the vault looks again
        let anchor = if anchor.is_none() && vault.is_some() { optional(&self.place.anchor)? } else { anchor };
        match (anchor, vault) {
            (None, None) => self.nothing_there(),
            (None, Some(vault)) => Err(self.unanchored(&vault)),
            (Some(anchor), vault) => self.judge(&anchor, vault.as_deref()),
        }
    }

    /// Read, change, write, under the lock. What `work` refuses is not written.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&mut Document, &Sealer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let dir = self.place.directory();
        atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        let _lock = self.lock(PATIENCE)?;
        self.sweep();
        let mut opened = match self.load()? {
            State::There(opened) => *opened,
            State::Fresh => self.create()?,
        };
        opened.document.generation += 1;
        let done = work(&mut opened.document, &opened.sealer)?;
        self.write(&mut opened)?;
        Ok(done)
    }

    /// Brings an anchor that was left behind up to its vault. A vault that cannot be written to is left as it is.
    pub(super) fn heal(&self, opened: &Opened) {
        if !opened.behind {
            return;
        }
        let healed = self.lock(Duration::from_secs(1)).and_then(|_lock| match self.load()? {
            State::There(now) if now.behind => {
                self.write_anchor(&now.document, now.document.signature(), &now.sealer)
            }
            _ => Ok(()),
        });
        if let Err(e) = healed {
            tracing::warn!(
                code = e.code(),
                "the vault's anchor is one generation behind and could not be written"
            );
        }
    }

    fn not_locked(&self) -> Result<(), Error> {
        let sentinel = &self.place.lock_sentinel;
        match std::fs::symlink_metadata(sentinel) {
            Ok(_) => Err(Error::Locked(sentinel.clone())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            // what cannot be seen may be there
            Err(e) => Err(Error::io(sentinel, &e)),
        }
    }

    fn nothing_there(&self) -> Result<State, Error> {
        if let Search::Found(_, home) = self.keys.find()?
            && home.remembers(&self.place.file)
        {
            // the key remembers what has an anchor: whoever saw none was overtaken by the first writer, and looks again
            if optional(&self.place.anchor)?.is_some() {
                return self.load();
            }
            let why =
                format!("{} and its anchor are gone, but {} has opened it", self.file_name(), home.source());
            return Err(Error::Tampered(why));
        }
        Ok(State::Fresh)
    }

    fn unanchored(&self, vault: &[u8]) -> Error {
        match Claim::of(vault) {
            Some(claim) if claim.version < document::VERSION => {
                Error::OldFormat { path: self.place.file.clone(), version: claim.version }
            }
            _ => Error::Tampered(format!("the anchor {} is gone", self.place.anchor.display())),
        }
    }

    fn judge(&self, anchor: &[u8], vault: Option<&[u8]>) -> Result<State, Error> {
        let claim = Claim::of(anchor);
        let (master, source) = self.master(claim.as_ref())?;
        let changed = |what: &Path| {
            let foreign = |b: &[u8]| Claim::of(b).is_some_and(|c| c.foreign(&master));
            // one document alone that names another key has been changed; both have been written with another key
            if foreign(anchor) && vault.is_none_or(foreign) {
                Error::KeyWrong(source.to_string())
            } else {
                Error::Tampered(format!("{} is not what was last written", what.display()))
            }
        };
        let id = claim.and_then(|c| c.id).ok_or_else(|| changed(&self.place.anchor))?;
        let sealer = Sealer::new(&master, id)?;
        let anchor: Anchor =
            document::read(anchor, &sealer, Signed::Anchor).ok_or_else(|| changed(&self.place.anchor))?;
        let Some(vault) = vault else {
            // the writer that made generation 0 never got to write a vault
            return if anchor.generation == 0 {
                Ok(State::Fresh)
            } else {
                Err(Error::Tampered(format!(
                    "{} is gone; it was at generation {}",
                    self.file_name(),
                    anchor.generation
                )))
            };
        };
        let document: Document =
            document::read(vault, &sealer, Signed::Vault).ok_or_else(|| changed(&self.place.file))?;
        if document.generation < anchor.generation {
            return Err(Error::Tampered(format!(
                "{} is of generation {}, but generation {} has been written: an older copy was put back",
                self.file_name(),
                document.generation,
                anchor.generation
            )));
        }
        if document.generation == anchor.generation && document.signature() != anchor.signature {
            let why = format!("{} is another one of generation {}", self.file_name(), anchor.generation);
            return Err(Error::Tampered(why));
        }
        let behind = document.generation > anchor.generation;
        Ok(State::There(Box::new(Opened { document, sealer, behind })))
    }

    /// The key; it must be there, since a vault is.
    fn master(&self, claim: Option<&Claim>) -> Result<(MasterKey, Source), Error> {
        let mut cached = self.master.lock();
        if let Some(known) = cached.as_ref() {
            return Ok(known.clone());
        }
        match self.keys.find()? {
            Search::Found(key, home) => Ok(cached.insert((key, home.source())).clone()),
            Search::Nowhere(said) => {
                let hint = claim.and_then(Claim::source);
                let hint = hint
                    .map_or(String::new(), |s| format!("; the vault was last written with a key from: {s}"));
                Err(Error::KeyMissing(format!("{said}{hint}")))
            }
        }
    }

    /// The first write of all: key, then anchor of generation 0. Under the lock.
    fn create(&self) -> Result<Opened, Error> {
        let (master, home) = match self.keys.find()? {
            Search::Found(key, home) => (key, home),
            Search::Nowhere(_) => self.keys.make()?,
        };
        let source = home.source();
        let sealer = Sealer::new(&master, random().map_err(|e| super::key::no_randomness(&e))?)?;
        let document = Document::new(&sealer, source.label());
        *self.master.lock() = Some((master, source));
        self.write_anchor(&document, "", &sealer)?;
        Ok(Opened { document, sealer, behind: false })
    }

    fn write(&self, opened: &mut Opened) -> Result<(), Error> {
        let source = self.source();
        if let Some(source) = &source {
            source.label().clone_into(&mut opened.document.key.source);
        }
        let (bytes, signature) = document::write(&opened.document, &opened.sealer, Signed::Vault)?;
        atomic::write(&self.place.file, &bytes, 0o600).map_err(|e| Error::io(&self.place.file, &e))?;
        self.write_anchor(&opened.document, &signature, &opened.sealer)?;
        match source.and_then(|s| self.keys.home(&s)) {
            Some(home) => home.remember(&self.place.file),
            None => Ok(()),
        }
    }

    fn write_anchor(&self, document: &Document, signature: &str, sealer: &Sealer) -> Result<(), Error> {
        let (bytes, _) = document::write(&document.anchor(signature), sealer, Signed::Anchor)?;
        atomic::write(&self.place.anchor, &bytes, 0o600).map_err(|e| Error::io(&self.place.anchor, &e))
    }

    fn lock(&self, patience: Duration) -> Result<FileLock, Error> {
        let path = &self.place.write_lock;
        FileLock::take(path, patience).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => Error::Busy(path.clone()),
            _ => Error::io(path, &e),
        })
    }

    /// Removes what writers that were killed left behind. Under the lock, so nobody is writing there now.
    fn sweep(&self) {
        for file in [&self.place.file, &self.place.anchor, &self.place.key.file, &self.place.key.kdf] {
            let (Some(dir), Some(name)) = (file.parent(), file.file_name().and_then(|n| n.to_str())) else {
                continue;
            };
            let ours = |left: &str| {
                let tag = left
                    .strip_prefix('.')
                    .and_then(|l| l.strip_prefix(name))
                    .and_then(|l| l.strip_prefix('.'));
                let tag = tag.and_then(|l| l.strip_suffix(".tmp"));
                tag.is_some_and(|t| t.len() == 16 && t.bytes().all(|b| b.is_ascii_hexdigit()))
            };
            for left in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                if left.file_name().to_str().is_some_and(ours) {
                    let _ = std::fs::remove_file(left.path());
                }
            }
        }
    }

    fn file_name(&self) -> String {
        self.place.file.display().to_string()
    }
}

fn optional(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match atomic::read_private(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(path, &e)),
    }
}
