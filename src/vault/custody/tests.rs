//! A key changes its keeper and nothing else.
use super::*;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::config;
use crate::vault::key::{KeyFile, Passphrase, Words};
use crate::vault::{Meta, Name};
use std::fs;
use std::path::Path;

struct Home {
    dir: tempfile::TempDir,
    place: Place,
}

impl Home {
    /// With a vault that holds one secret, its key in the usual file.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let paths = Paths::from_lookup(&|k| (k == "STATE_DIRECTORY").then(|| root.clone()));
        let settings = config::Vault { key_source: config::KeySource::File, ..config::Vault::default() };
        let home = Self { dir, place: crate::vault::place(&paths, &settings) };
        let vault = Vault::open_with(&home.place, home.keys()).unwrap();
        vault.set(&Name::parse("A").unwrap(), &Secret::from("a value of A"), Meta::default()).unwrap();
        home
    }

    fn other(&self) -> KeyFile {
        KeyFile::at(&self.dir.path().join("other.key"))
    }

    /// The usual key file before another one.
    fn keys(&self) -> Keys {
        Keys::of(
            config::KeySource::Auto,
            vec![Box::new(KeyFile::at(&self.place.key.file)), Box::new(self.other())],
        )
    }

    fn custody(&self) -> Custody {
        Custody::with(&self.place, self.keys())
    }

    fn value(&self, key: &Path) -> Result<Secret, Error> {
        let keys = Keys::of(config::KeySource::File, vec![Box::new(KeyFile::at(key))]);
        Vault::open_with(&self.place, keys)?.get(&Name::parse("A")?)
    }
}

#[test]
fn a_move_leaves_the_key_in_one_place_and_the_vault_as_it_was() {
    let home = Home::new();
    let before = fs::read(&home.place.file).unwrap();
    let moved = home.custody().move_to(&home.other(), home.keys()).unwrap();
    assert_eq!(moved.from, Some(Source::File(home.place.key.file.clone())));
    assert_eq!((moved.to, moved.still_there), (home.other().source(), None));
    assert!(!home.place.key.file.exists());
    assert_eq!(fs::read(&home.place.file).unwrap(), before, "no rotation");
    assert_eq!(home.value(&home.dir.path().join("other.key")).unwrap().expose(), b"a value of A");
    assert!(home.other().remembers(&home.place.file), "a vault that is deleted now is still missed");
    let again = home.custody().move_to(&home.other(), home.keys()).unwrap();
    assert_eq!(again.still_there, None, "where it is already it stays");
    assert!(home.other().load().unwrap().is_some());
}

#[test]
fn a_move_that_was_cut_short_ends_with_the_next() {
    let home = Home::new();
    let key = KeyFile::at(&home.place.key.file).load().unwrap().unwrap();
    home.other().store(&key).unwrap();
    assert!(home.value(&home.place.key.file).is_ok());
    home.custody().move_to(&home.other(), home.keys()).unwrap();
    assert!(!home.place.key.file.exists() && home.other().load().unwrap().unwrap().same(&key));
    // the other way round, where the source that has it already is the one that is asked first
    let file = KeyFile::at(&home.place.key.file);
    file.store(&key).unwrap();
    let ended = home.custody().move_to(&file, home.keys()).unwrap();
    assert_eq!(ended.ended, [home.other().source()]);
    assert!(home.other().load().unwrap().is_none() && file.load().unwrap().unwrap().same(&key));
}

#[test]
fn a_key_of_another_vault_is_not_written_over() {
    let home = Home::new();
    let theirs = MasterKey::generate().unwrap();
    home.other().store(&theirs).unwrap();
    let e = home.custody().move_to(&home.other(), home.keys()).unwrap_err();
    assert_eq!(e.code(), "vault_key_taken");
    assert!(home.place.key.file.exists() && home.other().load().unwrap().unwrap().same(&theirs));
    let held: Vec<Holds> = home.custody().survey().unwrap().into_iter().map(|s| s.holds).collect();
    assert_eq!(held, [Holds::ThisKey, Holds::AnotherKey]);
}

#[test]
fn a_target_that_takes_nothing_costs_nothing() {
    let home = Home::new();
    let nowhere = KeyFile::at(&home.place.file.join("no/directory"));
    assert!(home.custody().move_to(&nowhere, home.keys()).is_err());
    let short = Passphrase::at(&home.place.key.kdf, Words::fixed(Secret::from("short")));
    assert_eq!(home.custody().move_to(&short, home.keys()).unwrap_err().code(), "vault_bad_passphrase");
    assert!(home.value(&home.place.key.file).is_ok());
    fs::write(&home.place.lock_sentinel, "").unwrap();
    assert_eq!(home.custody().move_to(&home.other(), home.keys()).unwrap_err().code(), "vault_locked");
}

#[test]
fn only_the_vaults_own_key_is_taken_back() {
    let home = Home::new();
    let (key, _) = home.custody().key(home.keys()).unwrap();
    fs::remove_file(&home.place.key.file).unwrap();
    let file = KeyFile::at(&home.place.key.file);
    let wrong = MasterKey::generate().unwrap();
    assert_eq!(home.custody().import(&wrong, Some(&file)).unwrap_err().code(), "vault_key_wrong");
    assert!(!home.place.key.file.exists());
    assert_eq!(home.custody().import(&key, Some(&file)).unwrap().to, file.source());
    assert!(home.value(&home.place.key.file).is_ok());
    let mark = home.custody().mark().unwrap().unwrap();
    assert_eq!((mark.check.len(), mark.vault.len(), mark.written_with), (32, 32, Some("file")));
    fs::remove_file(&home.place.file).unwrap();
    fs::remove_file(&home.place.anchor).unwrap();
    assert_eq!(home.custody().import(&key, Some(&file)).unwrap_err().code(), "vault_none");
    assert_eq!(home.custody().mark().unwrap(), None);
}
