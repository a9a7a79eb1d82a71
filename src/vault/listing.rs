//! What can be told of a vault without telling a value: its entries, their versions, and what `verify` looked at.

use super::document::Document;
use super::entry::{Entry, time};
use super::key::Source;
use super::value::Name;
use crate::base::clock::Timestamp;
use crate::config::Goes;
use std::path::PathBuf;
use std::sync::Arc;

/// One entry without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The entry's name.
    pub name: Arc<str>,
    /// What agents hold instead of the value.
    pub placeholder: Arc<str>,
    /// The number of the present version.
    pub version: u64,
    /// When the name came in.
    pub created: Timestamp,
    /// When the present value came in.
    pub updated: Timestamp,
    /// From when on it is not put in any more.
    pub expires: Option<Timestamp>,
    /// Where it goes, if that was said when it was set.
    pub goes: Option<Goes>,
    /// A text of several lines that stands in no slot.
    pub document: bool,
    /// The backend's name, for an entry by reference.
    pub from: Option<Arc<str>>,
    /// The versions that are kept, newest first.
    pub versions: Vec<Version>,
}

/// One version that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub version: u64,
    /// When it came in; `None`: before versions were dated.
    pub created: Option<Timestamp>,
    /// The backend's name, when it was a reference.
    pub from: Option<Arc<str>>,
    /// Up to when it was promised to be kept.
    pub until: Option<Timestamp>,
}

/// What `verify` found: all is well, and this is what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The vault file.
    pub file: PathBuf,
    /// Its generation; 0: there is no vault yet.
    pub generation: u64,
    /// How many entries, each of them opened in all its versions.
    pub entries: usize,
    /// Where the key came from; `None`: none was needed.
    pub key_source: Option<Source>,
}

/// Every entry by name.
pub(super) fn listing(document: &Document) -> Vec<Listing> {
    let shown = document.entries.iter().filter(|(name, _)| !Name::is_internal(name));
    shown.map(|(name, entry)| one(name, entry)).collect()
}

fn one(name: &str, entry: &Entry) -> Listing {
    let shared = |t: &String| Arc::from(t.as_str());
    let versions = entry.versions.iter().map(|v| Version {
        version: v.version,
        created: v.created.as_deref().map(time),
        from: v.from.as_ref().map(shared),
        until: v.until.as_deref().map(time),
    });
    let versions: Vec<Version> = versions.collect();
    Listing {
        name: name.into(),
        placeholder: entry.placeholder.as_str().into(),
        version: versions.first().map_or(0, |v| v.version),
        created: time(&entry.created),
        updated: time(&entry.updated),
        expires: entry.expiry(),
        goes: entry.goes.clone(),
        document: entry.document,
        from: versions.first().and_then(|v| v.from.clone()),
        versions,
    }
}
