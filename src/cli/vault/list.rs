//! `katana vault list`: what there is, without values.

use super::desk::{Desk, failure, source};
use super::listing::{age, shortened, table};
use crate::audit;
use crate::base::clock::Timestamp;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::credentials::Bindings;
use crate::vault::{Listing, Name, Providers};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};

/// Names, placeholders, age, hosts and where the key comes from. Never values.
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
    // the trail may not be this user's to read: then no use is known
    let used = audit::last_use(&ctx.paths.audit()).unwrap_or_default();
    if ctx.json {
        let entry = |l: &Listing| {
            json!({
                "name": &*l.name, "placeholder": &*l.placeholder, "version": l.version,
                "created": l.created.to_string(), "updated": l.updated.to_string(),
                "hosts": bindings.hosts(&l.name), "internal": Name::is_internal(&l.name),
                "last_used": used.get(&l.name).map(ToString::to_string),
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
            let hosts = bindings.hosts(&l.name).join("\n");
            let placeholder = if terminal { shortened(&l.placeholder) } else { l.placeholder.to_string() };
            let last = used.get(&l.name).map_or_else(|| "–".into(), |at| age(now, *at));
            if Name::is_internal(&l.name) {
                let what = "katana's own: seals the authority's key".into();
                return vec![l.name.to_string(), "–".into(), age(now, l.updated), last, what];
            }
            vec![l.name.to_string(), placeholder, age(now, l.updated), last, hosts]
        });
        ctx.out(table(&["NAME", "PLACEHOLDER", "AGE", "USED", "HOSTS"], rows));
    }
    if let Some(from) = vault.key_source() {
        ctx.note(format!("key from {from}"));
    }
    Ok(Exit::Done)
}
