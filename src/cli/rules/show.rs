//! `katana rules show`: everything there is to a rule, or to the rules behind a command's finding.

use super::list::entries;
use super::{CODE, own, unknown, unusable};
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Outcome};
use crate::scanner::commands::{self, CommandRule};
use crate::scanner::{Coded, Family, Rule, Scanner, coded};
use serde_json::{Value, json};

pub(super) fn run(id: &str, ctx: &Context) -> Outcome {
    let judge = own(ctx)?;
    let is_meant = |r: &&CommandRule| r.id == id || r.finding == id && !r.class.is_empty();
    let those: Vec<&CommandRule> = judge.commands().all().iter().filter(is_meant).collect();
    let documents: Vec<Value> = if those.is_empty() {
        let catalogue = Scanner::catalogue().map_err(|e| unusable(&e))?;
        let builtin = catalogue.iter().find(|r| &*r.id == id);
        let found = judge.scanner().rule(id).filter(|r| r.overrides || builtin.is_none()).or(builtin);
        found.map(of_rule).or_else(|| coded(id).map(of_code)).into_iter().collect()
    } else {
        // those at work are read without their examples
        let whole = commands::Rules::catalogue().map_err(|e| unusable(&e))?;
        let with_examples = |r: &CommandRule| whole.iter().position(|w| w.id == r.id && !r.overrides);
        those.iter().map(|r| of_command(with_examples(r).map_or(*r, |i| &whole[i]))).collect()
    };
    if documents.is_empty() {
        let known = entries(ctx)?;
        let mut near: Vec<&str> = known
            .iter()
            .map(|e| e.id.as_str())
            .filter(|e| e.contains(id) || id.split('.').any(|p| p.len() > 2 && e.contains(p)))
            .take(5)
            .collect();
        near.sort_unstable();
        let next = if near.is_empty() {
            "`katana rules list` names them all".to_owned()
        } else {
            format!("perhaps {}", near.join(", "))
        };
        return Err(unknown(id, format!("{id} is not to be shown"), next));
    }
    if ctx.json {
        ctx.out_json(&if documents.len() == 1 {
            documents[0].clone()
        } else {
            json!({ "rules": documents })
        });
        return Ok(Exit::Done);
    }
    for document in &documents {
        ctx.out(ctx.paint(Tone::Info, document["id"].as_str().unwrap_or_default()));
        for (key, value) in
            document.as_object().into_iter().flatten().filter(|(k, v)| *k != "id" && !is_empty(v))
        {
            told(key, value, ctx);
        }
    }
    Ok(Exit::Done)
}

fn told(key: &str, value: &Value, ctx: &Context) {
    let printable = |v: &Value| {
        v.as_str().map_or_else(
            || v.to_string(),
            |s| {
                s.chars()
                    .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
                    .collect()
            },
        )
    };
    match value.as_array() {
        Some(list) if matches!(key, "examples" | "counter_examples" | "references") => {
            ctx.out(format!("  {key}"));
            list.iter().for_each(|v| ctx.out(format!("    {}", printable(v))));
        }
        Some(list) => {
            ctx.out(format!("  {key:<17} {}", list.iter().map(printable).collect::<Vec<_>>().join(", ")));
        }
        None => ctx.out(format!("  {key:<17} {}", printable(value))),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_str().is_some_and(str::is_empty)
}

fn of_rule(rule: &Rule) -> Value {
    let facts = rule.facts();
    json!({
        "id": &*rule.id, "family": rule.family.as_str(), "confidence": rule.confidence, "source": rule.source_name,
        "keywords": facts.keywords, (if facts.beside { "value" } else { "pattern" }): facts.pattern,
        "hosts": facts.hosts, "body_hosts": facts.body_hosts, "surfaces": facts.surfaces, "directions": facts.directions,
        "languages": rule.languages, "examples": rule.examples, "counter_examples": rule.counter_examples, "references": rule.references,
    })
}

fn of_code(coded: &Coded) -> Value {
    json!({ "id": coded.id, "what": coded.what, "family": coded.family.as_str(), "confidence": coded.confidence, "source": CODE })
}

fn of_command(rule: &CommandRule) -> Value {
    json!({
        "id": rule.id, "finding": rule.finding, "what": rule.what, "family": Family::Command.as_str(), "confidence": rule.confidence,
        "source": rule.source_name, "programs": rule.programs, "flags": rule.flags, "not_flags": rule.not_flags, "operand": rule.operand,
        "line": rule.line, "not_line": rule.not_line, "writes": rule.writes, "reads": rule.reads, "env": rule.env, "code": rule.code,
        "input": rule.input, "feeds": rule.feeds, "runs": rule.runs, "text": rule.text, "marks": rule.marks,
        "examples": rule.examples, "counter_examples": rule.counter_examples, "references": rule.references,
    })
}
