//! The store: what it keeps, and what it finds out.
use super::*;
use crate::vault::Meta;
use crate::vault::bench::Bench;
use crate::vault::key::{KeyFile, KeySource, MasterKey};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// What somebody did to the parsed file.
type Edit<'a> = &'a dyn Fn(&mut serde_json::Value);

/// A bench with two entries, at generation 2.
fn filled() -> Bench {
    let bench = Bench::new();
    bench.set("OPENAI_API_KEY", "sk-proj-the-real-one").unwrap();
    bench.set("OTHER", "another-value").unwrap();
    bench
}

#[test]
fn a_whole_life() {
    let bench = Bench::new();
    let vault = bench.open().unwrap();
    assert_eq!(vault.list().unwrap(), []);
    assert_eq!(vault.verify().unwrap().generation, 0);
    assert_eq!(fs::read_dir(bench.dir.path()).unwrap().count(), 0, "looking makes no files");
    let name = Name::parse("OPENAI_API_KEY").unwrap();
    let placeholder = vault.set(&name, &Secret::from("first-value"), Meta::default()).unwrap();
    assert!(placeholder.starts_with("sk-proj-"));
    let again = bench.set("OPENAI_API_KEY", "second-value").unwrap();
    assert_eq!(again, placeholder, "stable per secret");
    assert_eq!(vault.get(&name).unwrap().expose(), b"second-value", "another handle's write is seen");
    bench.set("A.b-c", "third-value").unwrap();
    let listed = vault.list().unwrap();
    let seen: Vec<_> = listed.iter().map(|l| (&*l.name, l.version)).collect();
    assert_eq!(seen, [("A.b-c", 1), ("OPENAI_API_KEY", 2)]);
    assert!(listed[1].created <= listed[1].updated && listed[1].created.0 > 0);
    let held = vault.hold().unwrap();
    assert_eq!(held[1].value.expose(), b"second-value");
    assert_eq!(held[1].placeholder, placeholder);
    let report = vault.verify().unwrap();
    assert_eq!((report.generation, report.entries), (3, 2));
    assert_eq!(report.key_source, Some(Source::File(bench.place.key.file.clone())));
    vault.remove(&name).unwrap();
    assert_eq!(vault.remove(&name).unwrap_err().code(), "vault_no_entry");
    assert_eq!(vault.get(&name).unwrap_err().code(), "vault_no_entry");
    assert_eq!(vault.verify().unwrap().generation, 4, "what is refused is not written");
    for (file, mode) in [("vault.json", 0o600), ("vault.anchor", 0o600), ("vault.key", 0o600)] {
        assert_eq!(fs::metadata(bench.dir.path().join(file)).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn no_value_and_no_key_stand_in_the_files() {
    let bench = filled();
    let text = bench.vault_text() + &fs::read_to_string(&bench.place.anchor).unwrap();
    let key = fs::read_to_string(&bench.place.key.file).unwrap();
    let key = key.lines().find(|l| !l.starts_with('#')).unwrap();
    assert!(!text.contains("the-real-one") && !text.contains(key));
    assert!(
        !format!("{:?} {:?}", bench.open().unwrap(), bench.open().unwrap().hold().unwrap())
            .contains("real-one")
    );
}

#[test]
fn a_flipped_bit_in_any_byte_of_vault_and_anchor_is_seen() {
    let bench = filled();
    for file in [&bench.place.file, &bench.place.anchor] {
        let good = fs::read(file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            // every bit of every byte would take eight times as long and find the same
            bad[at] ^= 1 << (at % 8);
            fs::write(file, &bad).unwrap();
            let e = bench.look().map(drop).expect_err("a flipped bit went unseen");
            assert_eq!(e.code(), "vault_tampered", "byte {at} of {file:?}: {e}");
        }
        for cut in (0..good.len()).step_by(7) {
            fs::write(file, &good[..cut]).unwrap();
            assert_eq!(bench.look().map(drop).unwrap_err().code(), "vault_tampered", "cut at {cut}");
        }
        fs::write(file, [&good[..], b"\n"].concat()).unwrap();
        bench.refuses_everything("vault_tampered");
        fs::write(file, &good).unwrap();
        bench.open().unwrap();
    }
}

#[test]
fn edits_that_are_still_json_are_seen() {
    let bench = filled();
    let good = bench.vault_text();
    let parsed = || serde_json::from_str::<serde_json::Value>(&good).unwrap();
    let edits: [(&str, Edit<'_>); 8] = [
        ("an entry deleted", &|v| drop(v["entries"].as_object_mut().unwrap().remove("OTHER"))),
        ("emptied", &|v| v["entries"] = serde_json::json!({})),
        ("two entries swapped", &|v| {
            let other = v["entries"]["OTHER"].take();
            v["entries"]["OTHER"] = v["entries"]["OPENAI_API_KEY"].take();
            v["entries"]["OPENAI_API_KEY"] = other;
        }),
        ("two values swapped", &|v| {
            let other = v["entries"]["OTHER"]["versions"].take();
            v["entries"]["OTHER"]["versions"] = v["entries"]["OPENAI_API_KEY"]["versions"].take();
            v["entries"]["OPENAI_API_KEY"]["versions"] = other;
        }),
        ("a placeholder", &|v| v["entries"]["OTHER"]["placeholder"] = "katana_mine".into()),
        ("the generation", &|v| v["generation"] = 9.into()),
        ("the source", &|v| v["key"]["source"] = "keyring".into()),
        ("an entry copied", &|v| v["entries"]["NEW"] = v["entries"]["OTHER"].clone()),
    ];
    for (what, edit) in edits {
        let mut v = parsed();
        edit(&mut v);
        fs::write(&bench.place.file, serde_json::to_string_pretty(&v).unwrap() + "\n").unwrap();
        assert_eq!(bench.look().map(drop).unwrap_err().code(), "vault_tampered", "{what}");
        bench.refuses_everything("vault_tampered");
    }
    // the same document in other words is not what was written either
    fs::write(&bench.place.file, parsed().to_string()).unwrap();
    bench.refuses_everything("vault_tampered");
}

#[test]
fn who_has_the_key_but_swaps_sealed_values_is_found_by_verify() {
    use crate::vault::document::{self, Document};
    use crate::vault::seal::Signed;
    let bench = filled();
    let State::There(mut opened) = bench.open().unwrap().disk.load().unwrap() else { panic!("no vault") };
    let mut take = |name: &str| std::mem::take(&mut opened.document.entries.get_mut(name).unwrap().versions);
    let (a, b) = (take("OTHER"), take("OPENAI_API_KEY"));
    let document: &mut Document = &mut opened.document;
    document.entries.get_mut("OTHER").unwrap().versions = b;
    document.entries.get_mut("OPENAI_API_KEY").unwrap().versions = a;
    document.generation += 1;
    let (bytes, _) = document::write(document, &opened.sealer, Signed::Vault).unwrap();
    fs::write(&bench.place.file, bytes).unwrap();
    let vault = bench.open().unwrap();
    assert_eq!(vault.verify().unwrap_err().code(), "vault_tampered");
    assert_eq!(vault.hold().unwrap_err().code(), "vault_tampered");
}

#[test]
fn an_older_vault_is_not_taken_back() {
    let bench = filled();
    let (older, older_anchor) =
        (fs::read(&bench.place.file).unwrap(), fs::read(&bench.place.anchor).unwrap());
    bench.set("THIRD", "third-value").unwrap();
    let newer = fs::read(&bench.place.file).unwrap();
    fs::write(&bench.place.file, &older).unwrap();
    bench.refuses_everything("vault_tampered");
    // history forks: both put back, written to again, and then the first third generation instead of the second
    fs::write(&bench.place.anchor, &older_anchor).unwrap();
    bench.set("FORK", "another-third").unwrap();
    fs::write(&bench.place.file, &newer).unwrap();
    bench.refuses_everything("vault_tampered");
}

#[test]
fn a_vault_that_is_gone_is_missed() {
    for also_anchor in [false, true] {
        let bench = filled();
        fs::remove_file(&bench.place.file).unwrap();
        if also_anchor {
            fs::remove_file(&bench.place.anchor).unwrap();
        }
        bench.refuses_everything("vault_tampered");
        assert!(!bench.place.file.exists());
    }
    let bench = filled();
    fs::remove_file(&bench.place.anchor).unwrap();
    bench.refuses_everything("vault_tampered");
    let bench = filled();
    fs::write(&bench.place.file, b"").unwrap();
    bench.refuses_everything("vault_tampered");
}

#[test]
fn an_empty_vault_is_guarded_like_a_full_one() {
    let bench = Bench::new();
    bench.set("ONLY", "only-value").unwrap();
    bench.open().unwrap().remove(&Name::parse("ONLY").unwrap()).unwrap();
    assert_eq!(bench.open().unwrap().verify().unwrap().entries, 0);
    let good = bench.vault_text();
    fs::write(&bench.place.file, good.replace("\"generation\": 2", "\"generation\": 3")).unwrap();
    bench.refuses_everything("vault_tampered");
    fs::remove_file(&bench.place.file).unwrap();
    bench.refuses_everything("vault_tampered");
}

#[test]
fn a_writer_killed_between_its_two_files_leaves_a_good_vault() {
    let bench = filled();
    let (vault, anchor) = (fs::read(&bench.place.file).unwrap(), fs::read(&bench.place.anchor).unwrap());
    bench.set("THIRD", "third-value").unwrap();
    // vault written, anchor not: healed by the next open
    fs::write(&bench.place.anchor, &anchor).unwrap();
    assert_eq!(bench.get("THIRD").unwrap().expose(), b"third-value");
    assert_ne!(fs::read(&bench.place.anchor).unwrap(), anchor);
    fs::write(&bench.place.file, &vault).unwrap();
    bench.refuses_everything("vault_tampered");
    // the very first write: key and anchor there, vault not
    let bench = Bench::new();
    let key = KeyFile::at(&bench.place.key.file);
    key.store(&MasterKey::generate().unwrap()).unwrap();
    let disk = bench.open().unwrap().disk;
    let unwritable = disk.change(|_, _| Err::<(), _>(Error::BadName));
    assert_eq!(unwritable, Err(Error::BadName));
    assert!(bench.place.anchor.exists() && !bench.place.file.exists());
    bench.set("FIRST", "first-value").unwrap();
    assert_eq!(bench.open().unwrap().verify().unwrap().generation, 1);
}

#[test]
fn what_a_killed_writer_left_is_swept_and_nothing_else() {
    let bench = filled();
    let at = |name: &str| bench.dir.path().join(name);
    let left = [".vault.json.0123456789abcdef.tmp", ".vault.key.0123456789abcdef.tmp"].map(at);
    let kept =
        [".vault.json.mine.tmp", "vault.json.0123456789abcdef.tmp", ".other.0123456789abcdef.tmp"].map(at);
    left.iter().chain(&kept).for_each(|f| fs::write(f, b"x").unwrap());
    bench.set("THIRD", "third-value").unwrap();
    assert!(left.iter().all(|f| !f.exists()) && kept.iter().all(|f| f.exists()));
}

#[test]
fn a_wrong_key_is_called_that_and_names_its_source() {
    let bench = filled();
    let other = MasterKey::generate().unwrap();
    let e = bench.open_env(Some(&other)).map(drop).unwrap_err();
    assert_eq!(e.code(), "vault_key_wrong");
    assert!(e.to_string().contains("KATANA_VAULT_KEY"), "{e}");
    KeyFile::at(&bench.place.key.file).store(&other).unwrap();
    bench.refuses_everything("vault_key_wrong");
    fs::remove_file(&bench.place.key.file).unwrap();
    let e = bench.open().map(drop).unwrap_err();
    assert_eq!(e.code(), "vault_key_missing");
    assert!(e.to_string().ends_with("the vault was last written with a key from: file"), "{e}");
    assert!(!bench.place.key.file.exists(), "no new key is made for a vault that has one");
    // one document under another key is no wrong key
    let (mine, theirs) = (filled(), filled());
    fs::copy(&theirs.place.file, &mine.place.file).unwrap();
    mine.refuses_everything("vault_tampered");
    let (mine, theirs) = (filled(), filled());
    fs::copy(&theirs.place.anchor, &mine.place.anchor).unwrap();
    mine.refuses_everything("vault_tampered");
}

#[test]
fn a_key_from_the_environment_needs_no_file() {
    let bench = Bench::new();
    let key = MasterKey::generate().unwrap();
    let vault = bench.open_env(Some(&key)).unwrap();
    let name = Name::parse("A").unwrap();
    vault.set(&name, &Secret::from("a-value-here"), Meta::default()).unwrap();
    assert_eq!(vault.key_source().unwrap().label(), "environment");
    assert!(!bench.place.key.file.exists());
    assert_eq!(bench.open_env(Some(&key)).unwrap().get(&name).unwrap().expose(), b"a-value-here");
    assert_eq!(bench.open().map(drop).unwrap_err().code(), "vault_key_missing");
}

#[test]
fn a_locked_vault_gives_and_takes_nothing() {
    let bench = filled();
    let vault = bench.open().unwrap();
    symlink("nowhere", &bench.place.lock_sentinel).unwrap();
    bench.refuses_everything("vault_locked");
    assert_eq!(vault.hold().unwrap_err().code(), "vault_locked", "an open handle does not get around it");
    fs::remove_file(&bench.place.lock_sentinel).unwrap();
    bench.open().unwrap();
}

#[test]
fn files_that_others_can_touch_are_not_read() {
    let chmod = |p: &Path, mode| fs::set_permissions(p, fs::Permissions::from_mode(mode)).unwrap();
    for pick in [|p: &Place| p.file.clone(), |p: &Place| p.anchor.clone(), |p: &Place| p.key.file.clone()] {
        let bench = filled();
        let file = pick(&bench.place);
        for mode in [0o640, 0o604, 0o620, 0o644] {
            chmod(&file, mode);
            bench.refuses_everything("vault_not_private");
        }
        chmod(&file, 0o600);
        let real = bench.dir.path().join("real");
        fs::rename(&file, &real).unwrap();
        symlink(&real, &file).unwrap();
        bench.refuses_everything("vault_not_private");
    }
}

#[test]
fn sixty_sets_at_once_are_sixty_entries() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let bench = &bench;
            scope.spawn(move || {
                for n in 0..10 {
                    bench.set(&format!("W{writer}_{n}"), &format!("value-{writer}-{n}")).unwrap();
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    bench.open().unwrap().hold().unwrap();
                }
            });
        }
    });
    let report = bench.open().unwrap().verify().unwrap();
    assert_eq!((report.entries, report.generation), (60, 60));
    for writer in 0..6 {
        for n in 0..10 {
            assert_eq!(
                bench.get(&format!("W{writer}_{n}")).unwrap().expose(),
                format!("value-{writer}-{n}").as_bytes()
            );
        }
    }
}

