//! The vault as a person has it: real commands, real keyrings, real users; many processes, kills, full disks and
//! tampering; and a proxy that follows it.

mod desktop;
mod keys;
mod keyring;
mod privacy;
mod kills;
mod crowd;
mod full;
mod follow;
mod tells;

use crate::support::katana::{Home, documents};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Values by name.
type Values = BTreeMap<String, String>;

fn state(home: &Home) -> PathBuf {
    home.dir.path().join(".config/hermes-katana")
}

/// What `verify` says, which must be good.
fn verified(home: &Home) -> Value {
    let out = home.katana(&["vault", "verify", "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", crate::cli::said(&out));
    documents(&out.stdout).remove(0)
}

fn set(home: &Home, name: &str, value: &str) {
    let out = home.katana_in(&["vault", "set", name, "-q"], value);
    assert_eq!(out.status.code(), Some(0), "{}", crate::cli::said(&out));
}

fn get(home: &Home, name: &str) -> String {
    let out = home.katana(&["vault", "get", name]);
    assert_eq!(out.status.code(), Some(0), "{}", crate::cli::said(&out));
    String::from_utf8(out.stdout).unwrap()
}

/// A vault with some values.
fn filled(home: &Home, count: usize) -> Values {
    let values: Values =
        (0..count).map(|n| (format!("NAME_{n}"), format!("value-{n}-Zq7mN2xK9vLp"))).collect();
    values.iter().for_each(|(name, value)| set(home, name, value));
    values
}

/// Every value is there and right.
fn whole(home: &Home, values: &Values) {
    assert_eq!(verified(home)["entries"], values.len());
    for (name, value) in values {
        assert_eq!(&get(home, name), value, "{name}");
    }
}
