//! What is bound to a request, and whose placeholder stands in a slot of its. Asked by `scrub_secrets`, which lets alone what
//! belongs where it stands, and by `inject_credentials`, which puts the value there.

use super::broker_credentials::signing;
use super::head_text::Field;
use crate::base::clock::Timestamp;
use crate::config::Account;
use crate::pipeline::exchange::{Exchange, Scheme};
use crate::pipeline::slot::{self, Occupant, Region, Stands};
use crate::pipeline::{Denial, RequestHead};
use crate::policy::normalise_path;
use crate::vault::credentials::Binding;
use crate::vault::scrub::{Hit, Kind};
use crate::vault::{Alias, Held};
use std::ops::Range;

/// The bindings of this request, the first to count first. A path that a server may read otherwise than it stands
/// (`/v1/../admin`) must be bound alike in both readings, or nothing is bound to it.
pub(super) fn bound<'a>(ex: &'a Exchange, head: &RequestHead) -> Vec<&'a Binding> {
    bound_to(ex, head.method.as_str(), head.uri.path())
}

/// The same of what the client sent, for when the head has gone.
pub(super) fn bound_as_sent(ex: &Exchange) -> Vec<&Binding> {
    bound_to(ex, ex.method.as_str(), ex.path())
}

fn bound_to<'a>(ex: &'a Exchange, method: &str, path: &str) -> Vec<&'a Binding> {
    let to = &ex.authority;
    let all = |path: &str| ex.vault.bindings.all(&to.host, to.port, method, path);
    let found = all(path);
    if found.is_empty() {
        return found;
    }
    let read = normalise_path(path);
    if *read == *path || all(&read) == found { found } else { Vec::new() }
}

/// A secret that the vault has, bound to this request.
pub(super) fn held<'a>(ex: &'a Exchange, binding: &Binding) -> Option<(usize, &'a Held)> {
    let at = binding.held?;
    Some((at, ex.vault.held.get(at)?))
}

/// A slot of the head that is for one secret: hits on it there are for `inject_credentials`.
pub(super) struct Own {
    held: usize,
    region: Region,
    /// Exactly a placeholder of the secret stands in it.
    claimed: bool,
}

impl Own {
    /// Every slot of this head that is for a secret of the vault.
    pub(super) fn all(ex: &Exchange, head: &RequestHead) -> Vec<Self> {
        let now = Timestamp::now();
        let of = |b: &Binding| {
            let (at, secret) = held(ex, b)?;
            let one = |v: &[u8]| secret.standing(v, now).is_some();
            // a signature names its key in the midst of other things
            let signs = matches!(b.account.as_deref(), Some(Account::AwsSigV4(_)));
            let claimed = matches!(slot::occupant(head, &b.slot), Occupant::One(v) if one(v.expose()))
                || signs && signing::is_by(head, one);
            Some(Self { held: at, region: slot::region(head, &b.slot), claimed })
        };
        bound(ex, head).into_iter().filter_map(of).collect()
    }

    /// Does the hit belong where it stands? In clear, a value belongs nowhere.
    pub(super) fn holds(&self, ex: &Exchange, hit: &Hit, field: &Field, span: &Range<usize>) -> bool {
        let within =
            |spans: &[Range<usize>]| spans.iter().any(|s| s.start <= span.start && span.end <= s.end);
        let belongs = match hit.kind {
            Kind::Placeholder => self.claimed,
            Kind::Value => ex.scheme == Scheme::Https,
        };
        let here = || match (field, &self.region) {
            (Field::Value(name, _), Region::Header(own)) => name == own,
            (Field::Value(name, _), Region::Within(own, spans)) => name == own && within(spans),
            (Field::Target, Region::Target(spans)) => within(spans),
            _ => false,
        };
        self.held == hit.secret as usize && belongs && here()
    }
}

/// What stands in the slots of a whole body and belongs there: placeholders of their secrets, and over TLS the values.
pub(super) fn in_body(ex: &Exchange, text: &[u8]) -> Vec<Stands> {
    let now = Timestamp::now();
    let belongs = |s: &Stands| {
        let own = |h: &Held| {
            h.standing(s.value.expose(), now).is_some() || (ex.scheme == Scheme::Https && s.value == h.value)
        };
        ex.vault.held.get(s.of).is_some_and(own)
    };
    let mut found = ex.body_slots().map_or_else(Vec::new, |slots| slots.find(text));
    found.retain(belongs);
    found
}

/// A placeholder where it does not belong: an attempt to carry it off, whoever makes it.
pub(super) fn misplaced(ex: &Exchange, hit: &Hit, place: &str) -> Denial {
    let secret = ex.vault.held.get(hit.secret as usize);
    let name = secret.map_or("?", |h| &h.name);
    let of_run = secret.and_then(|h| h.marked(hit.mark)).map(told).unwrap_or_default();
    let (slots, hosts) = (ex.vault.bindings.slots(name), ex.vault.bindings.hosts(name));
    let remedy = if hosts.is_empty() {
        format!(
            "{name} is bound to no host: the operator binds it under `credentials` before its placeholder is of use."
        )
    } else {
        format!("Send it only as {} to {}.", listed(&slots), listed(&hosts))
    };
    Denial::forbidden(
        "scrub_secrets",
        "placeholder_misplaced",
        format!("placeholder:{name}"),
        format!("The placeholder of {name}{of_run} stands in the {place}, where it does not belong."),
        remedy,
    )
}

/// The attempt, for the record: it is noted whether it is refused or, in permissive mode, let pass.
pub(super) fn note_attempt(ex: &Exchange, hit: &Hit, place: &str) {
    let secret = ex.vault.held.get(hit.secret as usize);
    let name = secret.map_or("?", |h| &h.name);
    let of_run = secret.and_then(|h| h.marked(hit.mark)).map(told).unwrap_or_default();
    // a host's name that holds it is not repeated
    let to = if place == "host name" { "a host".to_owned() } else { ex.authority.to_string() };
    ex.reason(format!("exfiltration attempt: placeholder of {name}{of_run} in the {place} to {to}"));
}

/// Which placeholder it is, where it is not the present one: to follow the secret's name.
pub(super) fn told(alias: &Alias) -> String {
    match &alias.run {
        Some(run) => format!(" from run {run}"),
        None => " from before it was changed".to_owned(),
    }
}

fn listed(all: &[String]) -> String {
    const MOST: usize = 4;
    let more = if all.len() > MOST { ", …" } else { "" };
    format!("{}{more}", all.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", "))
}
