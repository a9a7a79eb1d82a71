//! The vault commands: how they end.
use super::*;
use crate::base::paths::Paths;
use crate::cli::outcome::Exit;
use crate::vault::key::{KeyFile, KeySource, MasterKey};
use clap::Parser;

#[derive(clap::Parser)]
struct Program {
    #[command(flatten)]
    args: Args,
}

/// A home of its own, with a key file in it so that no test asks the keyring of whoever runs it.
fn home() -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_owned();
    let paths = Paths::from_lookup(&|k| (k == "STATE_DIRECTORY").then(|| state.clone()));
    KeyFile::at(&paths.vault().with_extension("key")).store(&MasterKey::generate().unwrap()).unwrap();
    (dir, Context { json: true, quiet: true, verbose: 0, color: false, config: None, paths })
}

fn katana(ctx: &Context, line: &[&str]) -> Outcome {
    let args = Program::try_parse_from([&["vault"], line].concat()).map_err(|e| e.to_string());
    run(args.unwrap().args, ctx)
}

#[test]
fn the_commands_end_as_the_table_of_exit_codes_says() {
    let (_dir, ctx) = home();
    assert_eq!(katana(&ctx, &["list"]), Ok(Exit::Done));
    assert_eq!(katana(&ctx, &["verify"]), Ok(Exit::Done));
    assert_eq!(katana(&ctx, &["set", "A", "--value-with-dashes"]), Ok(Exit::Done));
    assert_eq!(katana(&ctx, &["list"]), Ok(Exit::Done));
    let e = katana(&ctx, &["set", "B", "short"]).unwrap_err();
    assert_eq!((e.exit, e.code), (Exit::Refused, "vault_short_value"));
    assert_eq!(katana(&ctx, &["set", "--allow-short", "B", "short"]), Ok(Exit::Done));
    assert_eq!(katana(&ctx, &["remove", "B"]), Ok(Exit::Done));
    let e = katana(&ctx, &["remove", "B"]).unwrap_err();
    assert_eq!((e.exit, e.code), (Exit::Bad, "vault_no_entry"));
    std::fs::write(ctx.paths.vault(), "{}").unwrap();
    assert_eq!(katana(&ctx, &["verify"]), Ok(Exit::Bad));
    let e = katana(&ctx, &["list"]).unwrap_err();
    assert_eq!((e.exit, e.code), (Exit::Refused, "vault_tampered"));
    std::fs::write(ctx.paths.vault_lock(), "").unwrap();
    for line in [&["verify"][..], &["list"], &["set", "A", "12345678"]] {
        let e = katana(&ctx, line).unwrap_err();
        assert_eq!((e.exit, e.code), (Exit::Unevaluated, "vault_locked"));
    }
}

#[test]
fn a_bad_name_is_a_usage_error() {
    assert!(Program::try_parse_from(["vault", "get", "a b"]).is_err());
    assert!(Program::try_parse_from(["vault", "set", ""]).is_err());
}

#[test]
fn rotation_expiry_and_the_lock_end_as_they_should() {
    let (_dir, ctx) = home();
    let ends = |line: &[&str]| katana(&ctx, line).map_err(|e| (e.exit, e.code));
    assert_eq!(ends(&["rotate"]), Err((Exit::Unevaluated, "vault_none")));
    assert_eq!(ends(&["rotate", "A", "a-first-value"]), Err((Exit::Bad, "vault_no_entry")));
    assert_eq!(ends(&["set", "A", "a-first-value", "--expires", "3h"]), Ok(Exit::Done));
    assert_eq!(ends(&["expire", "--within", "1h"]), Ok(Exit::Done));
    assert_eq!(ends(&["expire"]), Ok(Exit::Bad));
    assert_eq!(
        ends(&["rotate", "A", "a-second-value", "--placeholder", "--expires", "never"]),
        Ok(Exit::Done)
    );
    assert_eq!(ends(&["expire"]), Ok(Exit::Done));
    assert_eq!(ends(&["get", "A", "--version", "1"]), Ok(Exit::Done));
    assert_eq!(ends(&["get", "A", "--version", "3"]), Err((Exit::Bad, "vault_no_version")));
    assert_eq!(ends(&["rotate"]), Ok(Exit::Done));
    assert_eq!(ends(&["rotate", "--to", "environment"]), Err((Exit::Unevaluated, "vault_key_missing")));
    assert_eq!(ends(&["verify"]), Ok(Exit::Done));
    assert_eq!(ends(&["set", "A", "--keep"]), Err((Exit::Refused, "vault_nothing_said")));
    assert_eq!(ends(&["rotate", "--expires", "1h"]), Err((Exit::Refused, "vault_nothing_said")));
    assert_eq!(ends(&["set", "A", "--keep", "--host", "a.example"]), Err((Exit::Refused, "vault_bad_goes")));
    assert_eq!(
        ends(&["set", "A", "--keep", "--host", "a.example", "--slot", "header:x-key"]),
        Ok(Exit::Done)
    );
    assert_eq!(ends(&["lock", "--reason", "a test"]), Ok(Exit::Done));
    assert_eq!(ends(&["lock"]), Ok(Exit::Done));
    assert_eq!(ends(&["rotate"]), Err((Exit::Unevaluated, "vault_locked")));
    assert_eq!(ends(&["unlock"]), Ok(Exit::Done));
    assert_eq!(ends(&["unlock"]), Ok(Exit::Done));
    assert_eq!(ends(&["rotate"]), Ok(Exit::Done));
}

#[test]
fn without_an_audit_no_value_is_shown() {
    let (home_dir, mut ctx) = home();
    assert_eq!(katana(&ctx, &["set", "A", "a-first-value"]), Ok(Exit::Done));
    let audit = ctx.paths.audit();
    let dir = audit.parent().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    std::fs::write(dir, "in the way").unwrap();
    let e = katana(&ctx, &["get", "A"]).unwrap_err();
    assert!(e.exit == Exit::Refused && e.code.starts_with("audit_"), "{e}");
    assert_eq!(katana(&ctx, &["list"]), Ok(Exit::Done), "what shows no value goes on");
    let config = home_dir.path().join("permissive.yaml");
    std::fs::write(&config, "proxy: { mode: permissive }\n").unwrap();
    ctx.config = Some(config);
    assert_eq!(katana(&ctx, &["get", "A"]), Ok(Exit::Done));
}

#[test]
fn a_vault_is_locked_under_a_broken_configuration_too() {
    let (dir, mut ctx) = home();
    let config = dir.path().join("broken.yaml");
    std::fs::write(&config, "proxy: [").unwrap();
    ctx.config = Some(config);
    assert_eq!(katana(&ctx, &["list"]).unwrap_err().code, "config_invalid");
    assert_eq!(katana(&ctx, &["lock"]), Ok(Exit::Done));
    assert!(ctx.paths.vault_lock().exists());
    assert_eq!(katana(&ctx, &["unlock"]), Ok(Exit::Done));
}
