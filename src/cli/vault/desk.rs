//! `Desk`: what every vault command works with: the context, the checked configuration, where the vault lies; and how the
//! vault's errors become a command's.

use crate::cli::context::Context;
use crate::cli::outcome::{Exit, Failure};
use crate::config::Config;
use crate::vault::key::Source;
use crate::vault::{Error, Place, Vault, harden_process, place};

/// One command at work.
pub(super) struct Desk<'a> {
    /// The global flags, and where output goes.
    pub(super) ctx: &'a Context,
    /// The checked configuration.
    pub(super) config: Config,
    /// Where the vault lies.
    pub(super) place: Place,
}

impl<'a> Desk<'a> {
    /// No core dumps from here on; the configuration read.
    pub(super) fn new(ctx: &'a Context) -> Result<Self, Failure> {
        harden_process();
        let config = ctx.load_config()?;
        let place = place(&ctx.paths, &config.vault);
        Ok(Self { ctx, config, place })
    }

    /// The vault, opened and judged.
    pub(super) fn open(&self) -> Result<Vault, Error> {
        Vault::open(&self.place)
    }
}

/// The short name of where the key came from.
pub(super) fn source(vault: &Vault) -> Option<&'static str> {
    vault.key_source().as_ref().map(Source::label)
}

/// The vault's errors as a command's: what could not be evaluated is 3, what may not be trusted or taken is 4.
pub(super) fn failure(what: &str, e: &Error) -> Failure {
    let exit = match e {
        Error::NoEntry(_) | Error::NoVersion { .. } => Exit::Bad,
        Error::Tampered(_)
        | Error::NotPrivate { .. }
        | Error::OldFormat { .. }
        | Error::BadName
        | Error::BadPhrase(_)
        | Error::BadPassphrase(_)
        | Error::KeyTaken(_)
        | Error::BadValue(_)
        | Error::BadGoes(_)
        | Error::BadRun(_)
        | Error::ShortValue => Exit::Refused,
        _ => Exit::Unevaluated,
    };
    Failure::new(exit, e.code(), what, e, e.remedy())
}
