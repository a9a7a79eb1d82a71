//! Where the key may lie on a machine without a desktop, and how it comes back.

use super::desktop::state;
use crate::support::katana;
use crate::support::katana::Home;
use serde_json::{Value, json};
use std::fs;
use std::process::Output;

const VALUE: &str = "a-value-that-must-survive";
const WORDS: &str = "six random words of somebody here";

fn home(source: &str) -> Home {
    katana().config(json!({ "vault": { "key_source": source } })).home()
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn with(home: &Home, args: &[&str], var: (&str, &str)) -> Output {
    home.command(args).env(var.0, var.1).stdin(std::process::Stdio::null()).output().unwrap()
}

fn json_of(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(out)))
}

#[test]
fn a_headless_machine_has_a_key_at_first_use_and_says_where() {
    let home = home("auto");
    let set = home.katana_in(&["vault", "set", "A_KEY", "--json"], VALUE);
    assert_eq!(json_of(&set)["key_source"], "file", "{}", text(&set));
    assert_eq!(json_of(&home.katana(&["vault", "list", "--json"]))["key_source"], "file");
    assert_eq!(json_of(&home.katana(&["vault", "verify", "--json"]))["key_source"], "file");
    let doctor = json_of(&home.katana(&["doctor", "--json"]));
    let key = doctor["checks"].as_array().unwrap().iter().find(|c| c["part"] == "key").unwrap();
    assert!(key["what"].as_str().unwrap().contains("session bus"), "why the keyring was not taken: {key}");
    fs::remove_file(state(&home).join("vault.key")).unwrap();
    let out = home.katana_in(&["vault", "set", "B_KEY"], VALUE);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out));
    assert!(!state(&home).join("vault.key").exists(), "when a vault exists, no key is ever made");
}

