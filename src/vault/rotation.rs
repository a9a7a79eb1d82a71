//! Rotation of the master key. The next key is laid beside the present one, the vault is written under it in one step (the
//! commit point), then its anchor, and then the next key becomes the present one. Killed at any instant, the next open knows
//! from the vault which of the two keys counts, and finishes or undoes.

use super::disk::{Disk, Known, Opened, State, optional};
use super::document::{Document, KeyNote, digest};
use super::entry::{Entry, Sealed};
use super::error::Error;
use super::hold;
use super::key::{KeySource, MasterKey, Source, keep};
use super::seal::{Bound, Sealer};
use std::collections::BTreeMap;

/// A rotation that is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The vault's new generation.
    pub generation: u64,
    /// Entries that are under the new key.
    pub entries: usize,
    /// Where the old key lay.
    pub from: Source,
    /// Where the new one lies.
    pub to: Source,
    /// What is left to do, and why; the next open does it.
    pub unfinished: Option<Error>,
    /// The old source still has the old key, for this reason.
    pub still_there: Option<Error>,
}

impl Disk {
    /// A new master key, and everything sealed anew under it. `to`: the label of another source for it.
    pub(super) fn rotate(&self, to: Option<&str>) -> Result<Rotation, Error> {
        let _lock = self.prepared()?;
        let State::There(opened) = self.judged()? else {
            return Err(Error::NoVault(self.place.file.clone()));
        };
        self.settle(&opened)?;
        let from = self.source().ok_or_else(|| Error::NoVault(self.place.file.clone()))?;
        let home = self.home(from.label())?;
        let target = to.map_or(Ok(home), |label| self.home(label))?;
        let moves = target.source() != from;
        let shared = home.also_opens(&self.place.file);
        let shared = shared.map(|other| Error::KeyShared { origin: from.to_string(), other });
        if let Some(e) = shared.as_ref().filter(|_| !moves) {
            return Err(e.clone());
        }
        let next = MasterKey::generate()?;
        let (document, sealer) = self.turned(&opened, &next, &target.source())?;
        lay(target, moves, &next)?;
        let signature = match self.commit(&document, &sealer) {
            Ok(signature) => signature,
            Err(e) => {
                let undone = if moves { target.forget() } else { target.unstage() };
                if let Err(left) = undone {
                    tracing::warn!(code = left.code(), "the next key of a failed rotation is still there");
                }
                return Err(e);
            }
        };
        *self.known.lock() = Some(Known { master: next, source: target.source(), staged: !moves });
        let finished = self.write_anchor(&document, &signature, &sealer).and_then(|()| {
            self.promote()?;
            target.remember(&self.place.file)
        });
        let unfinished = finished.err();
        // as long as anything is left to do, the old key may still be needed to do it
        let still_there = match shared {
            _ if !moves || unfinished.is_some() => None,
            None => home.forget().err(),
            shared => shared,
        };
        let (generation, entries) = (document.generation, document.entries.len());
        Ok(Rotation { generation, entries, from, to: target.source(), unfinished, still_there })
    }

    fn home(&self, label: &str) -> Result<&dyn KeySource, Error> {
        let unknown =
            || Error::KeyUnusable { origin: label.to_owned(), why: "it is no source of keys".into() };
        self.keys.labelled(label).ok_or_else(unknown)
    }

    /// The vault under the next key. Every version of every entry is opened on the way; one that does not open ends it.
    fn turned(
        &self,
        opened: &Opened,
        next: &MasterKey,
        source: &Source,
    ) -> Result<(Document, Sealer), Error> {
        let sealer = Sealer::new(next, opened.sealer.raw_id())?;
        let generation = opened.document.generation + 1;
        let mut entries = BTreeMap::new();
        for (name, entry) in &opened.document.entries {
            let seal = |old: &Sealed| {
                let value = hold::open(&opened.sealer, name, old)?;
                let at = Bound { name, version: old.version, generation };
                let (key, value) = sealer.seal(at, &value)?;
                Ok(Sealed { generation, key, value, ..old.clone() })
            };
            let versions = entry.versions.iter().map(seal).collect::<Result<_, Error>>()?;
            entries.insert(name.clone(), Entry { versions, ..entry.clone() });
        }
        let anchor = optional(&self.place.anchor)?.unwrap_or_default();
        let key = KeyNote { source: source.label().to_owned(), check: sealer.check().to_owned() };
        let document = opened.document.rotated(generation, key, entries, digest(&anchor));
        Ok((document, sealer))
    }

    /// Writes the vault. An error after the rename is none: what is on the disk decides.
    fn commit(&self, document: &Document, sealer: &Sealer) -> Result<String, Error> {
        self.write_vault(document, sealer).or_else(|e| {
            let there = optional(&self.place.file).ok().flatten().unwrap_or_default();
            let there = super::document::read::<Document>(&there, sealer, super::seal::Signed::Vault);
            there.map(|d| d.signature().to_owned()).ok_or(e)
        })
    }
}

/// Lays the next key where it will be found if this process ends now.
fn lay(target: &dyn KeySource, moves: bool, next: &MasterKey) -> Result<(), Error> {
    if !moves {
        return target.stage(next);
    }
    match target.load()? {
        Some(_) => Err(Error::KeyTaken(target.source().to_string())),
        None => keep(target, next),
    }
}

#[cfg(test)]
mod tests;
