//! What the scan commands share: how they are asked, and how a report is told to a person, as JSON, or as SARIF.

use super::context::{Context, Tone, count};
use super::outcome::{Exit, Failure};
use super::sarif;
use crate::app::scan::{As, Asked, Found, Item, Report};
use crate::config::Mode;
use crate::scanner::{Direction, STRICT, Surface};
use clap::ValueEnum;
use serde_json::{Value, json};

/// A sign less sure than this says something only beside others.
pub(super) const WEAK: u8 = 30;

/// How a scan is asked for, and how it answers.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// What the text is; by default secrets and instructions are both looked for
    #[arg(long = "as", visible_alias = "direction", value_name = "PART", value_enum)]
    pub(super) taken: Option<Part>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// How it answers.
#[derive(Debug, clap::Args)]
pub(super) struct Output {
    /// The mode whose threshold blocks; by default that of the configuration
    #[arg(long, value_name = "MODE", value_enum)]
    mode: Option<Threshold>,
    /// Show how the verdict came about
    #[arg(long)]
    explain: bool,
    /// SARIF 2.1.0 on stdout
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Threshold {
    /// Blocks at 50
    Max,
    /// Blocks where the policy says so, at 80 by default
    Strict,
    /// Blocks nothing
    Permissive,
}

/// What a text is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The body of a request: secrets on their way out
    Request,
    /// The body of a response: instructions on their way in
    Response,
    /// A URL
    Url,
    /// A header's value
    Header,
    /// What a tool or a page gave
    ToolResult,
    /// What a tool is called with
    ToolCall,
    /// What a tool says of itself
    ToolDescription,
    /// What tells a model how to behave
    SystemPrompt,
    /// What a person says to a model
    UserTurn,
}

impl How {
    /// The judge to ask.
    pub(super) fn asked(&self, ctx: &Context, taken: Option<As>) -> Result<Asked, Failure> {
        let mode = self.output.mode.map(|m| match m {
            Threshold::Max => Mode::Max,
            Threshold::Strict => Mode::Strict,
            Threshold::Permissive => Mode::Permissive,
        });
        let part = self.taken.map_or(As::Anything, |part| {
            use Surface::{Body, Header, SystemPrompt, ToolCall, ToolDescription, ToolResult, Url, UserTurn};
            let (direction, surface) = match part {
                Part::Request => (Direction::Request, Body),
                Part::Response => (Direction::Response, Body),
                Part::Url => (Direction::Request, Url),
                Part::Header => (Direction::Request, Header),
                Part::ToolResult => (Direction::Request, ToolResult),
                Part::ToolCall => (Direction::Request, ToolCall),
                Part::ToolDescription => (Direction::Request, ToolDescription),
                Part::SystemPrompt => (Direction::Request, SystemPrompt),
                Part::UserTurn => (Direction::Request, UserTurn),
            };
            As::Part(direction, surface)
        });
        Asked::new(ctx.config.as_deref(), &ctx.paths, mode, taken.unwrap_or(part)).map_err(Failure::from)
    }
}

/// What there is to show.
pub(super) struct Shown<'a> {
    pub(super) report: &'a Report,
    pub(super) asked: &'a Asked,
    pub(super) how: &'a How,
}

/// Prints a report; how the command ends.
pub(super) fn show(shown: &Shown<'_>, ctx: &Context) -> Exit {
    let Shown { report, asked, how } = shown;
    if how.output.sarif {
        ctx.out_json(&sarif::document(report, asked));
    } else if ctx.json {
        ctx.out_json(&document(shown));
    } else {
        told(shown, ctx);
    }
    match (report.blocking(), report.unread.is_empty()) {
        (true, _) => Exit::Bad,
        (false, false) => Exit::Unevaluated,
        (false, true) => Exit::Done,
    }
}

/// One document for all that was scanned.
fn document(shown: &Shown<'_>) -> Value {
    let Shown { report, asked, how } = shown;
    let inputs: Vec<Value> = report.items.iter().map(|i| input(i, asked, how.output.explain)).collect();
    let unread: Vec<Value> = report.unread.iter().map(|u| json!({ "name": u.name, "why": u.why })).collect();
    json!({
        "verdict": if report.blocking() { "block" } else if !unread.is_empty() { "unevaluated" } else { "pass" },
        "score": report.score(),
        "mode": mode(asked.mode),
        "threshold": asked.judge.threshold(),
        "scanned": { "texts": report.texts, "bytes": report.bytes },
        "inputs": inputs,
        "unread": unread,
    })
}

