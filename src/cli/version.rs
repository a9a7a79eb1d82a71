//! `katana version`: which one this is.

use super::context::Context;
use super::outcome::{Exit, Outcome};
use serde_json::json;

/// Print the version
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  katana version
  katana version --json")]
pub(super) struct Args {}

/// Prints it.
#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(super) fn run(_args: Args, ctx: &Context) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    if ctx.json {
        ctx.out_json(&json!({ "name": "katana", "version": version }));
    } else {
        ctx.out(format!("katana {version}"));
    }
    Ok(Exit::Done)
}
