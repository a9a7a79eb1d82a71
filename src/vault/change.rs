//! What changes a vault: values set and renewed, what is said beside them, entries removed, placeholders for runs. Each is one
//! read-judge-change-write under the lock.

use super::document::Document;
use super::entry::{Entry, Sealed};
use super::error::Error;
use super::hold;
use super::providers::Providers;
use super::reference::Reference;
use super::runs::Issued;
use super::seal::{Bound, Sealer};
use super::store::Vault;
use super::takes::slot_takes;
use super::value::{self, Name};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config::Goes;
use std::sync::Arc;

/// What is said beside a value. What is left out stays as it was.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// Take a value of fewer than [`value::SHORT`] bytes.
    pub allow_short: bool,
    /// A text of several lines that stands in no slot: PEM, JSON. Once a document, always one.
    pub document: bool,
    /// What is set is not the value but where to get it: `env:NAME`, `file:PATH`, …
    pub reference: bool,
    /// When it expires.
    pub expires: Option<Expiry>,
    /// Where it goes.
    pub goes: Option<Going>,
}

/// When a secret expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// From then on it is not put in.
    At(Timestamp),
}

/// A change of where a secret goes, in the words of an entry of `credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Going {
    /// Configuration and providers say it.
    Unsaid,
    /// As it was, with these parts new. Hosts and slot must be there in the end.
    Said {
        /// The hosts.
        hosts: Option<Vec<String>>,
        /// The slot.
        slot: Option<String>,
        /// The methods; an empty list: all.
        methods: Option<Vec<String>>,
        /// The paths; an empty list: all.
        paths: Option<Vec<String>>,
    },
}

/// What becomes of the old value, and the old placeholder, when a secret is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The old value is kept and looked for at least up to then, and an old placeholder honoured.
    pub until: Timestamp,
    /// A new placeholder too.
    pub placeholder: bool,
}

/// The backends that a reference may name, by what stands before the colon.
pub const BACKENDS: [&str; 6] = ["env", "exec", "file", "op", "systemd", "vault"];

impl Vault {
    /// Keeps a value, over the one the name had; returns the placeholder, which stays the same for a name that is there.
    ///
    /// # Errors
    /// [`Error::BadValue`], [`Error::ShortValue`], [`Error::BadGoes`], and as [`Vault::open`].
    pub fn set(&self, name: &Name, value: &Secret, meta: Meta) -> Result<Arc<str>, Error> {
        let all = self.set_all(&[(name.clone(), value.clone(), meta)], true)?;
        all.into_iter().next().ok_or_else(|| Error::NoEntry(name.to_string()))
    }

    /// Keeps several values in one write, all or none; returns their placeholders in the same order.
    ///
    /// # Errors
    /// [`Error::Exists`] when a name is there and may not be overwritten, and as [`Vault::set`].
    pub fn set_all(&self, all: &[(Name, Secret, Meta)], overwrite: bool) -> Result<Vec<Arc<str>>, Error> {
        let (providers, now) = (Providers::builtin()?, Timestamp::now());
        self.change(|document, sealer, keep| {
            let there = |(name, ..): &&(Name, Secret, Meta)| document.entries.contains_key(name.as_str());
            if let Some((name, ..)) = all.iter().find(there).filter(|_| !overwrite) {
                return Err(Error::Exists(name.to_string()));
            }
            let mut placeholders = Vec::with_capacity(all.len());
            for (name, value, meta) in all {
                let work = Work { sealer, providers: &providers, keep, now };
                work.set(document, name, value, meta)?;
                placeholders.push(placeholder(document, name)?);
            }
            Ok(placeholders)
        })
    }

    /// Changes what is said beside the value, and leaves the value alone; returns the placeholder.
    ///
    /// # Errors
    /// [`Error::NoEntry`], [`Error::BadGoes`], and as [`Vault::open`].
    pub fn amend(&self, name: &Name, meta: &Meta) -> Result<Arc<str>, Error> {
        self.change(|document, sealer, _| {
            let entry = entry(document, name)?;
            amend(entry, name, meta)?;
            if let Some(present) = entry.versions.first().filter(|v| v.from.is_none()) {
                fits(entry, name, &hold::open(sealer, name.as_str(), present)?)?;
            }
            placeholder(document, name)
        })
    }

    /// A new value for a name that has one; the old one is not forgotten before the overlap ends. Returns the placeholder.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::set`].
    pub fn renew(
        &self,
        name: &Name,
        value: &Secret,
        meta: &Meta,
        overlap: Overlap,
    ) -> Result<Arc<str>, Error> {
        let (providers, now) = (Providers::builtin()?, Timestamp::now());
        self.change(|document, sealer, keep| {
            let known = entry(document, name)?;
            if let Some(old) = known.versions.first_mut() {
                old.until = Some(overlap.until.to_string());
            }
            if overlap.placeholder {
                known.rename(providers.placeholder(name.as_str())?, overlap.until);
            }
            let work = Work { sealer, providers: &providers, keep, now };
            work.set(document, name, value, meta)?;
            placeholder(document, name)
        })
    }

