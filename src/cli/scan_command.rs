//! `katana scan-command`: what does this shell command do, and may it?

use super::context::Context;
use super::outcome::Outcome;
use super::scan::content;
use super::scanned::{self, Shown};
use crate::app::scan;

/// Judge a shell command without running it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command is read as a shell would read it; nothing of it is run. With --explain, what it comes to once quotes, variables,
substitutions and encodings are worked out is shown. Exit 0: nothing that blocks; 1: something that does.

Examples:
  katana scan-command 'rm -rf node_modules'
  katana scan-command --explain 'echo cm0gLXJmIC8= | base64 -d | sh'
  katana scan-command - < install.sh")]
pub(super) struct Args {
    /// The command, or a script; - is stdin
    #[arg(value_name = "CMD|-", allow_hyphen_values = false)]
    command: String,
    #[command(flatten)]
    how: scanned::Output,
}

/// Runs the command.
///
/// # Errors
/// What could not be read, or rules and a configuration that cannot be used.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let how = scanned::How { output: args.how, taken: None };
    let asked = how.asked(ctx, Some(scan::As::Command))?;
    let (_, text) = content(Some(args.command), ctx)?;
    let report = scan::text(&asked, "command", &text);
    Ok(scanned::show(&Shown { report: &report, asked: &asked, how: &how }, ctx))
}
