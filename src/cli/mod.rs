//! Arguments → one library call → text or JSON. One file per subcommand; this one has the global flags and the list of commands.

pub mod context;
pub mod outcome;
mod passphrase;
mod run;
mod proxy;
mod status;
mod doctor;
mod ca;
mod vault;
mod audit;
mod check;
mod scan;
mod scan_file;
mod scan_command;
mod scanned;
mod sarif;
mod rules;
mod demo;
mod config;
mod version;
mod shell;

use crate::base::paths::Paths;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use context::{Context, Tone};
use outcome::{Exit, Failure, Outcome};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// The commands: a line here and a `mod` line above add one. Its `Args` carry the help, its `run` does the work.
macro_rules! commands {
    ($($name:ident = $module:ident),+ $(,)?) => {
        #[derive(Subcommand)]
        #[expect(clippy::enum_variant_names, reason = "`scan-command` is what people call it")]
        enum Command { $($name($module::Args)),+ }

        impl Command {
            fn run(self, ctx: &Context) -> Outcome {
                match self { $(Self::$name(args) => $module::run(args, ctx)),+ }
            }
        }
    };
}

commands! {
    Demo = demo,
    Run = run,
    Check = check,
    Scan = scan,
    ScanFile = scan_file,
    ScanCommand = scan_command,
    Rules = rules,
    Proxy = proxy,
    Status = status,
    Doctor = doctor,
    Ca = ca,
    Vault = vault,
    Audit = audit,
    Config = config,
    Version = version,
    Completions = completions,
    Man = man,
}

use shell::{completions, man};

impl Command {
    /// Has it to do with anything that katana keeps?
    fn keeps_state(&self) -> bool {
        !matches!(
            self,
            Self::Demo(_)
                | Self::Version(_)
                | Self::Completions(_)
                | Self::Man(_)
                | Self::Scan(_)
                | Self::ScanFile(_)
                | Self::ScanCommand(_)
                | Self::Rules(_)
        )
    }
}

/// A forward proxy for AI agents.
///
/// An agent's traffic goes through katana, and on the way katana takes secrets out, puts credentials in, scans both
/// directions, rules by policy, and writes down what happened.
#[derive(Parser)]
#[command(name = "katana", version, propagate_version = true, after_help = AFTER, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// One JSON document (or JSON lines) on stdout, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no summaries on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more on stderr; again for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// The configuration file, instead of KATANA_CONFIG or ~/.hermes-katana/config.yaml
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Colours: on a terminal, always or never; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

const AFTER: &str = "\
Exit codes:
  0 done   1 done, and the answer is bad   2 wrong usage   3 could not be evaluated
  4 refused for safety   5 declined   124 timed out

Examples:
  katana demo                        see what it does; needs no network, leaves nothing
  katana vault set OPENAI_API_KEY    keep a secret; agents get a placeholder
  katana run -- CMD                  run an agent behind the proxy
  katana audit show                  what happened";

/// The whole program: parses, runs, prints what failed.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let matches = match Cli::command().color(clap_color()).try_get_matches_from(args) {
        Ok(m) => m,
        Err(e) => return usage(&e),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    crate::vault::key::ask_with(passphrase::ask);
    let color = cli.global.color;
    let ctx = Context {
        json: cli.global.json,
        quiet: cli.global.quiet,
        verbose: cli.global.verbose,
        color: wanted(color, io::stdout().is_terminal()),
        config: cli.global.config,
        paths: Paths::from_env(),
    };
    let ended =
        if ctx.paths.homeless && cli.command.keeps_state() { Err(homeless()) } else { cli.command.run(&ctx) };
    let failure = match (ended, context::lost()) {
        (Ok(exit), None) => return exit,
        // a child's own code, and a bad answer, say more than that it could not be written
        (Ok(exit), Some(lost)) => Failure { exit: if exit == Exit::Done { lost.exit } else { exit }, ..lost },
        (Err(failure), _) => failure,
    };
    let on_stderr = Context { color: wanted(color, io::stderr().is_terminal()), ..ctx };
    report(&failure, &on_stderr);
    failure.exit
}

/// Without a home there is no place for a vault, and one made up would be another one each time.
fn homeless() -> Failure {
    let why = "HOME is not set to an absolute path, and the system knows of no home directory of this user";
    let next = "set HOME to the directory that has the user's files";
    Failure::new(Exit::Unevaluated, "no_home", "katana does not know where its files are", why, next)
}

/// clap's own messages; help and version are no mistakes.
fn usage(e: &clap::Error) -> Exit {
    let _ = e.print();
    if e.use_stderr() { Exit::Child(2) } else { Exit::Done }
}

fn report(failure: &Failure, ctx: &Context) {
    // what could not be written to stdout is not said there
    if ctx.json && failure.code != "stdout_io" {
        ctx.out_json(&serde_json::json!({"error": {
            "code": failure.code, "what": failure.what, "why": failure.why, "next": failure.next,
        }}));
    } else {
        // shown with --quiet too: an exit code alone helps nobody
        let _ = writeln!(io::stderr().lock(), "{}: {failure}", ctx.paint(Tone::Bad, "error"));
    }
}

fn wanted(when: When, terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal && !plain(),
    }
}

/// Does the environment ask for no colours?
fn plain() -> bool {
    let set = |k| std::env::var_os(k).is_some_and(|v| !v.is_empty());
    set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|t| t == "dumb")
}

/// clap speaks before the flags are read, so its colours follow the environment alone.
fn clap_color() -> clap::ColorChoice {
    if plain() { clap::ColorChoice::Never } else { clap::ColorChoice::Auto }
}

/// The clap tree, for completions and manual pages.
fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound_and_every_command_explains_itself() {
        tree().debug_assert();
        fn each(command: &clap::Command) {
            let name = command.get_name();
            // one sentence or several, the last without its full stop: clap takes it off what is written here
            let told = |text: Option<&clap::builder::StyledStr>, of: &str| {
                let text = text.map(ToString::to_string).unwrap_or_default();
                assert!(!text.is_empty() && !text.ends_with('.'), "{name} {of}: {text:?}");
            };
            told(command.get_about(), "");
            for arg in command.get_arguments() {
                told(arg.get_help(), arg.get_id().as_str());
                assert!(
                    arg.get_long_help().is_none_or(|t| !t.to_string().ends_with('.')),
                    "{name} {}",
                    arg.get_id()
                );
            }
            command.get_subcommands().for_each(each);
        }
        each(&tree());
    }

    #[test]
    fn wrong_usage_is_two_and_help_is_none() {
        let exit = |args: &[&str]| main(args.iter().map(OsString::from)).code();
        assert_eq!(exit(&["katana", "bogus"]), 2);
        assert_eq!(exit(&["katana", "config", "check", "--quiet", "--verbose"]), 2);
        assert_eq!(exit(&["katana", "--version"]), 0);
        assert_eq!(exit(&["katana", "man", "bogus"]), 3);
    }

    #[test]
    fn colours_follow_the_flag_then_the_terminal() {
        assert!(wanted(When::Always, false) && !wanted(When::Never, true) && !wanted(When::Auto, false));
    }
}
