//! `katana audit show|tail|verify|stats`.

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::audit::query::{self, Filter, Follow, Stats};
use crate::audit::{self, Break, Decision, Event, Head, Reason};
use crate::base::clock::Timestamp;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Show, follow, verify or count the audit trail
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana audit show --decision deny --since 2h   what was refused in the last two hours
  katana audit show --host openai.com --json     records of a host and what is below it, one JSON object a line
  katana audit tail                              follow it
  katana audit verify                            exit 1 and the first broken place, if there is one")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The active file of another trail
    #[arg(long, global = true, value_name = "PATH")]
    trail: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The newest records, oldest first
    Show {
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
        #[command(flatten)]
        only: Only,
    },
    /// The newest records, then new ones as they come
    Tail {
        /// So many to begin with
        #[arg(long, short = 'n', default_value_t = 10)]
        limit: usize,
        #[command(flatten)]
        only: Only,
    },
    /// Walk the whole chain; exit 1 where it does not hold
    Verify,
    /// Records by kind, decision and host
    Stats,
}

#[derive(Debug, clap::Args)]
struct Only {
    /// Only records of this kind
    #[arg(long, value_parser = events())]
    event: Option<Event>,
    /// Only records with this decision
    #[arg(long, value_parser = decisions())]
    decision: Option<Decision>,
    /// Only this host and what is below it
    #[arg(long)]
    host: Option<String>,
    /// Not before: 2026-11-22, 2026-11-22T05:00:00Z, or a time ago: 90s, 2h, 3d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before: the same
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

/// Runs the command.
///
/// # Errors
/// When the trail cannot be read.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let path = args.trail.unwrap_or_else(|| ctx.paths.audit());
    match args.command {
        Command::Show { limit, only } => show(&path, limit, &only.into(), ctx),
        Command::Tail { limit, only } => tail(&path, limit, &only.into(), ctx),
        Command::Verify => verify(&path, ctx),
        Command::Stats => stats(&path, ctx),
    }
}

fn show(path: &Path, limit: usize, filter: &Filter, ctx: &Context) -> Outcome {
    let records = query::newest(path, filter, limit).map_err(|e| unreadable(path, &e))?;
    if records.is_empty() {
        ctx.note("no audit record matches");
    }
    records.iter().for_each(|record| ctx.out(render(record, ctx)));
    Ok(Exit::Done)
}

/// Until the reader goes away.
fn tail(path: &Path, limit: usize, filter: &Filter, ctx: &Context) -> Outcome {
    let mut follow = Follow::from_end(path).map_err(|e| unreadable(path, &e))?;
    let mut records = query::newest(path, filter, limit).map_err(|e| unreadable(path, &e))?;
    loop {
        if !records.iter().all(|r| ctx.out_bytes(format!("{}\n", render(r, ctx)).as_bytes())) {
            return Ok(Exit::Done);
        }
        std::thread::sleep(Duration::from_millis(200));
        records = follow.more(filter).map_err(|e| unreadable(path, &e))?;
    }
}

fn verify(path: &Path, ctx: &Context) -> Outcome {
    match audit::verify(path) {
        Ok(head) => {
            holds(&head, ctx);
            Ok(Exit::Done)
        }
        Err(Break { segment, reason: Reason::Io(why), .. }) => Err(unreadable(&segment, &why)),
        Err(broken) => {
            if ctx.json {
                ctx.out_json(&json!({
                    "ok": false, "segment": broken.segment, "line": broken.line, "record": broken.record,
                    "code": broken.reason.code(), "reason": broken.reason.to_string(),
                }));
                return Ok(Exit::Bad);
            }
            ctx.out(ctx.paint(Tone::Bad, "the audit trail does not hold"));
            ctx.out(format!("  segment  {}", escaped(&broken.segment.display().to_string())));
            ctx.out(format!("  line     {}", broken.line));
            ctx.out(format!("  record   {}", broken.record));
            ctx.out(format!("  reason   {}", escaped(&broken.reason.to_string())));
            ctx.note("  → keep a copy of the directory before anything else; records before this one can be relied on");
            Ok(Exit::Bad)
        }
    }
}

