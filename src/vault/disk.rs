//! The vault's files, read and judged together. A reader takes no lock; what it may have seen amid a write it judges again
//! under the writers' lock. What is written, and in which order, is `write`'s affair, and `rotation`'s.

use super::document::{self, Anchor, Claim, Document};
use super::error::Error;
use super::key::{KeySource, Keys, MasterKey, Search, Source, nowhere};
use super::place::{Look, Place};
use super::seal::{Sealer, Signed};
use crate::base::atomic;
use parking_lot::Mutex;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The files of one vault and the key to them.
pub(super) struct Disk {
    pub(super) place: Place,
    pub(super) keys: Keys,
    /// The key that opened the vault last.
    pub(super) known: Mutex<Option<Known>>,
    /// The vault as it was judged last, and what its files looked like just before.
    warm: Mutex<Option<(Look, Arc<Opened>)>>,
}

/// A key, and where it lies.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) master: MasterKey,
    pub(super) source: Source,
    /// It is the next key of its source, which a rotation has not promoted yet.
    pub(super) staged: bool,
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
    pub(super) due: Due,
}

/// What a writer that was killed has left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The anchor is a generation behind, or under the key before.
    pub(super) anchor: bool,
    /// The vault is under a new key, and its anchor or its source is not.
    pub(super) rotation: bool,
}

impl Disk {
    pub(super) fn new(place: &Place, keys: Keys) -> Self {
        Self { place: place.clone(), keys, known: Mutex::new(None), warm: Mutex::new(None) }
    }

    /// Where the key came from, once it was needed.
    pub(super) fn source(&self) -> Option<Source> {
        self.known.lock().as_ref().map(|k| k.source.clone())
    }

    /// Reads and judges. What is in doubt is judged again when no writer can be at work.
    pub(super) fn load(&self) -> Result<State, Error> {
        match self.judged() {
            Err(doubt) if doubt.is_in_doubt() => match self.lock(super::write::PATIENCE) {
                Ok(_lock) => self.judged(),
                Err(_) => Err(doubt),
            },
            sure => sure,
        }
    }

    /// The same, from memory as long as the files look as they did. `None`: nothing is there.
    pub(super) fn warm(&self) -> Result<Option<Arc<Opened>>, Error> {
        let look = self.place.look();
        if let (Ok(now), Some((then, opened))) = (&look, self.warm.lock().as_ref())
            && now == then
        {
            return Ok(Some(Arc::clone(opened)));
        }
        let State::There(opened) = self.load()? else { return Ok(None) };
        let opened = Arc::<Opened>::from(opened);
        if let Ok(look) = look {
            *self.warm.lock() = Some((look, Arc::clone(&opened)));
        }
        Ok(Some(opened))
    }

    /// One look at the files, as they are now.
    pub(super) fn judged(&self) -> Result<State, Error> {
        self.place.open_to_all()?;
        // the anchor first: a vault that is read after it is never behind it
        let anchor = optional(&self.place.anchor)?;
        let vault = optional(&self.place.file)?;
        match (anchor, vault) {
            (None, None) => self.nothing_there(),
            (None, Some(vault)) => Err(self.unanchored(&vault)),
            (Some(anchor), None) => self.judge_absence(&anchor),
            (Some(anchor), Some(vault)) => self.judge(&anchor, &vault),
        }
    }

