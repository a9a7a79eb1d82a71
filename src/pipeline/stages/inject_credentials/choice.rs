//! Which credential goes where in this request, judged on the request as it came: everything is chosen before anything is
//! put in, so that no value is ever looked at as if the agent had sent it.

use super::refusal;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::config::Slot;
use crate::pipeline::exchange::{Exchange, Scheme};
use crate::pipeline::slot::{self, BodySlots, Occupant};
use crate::pipeline::stages::claims::{bound, held};
use crate::pipeline::{Denial, RequestHead};
use crate::vault::credentials::Binding;
use crate::vault::{Held, Standing};

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
#[derive(PartialEq, Eq)]
pub(super) struct Put {
    pub(super) held: usize,
    pub(super) slot: Slot,
}

/// Looks into the slots of this request's head. `on`: may anything be put in at all?
pub(super) fn choose(ex: &Exchange, head: &RequestHead, on: bool) -> Choice {
    let mut bound = bound(ex, head);
    // what is obtained or signed is another stage's
    let first = bound.first().is_some_and(|b| b.account.is_none());
    bound.retain(|b| b.account.is_none());
    if bound.is_empty() {
        return Choice::Nothing;
    }
    expect(ex, head, &bound);
    if ex.vault.sealed.is_some() {
        return unread(ex, head, &bound);
    }
    match placeholders(ex, head, &bound, on) {
        Err(denial) => Choice::Refuse(denial),
        Ok(Found { occupied: true, puts }) if puts.is_empty() => Choice::Nothing,
        Ok(Found { occupied: true, puts }) => Choice::Put(puts),
        Ok(Found { occupied: false, .. }) if !first || !on || ex.scheme == Scheme::Http => Choice::Nothing,
        Ok(Found { occupied: false, .. }) => empty(ex, &bound),
    }
}

struct Found {
    /// Something stands in a slot: the agent's own credential, a placeholder, or what cannot be told.
    occupied: bool,
    puts: Vec<Put>,
}

/// Every placeholder that stands in a slot of its own secret.
fn placeholders(ex: &Exchange, head: &RequestHead, bound: &[&Binding], on: bool) -> Result<Found, Denial> {
    let now = Timestamp::now();
    let mut found = Found { occupied: false, puts: Vec::new() };
    for binding in bound {
        let Some((at, secret)) = held(ex, binding) else { continue };
        match slot::occupant(head, &binding.slot) {
            Occupant::Nothing => {}
            Occupant::Unclear => found.occupied = true,
            Occupant::One(sent) => {
                found.occupied = true;
                let put = Put { held: at, slot: binding.slot.clone() };
                if uses(ex, secret, &sent, now, on)? && !found.puts.contains(&put) {
                    found.puts.push(put);
                }
            }
        }
    }
    Ok(found)
}

/// Is this the secret's placeholder, so that its value is to be put in?
///
/// # Errors
/// It is, and the value may not be put in.
pub(super) fn uses(
    ex: &Exchange,
    secret: &Held,
    sent: &Secret,
    now: Timestamp,
    on: bool,
) -> Result<bool, Denial> {
    match secret.standing(sent.expose(), now) {
        // the agent's own credential, or the value itself where it belongs: ordinary traffic
        None => return Ok(false),
        Some(Standing::Lapsed(alias)) => return Err(refusal::lapsed(secret, alias)),
        Some(Standing::Honoured) => {}
    }
    if !on || ex.scheme == Scheme::Http {
        return Err(refusal::not_injected(on));
    }
    match secret.barred_at(now) {
        Some(why) => Err(refusal::barred(secret, why)),
        None => Ok(true),
    }
}

/// No slot has anything in it: the first binding that fills does.
fn empty(ex: &Exchange, bound: &[&Binding]) -> Choice {
    let fills = bound.iter().filter(|b| b.fill).find_map(|b| Some((held(ex, b)?, *b)));
    let Some(((held, secret), binding)) = fills else { return Choice::Nothing };
    match secret.barred_at(Timestamp::now()) {
        Some(why) => Choice::Refuse(refusal::barred(secret, why)),
        None => Choice::Put(vec![Put { held, slot: binding.slot.clone() }]),
    }
}

/// The slots of the body, for when it is there. In a vault that cannot be read their numbers are the bindings'.
fn expect(ex: &Exchange, head: &RequestHead, bound: &[&Binding]) {
    let sealed = ex.vault.sealed.is_some();
    let in_body = bound.iter().enumerate().filter(|(_, b)| b.slot.is_in_body());
    let slots: Vec<(Slot, usize)> = in_body
        .filter_map(|(i, b)| Some((b.slot.clone(), if sealed { i } else { held(ex, b)?.0 })))
        .collect();
    if !slots.is_empty() {
        ex.expect_in_body(BodySlots::of(&head.headers, slots));
    }
}

/// The vault cannot be read, and the mode lets pass what does not need it: what looks like a placeholder does.
fn unread(ex: &Exchange, head: &RequestHead, bound: &[&Binding]) -> Choice {
    let looks = |b: &&&Binding| matches!(slot::occupant(head, &b.slot), Occupant::One(v) if b.grammar.fits(v.expose()));
    match (bound.iter().find(looks), ex.vault.sealed) {
        (Some(binding), Some(code)) => Choice::Refuse(refusal::unread(code, &binding.secret)),
        _ => Choice::Nothing,
    }
}
