//! `katana vault key`: which source keeps the master key, and what can be done with it. The key itself is never shown, but as a
//! recovery phrase when somebody asks for one.

mod show;
mod moving;
mod export;
mod import;

use super::desk::Desk;
use crate::cli::context::Tone;
use crate::cli::outcome::Outcome;
use crate::config::KeySource as Choice;
use crate::vault::key::{KernelKeyring, KeyFile, KeySource, OsKeyring, Passphrase, Source, Words, allows};
use crate::vault::{Error, Place};
use std::path::PathBuf;
use std::time::Duration;

/// Look after the master key.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Which source keeps the key, and what the others have. Never the key
    Show,
    /// Keep the same key at another source; the vault is not touched
    Move(moving::Args),
    /// Print the key as a recovery phrase of 24 words; to a terminal only with --reveal
    Export(export::Args),
    /// Take a key back from its recovery phrase, asked for or on stdin
    Import(import::Args),
}

/// A source that a program can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// The OS keyring
    Keyring,
    /// The Linux kernel's keyring; empty after the machine has been started again
    Kernel,
    /// A file that a passphrase opens
    Passphrase,
    /// A 0600 file
    File,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    match args.command {
        Command::Show => show::run(desk),
        Command::Move(args) => moving::run(&args, desk),
        Command::Export(args) => export::run(&args, desk),
        Command::Import(args) => import::run(&args, desk),
    }
}

impl To {
    /// The source; a person may have to answer its prompt.
    fn source(self, place: &Place, file: Option<&PathBuf>) -> Result<Box<dyn KeySource>, Error> {
        let key = &place.key;
        Ok(match self {
            Self::Keyring => Box::new(OsKeyring::of(&key.vault, Duration::from_secs(60))),
            Self::Kernel => Box::new(KernelKeyring::of(&key.vault)),
            Self::Passphrase => Box::new(self.passphrase(place)),
            Self::File => match file {
                Some(path) => {
                    let why = |e: std::io::Error| Error::Io { path: path.clone(), why: e.to_string() };
                    Box::new(KeyFile::at(&std::path::absolute(path).map_err(why)?))
                }
                None => Box::new(KeyFile::at(&key.file)),
            },
        })
    }

    fn passphrase(self, place: &Place) -> Passphrase {
        Passphrase::at(&place.key.kdf, Words::of_process(place.key.passphrase_file.clone()))
    }
}

/// What has to stand in the configuration for the key to be found at this source; `None`: it is found as it is.
fn to_configure(source: &Source, desk: &Desk<'_>) -> Option<String> {
    let (choice, key) = (desk.config.vault.key_source, &desk.place.key);
    if let Source::File(path) = source
        && *path != key.file
    {
        return Some(format!("vault.key_file: {}", path.display()));
    }
    let named = if source.label() == "environment" { "env" } else { source.label() };
    (!allows(choice, source.label())).then(|| format!("vault.key_source: {named}"))
}

/// Says on stderr what a person has to know of the key's new place.
fn remarks(source: &Source, desk: &Desk<'_>) {
    let ctx = desk.ctx;
    let warn = |text: &str| ctx.note(format!("{}: {text}", ctx.paint(Tone::Warn, "warning")));
    if let Some(setting) = to_configure(source, desk) {
        warn(&format!("the configuration looks elsewhere; set `{setting}`, or the key will not be found"));
    }
    if matches!(source, Source::Passphrase(_)) && crate::app::daemon::status(&ctx.paths).is_ok() {
        warn("the running proxy cannot ask for the passphrase; `katana proxy restart` asks first");
    }
    if *source == Source::Kernel {
        warn("the kernel keyring is empty after a restart; keep what `katana vault key export` prints");
    }
    if desk.config.vault.key_source == Choice::Env {
        warn("while vault.key_source is env, KATANA_VAULT_KEY is the only source that is asked");
    }
}
