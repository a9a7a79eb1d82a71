//! Placeholders of single runs: each run gets its own for every entry, so that one that turns up elsewhere names the run it
//! came from.

use super::document::Document;
use super::error::Error;
use super::providers::Providers;
use super::value::Name;
use crate::base::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Runs that are known at once.
const RUNS: usize = 64;

/// Entry by entry: name and placeholder.
pub type Issued = Vec<(Arc<str>, Arc<str>)>;

/// One run. Times as everywhere in the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Its id.
    pub(super) run: String,
    pub(super) began: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<String>,
    /// By entry.
    pub(super) placeholders: BTreeMap<String, String>,
}

impl Run {
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.placeholders.values().map(String::as_str)
    }
}

impl Document {
    /// A fresh placeholder of every entry for this run, by name.
    pub(super) fn issue(
        &mut self,
        run: &str,
        providers: &Providers,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if run.is_empty() || run.len() > 64 || !run.bytes().all(good) {
            return Err(Error::BadRun("is 1 to 64 characters of A-Z a-z 0-9 _ . -"));
        }
        if self.runs.iter().any(|r| r.run == run) {
            return Err(Error::BadRun("is that of another run"));
        }
        let mut placeholders = BTreeMap::new();
        for name in self.entries.keys().filter(|n| !Name::is_internal(n)) {
            placeholders.insert(name.clone(), providers.placeholder(name)?);
        }
        let issued = placeholders.iter().map(|(n, p)| (n.as_str().into(), p.as_str().into())).collect();
        while self.runs.len() >= RUNS {
            // the oldest that has ended, else the oldest
            let at = self.runs.iter().rposition(|r| r.ended.is_some()).unwrap_or(self.runs.len() - 1);
            self.runs.remove(at);
        }
        self.runs.insert(0, Run { run: run.into(), began: now.to_string(), ended: None, placeholders });
        Ok(issued)
    }

    /// The run is over: its placeholders are honoured no longer, though still known. An unknown run is no error.
    pub(super) fn end(&mut self, run: &str, now: Timestamp) {
        if let Some(known) = self.runs.iter_mut().find(|r| r.run == run && r.ended.is_none()) {
            known.ended = Some(now.to_string());
        }
    }
}