#[test]
fn what_is_no_value_is_not_kept() {
    let bench = filled();
    assert_eq!(bench.set("X", "short").unwrap_err().code(), "vault_short_value");
    let short = Meta { allow_short: true, ..Meta::default() };
    let vault = bench.open().unwrap();
    vault.set(&Name::parse("X").unwrap(), &Secret::from("short"), short).unwrap();
    assert_eq!(bench.get("X").unwrap().expose(), b"short");
    assert_eq!(bench.set("X", "with\nnewline").unwrap_err().code(), "vault_bad_value");
    let placeholder = vault.list().unwrap()[0].placeholder.to_string();
    assert_eq!(bench.set("X", &placeholder).unwrap_err().code(), "vault_bad_value", "pasted the wrong one");
}

#[test]
fn the_ancestors_file_is_named_as_such() {
    let bench = Bench::new();
    let old = br#"{"version":3,"counter":1,"entries":{},"hmac":""}"#;
    crate::base::atomic::write(&bench.place.file, old, 0o600).unwrap();
    bench.refuses_everything("vault_old_format");
    let bench = filled();
    fs::write(&bench.place.file, old).unwrap();
    bench.refuses_everything("vault_tampered");
}

#[test]
fn a_write_changes_the_stamp_and_a_read_does_not() {
    let bench = filled();
    let vault = bench.open().unwrap();
    let before = vault.stamp().unwrap();
    vault.hold().unwrap();
    assert_eq!(vault.stamp().unwrap(), before);
    bench.set("THIRD", "third-value").unwrap();
    assert_ne!(vault.stamp().unwrap(), before);
}

#[test]
fn a_vault_of_the_first_writing_still_opens_and_is_written_on() {
    // made before versions were dated, by a key of thirty-two sevens
    let bench = Bench::new();
    for (file, text) in [
        (&bench.place.file, include_str!("first/vault.json")),
        (&bench.place.anchor, include_str!("first/vault.anchor")),
    ] {
        crate::base::atomic::write(file, text.as_bytes(), 0o600).unwrap();
    }
    let key = MasterKey::from_base64(&data_encoding::BASE64.encode(&[b'7'; 32])).unwrap();
    let vault = bench.open_env(Some(&key)).unwrap();
    let name = Name::parse("OPENAI_API_KEY").unwrap();
    assert_eq!(vault.get(&name).unwrap().expose(), b"old-value-one");
    assert_eq!(vault.list().unwrap()[1].versions[0].created, None);
    vault.set(&name, &Secret::from("new-value-one"), Meta::default()).unwrap();
    let held = vault.hold().unwrap();
    assert_eq!(
        (held[0].value.expose(), held[1].older[0].expose()),
        (&b"old-value-two"[..], &b"old-value-one"[..])
    );
    assert_eq!(vault.verify().unwrap().generation, 3);
}
