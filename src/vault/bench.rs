//! A vault to test with: a directory of its own, and a key file in it.

use super::error::Error;
use super::key::{Environment, KeyFile, Keys, MasterKey, OsKeyring};
use super::place::{KeyPlace, Place};
use super::value::Name;
use super::{Meta, Overlap, Vault};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// A directory with a vault in it, whose key lies in a file beside it.
pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) place: Place,
}

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let place = Place {
            file: at("vault.json"),
            anchor: at("vault.anchor"),
            lock_sentinel: at("vault.lock"),
            write_lock: at("vault.json.flock"),
            key: KeyPlace::beside(&at("vault.json"), config::KeySource::File),
            keep: 5,
        };
        Self { dir, place }
    }

    pub(super) fn open(&self) -> Result<Vault, Error> {
        self.open_env(None)
    }

    /// Opens it without counting a failure.
    pub(super) fn look(&self) -> Result<Vault, Error> {
        Vault::look_with(&self.place, self.keys(None))
    }

    /// With a key from the environment, if there is one.
    pub(super) fn open_env(&self, key: Option<&MasterKey>) -> Result<Vault, Error> {
        Vault::open_with(&self.place, self.keys(key))
    }

    /// The sources: the environment alone if it has a key, else as the place says.
    pub(super) fn keys(&self, key: Option<&MasterKey>) -> Keys {
        let choice = if key.is_some() { config::KeySource::Env } else { self.place.key.choice };
        let text = key.map(|k| k.to_base64().to_string());
        Keys::of(
            choice,
            vec![
                Box::new(Environment::of(move |_| text.clone())),
                Box::new(KeyFile::at(&self.place.key.file)),
                Box::new(OsKeyring::of(&self.place.file, Duration::ZERO)),
            ],
        )
    }

    pub(super) fn set(&self, name: &str, value: &str) -> Result<Arc<str>, Error> {
        self.open()?.set(&Name::parse(name)?, &Secret::from(value), Meta::default())
    }

    pub(super) fn get(&self, name: &str) -> Result<Secret, Error> {
        self.open()?.get(&Name::parse(name)?)
    }

    /// Everything a command could do with a broken vault, and that none of it says yes or writes a byte.
    pub(super) fn refuses_everything(&self, code: &str) {
        let before = self.files();
        assert_eq!(self.open().map(drop).unwrap_err().code(), code);
        assert_eq!(self.set("NEW", "a-new-value").unwrap_err().code(), code);
        // an open handle from before does not get around it either
        let stale = Vault::unjudged(&self.place, self.keys(None));
        let (old, new) = (Name::parse("OTHER").unwrap(), Secret::from("a-new-value"));
        let overlap = Overlap { until: Timestamp(0), placeholder: true };
        for refused in [
            stale.set(&old, &new, Meta::default()).map(drop),
            stale.renew(&old, &new, &Meta::default(), overlap).map(drop),
            stale.amend(&old, &Meta::default()).map(drop),
            stale.remove(&old),
            stale.rotate(None).map(drop),
            stale.issue_run("run").map(drop),
            stale.end_run("run"),
            stale.verify().map(drop),
            stale.hold().map(drop),
            stale.get(&old).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().code(), code);
        }
        assert_eq!(self.files(), before, "a refused write writes nothing");
        assert_eq!(self.open().map(drop).unwrap_err().code(), code, "and launders nothing");
        // the breaker has a test of its own
        self.place.passed();
    }

    pub(super) fn files(&self) -> Vec<Option<Vec<u8>>> {
        [&self.place.file, &self.place.anchor, &self.place.key.file].map(|f| fs::read(f).ok()).into()
    }

    pub(super) fn vault_text(&self) -> String {
        fs::read_to_string(&self.place.file).unwrap()
    }
}
