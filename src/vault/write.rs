//! How the vault's files are written: in the one order that a crash at any instant cannot break. The vault first, then the
//! anchor; so a vault may be ahead of its anchor, and is never behind it. And what a writer that was killed left is ended here.

use super::disk::{Disk, Known, Opened, State};
use super::document::{self, Document};
use super::error::Error;
use super::key::{KeySource, Search};
use super::seal::{Sealer, Signed};
use crate::base::atomic;
use crate::base::id::random;
use crate::base::lock::FileLock;
use std::io;
use std::time::Duration;

/// How long the writers' lock is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What an open found half done and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Healed {
    /// A rotation of the master key had been committed: it is finished now.
    Finished,
    /// A rotation had not been committed: it is undone.
    Undone,
}

impl Disk {
    /// Read, change, write, under the lock. What `work` refuses is not written.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&mut Document, &Sealer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _lock = self.prepared()?;
        let mut opened = match self.judged()? {
            State::There(opened) => *opened,
            State::Fresh => self.create()?,
        };
        self.settle(&opened)?;
        opened.document.generation += 1;
        let done = work(&mut opened.document, &opened.sealer)?;
        self.write(&mut opened)?;
        Ok(done)
    }

    /// Ends what a killed writer left. Who finds the lock held leaves it to whoever holds it.
    pub(super) fn heal(&self, opened: &Opened) -> Option<Healed> {
        if !opened.due.anchor && !opened.due.rotation && !self.has_leftover() {
            return None;
        }
        let _lock = self.lock(Duration::ZERO).ok()?;
        let healed = match self.judged() {
            Ok(State::There(now)) => self.settle(&now),
            Ok(State::Fresh) => Ok(None),
            Err(e) => Err(e),
        };
        match healed {
            Ok(Some(healed)) => {
                tracing::warn!(?healed, "a rotation of the vault's key had been cut short");
                Some(healed)
            }
            Ok(None) => None,
            Err(e) => {
                let why = e.to_string();
                tracing::warn!(code = e.code(), why, "what a killed writer left could not be ended yet");
                None
            }
        }
    }

    /// Finishes or undoes a rotation, and brings the anchor up. Under the lock.
    pub(super) fn settle(&self, opened: &Opened) -> Result<Option<Healed>, Error> {
        if opened.due.anchor {
            self.write_anchor(&opened.document, opened.document.signature(), &opened.sealer)?;
        }
        if opened.due.rotation {
            self.promote()?;
            return Ok(Some(Healed::Finished));
        }
        if self.has_leftover()
            && let Some(home) = self.source().and_then(|s| self.keys.home(&s))
        {
            home.unstage()?;
            return Ok(Some(Healed::Undone));
        }
        Ok(None)
    }

    /// The key the vault is under becomes its source's present one, if it is not yet.
    pub(super) fn promote(&self) -> Result<(), Error> {
        let mut known = self.known.lock();
        let Some(known) = known.as_mut().filter(|k| k.staged) else { return Ok(()) };
        if let Some(home) = self.keys.home(&known.source) {
            home.promote()?;
        }
        known.staged = false;
        Ok(())
    }

    /// Does the source of the present key still hold a next one, which no vault is under? What cannot be asked does not.
    fn has_leftover(&self) -> bool {
        let known = self.known.lock();
        let Some(Known { source, staged: false, .. }) = known.as_ref() else { return false };
        // a next key that another vault may be under is not this one's to take away
        let mine =
            |h: &dyn KeySource| matches!(h.staged(), Ok(Some(_))) && h.also_opens(&self.place.file).is_none();
        self.keys.home(source).is_some_and(mine)
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
        *self.known.lock() = Some(Known { master, source, staged: false });
        self.write_anchor(&document, "", &sealer)?;
        Ok(Opened { document, sealer, due: super::disk::Due::default() })
    }

    fn write(&self, opened: &mut Opened) -> Result<(), Error> {
        let source = self.source();
        if let Some(source) = &source {
            source.label().clone_into(&mut opened.document.key.source);
        }
        opened.document.beside = None;
        let signature = self.write_vault(&opened.document, &opened.sealer)?;
        self.write_anchor(&opened.document, &signature, &opened.sealer)?;
        match source.and_then(|s| self.keys.home(&s)) {
            Some(home) => home.remember(&self.place.file),
            None => Ok(()),
        }
    }

    /// The commit point. Returns the signature.
    pub(super) fn write_vault(&self, document: &Document, sealer: &Sealer) -> Result<String, Error> {
        let (bytes, signature) = document::write(document, sealer, Signed::Vault)?;
        atomic::write(&self.place.file, &bytes, 0o600).map_err(|e| Error::io(&self.place.file, &e))?;
        Ok(signature)
    }

    pub(super) fn write_anchor(
        &self,
        document: &Document,
        signature: &str,
        sealer: &Sealer,
    ) -> Result<(), Error> {
        let (bytes, _) = document::write(&document.anchor(signature), sealer, Signed::Anchor)?;
        atomic::write(&self.place.anchor, &bytes, 0o600).map_err(|e| Error::io(&self.place.anchor, &e))
    }

    /// The lock, in a directory that is there and swept.
    pub(super) fn prepared(&self) -> Result<FileLock, Error> {
        let dir = self.place.directory();
        atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        let lock = self.lock(PATIENCE)?;
        self.sweep();
        Ok(lock)
    }

    pub(super) fn lock(&self, patience: Duration) -> Result<FileLock, Error> {
        let path = &self.place.write_lock;
        FileLock::take_in_turn(path, patience).map_err(|e| match e.kind() {
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
}