fn holds(head: &Head, ctx: &Context) {
    if ctx.json {
        ctx.out_json(&json!({
            "ok": true, "segments": head.segments, "records": head.records, "hash": head.hash, "torn_bytes": head.torn,
        }));
        return;
    }
    let Head { segments, records, hash, .. } = head;
    let what = format!("{} in {}", counted(*records, "record"), counted(*segments, "segment"));
    ctx.out(format!("{}: {what}, head {hash}", ctx.paint(Tone::Good, "the audit trail holds")));
    if head.torn > 0 {
        let torn = format!("{} of an unfinished last record", counted(head.torn, "byte"));
        let note = "a crash left them; the next start takes them off and records it";
        ctx.out(format!("{}: {torn}: {note}", ctx.paint(Tone::Warn, "torn tail")));
    }
}

fn stats(path: &Path, ctx: &Context) -> Outcome {
    let s = query::stats(path).map_err(|e| unreadable(path, &e))?;
    let Stats { segments, bytes, records, unreadable, first, last, by_event, by_decision, by_host } = s;
    if ctx.json {
        ctx.out_json(&json!({
            "path": path, "segments": segments, "bytes": bytes, "records": records, "unreadable": unreadable,
            "first": first, "last": last, "by_event": by_event, "by_decision": by_decision, "by_host": by_host,
        }));
        return Ok(Exit::Done);
    }
    let line = |name: &str, value: &str| ctx.out(format!("{name:<14} {}", escaped(value)));
    line("trail", &path.display().to_string());
    line("segments", &format!("{segments}, {}", counted(bytes, "byte")));
    line("records", &records.to_string());
    if unreadable > 0 {
        ctx.out(format!("{:<14} {}", "unreadable", ctx.paint(Tone::Bad, &counted(unreadable, "line"))));
    }
    line("first", first.as_deref().unwrap_or("–"));
    line("last", last.as_deref().unwrap_or("–"));
    for (title, counts) in [("by event", by_event), ("by decision", by_decision), ("by host", by_host)] {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (i, (name, n)) in counts.iter().take(20).enumerate() {
            let title = if i == 0 { title } else { "" };
            ctx.out(format!("{title:<14} {n:>8}  {}", escaped(name)));
        }
    }
    Ok(Exit::Done)
}

/// One record on one line: time, kind, decision, what, how it went, why.
pub(super) fn render(record: &Value, ctx: &Context) -> String {
    if ctx.json {
        return record.to_string();
    }
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(escaped).unwrap_or_default();
    let number = |key: &str| record.get(key).and_then(Value::as_u64);
    let decision = text("decision");
    let tone = match decision.as_str() {
        "allow" => Some(Tone::Good),
        "deny" => Some(Tone::Bad),
        "escalate" => Some(Tone::Warn),
        "" => None,
        _ => Some(Tone::Info),
    };
    let padded = format!("{decision:<8}");
    let decision = tone.map_or(padded.clone(), |tone| ctx.paint(tone, &padded));
    let when = text("timestamp").replace('T', " ").replace('Z', "");
    let mut out = format!("{when:<23}  {:<13}  {decision}  ", text("event_type"));
    let port = number("port").filter(|p| *p != 443).map(|p| format!(":{p}")).unwrap_or_default();
    let status = number("status").map(|s| s.to_string()).unwrap_or_default();
    if record.get("exchange").is_some() {
        out.push_str(&format!("{status:>3}  {} {}{port}{}", text("method"), text("host"), text("path")));
    }
    for key in ["tool_name", "subject", "code", "outcome"] {
        let value = text(key);
        if !value.is_empty() && value != "completed" {
            out.push_str(&format!("  {value}"));
        }
    }
    if let Some(ms) = number("duration_ms") {
        let size = |key| number(key).unwrap_or(0);
        out.push_str(&format!("  {ms} ms, {}↑ {}↓", size("bytes_in"), size("bytes_out")));
    }
    for (key, tone) in [("injected", Tone::Info), ("scrubbed", Tone::Warn)] {
        let names = texts(record, key);
        if !names.is_empty() {
            out.push_str(&format!("  {} {}", ctx.paint(tone, key), names.join(", ")));
        }
    }
    let reasons = texts(record, "reasons");
    if !reasons.is_empty() {
        out.push_str(&format!("  — {}", reasons.join("; ")));
    }
    out.trim_end().to_owned()
}

