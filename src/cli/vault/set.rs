//! `katana vault set`: keep a value.

use super::asking;
use super::desk::{Desk, failure, source};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::{Meta, Name};
use serde_json::json;
use std::ffi::OsString;

/// Keep a value. Without VALUE: asked for on a terminal, else all of stdin less one final newline.
#[derive(clap::Args)]
pub(super) struct Args {
    /// 1 to 128 characters of A-Z a-z 0-9 _ . -
    #[arg(value_parser = Name::parse)]
    key: Name,
    /// Works, but shows the value to whoever sees the process list or the shell's history.
    #[arg(allow_hyphen_values = true)]
    value: Option<OsString>,
    /// Take a value of fewer than 8 bytes; it is then found only where it stands as a word of its own.
    #[arg(long)]
    allow_short: bool,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let (ctx, key) = (desk.ctx, args.key);
    let what = format!("{key} was not set");
    let failed = |e| failure(&what, &e);
    // a vault that will not take it says so before anyone types a secret
    let vault = desk.open().map_err(failed)?;
    let value = asking::value(ctx, &key, args.value, &what)?;
    let placeholder =
        vault.set(&key, &value, Meta { allow_short: args.allow_short, ..Meta::default() }).map_err(failed)?;
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
