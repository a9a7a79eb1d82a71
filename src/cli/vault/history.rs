//! `katana vault history`: which values a name has had, and when. Never the values.

use super::desk::{Desk, failure};
use super::listing::{age, table};
use crate::base::clock::Timestamp;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::{Listing, Name, Version};
use serde_json::json;

/// The versions of a secret that are kept, newest first, with their dates. Never values.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The entry's name.
    #[arg(value_parser = Name::parse)]
    key: Name,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let (ctx, key) = (desk.ctx, args.key);
    let failed = |e| failure(&format!("the history of {key} could not be shown"), &e);
    desk.about(&key);
    let listed = desk.open().and_then(|v| v.history(&key)).map_err(failed)?;
    if ctx.json {
        let versions: Vec<_> = listed.versions.iter().map(|v| version(&listed, v)).collect();
        ctx.out_json(&json!({ "name": key.as_str(), "versions": versions }));
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let rows = listed.versions.iter().map(|v| {
        let at = when(&listed, v);
        let mut kind = v.from.as_ref().map_or_else(|| "value".to_owned(), |b| format!("reference ({b})"));
        if let Some(until) = v.until.filter(|t| *t > now) {
            kind = format!("{kind}, kept until {until}");
        }
        let at = at.map_or_else(|| ("?".into(), "?".into()), |t| (t.to_string(), age(now, t)));
        vec![v.version.to_string(), at.0, at.1, kind]
    });
    ctx.out(table(&["VERSION", "SET", "AGE", "IS"], rows));
    Ok(Exit::Done)
}

fn version(listed: &Listing, v: &Version) -> serde_json::Value {
    json!({
        "version": v.version,
        "created": when(listed, v).map(|t| t.to_string()),
        "from": v.from.as_deref(),
        "until": v.until.map(|t| t.to_string()),
        "present": v.version == listed.version,
    })
}

/// When a version came in. Before versions were dated, only the newest one's date was kept.
fn when(listed: &Listing, v: &Version) -> Option<Timestamp> {
    v.created.or_else(|| (v.version == listed.version).then_some(listed.updated))
}
