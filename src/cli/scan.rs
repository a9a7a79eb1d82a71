//! `katana scan`: is there a secret, an instruction or a dangerous command in this text?

use super::context::Context;
use super::outcome::{Exit, Failure, Outcome};
use super::scanned::{self, Shown};
use crate::app::scan;
use std::io::{self, IsTerminal, Read};

/// Look for secrets and injected instructions in a text
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing of a secret but its first letters is printed. Exit 0: nothing that blocks; 1: something that does; 3: it could not be read.

Examples:
  katana scan 'text to look at'
  git diff | katana scan -
  katana scan --as tool-result --explain - < page.html
  katana scan --sarif - < build.log > findings.sarif")]
pub(super) struct Args {
    /// The text; - or nothing: stdin
    #[arg(value_name = "TEXT|-", allow_hyphen_values = false)]
    text: Option<String>,
    #[command(flatten)]
    how: scanned::How,
}

/// Runs the command.
///
/// # Errors
/// What could not be read, or rules and a configuration that cannot be used.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let asked = args.how.asked(ctx, None)?;
    let (name, text) = content(args.text, ctx)?;
    let report = scan::text(&asked, name, &text);
    Ok(scanned::show(&Shown { report: &report, asked: &asked, how: &args.how }, ctx))
}

/// What is to be scanned, and its name.
pub(super) fn content(text: Option<String>, ctx: &Context) -> Result<(&'static str, Vec<u8>), Failure> {
    match text.filter(|t| t != "-") {
        Some(text) => Ok(("text", text.into_bytes())),
        None => {
            if io::stdin().is_terminal() {
                ctx.note("reading from the terminal; Ctrl-D ends it");
            }
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map_err(|e| {
                Failure::new(
                    Exit::Unevaluated,
                    "stdin_io",
                    "stdin cannot be read",
                    e,
                    "give the text as an argument",
                )
            })?;
            Ok(("stdin", bytes))
        }
    }
}
