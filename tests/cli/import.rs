//! `vault import` as a person calls it: old vaults of the ancestor's, env files, and the agents' own files.

use crate::support::katana;
use crate::support::katana::{Home, documents};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ONE: &str = "Zq7mN2xK9vLpW4tRb8Yc";
const TWO: &str = "Hd5sJ3gQ6wTzX1cVn0Bk";

fn put(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A command that ends as it should, shows no value, and its one JSON document.
fn katana_json(home: &Home, args: &[&str], code: i32) -> Value {
    let out = home.katana(&[args, &["--json"]].concat());
    ended(&out, code);
    documents(&out.stdout).into_iter().next().unwrap_or_default()
}

fn ended(out: &Output, code: i32) {
    let said = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned();
    assert_eq!(out.status.code(), Some(code), "{said}");
    assert!(!said.contains(ONE) && !said.contains(TWO), "a value was printed:\n{said}");
}

fn value(home: &Home, name: &str) -> String {
    String::from_utf8(home.katana(&["vault", "get", name]).stdout).unwrap()
}

fn names(said: &Value, group: &str) -> Vec<String> {
    let rows = said[group].as_array().unwrap_or_else(|| panic!("{said}"));
    rows.iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_env_file_is_imported_and_holds_placeholders_then() {
    let home = katana().home();
    let text =
        format!("# mine\r\nexport OPENAI_API_KEY=\"{ONE}\" # good\nDEBUG=1\nDB_PASSWORD = '{TWO}'\nlast=x");
    let file = put(&home, ".env", &text);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let said = katana_json(&home, &["vault", "import", "env-file", ".env", "--dry-run", "--replace"], 0);
    assert_eq!(names(&said, "imported"), ["OPENAI_API_KEY", "DB_PASSWORD"]);
    let vault = home.dir.path().join(".config/hermes-katana/vault.json");
    assert!(!vault.exists(), "a dry run writes nothing but the audit");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    let said = katana_json(
        &home,
        &["vault", "import", "env-file", ".env", "--replace", "--backup", "--name", "DB_PASSWORD=DB"],
        0,
    );
    assert_eq!(names(&said, "imported"), ["OPENAI_API_KEY", "DB"]);
    assert_eq!((value(&home, "OPENAI_API_KEY"), value(&home, "DB")), (ONE.into(), TWO.into()));
    let placeholder = |i: usize| said["imported"][i]["placeholder"].as_str().unwrap();
    let want = text.replace(ONE, placeholder(0)).replace(TWO, placeholder(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), want, "all but the values stays byte for byte");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
    let backup = Path::new(said["replaced"][0]["backup"].as_str().unwrap()).to_owned();
    let backup = home.dir.path().join(backup);
    assert_eq!(fs::read_to_string(&backup).unwrap(), text);
    assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o7777, 0o600);

    let again = katana_json(&home, &["vault", "import", "env-file", ".env", "--replace"], 0);
    assert_eq!(names(&again, "imported"), [""; 0], "a placeholder is no secret");
    assert_eq!(fs::read_to_string(&file).unwrap(), want);
}

#[test]
fn what_the_vault_has_stays_until_told_otherwise() {
    let home = katana().secret("OPENAI_API_KEY", ONE).home();
    let file = put(&home, ".env", &format!("OPENAI_API_KEY={TWO}\n"));
    let said = katana_json(&home, &["vault", "import", "env-file", ".env", "--replace"], 0);
    assert_eq!(names(&said, "skipped"), ["OPENAI_API_KEY"]);
    assert!(fs::read_to_string(&file).unwrap().contains(TWO), "what was not imported is not replaced");
    katana_json(&home, &["vault", "import", "env-file", ".env", "--overwrite"], 0);
    assert_eq!(value(&home, "OPENAI_API_KEY"), TWO);
}

#[test]
fn one_bad_source_and_nothing_is_imported() {
    let home = katana().home();
    put(&home, "good", &format!("A_KEY={ONE}\n"));
    put(&home, "bad", &format!("B_KEY=1\nB_TOKEN=\"{TWO}\n"));
    std::os::unix::fs::symlink(home.dir.path().join("good"), home.dir.path().join("link")).unwrap();
    fs::hard_link(home.dir.path().join("good"), home.dir.path().join("twin")).unwrap();
    for (path, more, code, named) in [
        ("bad", "--all", 3, "bad:2"),
        ("link", "--all", 4, "symlink"),
        ("no-such", "--all", 3, "no-such"),
        ("twin", "--replace", 4, "hard links"),
    ] {
        let out = home.katana(&["vault", "import", "env-file", "good", path, more]);
        ended(&out, code);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(said.contains(named), "{said}");
    }
    assert_eq!(katana_json(&home, &["vault", "list"], 0)["entries"].as_array().map(Vec::len), Some(0));
    assert_eq!(fs::read_to_string(home.dir.path().join("good")).unwrap(), format!("A_KEY={ONE}\n"));
}

#[test]
fn a_value_that_stands_twice_is_pointed_at() {
    let home = katana().home();
    put(&home, ".env", &format!("# was {ONE}\nA_KEY={ONE}\n"));
    let said = katana_json(&home, &["vault", "import", "env-file", ".env", "--replace"], 1);
    assert_eq!(said["left"][0]["line"], 1);
}

#[test]
fn the_agents_own_files_are_found_and_rewritten() {
    let home = katana().home();
    let codex = put(&home, ".codex/auth.json", &format!("{{\"OPENAI_API_KEY\": \"{ONE}\"}}\n"));
    let netrc = put(&home, ".netrc", &format!("machine x.example login me password {TWO}\n"));
    put(&home, ".gemini/oauth_creds.json", "{\"refresh_token\": \"renewed-by-its-program\"}");
    let said = katana_json(&home, &["vault", "import", "agents", "--replace"], 0);
    assert_eq!(names(&said, "imported"), ["OPENAI_API_KEY", "X_EXAMPLE_PASSWORD"]);
    assert_eq!(names(&said, "skipped"), ["GEMINI_REFRESH_TOKEN"]);
    for file in [codex, netrc] {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains(ONE) && !text.contains(TWO), "{text}");
    }
    put(&home, ".codex/auth.json", "{");
    let said = katana_json(&home, &["vault", "import", "agents"], 1);
    assert_eq!(said["unread"][0]["code"], "import_syntax");
}

