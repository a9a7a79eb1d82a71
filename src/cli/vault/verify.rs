//! `katana vault verify`: judge the file and open everything in it.

use super::desk::{Desk, failure};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Healed;
use crate::vault::key::Source;
use serde_json::json;

/// Judge the file and open every entry; exit 1 when anything is wrong.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    match desk.open().and_then(|v| Ok((v.verify()?, v.healed()))) {
        Ok((report, healed)) => {
            if ctx.json {
                ctx.out_json(&json!({
                    "ok": true, "file": report.file, "generation": report.generation,
                    "entries": report.entries, "key_source": report.key_source.as_ref().map(Source::label),
                    "healed": healed.map(|h| match h { Healed::Finished => "finished", Healed::Undone => "undone" }),
                }));
            } else {
                let (entries, generation) = (report.entries, report.generation);
                let good = ctx.paint(Tone::Good, "good");
                ctx.out(format!(
                    "{good}: {entries} entries, generation {generation}, {}",
                    report.file.display()
                ));
            }
            Ok(Exit::Done)
        }
        Err(e) if e.is_tampering() => {
            if ctx.json {
                ctx.out_json(
                    &json!({ "ok": false, "file": desk.place.file, "code": e.code(), "reason": e.to_string() }),
                );
            } else {
                ctx.out(format!("{}: {e}\n  → {}", ctx.paint(Tone::Bad, "bad"), e.remedy()));
            }
            Ok(Exit::Bad)
        }
        Err(e) => Err(failure("the vault could not be verified", &e)),
    }
}
