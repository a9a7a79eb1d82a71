//! `katana rules list|show|test`: what katana looks for, and whether one's own rules hold.

mod list;
mod show;
mod test;

use super::context::{Context, count};
use super::outcome::{Exit, Failure, Outcome};
use crate::scanner::{Error, Judge};
use serde_json::json;
use std::path::PathBuf;

/// Show what katana looks for, and test one's own rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana rules list --family injection
  katana rules list github
  katana rules show github.token
  katana rules test my-rules.yaml          does it compile, do its examples hold
  katana rules test --id github.token 'some text'
  katana rules accept-tools mcp.example.com")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The rules, one a line, and how many of each family there are
    List {
        /// Only those with this in their id
        part: Option<String>,
        /// Only this family: secret, injection, command, …
        #[arg(long)]
        family: Option<String>,
    },
    /// Everything there is to a rule
    Show {
        /// Its id
        id: String,
    },
    /// Take a host's MCP tools as they are described now, where that has changed since they were first seen
    AcceptTools {
        /// The host, as the denial names it
        host: String,
    },
    /// Do files of rules hold, or does a rule find a text
    Test {
        /// Files or folders of rules; with --id, the text
        #[arg(required = true)]
        what: Vec<PathBuf>,
        /// Try this rule on the text instead
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Rules that cannot be used, an id that is none.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    match args.command {
        Command::List { part, family } => list::run(part.as_deref(), family.as_deref(), ctx),
        Command::Show { id } => show::run(&id, ctx),
        Command::AcceptTools { host } => accept_tools(&host, ctx),
        Command::Test { what, id: Some(id) } => test::try_out(&id, &what, ctx),
        Command::Test { what, id: None } => test::run(&what, ctx),
    }
}

fn accept_tools(host: &str, ctx: &Context) -> Outcome {
    let tools = crate::app::tools::accept(host, &ctx.paths)?;
    if ctx.json {
        ctx.out_json(&json!({ "host": host, "forgotten": tools }));
    } else if tools == 0 {
        ctx.out(format!("no tools of {host} were seen so far"));
    } else {
        let number = count(tools, "tool", "tools");
        ctx.out(format!("{number} of {host} forgotten: what the server says next is taken as first seen"));
    }
    Ok(Exit::Done)
}

/// The source of what no file of rules holds.
const CODE: &str = "katana itself";

fn own(ctx: &Context) -> Result<Judge, Failure> {
    let judge = if ctx.paths.homeless { Judge::builtin() } else { Judge::load(&ctx.paths.rules) };
    judge.map_err(|e| unusable(&e))
}

fn unusable(e: &Error) -> Failure {
    Failure::new(
        Exit::Unevaluated,
        e.code(),
        "the rules cannot be used",
        e,
        "mend the files; `katana rules test FILE` says when they are right",
    )
}

/// An id that no rule has.
fn unknown(id: &str, headline: String, next: String) -> Failure {
    Failure::new(Exit::Unevaluated, "no_rule", headline, format!("no rule has the id {id}"), next)
}
