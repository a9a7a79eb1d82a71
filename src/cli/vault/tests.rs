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
