//! `katana vault verify`: judge the file and open everything in it.

use super::desk::{Desk, failure};
use super::resolving::{self, Asked};
use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::vault::Healed;
use crate::vault::key::Source;
use serde_json::json;

/// Judge the file and open every entry; exit 1 when anything is wrong.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct Args {
    /// Ask the backend of every entry by reference, too.
    #[arg(long)]
    resolve: bool,
}

pub(super) fn run(args: Args, desk: &Desk<'_>) -> Outcome {
    let ctx = desk.ctx;
    match desk.open().and_then(|v| Ok((v.verify()?, v.healed()))) {
        Ok((report, healed)) => {
            let every = |vault: &_| resolving::every(desk, vault);
            let asked = args.resolve.then(|| desk.open().and_then(|v| every(&v))).transpose();
            let references = asked.map_err(|e| failure("the references could not be checked", &e))?;
            if ctx.json {
                ctx.out_json(&json!({
                    "ok": true, "file": report.file, "generation": report.generation,
                    "entries": report.entries, "key_source": report.key_source.as_ref().map(Source::label),
                    "healed": healed.map(|h| match h { Healed::Finished => "finished", Healed::Undone => "undone" }),
                    "references": references.as_ref().map(|all| all.iter().map(Asked::json).collect::<Vec<_>>()),
                }));
            } else {
                let (entries, generation) = (report.entries, report.generation);
                let good = ctx.paint(Tone::Good, "good");
                ctx.out(format!(
                    "{good}: {entries} entries, generation {generation}, {}",
                    report.file.display()
                ));
                references.iter().flatten().for_each(|asked| asked.print(ctx));
            }
            let failed = references.iter().flatten().any(Asked::failed);
            Ok(if failed { Exit::Bad } else { Exit::Done })
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