fn input(item: &Item, asked: &Asked, explain: bool) -> Value {
    let finding = |f: &Found| {
        let mut value = json!({
            "rule": f.rule, "family": f.family, "confidence": f.confidence,
            "blocking": asked.judge.threshold().is_some_and(|t| f.confidence >= t),
            "start": f.start, "end": f.end, "line": f.line, "column": f.column,
            "excerpt": f.excerpt, "place": f.place, "fingerprint": f.fingerprint,
        });
        if !f.path.is_empty() {
            value["path"] = json!(f.path);
        }
        if !f.because.is_empty() {
            value["because"] = json!(f.because);
        }
        value
    };
    let mut value = json!({
        "name": item.name, "bytes": item.bytes, "score": item.score, "blocking": item.blocking,
        "findings": item.findings.iter().map(finding).collect::<Vec<_>>(),
        "more": item.more,
    });
    if explain {
        value["steps"] = json!(item.steps);
        value["commands"] = json!(item.commands);
    }
    value
}

/// For a person.
fn told(shown: &Shown<'_>, ctx: &Context) {
    let Shown { report, asked, how } = shown;
    let several = report.texts > 1
        || report.items.iter().any(|i| !matches!(i.name.as_str(), "text" | "stdin" | "command"));
    for item in report.items.iter().filter(|i| !i.findings.is_empty() || how.output.explain) {
        let all = ctx.verbose > 0 || how.output.explain;
        item.findings
            .iter()
            .filter(|f| all || f.confidence >= WEAK)
            .for_each(|f| row(item, f, several, asked, ctx));
        if item.more > 0 {
            ctx.out(format!("  … and {} more in {}", item.more, item.name));
        }
        if how.output.explain {
            explained(item, ctx);
        }
    }
    for unread in &report.unread {
        ctx.out(format!("{} {}: {}", ctx.paint(Tone::Warn, "not read"), unread.name, unread.why));
    }
    ctx.out(last_line(report, asked, ctx));
}

fn row(item: &Item, found: &Found, several: bool, asked: &Asked, ctx: &Context) {
    let blocks = asked.judge.threshold().is_some_and(|t| found.confidence >= t);
    let word = if blocks { ctx.paint(Tone::Bad, "blocks") } else { ctx.paint(Tone::Warn, "noted ") };
    let at = if several {
        format!("{}:{}:{}", item.name, found.line, found.column)
    } else {
        format!("{}:{}", found.line, found.column)
    };
    let via = if found.path.is_empty() { String::new() } else { format!("  through {}", found.path) };
    let because = if found.because.is_empty() { String::new() } else { format!("  ({})", found.because) };
    ctx.out(format!(
        "{word} {at}  {} {} %{because}{via}",
        ctx.paint(Tone::Info, &found.rule),
        found.confidence
    ));
    ctx.out(format!("         {}", found.excerpt));
}

fn explained(item: &Item, ctx: &Context) {
    if !item.commands.is_empty() {
        ctx.out("  comes down to:");
        item.commands.iter().for_each(|c| ctx.out(format!("    {c}")));
    }
    if !item.steps.is_empty() {
        ctx.out("  how it came about:");
        item.steps.iter().for_each(|s| ctx.out(format!("    {s}")));
    }
}

fn last_line(report: &Report, asked: &Asked, ctx: &Context) -> String {
    let is_weak = |f: &&Found| f.confidence < WEAK;
    let weak: usize = report.items.iter().map(|i| i.findings.iter().filter(is_weak).count()).sum();
    let findings = report.items.iter().map(|i| i.findings.len() + i.more).sum::<usize>() - weak;
    let signs =
        if weak == 0 { String::new() } else { format!(" and {}", count(weak, "weak sign", "weak signs")) };
    let verdict = match (report.blocking(), report.unread.is_empty(), findings) {
        (true, ..) => ctx.paint(Tone::Bad, "blocked"),
        (false, false, _) => ctx.paint(Tone::Warn, "not all could be evaluated"),
        (false, true, 0) => ctx.paint(Tone::Good, "nothing found"),
        (false, true, _) => ctx.paint(Tone::Good, "passes"),
    };
    let threshold =
        asked.judge.threshold().map_or_else(|| "blocks nothing".to_owned(), |t| format!("blocks at {t}"));
    let texts = count(report.texts, "text", "texts");
    format!(
        "{verdict}: score {}, {}{signs} in {texts}, {} mode {threshold}",
        report.score(),
        count(findings, "finding", "findings"),
        mode(asked.mode)
    )
}

/// As it is written in the configuration.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Permissive => "permissive",
        Mode::Strict => "strict",
        Mode::Max => "max",
    }
}

/// SARIF's word for how bad it is.
pub(super) fn level(confidence: u8, threshold: Option<u8>) -> &'static str {
    match threshold {
        Some(t) if confidence >= t => "error",
        None if confidence >= STRICT => "warning",
        _ if confidence >= 50 => "warning",
        _ => "note",
    }
}
