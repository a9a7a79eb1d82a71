//! The OS keyring, for real: a gnome-keyring under a private D-Bus keeps the key, through set, rotation and a move, and says so
//! clearly when it is locked or not there.

use super::desktop::{Desktop, state};
use crate::support::katana;
use crate::support::katana::Home;
use serde_json::{Value, json};
use std::process::Output;

const VALUE: &str = "what-the-keyring-guards";

fn home() -> Home {
    katana().config(json!({ "vault": { "key_source": "auto" } })).home()
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn done(out: Output) -> Value {
    assert!(out.status.success(), "{}", text(&out));
    serde_json::from_slice(&out.stdout).unwrap_or_default()
}

#[test]
fn the_keyring_keeps_the_key_from_the_first_set_to_the_move_away() {
    let home = home();
    let Some(mut desktop) = Desktop::new(&home) else { return };
    desktop.keyring(&home, Some("login-password"));
    let set = done(desktop.katana_in(&home, &["vault", "set", "A_KEY", "--json"], VALUE));
    assert_eq!(set["key_source"], "keyring");
    assert!(!state(&home).join("vault.key").exists(), "no key on the disk");
    let got = desktop.katana(&home, &["vault", "get", "A_KEY"]);
    assert_eq!(got.stdout, VALUE.as_bytes(), "{}", text(&got));
    let verified = done(desktop.katana(&home, &["vault", "verify", "--json"]));
    assert_eq!((&verified["ok"], &verified["key_source"]), (&json!(true), &json!("keyring")));

    let before = done(desktop.katana(&home, &["vault", "key", "show", "--json"]));
    done(desktop.katana(&home, &["vault", "rotate", "--json"]));
    let after = done(desktop.katana(&home, &["vault", "key", "show", "--json"]));
    assert_ne!(before["check"], after["check"], "another key");
    assert_eq!(desktop.katana(&home, &["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());
    assert_eq!(after["key_source"], "keyring");
    assert_eq!(desktop.katana(&home, &["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());

    // deleted behind the keyring's back: the keyring remembers that there was a vault
    let [vault, anchor] = ["vault.json", "vault.anchor"].map(|f| state(&home).join(f));
    let aside = |to: bool| {
        for file in [&vault, &anchor] {
            let kept = std::path::PathBuf::from(format!("{}.aside", file.display()));
            let (from, to) = if to { (file, &kept) } else { (&kept, file) };
            std::fs::rename(from, to).unwrap();
        }
    };
    aside(true);
    let gone = desktop.katana(&home, &["vault", "verify"]);
    assert_eq!(gone.status.code(), Some(1), "{}", text(&gone));
    aside(false);

    let moved = done(desktop.katana(&home, &["vault", "key", "move", "--to", "file", "--json"]));
    assert_eq!((&moved["from"], &moved["still_there"]), (&json!("keyring"), &Value::Null));
    let shown = done(desktop.katana(&home, &["vault", "key", "show", "--json"]));
    assert_eq!((&shown["key_source"], &shown["check"]), (&json!("file"), &after["check"]));
    let keyring = shown["sources"].as_array().unwrap().iter().find(|s| s["source"] == "keyring");
    assert_eq!(keyring.unwrap()["holds"], "nothing", "the old source has forgotten it");
    done(desktop.katana(&home, &["vault", "key", "move", "--to", "keyring", "--json"]));
    assert!(!state(&home).join("vault.key").exists());
    assert_eq!(desktop.katana(&home, &["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());
}

#[test]
fn a_locked_or_absent_keyring_is_an_error_that_says_so_and_makes_no_key() {
    let home = home();
    let Some(mut desktop) = Desktop::new(&home) else { return };
    desktop.keyring(&home, Some("login-password"));
    done(desktop.katana_in(&home, &["vault", "set", "A_KEY", "--json"], VALUE));
    for (locked, says) in [(true, "locked"), (false, "org.freedesktop.secrets")] {
        if locked {
            desktop.keyring(&home, None);
        } else {
            desktop.stop_keyring();
        }
        for choice in ["auto", "keyring"] {
            for command in
                [&["vault", "list"][..], &["vault", "get", "A_KEY"], &["vault", "set", "B_KEY", VALUE]]
            {
                let out = desktop
                    .command(&home, command)
                    .env("KATANA_VAULT__KEY_SOURCE", choice)
                    .stdin(std::process::Stdio::null())
                    .output()
                    .unwrap();
                let said = text(&out);
                assert_eq!(out.status.code(), Some(3), "{choice} {command:?}: {said}");
                assert!(
                    said.contains("the OS keyring") && said.contains(says) && said.contains('→'),
                    "{said}"
                );
                assert!(!said.contains(VALUE));
            }
        }
        assert!(!state(&home).join("vault.key").exists(), "no second key is made");
    }
    desktop.keyring(&home, Some("login-password"));
    assert_eq!(
        desktop.katana(&home, &["vault", "get", "A_KEY"]).stdout,
        VALUE.as_bytes(),
        "nothing was lost"
    );
}
