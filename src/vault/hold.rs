//! The judged document → what the request path holds: every entry opened, with all that says how it may be used.

use super::disk::Opened;
use super::document::Document;
use super::entry::{Entry, Sealed, time};
use super::error::Error;
use super::held::{Alias, Barred, Held};
use super::reference;
use super::seal::{Bound, Sealer};
use super::value::Name;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;

/// Every entry. One that does not open fails all: what is not held is not looked for.
pub(super) fn held(opened: &Opened, now: Timestamp) -> Result<Vec<Held>, Error> {
    let one = |(name, entry): (&String, &Entry)| hold(opened, name, entry, now);
    opened.document.entries.iter().map(one).collect()
}

fn hold(opened: &Opened, name: &str, entry: &Entry, now: Timestamp) -> Result<Held, Error> {
    Name::shaped(name).map_err(|_| Error::Tampered("an entry has a name that no entry can have".into()))?;
    let mut held = Held::new(name, Secret::default(), entry.placeholder.as_str());
    let (first, rest) = entry.versions.split_first().ok_or_else(|| valueless(name))?;
    let text = open(&opened.sealer, name, first)?;
    if first.from.is_some() {
        held.reference = Some(text);
        held.barred = Some(reference::BARRED);
    } else {
        held.value = text;
    }
    for sealed in rest {
        let text = open(&opened.sealer, name, sealed)?;
        if sealed.from.is_none() && text != held.value && !held.older.contains(&text) {
            held.older.push(text);
        }
    }
    held.aliases = aliases(&opened.document, name, entry);
    held.document = entry.document;
    match entry.goes.as_ref().map(|g| g.credential(name)) {
        Some(Ok(credential)) => held.goes = Some(credential),
        // written by a later version: where it may go is not known, so it goes nowhere
        Some(Err(_)) => held.barred = Some(Barred::Unresolved("goes")),
        None => {}
    }
    held.expires = entry.expiry();
    if let Some(at) = held.expires.filter(|at| *at <= now) {
        held.barred = Some(Barred::Expired(at));
    }
    Ok(held)
}

fn aliases(document: &Document, name: &str, entry: &Entry) -> Vec<Alias> {
    let former = entry.former.iter().map(|f| Alias {
        placeholder: f.placeholder.as_str().into(),
        run: None,
        until: Some(time(&f.until)),
    });
    let runs = document.runs.iter().filter_map(|r| {
        Some(Alias {
            placeholder: r.placeholders.get(name)?.as_str().into(),
            run: Some(r.run.as_str().into()),
            until: r.ended.as_deref().map(time),
        })
    });
    former.chain(runs).collect()
}

/// One version in the clear.
pub(super) fn open(sealer: &Sealer, name: &str, sealed: &Sealed) -> Result<Secret, Error> {
    let at = Bound { name, version: sealed.version, generation: sealed.generation };
    sealer.open(at, &sealed.key, &sealed.value)
}

pub(super) fn valueless(name: &str) -> Error {
    Error::Tampered(format!("the entry {name} has no value"))
}
