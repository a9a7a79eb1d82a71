//! `katana vault`: set, list, get, remove and verify secrets. Asks for values, prints answers; what a vault is, is `crate::vault`.

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config::{Config, Credential};
use crate::vault::credentials::Bindings;
use crate::vault::key::Source;
use crate::vault::{Error, Listing, Meta, Name, Place, Providers, Vault, harden_process, place, value};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStringExt;

/// Keep secrets where the proxy finds them and agents do not.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Keep a value. Without VALUE: asked for on a terminal, else all of stdin less one final newline.
    Set {
        /// 1 to 128 characters of A-Z a-z 0-9 _ . -
        #[arg(value_parser = Name::parse)]
        key: Name,
        /// Works, but shows the value to whoever sees the process list or the shell's history.
        #[arg(allow_hyphen_values = true)]
        value: Option<OsString>,
        /// Take a value of fewer than 8 bytes; it is then found only where it stands as a word of its own.
        #[arg(long)]
        allow_short: bool,
    },
    /// Names, placeholders, age, hosts and where the key comes from. Never values.
    List,
    /// Print a value, byte for byte; to a terminal only with --reveal.
    Get {
        /// The entry's name.
        #[arg(value_parser = Name::parse)]
        key: Name,
        /// Show the value on the terminal.
        #[arg(long)]
        reveal: bool,
    },
    /// Forget a secret and its placeholder.
    Remove {
        /// The entry's name.
        #[arg(value_parser = Name::parse)]
        key: Name,
    },
    /// Judge the file and open every entry; exit 1 when anything is wrong.
    Verify,
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] with the vault's own code: exit 3 when it is locked or there is no key, 4 when it cannot be trusted.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    harden_process();
    let Config { vault, credentials, .. } = ctx.load_config()?;
    let place = place(&ctx.paths, &vault);
    match args.command {
        Command::Set { key, value, allow_short } => set(ctx, &place, &key, value, Meta { allow_short }),
        Command::List => list(ctx, &place, &credentials),
        Command::Get { key, reveal } => show(ctx, &place, &key, reveal),
        Command::Remove { key } => remove(ctx, &place, &key),
        Command::Verify => verify(ctx, &place),
    }
}

fn set(ctx: &Context, place: &Place, key: &Name, value: Option<OsString>, meta: Meta) -> Outcome {
    let what = format!("{key} was not set");
    let failed = |e| failure(&what, &e);
    // a vault that will not take it says so before anyone types a secret
    let vault = Vault::open(place).map_err(failed)?;
    let value = match value {
        Some(text) => {
            ctx.note(ctx.paint(
                Tone::Warn,
                "a value on the command line stays in the shell's history; leave it out to be asked",
            ));
            Secret::new(text.into_vec())
        }
        None => ask(key).map_err(|e| {
            let next = "type the value, or pipe it in";
            Failure::new(Exit::Unevaluated, "vault_no_value", what.clone(), e, next)
        })?,
    };
    let placeholder = vault.set(key, &value, meta).map_err(failed)?;
    if ctx.json {
        ctx.out_json(
            &json!({ "name": key.as_str(), "placeholder": &*placeholder, "key_source": source(&vault) }),
        );
    } else {
        ctx.out(format!("{} {key}", ctx.paint(Tone::Good, "set")));
        ctx.out(format!("placeholder {placeholder}"));
        ctx.note(format!("key from {}", vault.key_source().map_or_else(String::new, |s| s.to_string())));
    }
    Ok(Exit::Done)
}

/// The value from a person, or from whoever writes into stdin.
fn ask(key: &Name) -> io::Result<Secret> {
    if io::stdin().is_terminal() {
        let prompt = dialoguer::Password::new().with_prompt(format!("value of {key}"));
        return prompt.interact().map(Secret::from).map_err(|e| match e {
            dialoguer::Error::IO(e) => e,
        });
    }
    piped(io::stdin().lock())
}

/// All of it less one final newline; a little more than the longest value is enough to tell that it is too long.
fn piped(from: impl Read) -> io::Result<Secret> {
    let most = value::LONGEST + 3;
    let mut bytes = Vec::with_capacity(most);
    from.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(Secret::new(bytes))
}

fn list(ctx: &Context, place: &Place, credentials: &[Credential]) -> Outcome {
    let failed = |e| failure("the vault could not be listed", &e);
    let vault = Vault::open(place).map_err(failed)?;
    let entries = vault.list().map_err(failed)?;
    let providers = Providers::builtin().map_err(failed)?;
    let bindings = Bindings::build(&[], &providers, credentials);
    let now = Timestamp::now();
    if ctx.json {
        let entry = |l: &Listing| {
            json!({
                "name": &*l.name, "placeholder": &*l.placeholder, "version": l.version,
                "created": l.created.to_string(), "updated": l.updated.to_string(),
                "hosts": bindings.hosts(&l.name),
            })
        };
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        ctx.out_json(&json!({ "file": place.file, "key_source": source(&vault), "entries": entries }));
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        ctx.note("the vault is empty; katana vault set KEY keeps the first secret");
    } else {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        // a placeholder broken over lines cannot be copied; on a terminal it is told by its beginning instead
        table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        let terminal = io::stdout().is_terminal();
        table.set_header(["NAME", "PLACEHOLDER", "AGE", "HOSTS"]);
        for l in &entries {
            let hosts = bindings.hosts(&l.name).join("\n");
            let placeholder = if terminal { shortened(&l.placeholder) } else { l.placeholder.to_string() };
            table.add_row([l.name.to_string(), placeholder, age(now, l.updated), hosts]);
        }
        ctx.out(table.trim_fmt());
    }
    if let Some(from) = vault.key_source() {
        ctx.note(format!("key from {from}"));
    }
    Ok(Exit::Done)
}