#[test]
fn the_words_bring_the_key_back_and_only_this_vaults() {
    let (home, other) = (home("file"), home("file"));
    for h in [&home, &other] {
        assert!(h.katana_in(&["vault", "set", "A_KEY"], VALUE).status.success());
    }
    let phrase = String::from_utf8(home.katana(&["vault", "key", "export"]).stdout).unwrap();
    assert_eq!(phrase.split_whitespace().count(), 24);
    let theirs = String::from_utf8(other.katana(&["vault", "key", "export"]).stdout).unwrap();
    let key = state(&home).join("vault.key");
    let kept = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let mut swapped: Vec<&str> = phrase.split_whitespace().collect();
    swapped[3] = "katana";
    for (words, code) in [(theirs, 3), (swapped.join(" "), 4), (String::new(), 4)] {
        let out = home.katana_in(&["vault", "key", "import"], &words);
        assert_eq!(out.status.code(), Some(code), "{}", text(&out));
        assert!(!key.exists() && !text(&out).contains("katana katana"));
    }
    let out = home.katana_in(&["vault", "key", "import"], &phrase);
    assert!(out.status.success(), "{}", text(&out));
    let base64 = |text: &str| text.lines().find(|l| !l.starts_with('#')).unwrap().to_owned();
    assert_eq!(base64(&fs::read_to_string(&key).unwrap()), base64(&kept));
    assert_eq!(home.katana(&["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());
    let shown = text(&home.katana(&["vault", "key", "show"]));
    assert!(!shown.contains(&base64(&kept)) && shown.contains("this vault's key"), "{shown}");
}

#[test]
fn under_a_passphrase_the_vault_opens_for_who_knows_it() {
    let home = home("auto");
    let right = ("KATANA_VAULT_PASSPHRASE", WORDS);
    assert!(home.katana_in(&["vault", "set", "A_KEY"], VALUE).status.success());
    let moved = with(&home, &["vault", "key", "move", "--to", "passphrase", "--json"], right);
    assert_eq!(json_of(&moved)["to"], "passphrase", "{}", text(&moved));
    assert!(!state(&home).join("vault.key").exists());
    assert_eq!(with(&home, &["vault", "get", "A_KEY"], right).stdout, VALUE.as_bytes());
    let wrong = with(&home, &["vault", "get", "A_KEY"], ("KATANA_VAULT_PASSPHRASE", "another one"));
    assert_eq!((wrong.status.code(), wrong.stdout.is_empty()), (Some(3), true), "{}", text(&wrong));
    let none = home.katana(&["vault", "get", "A_KEY"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(text(&none).contains("KATANA_VAULT_PASSPHRASE"), "{}", text(&none));

    // the background process gets it by a pipe, and keeps following the vault
    let started = with(&home, &["proxy", "start", "--listen", "127.0.0.1:0", "--json"], right);
    let status = json_of(&started);
    assert_eq!(status["vault"], "open", "{}", text(&started));
    let process = format!("/proc/{}", status["pid"]);
    for file in ["environ", "cmdline"] {
        if let Ok(bytes) = fs::read(format!("{process}/{file}")) {
            assert!(!String::from_utf8_lossy(&bytes).contains(WORDS), "{file} has the passphrase");
        }
    }
    let wrong = with(&home, &["proxy", "restart"], ("KATANA_VAULT_PASSPHRASE", "another one"));
    assert_eq!(wrong.status.code(), Some(3), "a wrong one is told, and the running proxy left alone");
    assert!(with(&home, &["vault", "set", "B_KEY", VALUE], right).status.success());
    crate::support::until("the second entry", || {
        let status = json_of(&home.katana(&["proxy", "status", "--json"]));
        assert_eq!(status["vault"], "open");
        (status["vault_generation"].as_u64()? > 1).then_some(())
    });
    let stopped = home.katana(&["proxy", "stop"]);
    assert!(stopped.status.success(), "{}", text(&stopped));

    fs::write(home.dir.path().join("words"), format!("{WORDS}\n")).unwrap();
    let file = home.dir.path().join("words");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let by_file =
        with(&home, &["vault", "get", "A_KEY"], ("KATANA_VAULT__PASSPHRASE_FILE", file.to_str().unwrap()));
    assert_eq!(by_file.stdout, VALUE.as_bytes(), "{}", text(&by_file));
}

#[test]
fn a_systemd_credential_opens_the_vault_and_cannot_be_written() {
    let home = home("auto");
    let credentials = home.dir.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let file = credentials.join("katana-vault-key");
    fs::write(&file, [7; 32]).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let unit = ("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    let set = with(&home, &["vault", "set", "A_KEY", VALUE, "--json"], unit);
    assert_eq!(json_of(&set)["key_source"], "systemd", "{}", text(&set));
    let moved = with(&home, &["vault", "key", "move", "--to", "file", "--json"], unit);
    assert!(json_of(&moved)["still_there"].as_str().is_some(), "the credential stays: {}", text(&moved));
    assert_eq!(home.katana(&["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes(), "from the file now");
    let out = with(&home, &["vault", "key", "move", "--to", "systemd"], unit);
    assert_eq!(out.status.code(), Some(2), "nobody can write there");
}

#[test]
fn the_kernel_keeps_a_key_beyond_the_process() {
    let home = home("auto");
    assert!(home.katana_in(&["vault", "set", "A_KEY"], VALUE).status.success());
    let moved = home.katana(&["vault", "key", "move", "--to", "kernel", "--json"]);
    if !moved.status.success() {
        assert!(text(&moved).contains("vault_key_unreachable"), "{}", text(&moved));
        assert_eq!(home.katana(&["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes(), "it stays where it was");
        return eprintln!("skipped: the kernel keyring is not allowed here");
    }
    assert!(!state(&home).join("vault.key").exists());
    assert_eq!(home.katana(&["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());
    let rotated = home.katana(&["vault", "rotate"]);
    assert!(rotated.status.success(), "{}", text(&rotated));
    assert_eq!(home.katana(&["vault", "get", "A_KEY"]).stdout, VALUE.as_bytes());
    let back = home.katana(&["vault", "key", "move", "--to", "file", "--json"]);
    assert_eq!(json_of(&back)["still_there"], Value::Null, "{}", text(&back));
}

#[test]
fn a_move_that_is_killed_at_any_moment_loses_nothing() {
    let home = home("auto");
    assert!(home.katana_in(&["vault", "set", "A_KEY"], VALUE).status.success());
    if !home.katana(&["vault", "key", "move", "--to", "kernel"]).status.success() {
        return eprintln!("skipped: the kernel keyring is not allowed here");
    }
    let mut cut = 0;
    for round in 0..60_u64 {
        let to = if round % 2 == 0 { "file" } else { "kernel" };
        let mut child = home
            .command(&["vault", "key", "move", "--to", to])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // from before the program has begun to after it has ended
        std::thread::sleep(std::time::Duration::from_micros(round * 400));
        let _ = child.kill();
        cut += usize::from(!child.wait().unwrap().success());
        let got = home.katana(&["vault", "get", "A_KEY"]);
        assert_eq!(got.stdout, VALUE.as_bytes(), "round {round}: {}", text(&got));
    }
    assert!(cut > 0, "none was cut short");
    let last = home.katana(&["vault", "key", "move", "--to", "file", "--json"]);
    assert_eq!(json_of(&last)["still_there"], Value::Null, "{}", text(&last));
    let shown = json_of(&home.katana(&["vault", "key", "show", "--json"]));
    assert_eq!(shown["key_source"], "file");
    let kernel = shown["sources"].as_array().unwrap().iter().find(|s| s["source"] == "kernel").unwrap();
    assert_eq!(kernel["holds"], "nothing", "the move that was cut short is ended by the next");
    assert!(home.katana(&["vault", "key", "move", "--to", "file"]).status.success());
}
