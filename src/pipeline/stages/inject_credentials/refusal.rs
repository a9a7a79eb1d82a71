//! Why a credential is not put in, in the words the agent and the audit get.

use super::STAGE;
use crate::pipeline::Denial;
use crate::pipeline::stages::claims::told;
use crate::vault::{Alias, Barred, Held};

/// It may not be put in here at all.
pub(in crate::pipeline::stages) fn not_injected(on: bool) -> Denial {
    let why = if on { "over plain http" } else { "while proxy.inject_credentials is off" };
    Denial::forbidden(
        STAGE,
        "credential_not_injected",
        "inject_credentials",
        format!("A placeholder stands in its slot, but no credential is put in {why}."),
        "Use https, or ask the operator to switch injection on.",
    )
}

/// There is nothing to put in.
pub(in crate::pipeline::stages) fn barred(secret: &Held, why: Barred) -> Denial {
    let (name, rule) = (&secret.name, format!("vault:{}", secret.name));
    match why {
        Barred::Expired(at) => Denial::forbidden(
            STAGE,
            "credential_expired",
            rule,
            format!("{name} belongs here, but expired at {at}."),
            format!("The operator sets a new value: `katana vault set {name}`."),
        ),
        Barred::Unresolved(why) => Denial {
            rule: rule.into(),
            remedy: format!("Nothing was sent. The operator mends what {name} refers to (`katana vault verify --resolve`); retry later.").into(),
            ..Denial::unevaluated(
                STAGE,
                "credential_unresolved",
                format!("{name} belongs here, but where it is kept did not give it ({why})."),
            )
        },
    }
}

/// It is a placeholder that was honoured once.
pub(in crate::pipeline::stages) fn lapsed(secret: &Held, alias: &Alias) -> Denial {
    let name = &secret.name;
    let (end, remedy) = match &alias.run {
        Some(_) => (
            "which has ended",
            "A run's placeholders are good until it ends; start another with `katana run`.",
        ),
        None => ("and is honoured no longer", "Take the present one: `katana vault list` shows it."),
    };
    Denial::forbidden(
        STAGE,
        "placeholder_lapsed",
        format!("placeholder:{name}"),
        format!("The placeholder of {name} in this slot is one{}, {end}.", told(alias)),
        remedy,
    )
}

/// The vault cannot be read, and this needs it.
pub(in crate::pipeline::stages) fn unread(code: &'static str, secret: &str) -> Denial {
    let message =
        format!("What looks like the placeholder of {secret} is in its slot, but the vault cannot be read.");
    Denial::unevaluated(STAGE, code, message)
}
