//! Refresh tokens that an endpoint has replaced go back into the vault, off the request path.

use crate::audit::{Decision, Event, Record, Trail};
use crate::base::clock::Timestamp;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::config;
use crate::pipeline::Keeper;
use crate::vault::{self, Meta, Name, Place, Vault};
use std::sync::Arc;

/// Keeps them in the vault of a running proxy.
pub(super) struct Keep {
    place: Place,
    trail: Arc<Trail>,
}

/// Keeps nothing: a rehearsal obtains no token.
pub(super) struct NotKept;

impl Keep {
    pub(super) fn new(paths: &Paths, config: &config::Vault, trail: &Arc<Trail>) -> Self {
        Self { place: vault::place(paths, config), trail: trail.clone() }
    }
}

impl Keeper for Keep {
    fn keep(&self, entry: &str, value: Secret) {
        let (place, trail, entry) = (self.place.clone(), self.trail.clone(), entry.to_owned());
        let name = entry.clone();
        let spawned = std::thread::Builder::new().name("keep".into()).spawn(move || {
            let written = write(&place, &name, &value);
            if let Err(why) = &written {
                tracing::error!(entry = name, code = why.code(), %why, "the refresh token that took the place of this one is in memory only: after a restart, set the entry anew");
            }
            record(&trail, &name, written.err());
        });
        if let Err(why) = spawned {
            tracing::error!(entry, %why, "the new refresh token is in memory only");
        }
    }
}

impl Keeper for NotKept {
    fn keep(&self, _entry: &str, _value: Secret) {}
}

fn write(place: &Place, entry: &str, value: &Secret) -> Result<(), vault::Error> {
    let name = Name::parse(entry)?;
    let meta = Meta { allow_short: true, ..Meta::default() };
    Vault::open(place)?.set(&name, value, meta).map(drop)
}

fn record(trail: &Trail, entry: &str, failed: Option<vault::Error>) {
    let mut record = Record::new(Event::VaultAccess, Timestamp::now());
    record.tool_name = Some("credential.rotate".into());
    record.subject = Some(entry.to_owned().into());
    record.decision = Some(Decision::Allow);
    record.outcome = Some(if failed.is_some() { "failed" } else { "written" }.into());
    if let Some(why) = failed {
        record.code = Some(why.code().into());
    }
    if let Err(why) = trail.append(record) {
        tracing::error!(%why, "a replaced refresh token is not in the audit");
    }
}