fn texts(record: &Value, key: &str) -> Vec<String> {
    let items = record.get(key).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(escaped).collect()
}

/// Text that a terminal shows and does not obey: no control character, no change of direction, one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let obeyed = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || obeyed {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    let what = format!("the audit trail {} cannot be read", path.display());
    let next = "check that it is yours and that its directory is there";
    Failure::new(Exit::Unevaluated, "audit_unreadable", what, why, next)
}

impl From<Only> for Filter {
    fn from(only: Only) -> Self {
        let Only { event, decision, host, since, until } = only;
        Self { event, decision, host, since, until }
    }
}

fn events() -> impl TypedValueParser<Value = Event> {
    let find = |text: String| Event::ALL.into_iter().find(|e| e.as_str() == text).ok_or("no such event");
    PossibleValuesParser::new(Event::ALL.map(Event::as_str)).try_map(find)
}

fn decisions() -> impl TypedValueParser<Value = Decision> {
    let find =
        |text: String| Decision::ALL.into_iter().find(|d| d.as_str() == text).ok_or("no such decision");
    PossibleValuesParser::new(Decision::ALL.map(Decision::as_str)).try_map(find)
}

/// A time, a day, or how long ago.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    if let Some(at) = Timestamp::parse(text).or_else(|| Timestamp::parse(&day)) {
        return Ok(at);
    }
    let ago = humantime::parse_duration(text)
        .map_err(|_| "write 2026-11-22, 2026-11-22T05:00:00Z, or a time ago: 90s, 2h, 3d".to_owned())?;
    Ok(Timestamp(Timestamp::now().0.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::paths::Paths;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn context() -> Context {
        let color = false;
        let paths = Paths::from_lookup(&|_| None);
        Context { json: false, quiet: true, verbose: 0, color, config: None, paths }
    }

    #[test]
    fn a_record_cannot_write_to_the_terminal() {
        let record = json!({
            "timestamp": "2026-11-22T05:52:00.123Z", "event_type": "proxy_request", "decision": "deny",
            "exchange": "k1-1", "method": "GET\u{1b}]0;owned\u{7}", "host": "a.test", "port": 8443, "status": 403,
            "path": "/\u{1b}[2J\r\nfake line\u{202e}", "reasons": ["a\tb", "\u{9b}31m"], "scrubbed": ["KEY"],
        });
        let line = render(&record, &context());
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        let start =
            "2026-11-22 05:52:00.123  proxy_request  deny      403  GET\\u{1b}]0;owned\\u{7} a.test:8443/";
        assert!(line.starts_with(start), "{line}");
        assert!(line.ends_with("scrubbed KEY  — a\\tb; \\u{9b}31m"), "{line}");
    }

    #[test]
    fn filters_are_parsed() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["audit"], args].concat());
        let cli = parse(&["show", "--event", "vault_access", "--decision", "deny", "--since", "2026-11-22"])
            .unwrap();
        let Command::Show { limit: 20, only } = cli.args.command else { panic!("{cli:?}") };
        assert_eq!((only.event, only.decision), (Some(Event::VaultAccess), Some(Decision::Deny)));
        assert_eq!(only.since, Timestamp::parse("2026-11-22T00:00:00Z"));
        assert!(time("2h").unwrap() < Timestamp::now());
        for bad in [["show", "--event", "nope"], ["show", "--since", "yesterday"], ["show", "--limit", "-1"]]
        {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_broken_trail_is_exit_1_and_an_empty_one_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        assert_eq!(verify(&path, &context()), Ok(Exit::Done));
        assert_eq!(show(&path, 3, &Filter::default(), &context()), Ok(Exit::Done));
        assert_eq!(stats(&path, &context()), Ok(Exit::Done));
        std::fs::write(&path, "{}\n").unwrap();
        assert_eq!(verify(&path, &context()), Ok(Exit::Bad));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(verify(&path, &context()).unwrap_err().exit, Exit::Unevaluated);
    }
}
