//! The interception authority over its life: taken over by the next, sealed, ended, and trusted by the machine's own stores.

mod rotation;
mod protection;
mod trust;

use crate::support::katana::{Home, documents};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// The authority's directory.
fn ca(home: &Home) -> PathBuf {
    home.dir.path().join(".config/hermes-katana/ca")
}

/// Runs a command that must do well, and gives its one document.
fn json(home: &Home, args: &[&str]) -> Value {
    let out = home.katana(&[args, &["--json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", said(&out));
    documents(&out.stdout).remove(0)
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned()
}

fn print(of: &Value) -> String {
    of["fingerprint_sha256"].as_str().unwrap_or_else(|| panic!("no fingerprint: {of}")).to_owned()
}
