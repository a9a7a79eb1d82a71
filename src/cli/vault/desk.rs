//! `Desk`: what every vault command works with: the context, the checked configuration, where the vault lies; how its deeds come
//! into the audit; and how the vault's errors become a command's.

use crate::audit::{Decision, Event, Record, Trail};
use crate::base::clock::Timestamp;
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::config::{Config, Mode};
use crate::vault::key::Source;
use crate::vault::{Error, Healed, Name, Place, Vault, harden_process, place};
use std::cell::RefCell;

/// One command at work.
pub(super) struct Desk<'a> {
    /// The global flags, and where output goes.
    pub(super) ctx: &'a Context,
    /// The checked configuration.
    pub(super) config: Config,
    /// Where the vault lies.
    pub(super) place: Place,
    /// What the command is about, for the audit.
    about: RefCell<About>,
}

#[derive(Default)]
struct About {
    name: Option<String>,
    reasons: Vec<String>,
    /// It is in the audit already.
    told: bool,
}

impl<'a> Desk<'a> {
    /// No core dumps from here on; the configuration read.
    pub(super) fn new(ctx: &'a Context) -> Result<Self, Failure> {
        harden_process();
        Ok(Self::with(ctx, ctx.load_config()?))
    }

    /// The same where a broken configuration is no reason not to: to lock a vault.
    pub(super) fn in_need(ctx: &'a Context) -> Self {
        harden_process();
        let config = ctx.load_config().unwrap_or_else(|e| {
            ctx.note(format!("{}: {}: the defaults hold", ctx.paint(Tone::Warn, "warning"), e.what));
            Config::default()
        });
        Self::with(ctx, config)
    }

    fn with(ctx: &'a Context, config: Config) -> Self {
        let place = place(&ctx.paths, &config.vault);
        Self { ctx, config, place, about: RefCell::default() }
    }

    /// The vault, opened and judged.
    pub(super) fn open(&self) -> Result<Vault, Error> {
        let vault = Vault::open(&self.place)?;
        if let Some(healed) = vault.healed() {
            self.because(healing(healed));
            self.ctx.note(format!("{}: {}", self.ctx.paint(Tone::Warn, "note"), healing(healed)));
        }
        Ok(vault)
    }

    /// The entry this is about.
    pub(super) fn about(&self, name: &Name) {
        self.about.borrow_mut().name = Some(name.to_string());
    }

    /// Something that the audit should know beside. Never a value.
    pub(super) fn because(&self, reason: impl Into<String>) {
        self.about.borrow_mut().reasons.push(reason.into());
    }

    /// Writes down what has been done, unless that has been written down. An audit that cannot be written is said.
    pub(super) fn tell(&self, operation: &'static str, outcome: &Outcome) {
        if self.about.borrow().told {
            return;
        }
        let (decision, code) = match outcome {
            Ok(_) => (Decision::Allow, None),
            Err(e) => (Decision::Deny, Some(e.code)),
        };
        if let Err(why) = self.write(operation, decision, code) {
            self.untold(&why);
        }
    }

    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// In the modes `strict` and `max`, when it could not be written: then it may not be done.
    pub(super) fn tell_first(&self, operation: &'static str, what: &str) -> Result<(), Failure> {
        let told = self.write(operation, Decision::Allow, None);
        self.about.borrow_mut().told = true;
        match told {
            Ok(()) => Ok(()),
            Err(why) if self.config.proxy.mode == Mode::Permissive => {
                self.untold(&why);
                Ok(())
            }
            Err(why) => {
                let next =
                    "make the audit writable again; in the modes strict and max nothing is shown unseen";
                Err(Failure::new(Exit::Refused, why.code(), what, why, next))
            }
        }
    }

    fn untold(&self, why: &crate::audit::Error) {
        let warning = self.ctx.paint(Tone::Warn, "warning");
        self.ctx.note(format!("{warning}: this is not in the audit: {why}"));
    }

    fn write(
        &self,
        operation: &'static str,
        decision: Decision,
        code: Option<&'static str>,
    ) -> Result<(), crate::audit::Error> {
        let about = self.about.borrow();
        let mut record = Record::new(Event::VaultAccess, Timestamp::now());
        record.tool_name = Some(operation.into());
        record.subject = about.name.clone().map(Into::into);
        record.decision = Some(decision);
        record.code = code.map(Into::into);
        record.reasons = about.reasons.iter().cloned().map(Into::into).collect();
        record.client = Some(person().into());
        let trail = Trail::open(&self.ctx.paths.audit(), &self.config.audit)?;
        trail.append(record)?;
        trail.flush()
    }
}

/// Who runs this, as the system knows it.
pub(super) fn person() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

/// What an open has ended, in words.
pub(super) fn healing(healed: Healed) -> &'static str {
    match healed {
        Healed::Finished => "a rotation of the master key had been cut short; it is finished now",
        Healed::Undone => "a rotation of the master key had been cut short before it counted; it is undone",
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
        | Error::KeyShared { .. }
        | Error::BadValue(_)
        | Error::BadGoes(_)
        | Error::BadRun(_)
        | Error::ShortValue => Exit::Refused,
        _ => Exit::Unevaluated,
    };
    Failure::new(exit, e.code(), what, e, e.remedy())
}
