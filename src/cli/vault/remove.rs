//! `katana vault remove`: forget a secret.

use super::desk::{Desk, failure};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Name;
use serde_json::json;

/// Forget a secret and its placeholder.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The entry's name.
    #[arg(value_parser = Name::parse)]
    key: Name,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let (ctx, key) = (desk.ctx, args.key);
    desk.about(&key);
    let failed = |e| failure(&format!("{key} was not removed"), &e);
    desk.open().and_then(|v| v.remove(&key)).map_err(failed)?;
    if ctx.json {
        ctx.out_json(&json!({ "name": key.as_str(), "removed": true }));
    } else {
        ctx.out(format!("{} {key}", ctx.paint(Tone::Good, "removed")));
    }
    Ok(Exit::Done)
}