#[test]
fn the_environment_gives_and_cannot_be_replaced() {
    let home = katana().home();
    let run = |args: &[&str]| {
        let all = [&["vault", "import", "environment", "--json"], args].concat();
        home.command(&all).env("MY_TOKEN", ONE).env("PLAIN", TWO).stdin(Stdio::null()).output().unwrap()
    };
    ended(&run(&["--replace"]), 4);
    ended(&run(&["NO_SUCH"]), 3);
    let out = run(&[]);
    ended(&out, 0);
    assert_eq!(names(&documents(&out.stdout)[0], "imported"), ["MY_TOKEN"]);
    ended(&run(&["PLAIN"]), 0);
    assert_eq!((value(&home, "MY_TOKEN"), value(&home, "PLAIN")), (ONE.into(), TWO.into()));
}

/// Bytes 0 to 31, and 100 to 131.
const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="];
/// One entry, `OPENAI_API_KEY`, as hermes-katana 3.0.0 wrote it under the first key.
const OLD_VAULT: &str = r#"{"version": 2, "entries": {"OPENAI_API_KEY": "8qUmy6jDZ6DtUBOpw2rMSi6T+bLr9ZqM5agk8OaRa09FdSMGrl0Ulj4XRhiMdsFMDbYbQalhpg=="}, "hmac": "e6d503bd87aaf5e3a13f31bf77d4f6d77329af0d7648e4711b79569a8c711e96"}"#;

#[test]
fn the_ancestors_vault_makes_room_for_the_new_one() {
    let home = katana().home();
    let old = put(&home, ".config/hermes-katana/vault.json", OLD_VAULT);
    let aside = old.with_file_name("vault.hermes-katana.json");
    let before = fs::metadata(&old).unwrap().ino();
    let import =
        |key: &str, more: &[&str]| home.katana_in(&[&["vault", "import", "hermes"], more].concat(), key);
    ended(&import(KEYS[1], &[]), 4);
    ended(&import("nonsense", &[]), 3);
    ended(&import("", &[]), 3);
    ended(&import(KEYS[0], &["--dry-run"]), 0);
    ended(&import(KEYS[0], &["--only", "NO_SUCH"]), 4);
    assert!(
        !aside.exists() && fs::metadata(&old).unwrap().ino() == before,
        "what fails leaves all as it was"
    );
    ended(&import(KEYS[0], &[]), 0);
    assert_eq!(value(&home, "OPENAI_API_KEY"), "sk-import-openai-0123456789");
    assert_eq!(fs::read_to_string(&aside).unwrap(), OLD_VAULT);
    ended(&home.katana(&["vault", "verify"]), 0);
    // and once more from where it lies now
    ended(&import(KEYS[0], &[]), 0);
}

/// A Python that has the ancestor's package: the machine's, or the one `.ci/run` makes.
fn python() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hermes-katana/bin/python3");
    [made, PathBuf::from("python3")].into_iter().find(|python| {
        let tried = Command::new(python).args(["-c", "import hermes_katana.vault"]).output();
        tried.is_ok_and(|out| out.status.success())
    })
}

const WRITE: &str = r#"
import sys
from pathlib import Path
from hermes_katana.vault import Vault
vault = Vault(path=Path(sys.argv[1]))
for n in range(40):
    vault.set(f"SECRET_{n}_KEY", f"value-number-{n}-" + "x" * n)
vault.set("odd \u00e4 \U0001f642", 'quotes " and \\ and \u00fc in it')
vault.remove("SECRET_7_KEY")
"#;

#[test]
fn a_vault_that_the_real_package_wrote_comes_over_whole() {
    let Some(python) = python() else {
        println!("skipped: no Python here has hermes-katana; .ci/run installs it");
        return;
    };
    let home = katana().home();
    let file = home.dir.path().join("theirs.json");
    let mut write = Command::new(python);
    home.furnish(&mut write);
    let out = write
        .args(["-c", WRITE])
        .arg(&file)
        .env("HERMES_KATANA_VAULT_KEY", KEYS[0])
        .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let theirs = file.to_str().unwrap();
    let out = home.katana_in(&["vault", "import", "hermes", "--json", theirs], KEYS[0]);
    ended(&out, 0);
    assert_eq!(names(&documents(&out.stdout)[0], "imported").len(), 40);
    for n in [0, 6, 8, 39] {
        assert_eq!(value(&home, &format!("SECRET_{n}_KEY")), format!("value-number-{n}-{}", "x".repeat(n)));
    }
    assert_eq!(value(&home, "odd____"), "quotes \" and \\ and ü in it");
}
