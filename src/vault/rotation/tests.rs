//! Rotations that end at every step there is, and what the next open makes of each.
use super::*;
use crate::base::secret::Secret;
use crate::config;
use crate::vault::bench::Bench;
use crate::vault::key::{KeyFile, Keys, LABELS};
use crate::vault::place::Place;
use crate::vault::write::Healed;
use crate::vault::{Meta, Name, Vault};
use std::fs;

fn filled() -> Bench {
    let bench = Bench::new();
    bench.set("A", "the-first-value").unwrap();
    bench.set("A", "the-second-value").unwrap();
    bench.set("B", "another-value").unwrap();
    bench.open().unwrap().issue_run("r1").unwrap();
    bench
}

/// What must be so after any rotation, whole or broken off: nothing lost, nothing left over.
fn sound(bench: &Bench) {
    let vault = bench.open().unwrap();
    assert_eq!(vault.healed(), None, "healed once is healed");
    assert_eq!(vault.verify().unwrap().entries, 2);
    let held = vault.hold().unwrap();
    assert_eq!(held[0].value.expose(), b"the-second-value");
    assert_eq!((held[0].older[0].expose(), held[0].aliases.len()), (&b"the-first-value"[..], 1));
    assert_eq!(held[1].value.expose(), b"another-value");
    assert!(KeyFile::at(&bench.place.key.file).staged().unwrap().is_none());
    bench.set("C", "and-it-can-be-written").unwrap();
    bench.open().unwrap().remove(&Name::parse("C").unwrap()).unwrap();
}

fn files(place: &Place) -> [&std::path::Path; 3] {
    [&place.file, &place.anchor, &place.key.file]
}

#[test]
fn everything_is_under_a_new_key_and_nothing_else_has_changed() {
    let bench = filled();
    let before = bench.open().unwrap().list().unwrap();
    let key = KeyFile::at(&bench.place.key.file);
    let (old, text) = (key.load().unwrap().unwrap(), bench.vault_text());
    let done = bench.open().unwrap().rotate(None).unwrap();
    assert_eq!((done.entries, done.generation, done.unfinished), (2, 5, None));
    assert_eq!(bench.open().unwrap().list().unwrap(), before);
    assert!(!key.load().unwrap().unwrap().same(&old));
    assert!(
        !fs::read_to_string(&bench.place.key.file).unwrap().contains(&*old.to_base64()),
        "the old one is gone"
    );
    let sealed = |text: &str| {
        let fields = text.lines().filter(|l| l.contains("\"key\": \"") || l.contains("\"value\": \""));
        fields.map(str::to_owned).collect::<Vec<_>>()
    };
    let now = bench.vault_text();
    assert!(sealed(&now).iter().all(|line| !text.contains(line.as_str())), "data keys are new too");
    assert!(key.remembers(&bench.place.file));
    sound(&bench);
    bench.open().unwrap().rotate(None).unwrap();
    sound(&bench);
}

#[test]
fn broken_off_after_any_of_its_writes_it_is_finished_or_undone() {
    let bench = filled();
    let read = |b: &Bench| files(&b.place).map(|f| fs::read(f).unwrap());
    let put = |b: &Bench, at: usize, bytes: &[u8]| fs::write(files(&b.place)[at], bytes).unwrap();
    let before = read(&bench);
    // what the key file holds amid a rotation is both, in one file
    let key = KeyFile::at(&bench.place.key.file);
    let rotation = bench.open().unwrap();
    rotation.rotate(None).unwrap();
    let after = read(&bench);
    let new = key.load().unwrap().unwrap();
    put(&bench, 2, &before[2]);
    key.stage(&new).unwrap();
    let both = read(&bench)[2].clone();
    // what it is called; vault, anchor, key as they stand after each write; what the next open does
    let stages = [
        ("nothing but the lock", [&before[0], &before[1], &before[2]], None),
        ("the next key is laid down", [&before[0], &before[1], &both], Some(Healed::Undone)),
        ("committed", [&after[0], &before[1], &both], Some(Healed::Finished)),
        ("the anchor is written", [&after[0], &after[1], &both], Some(Healed::Finished)),
        ("promoted", [&after[0], &after[1], &after[2]], None),
    ];
    for (what, stand, healed) in stages {
        for (at, bytes) in stand.into_iter().enumerate() {
            put(&bench, at, bytes);
        }
        let vault = bench.open().unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(vault.healed(), healed, "{what}");
        sound(&bench);
        // and a write without an open before it
        for (at, bytes) in stand.into_iter().enumerate() {
            put(&bench, at, bytes);
        }
        bench.open().unwrap().rotate(None).unwrap();
        sound(&bench);
    }
    // an anchor that the rotation did not find is not taken for one that it did
    put(&bench, 0, &after[0]);
    put(&bench, 2, &both);
    let strange =
        String::from_utf8(before[1].clone()).unwrap().replace("\"generation\": 4", "\"generation\": 3");
    put(&bench, 1, strange.as_bytes());
    assert_eq!(bench.look().map(drop).unwrap_err().code(), "vault_tampered");
    for (at, bytes) in before.iter().enumerate() {
        put(&bench, at, bytes);
    }
    put(&bench, 0, &after[0]);
    assert_eq!(bench.look().map(drop).unwrap_err().code(), "vault_tampered", "a new vault without its key");
}

