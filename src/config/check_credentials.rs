//! The `credentials` list: tree → checked values. What may be a secret by mistake never stands in a message.

use super::Credential;
use super::check_accounts::{self, Kind};
use super::field::Field;
use super::reader::Section;
use super::values::{self, Wrong};
use crate::base::glob::HostPattern;

/// Reads the list; entries with something wrong are left out, and the reading knows why.
pub(super) fn read(top: &mut Section<'_>) -> Vec<Credential> {
    let Some(list) = top.field_in_file("credentials") else { return Vec::new() };
    let items = top.items(&list).unwrap_or_default();
    items.iter().filter_map(|item| one(top.open(item)?)).collect()
}

fn one(mut s: Section<'_>) -> Option<Credential> {
    let kind = s.read("kind", Kind::Static, |f| f.choice(check_accounts::KINDS));
    if kind != Kind::Static {
        return check_accounts::read(s, kind);
    }
    let secret = need(&mut s, "secret", |f| values::secret_name(f.text()?));
    let slot = need(&mut s, "slot", |f| values::slot(f.text()?));
    let hosts = hosts(&mut s, None);
    let methods = s.list("methods", |f| values::method(f.text()?)).unwrap_or_default();
    let paths = s.list("paths", |f| values::path_glob(f.text()?)).unwrap_or_default();
    s.finish();
    Some(Credential { secret: secret?, hosts: hosts?, slot: slot?, methods, paths, account: None })
}

/// The hosts of an entry; `own` stands in where a kind has some of its own.
pub(super) fn hosts(s: &mut Section<'_>, own: Option<Hosts>) -> Option<Hosts> {
    match s.field("hosts") {
        Some(field) => {
            let items = s.items(&field)?;
            if items.is_empty() {
                let what = "binds the secret to no host".into();
                s.refuse::<()>(&field, true, Err(Wrong { what, instead: "name at least one".into() }));
            }
            let read = |i: &Field| s.refuse(i, true, i.text().and_then(|t| values::host_port(t, false)));
            Some(items.iter().filter_map(read).collect())
        }
        None if own.is_some() => own,
        None => {
            missing(s, "hosts", NEEDED);
            None
        }
    }
}

pub(super) type Hosts = Vec<(HostPattern, Option<u16>)>;

const NEEDED: &str = "every credential needs secret, hosts and slot, or a kind and what that needs";

pub(super) fn need<T>(
    s: &mut Section<'_>,
    key: &str,
    parse: impl FnOnce(&Field) -> Result<T, Wrong>,
) -> Option<T> {
    let Some(field) = s.field(key) else {
        missing(s, key, NEEDED);
        return None;
    };
    let read = parse(&field);
    s.refuse(&field, false, read)
}

pub(super) fn missing(s: &Section<'_>, key: &str, why: &str) {
    s.problem(Wrong { what: format!("lacks `{key}`"), instead: format!("{why}; add `{key}:`") });
}
