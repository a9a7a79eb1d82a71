//! `katana vault get`: print a value.

use super::desk::{Desk, failure};
use super::resolving;
use crate::base::secret::Secret;
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::vault::Name;
use serde_json::json;
use std::io::{self, IsTerminal, Write};

/// Print a value, byte for byte; to a terminal only with --reveal.
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(super) struct Args {
    /// The entry's name.
    #[arg(value_parser = Name::parse)]
    key: Name,
    /// An earlier value; see `katana vault history`.
    #[arg(long = "version", value_name = "N")]
    number: Option<u64>,
    /// Show the value on the terminal.
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let key = args.key;
    desk.about(&key);
    let what = format!("{key} was not printed");
    let terminal = io::stdout().is_terminal();
    if terminal && !args.reveal {
        let why = "stdout is a terminal, where others may see it";
        return Err(Failure::new(Exit::Refused, "vault_not_revealed", what, why, "add --reveal, or pipe it"));
    }
    let get = |vault: &crate::vault::Vault| match args.number {
        Some(number) => vault.get_version(&key, number),
        None => vault.get(&key),
    };
    let vault = desk.open().map_err(|e| failure(&what, &e))?;
    let value = get(&vault).map_err(|e| failure(&what, &e))?;
    if let Some(number) = args.number {
        desk.because(format!("version {number}"));
    }
    desk.tell_first("vault.get", &what)?;
    let value = resolving::value(desk, &vault, &key, args.number, value)?;
    print(desk, &key, &value, terminal).map(|()| Exit::Done).map_err(|e| {
        Failure::new(Exit::Unevaluated, "vault_io", what.clone(), e, "check what stdout leads to")
    })
}

fn print(desk: &Desk<'_>, key: &Name, value: &Secret, terminal: bool) -> io::Result<()> {
    if desk.ctx.json {
        let value = match std::str::from_utf8(value.expose()) {
            Ok(text) => json!({ "name": key.as_str(), "value": text }),
            Err(_) => {
                let text = data_encoding::BASE64.encode(value.expose());
                json!({ "name": key.as_str(), "value_base64": text })
            }
        };
        desk.ctx.out_json(&value);
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let end: &[u8] = if terminal { b"\n" } else { b"" };
    out.write_all(value.expose())?;
    out.write_all(end)?;
    out.flush()
}
