//! `katana vault lock`: nothing is read and nothing written until `unlock`.

use super::desk::{Desk, failure, person};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Locked;
use serde_json::json;

/// Lock the vault for every process until `katana vault unlock`. Needs no key, and works with a broken vault.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Why: shown to whoever finds it locked
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    let locked = desk.place.lock(&args.reason, &person());
    let locked = locked.map_err(|e| failure("the vault was not locked", &e))?;
    if !args.reason.is_empty() {
        desk.because(args.reason);
    }
    let (already, said) = match locked {
        Locked::Now => (false, desk.place.sentinel()),
        Locked::Already(said) => (true, said),
    };
    if ctx.json {
        let sentinel = &desk.place.lock_sentinel;
        ctx.out_json(&json!({ "locked": true, "already": already, "sentinel": sentinel, "says": said }));
    } else {
        let said = said.map_or_else(String::new, |s| s.to_string());
        let was = if already { " already" } else { "" };
        ctx.out(format!("{}{was}{said}", ctx.paint(Tone::Good, "locked")));
        ctx.note("a running proxy denies what needs the vault from now on; katana vault unlock ends it");
    }
    Ok(Exit::Done)
}
