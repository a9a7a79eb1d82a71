//! The vault and the key to it: whether it opens, where its key is, and why it is not somewhere better.

use super::{Finding, Patient, State};
use crate::vault::custody::{Holds, Surveyed};
use crate::vault::key::Source;
use crate::vault::{self, Custody, Error, Place, Vault};
use serde_json::{Value, json};

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(config) = patient.config else {
        return vec![
            Finding::new("vault", State::Unknown, "not looked at: the configuration says where its key is")
                .next("mend the configuration first"),
        ];
    };
    vault::harden_process();
    let place = vault::place(patient.paths, &config.vault);
    vec![vault(&place), key(&place)]
}

fn vault(place: &Place) -> Finding {
    match Vault::open(place).and_then(|v| v.verify()) {
        Ok(report) if report.generation == 0 => {
            Finding::new("vault", State::Absent, "none yet").next("`katana vault set NAME` makes one")
        }
        Ok(report) => {
            let (entries, generation) = (report.entries, report.generation);
            let what = format!("{entries} entries, generation {generation}, {}", report.file.display());
            let source = report.key_source.as_ref().map(Source::label);
            Finding::new("vault", State::Good, what).details(json!({
                "file": report.file, "entries": entries, "generation": generation, "key_source": source,
            }))
        }
        Err(e) => failed("vault", &e),
    }
}

fn failed(part: &'static str, e: &Error) -> Finding {
    let state = if e.is_tampering() { State::Bad } else { State::Unknown };
    Finding::new(part, state, e.to_string()).next(e.remedy()).details(json!({ "code": e.code() }))
}

fn key(place: &Place) -> Finding {
    let custody = Custody::of(place);
    let looked = custody.mark().and_then(|mark| Ok((mark, custody.survey()?)));
    let (mark, sources) = match looked {
        Ok(looked) => looked,
        Err(e) => return failed("key", &e),
    };
    let details = json!({ "sources": sources.iter().map(told).collect::<Vec<_>>() });
    let has_one = |s: &&Surveyed| matches!(s.holds, Holds::ThisKey | Holds::AnotherKey | Holds::AKey);
    let taken = sources.iter().filter(|s| s.allowed).find(has_one);
    let finding = |state, what: String| Finding::new("key", state, what).details(details.clone());
    let Some(taken) = taken else {
        // a source that would have answered, had it been given its passphrase
        let kept_back = sources.iter().filter(|s| s.allowed).find_map(|s| match &s.holds {
            Holds::Trouble(Error::KeyUnreachable { .. }) => None,
            Holds::Trouble(e) => Some(e),
            _ => None,
        });
        if let Some(e) = kept_back {
            return Finding { details, ..failed("key", e) };
        }
        let why = reasons(&sources, None);
        return match mark {
            None => finding(State::Absent, format!("none yet: the first `vault set` makes one ({why})")),
            Some(_) => finding(State::Unknown, format!("no source that is asked has it: {why}"))
                .next("`katana vault key import` takes it back from its recovery phrase; see docs/keys.md"),
        };
    };
    if taken.holds == Holds::AnotherKey {
        let what = format!("{} has a key that is not this vault's", taken.source);
        return finding(State::Bad, what)
            .next("take that key away, or name the right source in vault.key_source");
    }
    let mut what = taken.source.to_string();
    let why = reasons(&sources, Some(taken));
    if !why.is_empty() {
        what = format!("{what}; elsewhere: {why}");
    }
    let second = sources.iter().find(|s| s.source != taken.source && s.holds == Holds::ThisKey);
    match second {
        Some(s) => finding(State::Warning, what)
            .next(format!("{} has the same key; one place is enough (`katana vault key move`)", s.source)),
        None => finding(State::Good, what),
    }
}

/// What the sources that were not taken have to say, but for those that simply have nothing.
fn reasons(sources: &[Surveyed], taken: Option<&Surveyed>) -> String {
    let others = sources.iter().filter(|s| taken.is_none_or(|t| t.source != s.source));
    let one = |s: &Surveyed| {
        let why = match &s.holds {
            Holds::Nothing => "none".to_owned(),
            Holds::NotAsked => "not asked, vault.key_source names another".to_owned(),
            Holds::Trouble(Error::KeyUnreachable { why, .. }) => why.clone(),
            Holds::Trouble(e) => e.to_string(),
            Holds::AnotherKey => "another key".to_owned(),
            Holds::ThisKey | Holds::AKey => "the same key".to_owned(),
        };
        format!("{}: {why}", s.source.label())
    };
    // an unset variable and a service that is none are the rule, and say nothing
    let telling = |s: &&Surveyed| {
        s.holds != Holds::Nothing || matches!(s.source, Source::Kernel | Source::Keyring | Source::File(_))
    };
    others.filter(telling).map(one).collect::<Vec<_>>().join("; ")
}

fn told(s: &Surveyed) -> Value {
    let (holds, why) = match &s.holds {
        Holds::ThisKey => ("this_key", None),
        Holds::AnotherKey => ("another_key", None),
        Holds::AKey => ("a_key", None),
        Holds::Nothing => ("nothing", None),
        Holds::NotAsked => ("not_asked", None),
        Holds::Trouble(e) => ("trouble", Some(e.to_string())),
    };
    json!({ "source": s.source.label(), "asked": s.allowed, "holds": holds, "why": why })
}
