//! `katana rules list|show|test`: what katana looks for, and whether one's own rules hold.

use super::context::{Context, Tone, count};
use super::outcome::{Exit, Failure, Outcome};
use crate::scanner::commands::{self, CommandRule};
use crate::scanner::{CODED, Coded, Direction, Error, Family, Finding, Judge, Rule, Scanner, Surface, coded};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Show what katana looks for, and test one's own rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana rules list --family injection
  katana rules list github
  katana rules show github.token
  katana rules test my-rules.yaml          does it compile, do its examples hold
  katana rules test --id github.token 'some text'
  katana rules accept-tools mcp.example.com")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The rules, one a line, and how many of each family there are
    List {
        /// Only those with this in their id
        part: Option<String>,
        /// Only this family: secret, injection, command, …
        #[arg(long)]
        family: Option<String>,
    },
    /// Everything there is to a rule
    Show {
        /// Its id
        id: String,
    },
    /// Take a host's MCP tools as they are described now, where that has changed since they were first seen
    AcceptTools {
        /// The host, as the denial names it
        host: String,
    },
    /// Do files of rules hold, or does a rule find a text
    Test {
        /// Files or folders of rules; with --id, the text
        #[arg(required = true)]
        what: Vec<PathBuf>,
        /// Try this rule on the text instead
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Rules that cannot be used, an id that is none.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    match args.command {
        Command::List { part, family } => list(part.as_deref(), family.as_deref(), ctx),
        Command::Show { id } => show(&id, ctx),
        Command::AcceptTools { host } => accept_tools(&host, ctx),
        Command::Test { what, id: Some(id) } => try_out(&id, &what, ctx),
        Command::Test { what, id: None } => test(&what, ctx),
    }
}

fn accept_tools(host: &str, ctx: &Context) -> Outcome {
    let tools = crate::app::tools::accept(host, &ctx.paths)?;
    if ctx.json {
        ctx.out_json(&json!({ "host": host, "forgotten": tools }));
    } else if tools == 0 {
        ctx.out(format!("no tools of {host} were seen so far"));
    } else {
        let number = count(tools, "tool", "tools");
        ctx.out(format!("{number} of {host} forgotten: what the server says next is taken as first seen"));
    }
    Ok(Exit::Done)
}

/// A rule of any engine.
struct Entry {
    id: String,
    family: &'static str,
    /// None: as the text has it.
    confidence: Option<u8>,
    source: String,
    what: String,
}

fn entries(ctx: &Context) -> Result<Vec<Entry>, Failure> {
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

/// The source of what no file of rules holds.
const CODE: &str = "katana itself";

fn own(ctx: &Context) -> Result<Judge, Failure> {
    let judge = if ctx.paths.homeless { Judge::builtin() } else { Judge::load(&ctx.paths.rules) };
    judge.map_err(|e| unusable(&e))
}

fn unusable(e: &Error) -> Failure {
    Failure::new(
        Exit::Unevaluated,
        e.code(),
        "the rules cannot be used",
        e,
        "mend the files; `katana rules test FILE` says when they are right",
    )
}

fn list(part: Option<&str>, family: Option<&str>, ctx: &Context) -> Outcome {
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

fn show(id: &str, ctx: &Context) -> Outcome {
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
        return Err(Failure::new(
            Exit::Unevaluated,
            "no_rule",
            format!("{id} is not to be shown"),
            "no rule has this id",
            next,
        ));
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

/// Are files of rules sound?
fn test(what: &[PathBuf], ctx: &Context) -> Outcome {
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
fn try_out(id: &str, what: &[PathBuf], ctx: &Context) -> Outcome {
    let text = what.iter().map(|p| p.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let judge = own(ctx)?;
    let mut found: Vec<Finding> = Vec::new();
    let of_commands = judge.commands();
    let known =
        judge.scanner().rule(id).is_some() || of_commands.all().iter().any(|r| r.id == id || r.finding == id);
    if !known {
        return Err(Failure::new(
            Exit::Unevaluated,
            "no_rule",
            format!("{id} cannot be tried"),
            "no rule has this id",
            "`katana rules list` names them all",
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