fn show(ctx: &Context, place: &Place, key: &Name, reveal: bool) -> Outcome {
    let what = format!("{key} was not printed");
    let terminal = io::stdout().is_terminal();
    if terminal && !reveal {
        let why = "stdout is a terminal, where others may see it";
        return Err(Failure::new(Exit::Refused, "vault_not_revealed", what, why, "add --reveal, or pipe it"));
    }
    let failed = |e| failure(&what, &e);
    let value = Vault::open(place).and_then(|v| v.get(key)).map_err(failed)?;
    if ctx.json {
        let value = match std::str::from_utf8(value.expose()) {
            Ok(text) => json!({ "name": key.as_str(), "value": text }),
            Err(_) => {
                let text = data_encoding::BASE64.encode(value.expose());
                json!({ "name": key.as_str(), "value_base64": text })
            }
        };
        ctx.out_json(&value);
        return Ok(Exit::Done);
    }
    let mut out = io::stdout().lock();
    let end: &[u8] = if terminal { b"\n" } else { b"" };
    let written = out.write_all(value.expose()).and_then(|()| out.write_all(end)).and_then(|()| out.flush());
    let failed =
        |e| Failure::new(Exit::Unevaluated, "vault_io", what.clone(), e, "check what stdout leads to");
    written.map(|()| Exit::Done).map_err(failed)
}

fn remove(ctx: &Context, place: &Place, key: &Name) -> Outcome {
    let failed = |e| failure(&format!("{key} was not removed"), &e);
    Vault::open(place).and_then(|v| v.remove(key)).map_err(failed)?;
    if ctx.json {
        ctx.out_json(&json!({ "name": key.as_str(), "removed": true }));
    } else {
        ctx.out(format!("{} {key}", ctx.paint(Tone::Good, "removed")));
    }
    Ok(Exit::Done)
}

fn verify(ctx: &Context, place: &Place) -> Outcome {
    match Vault::open(place).and_then(|v| v.verify()) {
        Ok(report) => {
            if ctx.json {
                ctx.out_json(&json!({
                    "ok": true, "file": report.file, "generation": report.generation,
                    "entries": report.entries, "key_source": report.key_source.as_ref().map(Source::label),
                }));
            } else {
                let (entries, generation) = (report.entries, report.generation);
                let good = ctx.paint(Tone::Good, "good");
                ctx.out(format!(
                    "{good}: {entries} entries, generation {generation}, {}",
                    report.file.display()
                ));
            }
            Ok(Exit::Done)
        }
        Err(e) if e.is_tampering() => {
            if ctx.json {
                ctx.out_json(
                    &json!({ "ok": false, "file": place.file, "code": e.code(), "reason": e.to_string() }),
                );
            } else {
                ctx.out(format!("{}: {e}\n  → {}", ctx.paint(Tone::Bad, "bad"), e.remedy()));
            }
            Ok(Exit::Bad)
        }
        Err(e) => Err(failure("the vault could not be verified", &e)),
    }
}

fn source(vault: &Vault) -> Option<&'static str> {
    vault.key_source().as_ref().map(Source::label)
}

/// The vault's errors as a command's: what could not be evaluated is 3, what may not be trusted or taken is 4.
fn failure(what: &str, e: &Error) -> Failure {
    let exit = match e {
        Error::NoEntry(_) => Exit::Bad,
        Error::Tampered(_)
        | Error::NotPrivate { .. }
        | Error::OldFormat { .. }
        | Error::BadName
        | Error::BadValue(_)
        | Error::ShortValue => Exit::Refused,
        _ => Exit::Unevaluated,
    };
    Failure::new(exit, e.code(), what, e, e.remedy())
}

/// At most 41 characters; placeholders are ASCII.
fn shortened(placeholder: &str) -> String {
    match placeholder.get(..40) {
        Some(head) if placeholder.len() > 41 => format!("{head}…"),
        _ => placeholder.to_owned(),
    }
}

/// `now`, `5m`, `3h`, `12d`.
fn age(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.0.saturating_sub(then.0).max(0) / 60_000;
    match minutes {
        0 => "now".into(),
        1..60 => format!("{minutes}m"),
        60..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::paths::Paths;
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
    fn stdin_loses_one_newline_and_nothing_else() {
        for (given, kept) in [
            ("value", "value"),
            ("value\n", "value"),
            ("value\r\n", "value"),
            ("value\n\n", "value\n"),
            (" value ", " value "),
            ("", ""),
        ] {
            assert_eq!(piped(given.as_bytes()).unwrap().expose(), kept.as_bytes());
        }
        assert!(piped(io::repeat(b'x')).unwrap().len() > value::LONGEST);
    }

    #[test]
    fn a_long_placeholder_is_told_by_its_beginning() {
        let long = "x".repeat(42);
        assert_eq!(shortened(&long), format!("{}…", "x".repeat(40)));
        assert_eq!(shortened(&long[..41]), long[..41]);
    }

    #[test]
    fn ages() {
        let age = |minutes: i64| age(Timestamp(minutes * 60_000), Timestamp(0));
        assert_eq!(
            [age(-5), age(0), age(59), age(60), age(2879), age(2880)],
            ["now", "now", "59m", "1h", "47h", "2d"]
        );
    }
}
