//! `katana vault set`: keep a value, or change what is said beside it.

use super::asking;
use super::desk::{Desk, failure, source};
use super::meta::{Said, warn_if_expired};
use crate::base::secret::Secret;
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::vault::{Meta, Name, Vault};
use serde_json::json;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Keep a value. Without VALUE: asked for on a terminal, else all of stdin less one final newline. On an entry that is there,
/// flags change what they name and nothing else.
#[derive(clap::Args)]
pub(super) struct Args {
    /// 1 to 128 characters of A-Z a-z 0-9 _ . -
    #[arg(value_parser = Name::parse)]
    key: Name,
    /// Works, but shows the value to whoever sees the process list or the shell's history
    #[arg(allow_hyphen_values = true, conflicts_with_all = ["from", "keep"])]
    value: Option<OsString>,
    /// Keep the value there is, and change only what the other flags name
    #[arg(long, conflicts_with_all = ["from", "document"])]
    keep: bool,
    #[command(flatten)]
    said: Said,
    /// A text of several lines (PEM, JSON) for kinds that sign; it stands in no slot itself
    #[arg(long, conflicts_with = "from")]
    document: bool,
    /// Not the value but where it is got at use: env:NAME, file:PATH, exec:CMD, systemd:NAME, op://…, vault://…
    #[arg(long, value_name = "REF")]
    from: Option<OsString>,
    /// Take a value of fewer than 8 bytes; it is then found only where it stands as a word of its own
    #[arg(long)]
    allow_short: bool,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let key = &args.key;
    desk.about(key);
    let what = format!("{key} was not set");
    let failed = |e| failure(&what, &e);
    // a vault that will not take it says so before anyone types a secret
    let vault = desk.open().map_err(failed)?;
    let meta = Meta {
        allow_short: args.allow_short,
        document: args.document,
        reference: args.from.is_some(),
        expires: args.said.expires(),
        goes: args.said.going(),
    };
    if args.keep {
        if args.said.nothing() {
            let why = "--keep leaves the value as it is, and no other flag says what is to change";
            let next = "see katana vault set --help";
            return Err(Failure::new(Exit::Refused, "vault_nothing_said", what, why, next));
        }
        let placeholder = vault.amend(key, &meta).map_err(failed)?;
        desk.because("the value was kept");
        answer(desk, &vault, key, "changed", &placeholder);
        return Ok(Exit::Done);
    }
    let value = match args.from {
        Some(reference) => Secret::new(reference.into_vec()),
        None => asking::value(desk.ctx, key, args.value, &what)?,
    };
    let placeholder = vault.set(key, &value, meta).map_err(failed)?;
    warn_if_expired(desk, &vault, key);
    answer(desk, &vault, key, "set", &placeholder);
    Ok(Exit::Done)
}

fn answer(desk: &Desk<'_>, vault: &Vault, key: &Name, done: &str, placeholder: &str) {
    let ctx = desk.ctx;
    if ctx.json {
        ctx.out_json(&json!({
            "name": key.as_str(), "placeholder": placeholder, "key_source": source(vault), "done": done,
        }));
        return;
    }
    ctx.out(format!("{} {key}", ctx.paint(Tone::Good, done)));
    ctx.out(format!("placeholder {placeholder}"));
    ctx.note(format!("key from {}", vault.key_source().map_or_else(String::new, |s| s.to_string())));
}
