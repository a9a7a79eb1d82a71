//! `katana vault key move`: the same key at another source.

use super::{To, remarks, to_configure};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::vault::desk::{Desk, failure};
use crate::vault::custody::Moved;
use crate::vault::key::{Keys, Source, ask_new};
use crate::vault::{Custody, Error};
use serde_json::json;
use std::path::PathBuf;

/// Keep the same key at another source. Nothing in the vault changes: a new key is made by `rotate`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Where the key goes
    #[arg(long, value_enum)]
    to: To,
    /// The key file, instead of the one that the configuration names
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Outcome {
    let failed = |e| failure("the key was not moved", &e);
    if args.file.is_some() && args.to != To::File {
        let why = Error::KeyUnusable { origin: "--file".into(), why: "it goes with --to file only".into() };
        return Err(failed(why));
    }
    let moved = moved(args, desk).map_err(failed)?;
    let (from, to) = (moved.from.as_ref(), &moved.to);
    if desk.ctx.json {
        desk.ctx.out_json(&json!({
            "from": from.map(Source::label), "to": to.label(), "where": to.to_string(),
            "still_there": moved.still_there.as_ref().map(ToString::to_string),
            "ended": moved.ended.iter().map(Source::label).collect::<Vec<_>>(),
            "also": moved.also.iter().map(Source::label).collect::<Vec<_>>(),
            "configure": to_configure(to, desk),
        }));
    } else {
        let done = desk.ctx.paint(Tone::Good, if from == Some(to) { "kept" } else { "moved" });
        desk.ctx.out(match from {
            Some(from) if from != to => format!("{done} the key from {from} to {to}"),
            _ if args.to == To::Passphrase && moved.ended.is_empty() => {
                format!("{} {to}", desk.ctx.paint(Tone::Good, "changed"))
            }
            _ => format!("{done} the key at {to}"),
        });
    }
    if let Some(why) = &moved.still_there {
        let warning = desk.ctx.paint(Tone::Warn, "warning");
        desk.ctx.note(format!("{warning}: the old source has the key still: {why}"));
    }
    for other in &moved.ended {
        desk.ctx.note(format!("{other} had the same key, and has forgotten it"));
    }
    for other in &moved.also {
        desk.ctx.note(format!("{}: {other} has the same key", desk.ctx.paint(Tone::Warn, "warning")));
    }
    remarks(to, desk);
    Ok(Exit::Done)
}

fn moved(args: &Args, desk: &Desk<'_>) -> Result<Moved, Error> {
    let custody = Custody::of(&desk.place);
    let target = args.to.source(&desk.place, args.file.as_ref())?;
    let moved = custody.move_to(target.as_ref(), Keys::system(&desk.place.key))?;
    // under a passphrase already: what is meant is another passphrase
    if args.to == To::Passphrase && moved.from.as_ref() == Some(&moved.to) && moved.ended.is_empty() {
        let new = ask_new(&desk.place.key.kdf)?;
        args.to.passphrase(&desk.place).change(&new)?;
    }
    Ok(moved)
}
