//! `katana ca rotate`: prepare the next authority, let it sign, or give it up.

use super::ByVault;
use crate::app::ca;
use crate::certs;
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Outcome};
use crate::config::Config;
use serde_json::json;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How long the present authority signs on while clients come to trust the next; 0s: it signs at once
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration)]
    overlap: Duration,
    /// Let the prepared authority sign from now on
    #[arg(long, conflicts_with_all = ["overlap", "cancel"])]
    commit: bool,
    /// Give the prepared authority up
    #[arg(long, conflicts_with = "overlap")]
    cancel: bool,
}

pub(super) fn run(args: &Args, config: &Config, ctx: &Context) -> Outcome {
    let (dir, keeper) = (ctx.paths.ca(), ByVault::new(config, &ctx.paths));
    if args.cancel {
        let given_up = certs::cancel(&dir).map_err(ca::unusable)?;
        let print = given_up.as_ref().map(certs::Certificate::fingerprint);
        match ctx.json {
            true => ctx.out_json(&json!({ "cancelled": true, "fingerprint_sha256": print })),
            false => {
                let who = print.unwrap_or_else(|| "the prepared authority".into());
                ctx.out(format!("{}: {who} will not sign", ctx.paint(Tone::Good, "given up")));
                ctx.note("clients that were made to trust it: `katana ca trust --uninstall`, then `katana ca trust`");
            }
        }
        return Ok(Exit::Done);
    }
    let done = match args.commit {
        true => certs::commit(&dir, &keeper),
        false => certs::rotate(&dir, args.overlap, &keeper),
    };
    let done = done.map_err(ca::unusable)?;
    let (old, new) = (done.previous.fingerprint(), done.next.fingerprint());
    if ctx.json {
        ctx.out_json(&json!({
            "active": done.active, "activates": done.activates.to_string(),
            "previous": { "fingerprint_sha256": old, "not_after": done.previous.not_after().to_string() },
            "next": { "fingerprint_sha256": new, "not_after": done.next.not_after().to_string() },
        }));
        return Ok(Exit::Done);
    }
    if done.active {
        ctx.out(format!("{}: {new} signs from now on", ctx.paint(Tone::Good, "rotated")));
        ctx.note(format!("before it: {old}\na running proxy follows within a second; clients must trust the new one (`katana ca trust`)"));
    } else {
        ctx.out(format!("{}: {new} signs from {} on", ctx.paint(Tone::Good, "prepared"), done.activates));
        ctx.note(format!(
            "until then: {old}\nboth are in `katana ca export` and in what `katana run` hands out; let clients trust both now (`katana ca trust`)"
        ));
    }
    Ok(Exit::Done)
}
