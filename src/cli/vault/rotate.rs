//! `katana vault rotate`: a new value for one secret with an overlap, or a new master key under everything.

use super::asking;
use super::desk::{Desk, failure};
use super::meta::{Said, later, span, warn_if_expired};
use crate::base::clock::Timestamp;
use crate::cli::context::{Tone, count};
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::key::{LABELS, allows};
use crate::vault::{Error, Meta, Name, Overlap};
use serde_json::json;
use std::ffi::OsString;
use std::time::Duration;

/// With KEY: a new value; the old one is kept and looked for during the overlap. Without: a new master key, and everything
/// sealed anew under it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The entry that gets a new value
    #[arg(value_parser = Name::parse)]
    key: Option<Name>,
    /// The new value; leave it out to be asked, or to pipe it in
    #[arg(allow_hyphen_values = true, requires = "key")]
    value: Option<OsString>,
    /// How long the old value is looked for at least, and an old placeholder honoured
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
    overlap: Duration,
    /// A new placeholder too; the old one is honoured during the overlap
    #[arg(long, requires = "key")]
    placeholder: bool,
    #[command(flatten)]
    said: Said,
    /// Take a value of fewer than 8 bytes
    #[arg(long, requires = "key")]
    allow_short: bool,
    /// Where the new master key is to lie, when the present source cannot hold a new one
    #[arg(long, value_name = "SOURCE", value_parser = LABELS, conflicts_with = "key")]
    to: Option<String>,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    match args.key.clone() {
        Some(key) => renew(args, &key, desk),
        None if !args.said.nothing() => {
            let why = "the flags speak of an entry, and none was named";
            let what = "the master key was not rotated";
            let next = "name the entry, or leave the flags out";
            Err(crate::cli::outcome::Failure::new(Exit::Refused, "vault_nothing_said", what, why, next))
        }
        None => rotate(args.to.as_deref(), desk),
    }
}

fn renew(args: Args, key: &Name, desk: &Desk<'_>) -> Outcome {
    desk.about(key);
    let what = format!("{key} was not rotated");
    let failed = |e| failure(&what, &e);
    let vault = desk.open().map_err(failed)?;
    // a name that is not there says so before anyone types a secret
    vault.history(key).map_err(failed)?;
    let value = asking::value(desk.ctx, key, args.value, &what)?;
    let overlap = Overlap { until: later(Timestamp::now(), args.overlap), placeholder: args.placeholder };
    let meta = Meta {
        allow_short: args.allow_short,
        expires: args.said.expires(),
        goes: args.said.going(),
        ..Meta::default()
    };
    let placeholder = vault.renew(key, &value, &meta, overlap).map_err(failed)?;
    desk.because(format!("overlap until {}", overlap.until));
    warn_if_expired(desk, &vault, key);
    let ctx = desk.ctx;
    if ctx.json {
        ctx.out_json(&json!({
            "name": key.as_str(), "placeholder": &*placeholder, "overlap_until": overlap.until.to_string(),
        }));
    } else {
        ctx.out(format!("{} {key}", ctx.paint(Tone::Good, "rotated")));
        ctx.out(format!("placeholder {placeholder}"));
        let also = if args.placeholder { ", and its old placeholder is honoured," } else { "" };
        ctx.note(format!("the old value is looked for{also} until {} at least", overlap.until));
    }
    Ok(Exit::Done)
}

fn rotate(to: Option<&str>, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    let failed = |e| failure("the master key was not rotated", &e);
    let done = desk.open().map_err(failed)?.rotate(to).map_err(failed)?;
    desk.because(format!("{} under a new key", count(done.entries, "entry", "entries")));
    if ctx.json {
        ctx.out_json(&json!({
            "entries": done.entries, "generation": done.generation, "from": done.from.label(),
            "to": done.to.label(), "finished": done.unfinished.is_none(),
        }));
    } else {
        let entries = count(done.entries, "entry", "entries");
        let good = ctx.paint(Tone::Good, "rotated");
        ctx.out(format!("{good}: {entries} under a new master key, generation {}", done.generation));
        ctx.note(format!("key in {}", done.to));
    }
    let warn = |text: String| ctx.note(format!("{}: {text}", ctx.paint(Tone::Warn, "warning")));
    if let Some(why) = done.unfinished {
        warn(format!("one step is left to the next command that opens the vault: {why}"));
    }
    match done.still_there {
        Some(shared @ Error::KeyShared { .. }) => warn(format!("the old key stays where it is: {shared}")),
        Some(_) => {
            warn(format!(
                "{} still has the old key, which this vault needs no more: take it away",
                done.from
            ));
        }
        None => {}
    }
    if !allows(desk.config.vault.key_source, done.to.label()) {
        warn(format!("vault.key_source does not ask {}: set it to auto or to that source", done.to));
    }
    Ok(Exit::Done)
}
