//! `katana vault list`: what there is, without values.

use super::desk::{Desk, failure, source};
use super::listing::{age, shortened, table, until};
use crate::audit;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::cli::context::Context;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::credentials::Bindings;
use crate::vault::{Error, Listing, Providers, Vault};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Names, placeholders, age, expiry, hosts and where the key comes from. Never values.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    let failed = |e| failure("the vault could not be listed", &e);
    let vault = desk.open().map_err(failed)?;
    let entries = vault.list().map_err(failed)?;
    let providers = Providers::builtin().map_err(failed)?;
    let bindings = Bindings::build(&[], &providers, &desk.config.credentials);
    let now = Timestamp::now();
    let references = references(&vault, &entries).map_err(failed)?;
    let from = |l: &Listing| references.iter().find(|(n, _)| *n == l.name).map(|(_, text)| text.as_str());
    // the trail may not be this user's to read: then no use is known
    let used = audit::last_use(&ctx.paths.audit()).unwrap_or_default();
    if ctx.json {
        let entry = |l: &Listing| {
            json!({
                "name": &*l.name, "placeholder": &*l.placeholder, "version": l.version,
                "created": l.created.to_string(), "updated": l.updated.to_string(),
                "hosts": hosts(&bindings, l),
                "expires": l.expires.map(|t| t.to_string()), "expired": l.expires.is_some_and(|t| t <= now),
                "last_used": used.get(&l.name).map(ToString::to_string),
                "goes": l.goes, "document": l.document, "from": l.from.as_deref(),
                "reference": from(l),
            })
        };
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        ctx.out_json(&json!({ "file": desk.place.file, "key_source": source(&vault), "entries": entries }));
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        ctx.note("the vault is empty; katana vault set KEY keeps the first secret");
    } else {
        // on a terminal a placeholder is told by its beginning, in a pipe it is whole
        let terminal = io::stdout().is_terminal();
        let rows = entries.iter().map(|l| {
            // and an entry is a line
            let hosts = hosts(&bindings, l).join(if terminal { "\n" } else { "," });
            let placeholder = if terminal { shortened(&l.placeholder) } else { l.placeholder.to_string() };
            let last = used.get(&l.name).map_or_else(|| "–".into(), |at| age(now, *at));
            let expires = l.expires.map_or_else(|| "–".to_owned(), |at| until(now, at));
            vec![l.name.to_string(), age(now, l.updated), expires, last, hosts, placeholder]
        });
        print(ctx, rows.collect(), entries.iter().map(from).collect());
    }
    if let Some(key) = vault.key_source() {
        ctx.note(format!("key from {key}"));
    }
    Ok(Exit::Done)
}

/// The table; where some values come from somewhere else, a column says from where.
fn print(ctx: &Context, mut rows: Vec<Vec<String>>, from: Vec<Option<&str>>) {
    let mut head = vec!["NAME", "AGE", "EXPIRES", "USED", "HOSTS", "PLACEHOLDER"];
    if from.iter().any(Option::is_some) {
        head.insert(5, "FROM");
        for (row, from) in rows.iter_mut().zip(from) {
            row.insert(5, from.unwrap_or("-").to_owned());
        }
    }
    ctx.out(table(&head, rows.into_iter()));
}

/// Where the values of entries by reference are to be got. Control characters in a command are shown as spaces.
fn references(vault: &Vault, entries: &[Listing]) -> Result<Vec<(Arc<str>, String)>, Error> {
    if entries.iter().all(|l| l.from.is_none()) {
        return Ok(Vec::new());
    }
    let text = |s: &Secret| String::from_utf8_lossy(s.expose()).replace(char::is_control, " ");
    Ok(vault.hold()?.iter().filter_map(|h| Some((h.name.clone(), text(h.reference.as_ref()?)))).collect())
}

/// Where it goes: what was said when it was set, else what the configuration and the providers say.
fn hosts(bindings: &Bindings, l: &Listing) -> Vec<String> {
    l.goes.as_ref().map_or_else(|| bindings.hosts(&l.name), |g| g.hosts.clone())
}
