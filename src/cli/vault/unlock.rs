//! `katana vault unlock`: ends a lock, whoever made it.

use super::desk::{Desk, failure};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Vault;
use serde_json::json;

/// End a lock, and say whether the vault is well.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    let said = desk.place.sentinel();
    let was = desk.place.unlock().map_err(|e| failure("the vault was not unlocked", &e))?;
    if let Some(said) = &said {
        desk.because(format!("it was locked{said}"));
    }
    // what locked it may be there still
    let trouble = Vault::look(&desk.place).and_then(|v| v.verify()).err();
    if ctx.json {
        let trouble = trouble.as_ref().map(|e| json!({ "code": e.code(), "why": e.to_string() }));
        ctx.out_json(&json!({ "locked": false, "was_locked": was, "said": said, "trouble": trouble }));
        return Ok(Exit::Done);
    }
    let said = said.map_or_else(String::new, |s| format!("; it was locked{s}"));
    if was {
        ctx.out(format!("{}{said}", ctx.paint(Tone::Good, "unlocked")));
    } else {
        ctx.out("the vault was not locked");
    }
    if let Some(e) = trouble {
        let warning = ctx.paint(Tone::Warn, "warning");
        ctx.note(format!("{warning}: it cannot be read all the same: {e}\n  → {}", e.remedy()));
    }
    Ok(Exit::Done)
}