    /// Forgets a name, its values and its placeholders.
    ///
    /// # Errors
    /// [`Error::NoEntry`], and as [`Vault::open`].
    pub fn remove(&self, name: &Name) -> Result<(), Error> {
        self.change(|document, _, _| {
            entry(document, name)?;
            document.entries.remove(name.as_str());
            for run in &mut document.runs {
                run.placeholders.remove(name.as_str());
            }
            Ok(())
        })
    }

    /// Fresh placeholders of every entry for one run: name and placeholder. Of more than 64 runs the oldest is forgotten.
    /// A vault without entries has none to give, and is not written.
    ///
    /// # Errors
    /// [`Error::BadRun`] for an id that is none or is taken, and as [`Vault::open`].
    pub fn issue_run(&self, run: &str) -> Result<Issued, Error> {
        if self.list()?.is_empty() {
            return Ok(Vec::new());
        }
        let (providers, now) = (Providers::builtin()?, Timestamp::now());
        self.change(|document, _, _| document.issue(run, &providers, now))
    }

    /// The run is over: its placeholders are honoured no longer, and still known for what they are.
    ///
    /// # Errors
    /// As [`Vault::open`]. A run that is not known is none.
    pub fn end_run(&self, run: &str) -> Result<(), Error> {
        if self.list()?.is_empty() {
            return Ok(());
        }
        self.change(|document, _, _| {
            document.end(run, Timestamp::now());
            Ok(())
        })
    }
}

/// What every value that comes in needs.
struct Work<'a> {
    sealer: &'a Sealer,
    providers: &'a Providers,
    keep: usize,
    now: Timestamp,
}

impl Work<'_> {
    fn set(&self, document: &mut Document, name: &Name, value: &Secret, meta: &Meta) -> Result<(), Error> {
        let known = document.entries.get(name.as_str());
        let is_document = !meta.reference && (meta.document || known.is_some_and(|e| e.document));
        value::check(value, is_document, meta.allow_short || meta.reference)?;
        if document.placeholders().any(|p| p.as_bytes() == value.expose()) {
            return Err(Error::BadValue("is a placeholder of this vault, not a secret"));
        }
        let from = if meta.reference { Some(backend(value)?) } else { None };
        if known.is_none() {
            let fresh = Entry::new(self.providers.placeholder(name.as_str())?, self.now);
            document.entries.insert(name.as_str().to_owned(), fresh);
        }
        let generation = document.generation;
        let entry = entry(document, name)?;
        amend(entry, name, meta)?;
        if from.is_none() {
            fits(entry, name, value)?;
            if entry.goes.is_none()
                && !entry.document
                && let Some(slot) = self.providers.slot(name.as_str())
            {
                slot_takes(slot, value).map_err(Error::BadValue)?;
            }
        }
        let version = entry.next();
        let at = Bound { name: name.as_str(), version, generation };
        let (key, text) = self.sealer.seal(at, value)?;
        let created = Some(self.now.to_string());
        let sealed = Sealed { version, generation, created, from, until: None, key, value: text };
        entry.push(sealed, self.keep, self.now);
        Ok(())
    }
}

fn entry<'a>(document: &'a mut Document, name: &Name) -> Result<&'a mut Entry, Error> {
    document.entries.get_mut(name.as_str()).ok_or_else(|| Error::NoEntry(name.to_string()))
}

fn placeholder(document: &Document, name: &Name) -> Result<Arc<str>, Error> {
    let entry = document.entries.get(name.as_str()).ok_or_else(|| Error::NoEntry(name.to_string()))?;
    Ok(entry.placeholder.as_str().into())
}

fn amend(entry: &mut Entry, name: &Name, meta: &Meta) -> Result<(), Error> {
    entry.document |= meta.document;
    match meta.expires {
        Some(Expiry::Never) => entry.expires = None,
        Some(Expiry::At(at)) => entry.expires = Some(at.to_string()),
        None => {}
    }
    match &meta.goes {
        Some(Going::Unsaid) => entry.goes = None,
        Some(Going::Said { hosts, slot, methods, paths }) => {
            let was = entry.goes.take().unwrap_or_default();
            let goes = Goes {
                hosts: hosts.clone().unwrap_or(was.hosts),
                slot: slot.clone().unwrap_or(was.slot),
                methods: methods.clone().unwrap_or(was.methods),
                paths: paths.clone().unwrap_or(was.paths),
            };
            if goes.slot.is_empty() {
                return Err(Error::BadGoes("hosts were named and no slot".into()));
            }
            goes.credential(name.as_str()).map_err(Error::BadGoes)?;
            entry.goes = Some(goes);
        }
        None => {}
    }
    if entry.document && entry.goes.is_some() {
        return Err(Error::BadGoes("a document stands in no slot, and so goes nowhere by itself".into()));
    }
    Ok(())
}

/// Would the value stand in the slot that was said for it?
fn fits(entry: &Entry, name: &Name, value: &Secret) -> Result<(), Error> {
    let Some(goes) = &entry.goes else { return Ok(()) };
    let credential = goes.credential(name.as_str()).map_err(Error::BadGoes)?;
    slot_takes(&credential.slot, value).map_err(Error::BadValue)
}

/// The backend of a reference that is one.
fn backend(reference: &Secret) -> Result<String, Error> {
    let text = std::str::from_utf8(reference.expose()).unwrap_or_default();
    Reference::parse(text).map(|r| r.backend().to_owned()).map_err(Error::BadValue)
}

#[cfg(test)]
mod tests;
