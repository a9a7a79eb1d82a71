//! What a command does at the edges of its surroundings: a full disk behind stdout, no home, flags that say nothing.

use crate::support::katana;
use crate::support::katana::documents;
use std::fs::OpenOptions;
use std::process::Stdio;

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let home = katana().secret("MY_SECRET", "Zq7mN2xK9vLpW4tRb8Yc").home();
    for line in [
        &["ca", "export"][..],
        &["vault", "list"],
        &["vault", "list", "--json"],
        &["audit", "show"],
        &["config", "show"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let out = home.command(line).stdin(Stdio::null()).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(3), "{line:?}: {said}");
        assert!(said.contains("error: not all of the result could be written"), "{line:?}: {said}");
    }
    // a reader that has had enough is another matter
    let mut child = home.command(&["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_home_nothing_is_made_up() {
    let home = katana().home();
    let run = |line: &[&str], at: &str| {
        let mut command = home.command(line);
        command.env("HOME", at).env_remove("XDG_CONFIG_HOME").env_remove("STATE_DIRECTORY");
        command.stdin(Stdio::null()).current_dir(home.dir.path()).output().unwrap()
    };
    for line in [&["vault", "list", "--json"][..], &["status", "--json"], &["audit", "show", "--json"]] {
        let out = run(line, "relative");
        assert_eq!(out.status.code(), Some(3), "{line:?}: {out:?}");
        assert_eq!(documents(&out.stdout)[0]["error"]["code"], "no_home", "{line:?}");
    }
    assert!(!home.dir.path().join("relative").exists());
    assert_eq!(run(&["completions", "bash"], "relative").status.code(), Some(0));
}

#[test]
fn the_version_is_said_without_a_home_too() {
    let home = katana().home();
    let run = |line: &[&str]| home.command(line).env_remove("HOME").output().unwrap();
    let (word, flag, json) = (run(&["version"]), run(&["--version"]), run(&["version", "--json"]));
    let said = format!("katana {}\n", env!("CARGO_PKG_VERSION"));
    assert!(String::from_utf8_lossy(&word.stdout) == said && word.stdout == flag.stdout, "{word:?} {flag:?}");
    assert_eq!(documents(&json.stdout)[0]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn flags_that_would_say_nothing_are_refused() {
    let home = katana().secret("MY_SECRET", "Zq7mN2xK9vLpW4tRb8Yc").home();
    for line in [
        &["vault", "rotate", "--overlap", "3h"][..],
        &["vault", "rotate", "--to", "environment"],
        &["vault", "rotate", "--to", "systemd"],
        &["vault", "set", "MY_SECRET", "--keep", "--expires", "2999-02-30"],
        &["audit", "show", "--since", "2026-02-31"],
        &["vault", "key", "move", "--to", "kernel", "--file", "x"],
    ] {
        let out = home.command(line).stdin(Stdio::null()).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{line:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let out = home.katana(&["vault", "set", "katana.mine", "12345678"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2));
    assert!(said.contains("katana's own"), "{said}");
}