#[test]
fn an_entry_that_does_not_open_ends_it_before_it_begins() {
    let bench = filled();
    let State::There(mut opened) = bench.open().unwrap().disk.judged().unwrap() else { panic!("no vault") };
    let versions = std::mem::take(&mut opened.document.entries.get_mut("A").unwrap().versions);
    opened.document.entries.get_mut("B").unwrap().versions = versions;
    let vault = bench.open().unwrap();
    vault.disk.write_vault(&opened.document, &opened.sealer).unwrap();
    let before = files(&bench.place).map(|f| fs::read(f).unwrap());
    assert_eq!(vault.rotate(None).unwrap_err().code(), "vault_tampered");
    assert_eq!(files(&bench.place).map(|f| fs::read(f).unwrap()), before);
}

#[test]
fn a_key_that_nobody_can_change_goes_to_another_source_or_stays() {
    let bench = Bench::new();
    let key = MasterKey::generate().unwrap();
    let mut keys = bench.place.clone();
    keys.key.choice = config::KeySource::Auto;
    let open = |given: Option<&MasterKey>| {
        let text = given.map(|k| k.to_base64().to_string());
        let sources: Vec<Box<dyn KeySource>> = vec![
            Box::new(crate::vault::key::Environment::of(move |_| text.clone())),
            Box::new(KeyFile::at(&bench.place.key.file)),
        ];
        Vault::open_with(&keys, Keys::of(config::KeySource::Auto, sources))
    };
    let name = Name::parse("A").unwrap();
    open(Some(&key)).unwrap().set(&name, &Secret::from("a-value-here"), Meta::default()).unwrap();
    let e = open(Some(&key)).unwrap().rotate(None).unwrap_err();
    assert!(e.code() == "vault_key_unusable" && e.to_string().contains("--to"), "{e}");
    assert_eq!(open(Some(&key)).unwrap().get(&name).unwrap().expose(), b"a-value-here");
    assert!(!bench.place.key.file.exists());
    let done = open(Some(&key)).unwrap().rotate(Some("file")).unwrap();
    assert_eq!((done.from.label(), done.to.label()), ("environment", "file"));
    assert_eq!(
        done.still_there.unwrap().code(),
        "vault_key_unusable",
        "the variable is the person's to unset"
    );
    for given in [None, Some(&key)] {
        let vault = open(given).unwrap();
        assert_eq!(vault.get(&name).unwrap().expose(), b"a-value-here");
        assert_eq!(vault.key_source().unwrap().label(), "file", "a key that does not fit is passed over");
    }
    assert_eq!(open(None).unwrap().rotate(Some("nowhere")).unwrap_err().code(), "vault_key_unusable");
    assert!(LABELS.contains(&"file"));
}

#[test]
fn no_vault_no_rotation() {
    let bench = Bench::new();
    assert_eq!(bench.open().unwrap().rotate(None).unwrap_err().code(), "vault_none");
}

#[test]
fn a_key_that_opens_another_vault_is_not_taken_from_it() {
    let (one, mut two) = (filled(), Bench::new());
    two.place.key.file = one.place.key.file.clone();
    two.set("C", "the-other-vaults-value").unwrap();
    let before = one.files();
    let e = one.open().unwrap().rotate(None).unwrap_err();
    assert!(
        e.code() == "vault_key_shared" && e.to_string().contains(two.place.file.to_str().unwrap()),
        "{e}"
    );
    assert_eq!(one.files(), before);
    // nor is a next key that may be the other's
    let key = KeyFile::at(&one.place.key.file);
    key.stage(&MasterKey::generate().unwrap()).unwrap();
    assert_eq!(one.open().unwrap().healed(), None);
    assert!(key.staged().unwrap().is_some());
    key.unstage().unwrap();
    assert_eq!(two.get("C").unwrap().expose(), b"the-other-vaults-value");
    fs::remove_dir_all(two.dir.path()).unwrap();
    one.open().unwrap().rotate(None).unwrap();
    sound(&one);
}
