//! The `credentials` list: tree → checked values. What may be a secret by mistake never stands in a message.

use super::Credential;
use super::field::Field;
use super::reader::Section;
use super::values::{self, Wrong};

/// Reads the list; entries with something wrong are left out, and the reading knows why.
pub(super) fn read(top: &mut Section<'_>) -> Vec<Credential> {
    let Some(list) = top.field_in_file("credentials") else { return Vec::new() };
    let items = top.items(&list).unwrap_or_default();
    items.iter().filter_map(|item| one(top.open(item)?)).collect()
}

fn one(mut s: Section<'_>) -> Option<Credential> {
    let secret = need(&mut s, "secret", |f| values::secret_name(f.text()?));
    let slot = need(&mut s, "slot", |f| values::slot(f.text()?));
    let hosts = s.field("hosts");
    let hosts = match &hosts {
        Some(field) => s.items(field).map(|items| {
            if items.is_empty() {
                let what = "binds the secret to no host".into();
                s.refuse::<()>(field, true, Err(Wrong { what, instead: "name at least one".into() }));
            }
            let read = |i: &Field| s.refuse(i, true, i.text().and_then(|t| values::host_port(t, false)));
            items.iter().filter_map(read).collect::<Vec<_>>()
        }),
        None => {
            missing(&s, "hosts");
            None
        }
    };
    let methods = s.list("methods", |f| values::method(f.text()?)).unwrap_or_default();
    let paths = s.list("paths", |f| values::path_glob(f.text()?)).unwrap_or_default();
    s.finish();
    Some(Credential { secret: secret?, hosts: hosts?, slot: slot?, methods, paths })
}

fn need<T>(s: &mut Section<'_>, key: &str, parse: impl FnOnce(&Field) -> Result<T, Wrong>) -> Option<T> {
    let Some(field) = s.field(key) else {
        missing(s, key);
        return None;
    };
    let read = parse(&field);
    s.refuse(&field, false, read)
}

fn missing(s: &Section<'_>, key: &str) {
    let what = format!("lacks `{key}`");
    s.problem(Wrong {
        what,
        instead: format!("every credential needs secret, hosts and slot; add `{key}:`"),
    });
}
