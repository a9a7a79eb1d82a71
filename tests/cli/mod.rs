//! Commands as a person or a script calls them: what they print, and what they exit with.

mod daemon;
mod edges;
mod import;
mod references;
mod sealed;
mod run;
mod scan;

pub(crate) use daemon::said;
pub(crate) use sealed::Small;

use crate::support::katana::documents;
use crate::support::{katana, origin};
use serde_json::json;

const VALUE: &str = "Zq7mN2xK9vLpW4tRb8Yc";

#[test]
fn the_demo_shows_all_three_and_their_records() {
    let home = katana().home();
    let out = home.katana(&["demo"]);
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).to_lowercase();
    assert_eq!(out.status.code(), Some(0), "{said}");
    for word in ["scrub", "inject", "den", "audit"] {
        assert!(said.contains(word), "no `{word}`:\n{said}");
    }
    let out = home.katana(&["demo", "--json"]);
    assert_eq!(out.status.code(), Some(0));
    assert!(!documents(&out.stdout).is_empty());
}

#[test]
fn check_rules_without_sending() {
    let origin = origin().start();
    let home = katana().origin(&origin).secret("MY_SECRET", VALUE);
    let home = home.config(json!({"proxy": {"denied_domains": ["other.test"]}})).home();
    for (url, code) in [
        ("https://origin.test/x", 0),
        ("https://other.test/x", 1),
        ("http://169.254.169.254/latest/meta-data/", 1),
    ] {
        let out = home.katana(&["check", "--json", url]);
        assert_eq!(out.status.code(), Some(code), "{url}: {out:?}");
        assert!(!documents(&out.stdout).is_empty(), "{url}");
    }
    let leak = format!("https://origin.test/?q={VALUE}");
    let said = home.katana(&["check", "--json", &leak]).stdout;
    assert!(!String::from_utf8_lossy(&said).contains(VALUE), "the answer repeats the secret");
    assert_eq!(origin.connections(), 0, "something was sent");
}

#[test]
fn the_ca_is_made_once_and_exported() {
    let home = katana().home();
    let first = home.katana(&["ca", "export"]).stdout;
    assert!(first.starts_with(b"-----BEGIN CERTIFICATE-----"), "{}", String::from_utf8_lossy(&first));
    assert_eq!(home.katana(&["ca", "export"]).stdout, first);
    assert!(home.katana(&["ca", "export", "--bundle"]).stdout.len() > first.len());
    let running = home.start();
    assert!(running.ca.contains(String::from_utf8_lossy(&first).trim()));
}

#[test]
fn the_vault_lists_without_values_and_refuses_the_wrong_key() {
    let home = katana().secret("MY_SECRET", VALUE).home();
    let listed = home.katana(&["vault", "list", "--json"]);
    assert!(!String::from_utf8_lossy(&listed.stdout).contains(VALUE));
    let file = std::fs::read(home.dir.path().join(".config/hermes-katana/vault.json")).unwrap();
    assert!(crate::support::oracle::reads(&file, VALUE).is_none(), "the file holds it readably");
    let key = crate::support::forms::base64(&[9; 32]);
    let wrong = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("KATANA_VAULT_KEY", &key).env("KATANA_VAULT__KEY_SOURCE", "env").output().unwrap()
    };
    for args in [&["vault", "list"][..], &["vault", "get", "MY_SECRET"], &["run", "--", "true"]] {
        let out = wrong(args);
        assert!(matches!(out.status.code(), Some(1 | 3 | 4)), "{args:?}: {out:?}");
        assert!(!out.stderr.is_empty() && !String::from_utf8_lossy(&out.stdout).contains(VALUE));
    }
}

#[test]
fn a_changed_audit_is_found_out() {
    let origin = origin().start();
    let mut running = katana().origin(&origin).start();
    crate::support::block_on(async {
        for _ in 0..3 {
            let ask = crate::support::Ask::get("/seen");
            crate::support::Client::new(&running).once("origin.test", ask).await;
        }
    });
    running.stop();
    running.verify_audit();
    let file = running.home.dir.path().join(".config/hermes-katana/audit/audit.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    for (what, bad) in [
        ("changed", text.replacen("/seen", "/sean", 1)),
        ("cut short", lines[..lines.len() - 1].join("\n") + "\n"),
        ("one taken out", [&lines[..1], &lines[2..]].concat().join("\n") + "\n"),
    ] {
        std::fs::write(&file, bad).unwrap();
        let out = running.home.katana(&["audit", "verify"]);
        assert_eq!(out.status.code(), Some(1), "{what}: {out:?}");
    }
}
