//! `katana vault key import`: the key back from its words.

use super::{To, remarks, to_configure};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::cli::vault::asking;
use crate::cli::vault::desk::{Desk, failure};
use crate::vault::key::phrase;
use crate::vault::{Custody, Error};
use serde_json::json;
use std::path::PathBuf;

/// Take a key back from its recovery phrase, asked for without echo or on stdin. It is kept only if this vault was written
/// with it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Where the key goes, instead of where a new one would go
    #[arg(long, value_enum)]
    to: Option<To>,
    /// The key file, instead of the one that the configuration names
    #[arg(long, value_name = "PATH", requires = "to")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Outcome {
    let what = "the key was not taken back";
    let failed = |e: &Error| failure(what, e);
    let custody = Custody::of(&desk.place);
    if custody.mark().map_err(|e| failed(&e))?.is_none() {
        return Err(failed(&Error::NoVault(desk.place.file.clone())));
    }
    let words = asking::hidden("recovery phrase (24 words)").map_err(|e| {
        let next = "type the words, or pipe them in";
        Failure::new(Exit::Unevaluated, "vault_no_value", what, e, next)
    })?;
    let words = std::str::from_utf8(words.expose()).unwrap_or_default();
    let target = match args.to {
        Some(to) => Some(to.source(&desk.place, args.file.as_ref()).map_err(|e| failed(&e))?),
        None => None,
    };
    let moved = phrase::read(words)
        .and_then(|key| custody.import(&key, target.as_deref()))
        .map_err(|e| failed(&e))?;
    if desk.ctx.json {
        let configure = to_configure(&moved.to, desk);
        desk.ctx.out_json(
            &json!({ "to": moved.to.label(), "where": moved.to.to_string(), "configure": configure }),
        );
    } else {
        desk.ctx.out(format!("{} the key at {}", desk.ctx.paint(Tone::Good, "kept"), moved.to));
    }
    remarks(&moved.to, desk);
    Ok(Exit::Done)
}