    fn nothing_there(&self) -> Result<State, Error> {
        if let Search::Found(_, home) = self.keys.find()?
            && home.remembers(&self.place.file)
        {
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

    /// No vault beside this anchor: right before the very first write, and never again.
    fn judge_absence(&self, anchor: &[u8]) -> Result<State, Error> {
        let sealer = self.sealer(&self.claim(anchor, &self.place.anchor)?, None)?;
        let anchor: Anchor =
            document::read(anchor, &sealer, Signed::Anchor).ok_or_else(|| changed(&self.place.anchor))?;
        if anchor.generation == 0 {
            return Ok(State::Fresh);
        }
        let why = format!("{} is gone; it was at generation {}", self.file_name(), anchor.generation);
        Err(Error::Tampered(why))
    }

    fn judge(&self, anchor_bytes: &[u8], vault: &[u8]) -> Result<State, Error> {
        let claim = self.claim(vault, &self.place.file)?;
        let sealer = self.sealer(&claim, Claim::of(anchor_bytes).as_ref())?;
        let document: Document =
            document::read(vault, &sealer, Signed::Vault).ok_or_else(|| changed(&self.place.file))?;
        let staged = self.known.lock().as_ref().is_some_and(|k| k.staged);
        let Some(anchor) = document::read::<Anchor>(anchor_bytes, &sealer, Signed::Anchor) else {
            // a rotation names the anchor it found; that one is under the key before, and is still to be written anew
            if document.beside.as_deref() == Some(&*document::digest(anchor_bytes)) {
                let due = Due { anchor: true, rotation: true };
                return Ok(State::There(Box::new(Opened { document, sealer, due })));
            }
            return Err(changed(&self.place.anchor));
        };
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
        let due = Due { anchor: document.generation > anchor.generation, rotation: staged };
        Ok(State::There(Box::new(Opened { document, sealer, due })))
    }

    fn claim(&self, bytes: &[u8], what: &Path) -> Result<Claim, Error> {
        Claim::of(bytes).filter(|c| c.id.is_some()).ok_or_else(|| changed(what))
    }

    /// The keys of a document that claims this. `beside`: what the other one claims; when a key fits that one only, it is
    /// this document that was changed, and not the key.
    fn sealer(&self, claim: &Claim, beside: Option<&Claim>) -> Result<Sealer, Error> {
        let id = claim.id.ok_or_else(|| changed(&self.place.file))?;
        let mut known = self.known.lock();
        if known.as_ref().is_none_or(|k| claim.foreign(&k.master)) {
            *known = Some(self.unlock(claim, beside)?);
        }
        let known = known.as_ref().ok_or_else(|| Error::KeyMissing("it was found and lost".into()))?;
        Sealer::new(&known.master, id)
    }

    /// Goes through the sources for the key that fits: the present one of each, and the one that a rotation laid beside it.
    fn unlock(&self, claim: &Claim, beside: Option<&Claim>) -> Result<Known, Error> {
        let (asked, mut empty, mut said) = (self.keys.asked(), Vec::new(), Vec::new());
        let mut wrong = None::<Source>;
        let mut fits_other = false;
        for home in &asked {
            for (staged, found) in self.offers(*home) {
                match found {
                    Ok(Some(master)) if !claim.foreign(&master) => {
                        return Ok(Known { master, source: home.source(), staged });
                    }
                    Ok(Some(master)) => {
                        fits_other |= beside.is_some_and(|c| !c.foreign(&master));
                        wrong.get_or_insert_with(|| home.source());
                    }
                    Ok(None) if staged => {}
                    Ok(None) => empty.push(home.source()),
                    Err(e) if wrong.is_some() || self.keys.passes_over(&e) => said.push(e.to_string()),
                    Err(e) => return Err(e),
                }
            }
        }
        match wrong {
            // both name another key, or one was changed
            Some(_) if fits_other => Err(changed(&self.place.file)),
            Some(source) => Err(Error::KeyWrong(format!("{source}{}", hint(claim, &source)))),
            None => {
                let last = claim.source();
                let last = last
                    .map_or(String::new(), |s| format!("; the vault was last written with a key from: {s}"));
                let said = nowhere(asked.len(), &empty, said);
                Err(Error::KeyMissing(format!("{said}{last}")))
            }
        }
    }

    /// The present key of a source and, only if that one is asked for, the staged one.
    fn offers<'a>(
        &self,
        home: &'a dyn KeySource,
    ) -> impl Iterator<Item = (bool, Result<Option<MasterKey>, Error>)> + use<'a> {
        let present = std::iter::once_with(move || (false, home.load()));
        present.chain(std::iter::once_with(move || (true, home.staged())))
    }

    pub(super) fn file_name(&self) -> String {
        self.place.file.display().to_string()
    }
}

fn changed(what: &Path) -> Error {
    Error::Tampered(format!("{} is not what was last written", what.display()))
}

/// Where to look for the right key, if the vault says another place.
fn hint(claim: &Claim, source: &Source) -> String {
    let other = claim.source().filter(|s| *s != source.label());
    other.map_or(String::new(), |s| format!(" (the vault was last written with a key from: {s})"))
}

pub(super) fn optional(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match atomic::read_private(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(path, &e)),
    }
}
