//! `katana rules list`: every rule of every engine, one a line.

use super::{CODE, own};
use crate::cli::context::{Context, count};
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::scanner::{CODED, Family, Rule};
use comfy_table::{Table, presets};
use serde_json::{Value, json};

pub(super) fn run(part: Option<&str>, family: Option<&str>, ctx: &Context) -> Outcome {
    let all = entries(ctx)?;
    let mut families: Vec<&str> = all.iter().map(|e| e.family).collect();
    families.sort_unstable();
    families.dedup();
    if let Some(family) = family.filter(|f| !families.contains(f)) {
        let next = format!("one of: {}", families.join(", "));
        return Err(Failure::new(
            Exit::Child(2),
            "no_family",
            format!("{family} is no family of rules"),
            "no rule has it",
            next,
        ));
    }
    let wanted: Vec<&Entry> = all
        .iter()
        .filter(|e| part.is_none_or(|p| e.id.contains(p)) && family.is_none_or(|f| e.family == f))
        .collect();
    if ctx.json {
        let rules: Vec<Value> = wanted
            .iter()
            .map(
                |e| json!({ "id": e.id, "family": e.family, "confidence": e.confidence, "source": e.source }),
            )
            .collect();
        ctx.out_json(&json!({ "rules": rules, "count": wanted.len() }));
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["rule", "family", "sure", "what, or file"]);
    for e in &wanted {
        let file = e.source.trim_start_matches("config/rules/");
        let about = if e.what.is_empty() { file } else { &e.what };
        let sure = e.confidence.map_or_else(|| "–".to_owned(), |sure| format!("{sure} %"));
        table.add_row([e.id.as_str(), e.family, &sure, about]);
    }
    table.lines().for_each(|line| ctx.out(line.trim_end()));
    let each: Vec<String> = families
        .iter()
        .map(|f| (wanted.iter().filter(|e| e.family == *f).count(), f))
        .filter(|(n, _)| *n > 0)
        .map(|(n, f)| format!("{n} {f}"))
        .collect();
    ctx.note(format!("{} ({})", count(wanted.len(), "rule", "rules"), each.join(", ")));
    Ok(Exit::Done)
}

/// A rule of any engine.
pub(super) struct Entry {
    pub(super) id: String,
    family: &'static str,
    /// None: as the text has it.
    confidence: Option<u8>,
    source: String,
    what: String,
}

/// All of them, the operator's own among them.
///
/// # Errors
/// Rules of the operator's own that cannot be used.
pub(super) fn entries(ctx: &Context) -> Result<Vec<Entry>, Failure> {
    let judge = own(ctx)?;
    let of = |r: &Rule| Entry {
        id: r.id.to_string(),
        family: r.family.as_str(),
        confidence: Some(r.confidence),
        source: r.source_name.clone(),
        what: String::new(),
    };
    let mut all: Vec<Entry> = judge.scanner().rules().iter().map(|r| of(r)).collect();
    for rule in judge.commands().all().iter().filter(|r| !r.class.is_empty()) {
        all.push(Entry {
            id: rule.id.clone(),
            family: Family::Command.as_str(),
            confidence: Some(rule.confidence),
            source: rule.source_name.clone(),
            what: rule.what.clone(),
        });
    }
    all.extend(CODED.iter().map(|c| Entry {
        id: c.id.to_owned(),
        family: c.family.as_str(),
        confidence: c.confidence,
        source: CODE.to_owned(),
        what: c.what.to_owned(),
    }));
    Ok(all)
}
