//! What an import says of itself: a row for each value with what became of it, never the value.

use crate::cli::context::{Context, Tone, count};
use crate::cli::outcome::Exit;
use crate::vault::import::{Carried, Error, Fate, NO_SECRET, Plan, Reading, Row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How it was meant.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// Nothing was written.
    pub(super) dry: bool,
    /// Files are rewritten.
    pub(super) replace: bool,
}

/// Everything there is to say.
pub(super) struct Report<'a> {
    pub(super) readings: &'a [Reading],
    pub(super) plan: &'a Plan,
    /// `None`: a dry run.
    pub(super) carried: Option<&'a Carried>,
    /// Sources that were found and not read.
    pub(super) wrong: &'a [Error],
    pub(super) way: Way,
}

impl Report<'_> {
    /// Prints it; the exit code says whether anything was left undone.
    pub(super) fn print(&self, ctx: &Context) -> Exit {
        if ctx.json {
            ctx.out_json(&self.json());
        } else {
            self.text(ctx);
        }
        let undone = self.carried.is_some_and(|c| !c.left.is_empty() || !c.failed.is_empty());
        if undone || !self.wrong.is_empty() { Exit::Bad } else { Exit::Done }
    }

    fn text(&self, ctx: &Context) {
        for reading in self.readings {
            for note in &reading.notes {
                ctx.note(format!("{}: {note}", reading.origin));
            }
        }
        let mut hidden = 0;
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        table.set_header(["NAME", "WHAT", "PROGRAM", "FROM"]);
        for row in &self.plan.rows {
            if self.is_plain(row) && ctx.verbose == 0 {
                hidden += 1;
                continue;
            }
            let reading = &self.readings[row.reading];
            table.add_row([
                row.name.to_string(),
                self.what(row),
                reading.origin.program().into(),
                self.from(row),
            ]);
        }
        if table.row_count() > 0 {
            ctx.out(table.trim_fmt());
        }
        for e in self.wrong {
            ctx.note(format!("{}: {e}\n  → {}", ctx.paint(Tone::Bad, "not read"), e.remedy()));
        }
        let Some(done) = self.carried else {
            ctx.note(format!("{}{}", self.counts(), more(hidden)));
            ctx.note("this was a dry run: nothing was written");
            return;
        };
        for replaced in &done.replaced {
            let values = count(replaced.values, "placeholder is", "placeholders are");
            ctx.out(format!(
                "{} {}: {values} in it now",
                ctx.paint(Tone::Good, "replaced"),
                replaced.file.display()
            ));
            if let Some(copy) = &replaced.backup {
                ctx.note(format!(
                    "{} is what it was, with the secrets in it: delete it when all works",
                    copy.display()
                ));
            }
        }
        for (file, line, called, why) in &done.left {
            let bad = ctx.paint(Tone::Warn, "still there");
            ctx.out(format!("{bad} {called} at {}:{line}: {why}", file.display()));
        }
        for e in &done.failed {
            let bad = ctx.paint(Tone::Bad, "not replaced");
            ctx.out(format!("{bad}: {e}\n  → the vault has its values; {}", e.remedy()));
        }
        ctx.note(format!("{}{}", self.counts(), more(hidden)));
    }

    fn is_plain(&self, row: &Row) -> bool {
        matches!(&row.fate, Fate::Skip(why) if why == NO_SECRET)
    }

    fn what(&self, row: &Row) -> String {
        let would = if self.way.dry { "would be " } else { "" };
        match &row.fate {
            Fate::New => format!("{would}imported"),
            Fate::Over => format!("{would}overwritten"),
            Fate::Same => "in the vault already".into(),
            Fate::Skip(why) => format!("skipped: {why}"),
        }
    }

    fn from(&self, row: &Row) -> String {
        let reading = &self.readings[row.reading];
        let find = &reading.finds[row.find];
        let at = match &find.spot {
            Some(spot) => format!("{}:{}", reading.origin, spot.line),
            None => reading.origin.to_string(),
        };
        if find.called == row.name.as_str() { at } else { format!("{at} ({})", find.called) }
    }

    fn counts(&self) -> String {
        let n = |is: fn(&Fate) -> bool| self.plan.rows.iter().filter(|r| is(&r.fate)).count();
        let taken = n(|f| matches!(f, Fate::New | Fate::Over));
        let would = if self.way.dry { " would be" } else { "" };
        format!(
            "{taken}{would} imported, {} in the vault already, {} skipped",
            n(|f| *f == Fate::Same),
            n(|f| matches!(f, Fate::Skip(_)))
        )
    }

    fn json(&self) -> Value {
        let mut groups: BTreeMap<&str, Vec<Value>> =
            ["imported", "same", "skipped"].map(|g| (g, Vec::new())).into();
        for (index, row) in self.plan.rows.iter().enumerate() {
            let reading = &self.readings[row.reading];
            let find = &reading.finds[row.find];
            let placeholder = self.carried.and_then(|c| c.placeholders.get(index).cloned().flatten());
            let mut entry = json!({
                "name": row.name.as_str(), "called": find.called, "program": reading.origin.program(),
                "file": reading.origin.file().map(|f| f.path().display().to_string()),
                "line": find.spot.as_ref().map(|s| s.line),
            });
            let group = match &row.fate {
                Fate::New | Fate::Over => "imported",
                Fate::Same => "same",
                Fate::Skip(why) => {
                    entry["why"] = why.as_str().into();
                    "skipped"
                }
            };
            if row.fate.is_kept() {
                entry["overwritten"] = (row.fate == Fate::Over).into();
                entry["placeholder"] = placeholder.as_deref().map(Value::from).unwrap_or_default();
            }
            groups.entry(group).or_default().push(entry);
        }
        let error = |e: &Error| json!({ "code": e.code(), "why": e.to_string(), "remedy": e.remedy() });
        let done = self.carried;
        let notes: Vec<_> =
            self.readings.iter().flat_map(|r| r.notes.iter().map(|n| format!("{}: {n}", r.origin))).collect();
        json!({
            "dry_run": self.way.dry,
            "replace": self.way.replace,
            "imported": groups["imported"], "same": groups["same"], "skipped": groups["skipped"],
            "replaced": done.map_or_else(Vec::new, |d| d.replaced.iter().map(|r| {
                json!({ "file": r.file, "values": r.values, "backup": r.backup })
            }).collect()),
            "left": done.map_or_else(Vec::new, |d| d.left.iter().map(|(file, line, called, why)| {
                json!({ "file": file, "line": line, "called": called, "why": why })
            }).collect()),
            "failed": done.map_or_else(Vec::new, |d| d.failed.iter().map(error).collect()),
            "unread": self.wrong.iter().map(error).collect::<Vec<_>>(),
            "notes": notes,
        })
    }
}

fn more(hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        n => {
            let of_them = count(n, "of them has", "of them have");
            format!("; {of_them} no secret's name (-v shows, --all takes such)")
        }
    }
}
