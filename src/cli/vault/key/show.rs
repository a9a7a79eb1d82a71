//! `katana vault key show`: every source, what it has, and which one counts.

use crate::cli::context::Tone;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::vault::desk::{Desk, failure};
use crate::vault::Custody;
use crate::vault::custody::{Holds, Mark, Surveyed};
use crate::vault::key::{Cost, Passphrase, Source, Words};
use serde_json::{Value, json};

pub(super) fn run(desk: &Desk<'_>) -> Outcome {
    let failed = |e| failure("the key could not be looked at", &e);
    let custody = Custody::of(&desk.place);
    let mark = custody.mark().map_err(failed)?;
    let sources = custody.survey().map_err(failed)?;
    // the first source that has any key is the one that counts, right or wrong
    let taken = sources.iter().find(|s| s.allowed && has_one(&s.holds));
    let found = taken.is_some_and(|s| s.holds != Holds::AnotherKey);
    if desk.ctx.json {
        desk.ctx.out_json(&document(desk, mark.as_ref(), &sources, taken));
    } else {
        for line in lines(desk, mark.as_ref(), taken) {
            desk.ctx.out(line);
        }
        desk.ctx.out(table(desk, &sources));
    }
    Ok(if mark.is_some() && !found { Exit::Unevaluated } else { Exit::Done })
}

fn has_one(holds: &Holds) -> bool {
    matches!(holds, Holds::ThisKey | Holds::AnotherKey | Holds::AKey)
}

fn document(desk: &Desk<'_>, mark: Option<&Mark>, sources: &[Surveyed], taken: Option<&Surveyed>) -> Value {
    let one = |s: &Surveyed| {
        let trouble = match &s.holds {
            Holds::Trouble(e) => json!({ "code": e.code(), "why": e.to_string(), "next": e.remedy() }),
            _ => Value::Null,
        };
        json!({
            "source": s.source.label(), "where": s.source.to_string(), "asked": s.allowed,
            "holds": word(&s.holds), "trouble": trouble, "parameters": cost(desk, &s.source).map(|c| json!({
                "kdf": "argon2id", "memory_kib": c.memory_kib, "passes": c.passes, "lanes": c.lanes,
            })),
        })
    };
    json!({
        "file": desk.place.file,
        "vault": mark.map(|m| &m.vault),
        "check": mark.map(|m| &m.check),
        "written_with": mark.and_then(|m| m.written_with),
        "key_source": taken.map(|s| s.source.label()),
        "sources": sources.iter().map(one).collect::<Vec<_>>(),
    })
}

fn word(holds: &Holds) -> &'static str {
    match holds {
        Holds::ThisKey => "this_key",
        Holds::AnotherKey => "another_key",
        Holds::AKey => "a_key",
        Holds::Nothing => "nothing",
        Holds::NotAsked => "not_asked",
        Holds::Trouble(_) => "trouble",
    }
}

fn lines(desk: &Desk<'_>, mark: Option<&Mark>, taken: Option<&Surveyed>) -> Vec<String> {
    let ctx = desk.ctx;
    let mut out = vec![format!("vault   {}", desk.place.file.display())];
    match mark {
        Some(mark) => out.push(format!("check   {}", mark.check)),
        None => out.push("check   there is no vault yet".into()),
    }
    out.push(match taken {
        Some(Surveyed { source, holds: Holds::AnotherKey, .. }) => {
            let text = format!("{source} has a key that is not this vault's");
            format!("key     {}", ctx.paint(Tone::Bad, &text))
        }
        Some(s) => format!("key     {}", ctx.paint(Tone::Good, &s.source.to_string())),
        None if mark.is_some() => {
            format!("key     {}", ctx.paint(Tone::Bad, "no source that is asked has it"))
        }
        None => "key     the first `katana vault set` makes one".into(),
    });
    if let Some(cost) = taken.and_then(|s| cost(desk, &s.source)) {
        let Cost { memory_kib, passes, lanes } = cost;
        out.push(format!("        Argon2id, {} MiB, passes {passes}, lanes {lanes}", memory_kib / 1024));
    }
    out.push(String::new());
    out
}

fn cost(desk: &Desk<'_>, source: &Source) -> Option<Cost> {
    match source {
        Source::Passphrase(file) => {
            Passphrase::at(file, Words::of_process(desk.place.key.passphrase_file.clone())).cost()
        }
        _ => None,
    }
}

fn table(desk: &Desk<'_>, sources: &[Surveyed]) -> String {
    let ctx = desk.ctx;
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(["SOURCE", "ASKED", "HAS"]);
    for s in sources {
        let has = match &s.holds {
            Holds::ThisKey => ctx.paint(Tone::Good, "this vault's key"),
            Holds::AnotherKey => ctx.paint(Tone::Bad, "another key"),
            Holds::AKey => ctx.paint(Tone::Good, "a key"),
            Holds::Nothing => "none".into(),
            Holds::NotAsked => "not looked at".into(),
            Holds::Trouble(e) => ctx.paint(Tone::Warn, &e.to_string()),
        };
        table.add_row([s.source.label(), if s.allowed { "yes" } else { "no" }, &has]);
    }
    table.trim_fmt()
}
