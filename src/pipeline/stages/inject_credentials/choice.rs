//! Which credential goes where in this request, judged on the request as it came: everything is chosen before anything is
//! put in, so that no value is ever looked at as if the agent had sent it.

use super::bound;
use crate::config::Slot;
use crate::pipeline::exchange::{Exchange, Scheme};
use crate::pipeline::slot::{self, Occupant};
use crate::pipeline::{Denial, RequestHead};

/// What becomes of a request's slots.
pub(super) enum Choice {
    /// They stay as they are.
    Nothing,
    /// These are filled.
    Put(Vec<Put>),
    /// It does not go out.
    Refuse(Denial),
}

/// A secret, by its index in the vault generation, for a slot.
pub(super) struct Put {
    pub(super) held: usize,
    pub(super) slot: Slot,
}

/// Looks into the slots of this request. `on`: may anything be put in at all?
pub(super) fn choose(ex: &Exchange, head: &RequestHead, on: bool) -> Choice {
    // what is obtained or signed is another stage's
    let Some(binding) = bound(ex, head).filter(|b| b.account.is_none()) else { return Choice::Nothing };
    let Some((held, secret)) = binding.held.and_then(|i| Some((i, ex.vault.held.get(i)?))) else {
        return Choice::Nothing;
    };
    let open = on && ex.scheme == Scheme::Https;
    match slot::occupant(head, &binding.slot) {
        Occupant::Nothing if !open => Choice::Nothing,
        Occupant::One(v) if v.expose() == secret.placeholder.as_bytes() && !open => {
            Choice::Refuse(not_injected(on))
        }
        Occupant::One(v) if v.expose() != secret.placeholder.as_bytes() => Choice::Nothing,
        // the agent's own credential, or the value itself where it belongs: ordinary traffic
        Occupant::Unclear => Choice::Nothing,
        Occupant::Nothing | Occupant::One(_) => Choice::Put(vec![Put { held, slot: binding.slot.clone() }]),
    }
}

fn not_injected(on: bool) -> Denial {
    let why = if on { "over plain http" } else { "while proxy.inject_credentials is off" };
    Denial::forbidden(
        super::STAGE,
        "credential_not_injected",
        "inject_credentials",
        format!("A placeholder stands in its slot, but no credential is put in {why}."),
        "Use https, or ask the operator to switch injection on.",
    )
}
