//! `katana vault`: keep, show, change and guard secrets. One file per subcommand; this one has the list of them.

mod desk;
mod asking;
mod listing;
mod set;
mod list;
mod get;
mod history;
mod remove;
mod verify;
mod key;
mod import;

use super::context::Context;
use super::outcome::Outcome;
use desk::Desk;

/// Keep secrets where the proxy finds them and agents do not.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// The subcommands: a line here and a `mod` line above add one. Its `Args` carry the help, its `run` does the work.
macro_rules! commands {
    ($($name:ident = $module:ident),+ $(,)?) => {
        #[derive(clap::Subcommand)]
        enum Command { $($name($module::Args)),+ }

        impl Command {
            fn run(self, desk: &Desk<'_>) -> Outcome {
                match self { $(Self::$name(args) => $module::run(args, desk)),+ }
            }
        }
    };
}

commands! {
    Set = set,
    List = list,
    Get = get,
    History = history,
    Remove = remove,
    Verify = verify,
    Key = key,
    Import = import,
}

/// Runs the command.
///
/// # Errors
/// A [`super::outcome::Failure`] with the vault's own code: exit 3 when it is locked or there is no key, 4 when it cannot
/// be trusted.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    args.command.run(&Desk::new(ctx)?)
}

#[cfg(test)]
mod tests;
