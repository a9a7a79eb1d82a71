//! `katana vault expire`: what has expired or soon will.

use super::desk::{Desk, failure};
use super::listing::{table, until};
use super::meta::{later, span};
use crate::base::clock::Timestamp;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Listing;
use serde_json::json;
use std::time::Duration;

/// List what has expired, or will within a time; exit 1 when there is anything.
#[derive(Clone, Copy, clap::Args)]
pub(super) struct Args {
    /// How far ahead to look
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = span)]
    within: Duration,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    let all = desk.open().and_then(|v| v.list()).map_err(|e| failure("nothing could be listed", &e))?;
    let now = Timestamp::now();
    let horizon = later(now, args.within);
    let within = |l: &'_ Listing| l.expires.filter(|at| *at <= horizon);
    let mut soon: Vec<(Timestamp, &Listing)> = all.iter().filter_map(|l| Some((within(l)?, l))).collect();
    soon.sort_by_key(|(at, _)| *at);
    if ctx.json {
        let one = |(at, l): &(Timestamp, &Listing)| json!({ "name": &*l.name, "expires": at.to_string(), "expired": *at <= now });
        ctx.out_json(&json!({ "entries": soon.iter().map(one).collect::<Vec<_>>() }));
    } else if soon.is_empty() {
        ctx.note(format!("nothing expires within {}", humantime::format_duration(args.within)));
    } else {
        let rows = soon.iter().map(|(at, l)| vec![l.name.to_string(), at.to_string(), until(now, *at)]);
        ctx.out(table(&["NAME", "EXPIRES", "IN"], rows));
        ctx.note("katana vault rotate KEY --expires 30d gives one a new value and a new time");
    }
    Ok(if soon.is_empty() { Exit::Done } else { Exit::Bad })
}
