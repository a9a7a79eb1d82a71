//! `katana rules test`: whether files of rules hold, and whether one rule finds a text.

use super::{own, unknown};
use crate::cli::context::{Context, Tone, count};
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::scanner::{Direction, Finding, Judge, Surface};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Are files of rules sound?
pub(super) fn run(what: &[PathBuf], ctx: &Context) -> Outcome {
    let mut files = Vec::new();
    for path in what {
        yaml(path, &mut files).map_err(|e| {
            Failure::new(
                Exit::Unevaluated,
                "rules_unreadable",
                format!("{} cannot be read", path.display()),
                e,
                "name a file or a folder of rules",
            )
        })?;
    }
    if files.is_empty() {
        return Err(Failure::new(
            Exit::Unevaluated,
            "no_rules",
            "there is nothing to test",
            "the folder has no .yaml file",
            "name a file of rules",
        ));
    }
    let (rules, wrong) = Judge::check(&files);
    if ctx.json {
        ctx.out_json(&json!({ "files": files.len(), "rules": rules, "problems": wrong }));
    } else {
        wrong.iter().for_each(|w| ctx.out(format!("{} {w}", ctx.paint(Tone::Bad, "✗"))));
        let all = format!("{} in {}", count(rules, "rule", "rules"), count(files.len(), "file", "files"));
        ctx.out(if wrong.is_empty() {
            format!("{} {all}: sound", ctx.paint(Tone::Good, "✓"))
        } else {
            format!("{all}, {}", count(wrong.len(), "problem", "problems"))
        });
    }
    Ok(if wrong.is_empty() { Exit::Done } else { Exit::Bad })
}

fn yaml(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(path)?.flatten().map(|e| e.path()).collect();
    inside.sort();
    inside.retain(|p| p.is_dir() || p.extension().is_some_and(|x| x == "yaml" || x == "yml"));
    inside.iter().try_for_each(|p| yaml(p, files))
}

/// Does one rule find a text? Exit 0: it does; 1: it does not.
pub(super) fn try_out(id: &str, what: &[PathBuf], ctx: &Context) -> Outcome {
    let text = what.iter().map(|p| p.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let judge = own(ctx)?;
    let mut found: Vec<Finding> = Vec::new();
    let of_commands = judge.commands();
    let known =
        judge.scanner().rule(id).is_some() || of_commands.all().iter().any(|r| r.id == id || r.finding == id);
    if !known {
        return Err(unknown(
            id,
            format!("{id} cannot be tried"),
            "`katana rules list` names them all".into(),
        ));
    }
    for direction in [Direction::Request, Direction::Response] {
        for surface in [Surface::Url, Surface::Header, Surface::Body] {
            judge.scanner().find(direction, surface, text.as_bytes(), &mut found);
        }
    }
    of_commands.find(text.as_bytes(), &mut found);
    let single = of_commands
        .explain(text.as_bytes())
        .into_iter()
        .flat_map(|c| c.found.into_iter().map(move |(rule, sure)| (rule, sure, c.start, c.end)));
    let mut spans: Vec<(u8, usize, usize)> =
        single.filter(|(rule, ..)| *rule == id).map(|(_, sure, start, end)| (sure, start, end)).collect();
    spans.extend(found.iter().filter(|f| &*f.rule == id).map(|f| (f.confidence, f.start, f.end)));
    spans.sort_unstable_by_key(|(_, start, end)| (*start, *end));
    spans.dedup_by_key(|(_, start, end)| (*start, *end));
    if ctx.json {
        let all: Vec<Value> = spans
            .iter()
            .map(|(sure, start, end)| json!({ "confidence": sure, "start": start, "end": end }))
            .collect();
        ctx.out_json(&json!({ "rule": id, "found": all }));
    } else if spans.is_empty() {
        ctx.out(format!("{} {id} does not find it", ctx.paint(Tone::Warn, "✗")));
    } else {
        spans.iter().for_each(|(sure, start, end)| {
            ctx.out(format!("{} {id} finds bytes {start}..{end}, {sure} %", ctx.paint(Tone::Good, "✓")));
        });
    }
    Ok(if spans.is_empty() { Exit::Bad } else { Exit::Done })
}
