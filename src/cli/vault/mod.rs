//! `katana vault`: keep, show, change and guard secrets. One file per subcommand; this one has the list of them.

mod desk;
mod asking;
mod listing;
mod set;
mod list;
mod get;
mod history;
mod expire;
mod remove;
mod rotate;
mod lock;
mod unlock;
mod verify;
mod meta;
mod key;
mod import;
mod resolving;

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
                let (operation, outcome) = match self {
                    $(Self::$name(args) => (concat!("vault.", stringify!($module)), $module::run(args, desk))),+
                };
                desk.tell(operation, &outcome);
                outcome
            }
        }
    };
}

commands! {
    Set = set,
    List = list,
    Get = get,
    History = history,
    Expire = expire,
    Remove = remove,
    Rotate = rotate,
    Lock = lock,
    Unlock = unlock,
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
    let desk = match args.command {
        Command::Lock(_) | Command::Unlock(_) => Desk::in_need(ctx),
        _ => Desk::new(ctx)?,
    };
    args.command.run(&desk)
}

#[cfg(test)]
mod tests;
