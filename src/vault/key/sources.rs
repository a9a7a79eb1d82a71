//! The sources of a machine in the one order in which `auto` asks them, and where a new key goes.

use super::words::Words;
use super::{
    Environment, KernelKeyring, KeyFile, KeySource, MasterKey, OsKeyring, Passphrase, Source,
    SystemdCredential, VARIABLES,
};
use crate::config;
use crate::vault::error::Error;
use crate::vault::place::KeyPlace;
use std::path::PathBuf;
use std::time::Duration;

/// Every source, and which of them may be asked.
#[derive(Debug)]
pub struct Keys {
    choice: config::KeySource,
    /// In the order in which `auto` asks.
    sources: Vec<Box<dyn KeySource>>,
}

/// What a search for the key came to.
pub(in crate::vault) enum Search<'a> {
    /// This source has it.
    Found(MasterKey, &'a dyn KeySource),
    /// None has; what each one said.
    Nowhere(String),
}

impl Keys {
    /// The sources of this machine. First what only a person or a unit can have put there on purpose, then what katana
    /// writes itself, and last the keyring, which may take its time.
    #[must_use]
    pub fn system(place: &KeyPlace) -> Self {
        // a person may have to answer the keyring's prompt when it was asked for by name; `auto` does not wait for that
        let patience = if place.choice == config::KeySource::Keyring { 60 } else { 5 };
        Self::of(
            place.choice,
            vec![
                Box::new(Environment::of_process()),
                Box::new(SystemdCredential::of_process()),
                Box::new(Passphrase::at(&place.kdf, Words::of_process(place.passphrase_file.clone()))),
                Box::new(KeyFile::at(&place.file)),
                Box::new(KernelKeyring::of(&place.vault)),
                Box::new(OsKeyring::of(&place.vault, Duration::from_secs(patience))),
            ],
        )
    }

    /// These sources, in this order.
    #[must_use]
    pub fn of(choice: config::KeySource, sources: Vec<Box<dyn KeySource>>) -> Self {
        Self { choice, sources }
    }

    /// Which may be asked.
    #[must_use]
    pub fn choice(&self) -> config::KeySource {
        self.choice
    }

    /// Looks for a key that is already there.
    pub(in crate::vault) fn find(&self) -> Result<Search<'_>, Error> {
        let asked = self.asked();
        let (mut empty, mut said) = (Vec::new(), Vec::new());
        for source in &asked {
            match source.load() {
                Ok(Some(key)) => return Ok(Search::Found(key, *source)),
                Ok(None) => empty.push(source.source()),
                Err(e) if self.passes_over(&e) => said.push(e.to_string()),
                Err(e) => return Err(e),
            }
        }
        Ok(Search::Nowhere(nowhere(asked.len(), &empty, said)))
    }

    /// A keyring that does not answer is the rule on a headless machine, and no reason to stop there.
    pub(in crate::vault) fn passes_over(&self, e: &Error) -> bool {
        matches!(e, Error::KeyUnreachable { .. }) && self.choice == config::KeySource::Auto
    }

    /// Makes a new key and keeps it where the choice says; with `auto` in the keyring where that works, else in the key file.
    pub(in crate::vault) fn make(&self) -> Result<(MasterKey, &dyn KeySource), Error> {
        let key = MasterKey::generate()?;
        let mut last = Error::KeyMissing("no source can keep a new key".into());
        for home in self.homes()? {
            match keep(home, &key) {
                Ok(()) => return Ok((key, home)),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// The sources that a new key may go to, the best first.
    pub(in crate::vault) fn homes(&self) -> Result<Vec<&dyn KeySource>, Error> {
        let homes: &[&str] = match self.choice {
            config::KeySource::Env => return Err(Error::KeyMissing(format!("{} is not set", VARIABLES[0]))),
            config::KeySource::Auto => &["keyring", "file"],
            config::KeySource::Systemd => &["systemd"],
            config::KeySource::Passphrase => &["passphrase"],
            config::KeySource::File => &["file"],
            config::KeySource::Kernel => &["kernel"],
            config::KeySource::Keyring => &["keyring"],
        };
        Ok(homes.iter().filter_map(|label| self.labelled(label)).collect())
    }

    /// The source a key came from.
    pub(in crate::vault) fn home(&self, source: &Source) -> Option<&dyn KeySource> {
        self.labelled(source.label())
    }

    /// The source of this label.
    pub(in crate::vault) fn labelled(&self, label: &str) -> Option<&dyn KeySource> {
        self.all().find(|s| s.source().label() == label)
    }

    /// Every source, asked or not, in the order of `auto`.
    pub(in crate::vault) fn all(&self) -> impl Iterator<Item = &dyn KeySource> {
        self.sources.iter().map(AsRef::as_ref)
    }

    /// Those that the choice allows, in the order of `auto`.
    pub(in crate::vault) fn asked(&self) -> Vec<&dyn KeySource> {
        self.all().filter(|s| allows(self.choice, s.source().label())).collect()
    }
}

/// What is said when none of so many sources that were asked has a key: which have none, and what the others said.
pub(in crate::vault) fn nowhere(asked: usize, empty: &[Source], mut said: Vec<String>) -> String {
    let empty = match empty {
        [only] if asked == 1 => format!("{only} has none"),
        many => format!("none in {}", many.iter().map(Source::label).collect::<Vec<_>>().join(", ")),
    };
    said.insert(0, empty);
    said.join("; ")
}

/// Does this choice ask the source of this label?
#[must_use]
pub fn allows(choice: config::KeySource, label: &str) -> bool {
    label
        == match choice {
            config::KeySource::Auto => return true,
            config::KeySource::Env => "environment",
            config::KeySource::Systemd => "systemd",
            config::KeySource::Passphrase => "passphrase",
            config::KeySource::File => "file",
            config::KeySource::Kernel => "kernel",
            config::KeySource::Keyring => "keyring",
        }
}

/// Lays a key into a source, and looks whether it is there.
pub(in crate::vault) fn keep(home: &dyn KeySource, key: &MasterKey) -> Result<(), Error> {
    home.store(key)?;
    match home.load()? {
        Some(kept) if kept.same(key) => Ok(()),
        _ => Err(Error::not_kept(&home.source())),
    }
}

/// Where the key of a vault may lie, before a passphrase is asked for.
impl KeyPlace {
    /// The passphrase that a process started from here will need, asked for now; `None`: it will need none.
    ///
    /// # Errors
    /// [`Error::PassphraseMissing`], [`Error::PassphraseWrong`], and what is wrong with the file.
    pub fn passphrase(&self) -> Result<Option<crate::base::secret::Secret>, Error> {
        let sealed = Passphrase::at(&self.kdf, Words::of_process(self.passphrase_file.clone()));
        if !allows(self.choice, "passphrase") || !sealed.there() {
            return Ok(None);
        }
        if self.choice == config::KeySource::Auto {
            let before: [Box<dyn KeySource>; 2] =
                [Box::new(Environment::of_process()), Box::new(SystemdCredential::of_process())];
            if before.iter().any(|s| !matches!(s.load(), Ok(None))) {
                return Ok(None);
            }
        }
        sealed.load()?;
        Ok(super::words::handed())
    }

    /// The file that a source keeps its key in, if it is one.
    #[must_use]
    pub fn file_of(&self, label: &str) -> Option<PathBuf> {
        match label {
            "file" => Some(self.file.clone()),
            "passphrase" => Some(self.kdf.clone()),
            _ => None,
        }
    }
}
