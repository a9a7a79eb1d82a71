//! Entries by reference, for commands that print or check: each backend is asked once, and nothing is kept.

use super::desk::{Desk, failure};
use crate::base::secret::Secret;
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Failure};
use crate::vault::reference::{Fault, Resolver, World};
use crate::vault::{Held, Name, Vault};
use serde_json::{Value, json};

/// The value of an entry as it is now: `text` itself, or what its backend gives where `text` is a reference.
///
/// # Errors
/// The backend's fault: exit 3, or 4 when it says no.
pub(super) fn value(
    desk: &Desk<'_>,
    vault: &Vault,
    key: &Name,
    version: Option<u64>,
    text: Secret,
) -> Result<Secret, Failure> {
    let what = format!("{key} was not printed");
    let entries = vault.list().map_err(|e| failure(&what, &e))?;
    let Some(entry) = entries.iter().find(|l| *l.name == *key.as_str()) else { return Ok(text) };
    let number = version.unwrap_or(entry.version);
    if !entry.versions.iter().any(|v| v.version == number && v.from.is_some()) {
        return Ok(text);
    }
    resolver(desk).ask(&text, entry.document).map_err(|e| refused(&what, &e))
}

/// What asking one backend came to.
pub(super) struct Asked {
    name: String,
    backend: String,
    fault: Option<Fault>,
}

/// Asks the backend of every entry by reference.
///
/// # Errors
/// The vault's.
pub(super) fn every(desk: &Desk<'_>, vault: &Vault) -> Result<Vec<Asked>, crate::vault::Error> {
    let resolver = resolver(desk);
    let held = vault.hold()?;
    let by_reference = held.iter().filter_map(|h| Some((h, h.reference.as_ref()?)));
    let ask = |(held, reference): (&Held, &Secret)| {
        let text = String::from_utf8_lossy(reference.expose());
        let backend = text.split(':').next().unwrap_or_default().to_owned();
        Asked { name: held.name.to_string(), backend, fault: resolver.ask(reference, held.document).err() }
    };
    Ok(by_reference.map(ask).collect())
}

impl Asked {
    /// Did it give no value?
    pub(super) fn failed(&self) -> bool {
        self.fault.is_some()
    }

    /// For `--json`.
    pub(super) fn json(&self) -> Value {
        let (code, why) =
            (self.fault.as_ref().map(Fault::code), self.fault.as_ref().map(ToString::to_string));
        json!({ "name": self.name, "from": self.backend, "ok": !self.failed(), "code": code, "reason": why })
    }

    /// A line on stdout.
    pub(super) fn print(&self, ctx: &Context) {
        let Self { name, backend, fault } = self;
        match fault {
            None => ctx.out(format!("{}: {name}, from {backend}", ctx.paint(Tone::Good, "resolved"))),
            Some(e) => {
                let bad = ctx.paint(Tone::Bad, "not resolved");
                ctx.out(format!("{bad}: {name}, from {backend}: {e}\n  → {}", e.remedy()));
            }
        }
    }
}

fn resolver(desk: &Desk<'_>) -> Resolver {
    Resolver::new((&desk.config.vault).into(), World::of_process())
}

fn refused(what: &str, e: &Fault) -> Failure {
    let exit = if matches!(e, Fault::Denied(_)) { Exit::Refused } else { Exit::Unevaluated };
    Failure::new(exit, e.code(), what, e, e.remedy())
}
