//! The authority's key sealed by the vault: read with it, refused without it, the same whatever the vault goes through.

use super::{ca, json, print, said};
use crate::support::katana::{Home, documents};
use crate::support::{Ask, Client, block_on, katana, origin, until};
use serde_json::json;
use std::fs;

const VALUE: &str = "Kp2Lm8Qw4Xz6Rt1Yv9Bn";

fn key(home: &Home) -> String {
    fs::read_to_string(ca(home).join("katana-ca.key")).unwrap()
}

fn settings(home: &Home, protection: &str) {
    let mut settings = home.settings.clone();
    settings["ca"] = json!({ "key_protection": protection });
    home.configure(&settings);
}

#[test]
fn a_sealed_key_needs_the_vault_and_goes_both_ways() {
    let origin = origin().start();
    let home = katana().origin(&origin).secret("MY_SECRET", VALUE).home();
    let first = json(&home, &["ca", "show"]);
    assert_eq!(first["key_protection"], "file");
    settings(&home, "vault");
    let refused = home.katana(&["proxy", "start"]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains("katana ca protect"), "{}", said(&refused));
    assert_eq!(json(&home, &["ca", "protect"])["changed"], 1);
    assert_eq!(json(&home, &["ca", "protect"])["changed"], 0);
    let sealed = key(&home);
    assert!(
        sealed.starts_with("-----BEGIN KATANA SEALED KEY-----\n") && !sealed.contains("PRIVATE"),
        "{sealed}"
    );
    let shown = json(&home, &["ca", "show"]);
    assert_eq!((print(&shown), shown["key_protection"].as_str()), (print(&first), Some("vault")));

    let lock = ca(&home).with_file_name("vault.lock");
    fs::write(&lock, "").unwrap();
    let refused = home.katana(&["proxy", "start", "--json"]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(documents(&refused.stdout)[0]["error"]["code"], "vault_locked", "{}", said(&refused));
    assert_eq!(home.katana(&["ca", "export"]).status.code(), Some(0), "the certificate needs no key");
    fs::remove_file(&lock).unwrap();

    let katana = home.start();
    let ask = |path: &str| {
        block_on(async { Client::new(&katana).once("origin.test", Ask::get(path)).await.status })
    };
    assert_eq!(ask("/a"), 404);
    let listed = json(&katana.home, &["vault", "list"]);
    assert!(!listed.to_string().contains("katana.ca-key"), "katana's own is nobody's to see: {listed}");
    for args in [["vault", "get", "katana.ca-key"], ["vault", "remove", "katana.ca-key"]] {
        assert_eq!(katana.home.katana(&args).status.code(), Some(2), "{args:?}");
    }
    let env = said(&katana.home.katana(&["run", "--", "env"]));
    assert!(env.contains("MY_SECRET=") && !env.contains("katana.ca-key"), "{env}");

    // a locked vault later on takes nothing from who signs already
    fs::write(&lock, "").unwrap();
    let made = katana.home.katana(&["ca", "rotate", "--overlap", "0s"]);
    assert_eq!(made.status.code(), Some(3), "{}", said(&made));
    fs::remove_file(&lock).unwrap();
    let made = json(&katana.home, &["ca", "rotate", "--overlap", "0s"]);
    assert!(
        key(&katana.home).starts_with("-----BEGIN KATANA SEALED"),
        "the next one is sealed from the start"
    );
    until("the next one signs", || {
        let status = json(&katana.home, &["proxy", "status"]);
        (status["ca"]["fingerprint"] == made["next"]["fingerprint_sha256"]).then_some(())
    });
    settings(&katana.home, "file");
    assert_eq!(json(&katana.home, &["ca", "protect"])["changed"], 1);
    assert!(key(&katana.home).starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(print(&json(&katana.home, &["ca", "show"])), print(&made["next"]));
    katana.never_tells(key(&katana.home).lines().nth(1).unwrap());
}

#[test]
fn it_stays_readable_under_a_new_master_key_and_dies_with_the_vault() {
    let home = katana().secret("MY_SECRET", VALUE).home();
    settings(&home, "vault");
    let made = json(&home, &["ca", "show"]);
    assert_eq!(made["key_protection"], "vault", "made sealed where the configuration says so");
    let rotated = home.katana(&["vault", "rotate"]);
    if said(&rotated).contains("unrecognized subcommand") {
        eprintln!("skipped: this katana has no `vault rotate`");
    } else {
        assert_eq!(rotated.status.code(), Some(0), "{}", said(&rotated));
        assert_eq!(print(&json(&home, &["ca", "show"])), print(&made));
    }
    let sealed = key(&home);
    let at = sealed.len() / 2;
    let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
    fs::write(ca(&home).join("katana-ca.key"), format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]))
        .unwrap();
    let out = home.katana(&["ca", "show", "--json"]);
    assert_eq!(documents(&out.stdout)[0]["error"]["code"], "vault_tampered", "{}", said(&out));
}
