//! `katana check`: what would become of a request, and which rule says so. Nothing is sent.

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::app::build;
use crate::app::explain::{self, Answer, Credential, Fate, Question};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Read};

/// Say what the proxy would do with a request, and which rule says so, without sending anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Names are not resolved: addresses are judged when they are dialled. Nothing is written to the audit.
With -v, the rules of the policy that were passed over are shown too.
Exit 0: it would go through; 1: it would be denied; 3: it could not be evaluated.

Examples:
  katana check https://api.openai.com/v1/models
  katana check -X POST --header 'Content-Type: application/json' --body @request.json https://api.example.com/
  katana check --body @- https://paste.example.com/ < notes.txt")]
pub(super) struct Args {
    /// The URL, https:// or http://
    url: String,
    /// The method; POST when there is a body, else GET
    #[arg(long, short = 'X', value_name = "M")]
    method: Option<String>,
    /// A header, `Name: value`; again for more
    #[arg(long, short = 'H', value_name = "H")]
    header: Vec<String>,
    /// The body: text, @FILE, or @- for stdin
    #[arg(long, short = 'd', value_name = "@F|TEXT")]
    body: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// What could not be built, or a request that is none (exit 2).
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let config = build::load_config(ctx.config.as_deref(), &ctx.paths)?;
    let method = if args.body.is_some() { "POST" } else { "GET" };
    let method = args.method.unwrap_or_else(|| method.to_owned());
    let body = args.body.map(|b| content(&b)).transpose()?.unwrap_or_default();
    let question = Question { method, url: args.url, headers: args.header, body };
    let answer = explain::ask(&config, &ctx.paths, &question).map_err(|e| {
        let usage = e.code == "bad_request";
        let failure = Failure::from(e);
        if usage { Failure { exit: Exit::Child(2), ..failure } } else { failure }
    })?;
    if ctx.json {
        ctx.out_json(&json!(answer));
    } else {
        show(&answer, ctx);
    }
    Ok(match answer.fate {
        Fate::Forwarded | Fate::Untouched => Exit::Done,
        Fate::Denied => Exit::Bad,
        Fate::Unevaluated => Exit::Unevaluated,
    })
}

fn content(text: &str) -> Result<Vec<u8>, Failure> {
    let Some(file) = text.strip_prefix('@') else { return Ok(text.as_bytes().to_vec()) };
    let mut bytes = Vec::new();
    let read = match file {
        "-" => io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
        _ => fs::read(file).map(|read| bytes = read),
    };
    read.map(|()| bytes).map_err(|e| {
        let next = "name a file that can be read, or @- for stdin";
        Failure::new(Exit::Unevaluated, "body_unreadable", format!("{file} cannot be read"), e, next)
    })
}

fn show(answer: &Answer, ctx: &Context) {
    let (tone, word) = match answer.fate {
        Fate::Forwarded => (Tone::Good, "forwarded"),
        Fate::Untouched => (Tone::Warn, "forwarded untouched: nothing of it is looked into"),
        Fate::Denied => (Tone::Bad, "denied"),
        Fate::Unevaluated => (Tone::Bad, "denied: it could not be evaluated"),
    };
    ctx.out(ctx.paint(tone, word));
    if let Some(denial) = &answer.denial {
        row("answer", &format!("{} {}", denial.status, denial.code), ctx);
        row("by", &format!("{}, rule {}", denial.stage, denial.rule), ctx);
        row("message", &denial.message, ctx);
        row("remedy", &denial.remedy, ctx);
    }
    row("destination", &answer.destination, ctx);
    let named = |c: &Credential| format!("{} in {}", c.secret, c.slot);
    answer.injected.iter().for_each(|c| row("injected", &ctx.paint(Tone::Info, &named(c)), ctx));
    if let Some(missing) = &answer.missing {
        row("not in vault", &format!("{}; `katana vault set {}`", named(missing), missing.secret), ctx);
    }
    for name in answer.scrubbed.iter().filter_map(Value::as_str) {
        row("scrubbed", &ctx.paint(Tone::Warn, name), ctx);
    }
    for found in &answer.findings {
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        let sure = found["confidence"].as_f64().unwrap_or_default() * 100.0;
        let line = format!("{} in {}, {sure:.0} % sure", text("scanner"), text("place"));
        row("found", &ctx.paint(Tone::Warn, &line), ctx);
    }
    answer.reasons.iter().filter_map(Value::as_str).for_each(|r| row("noted", r, ctx));
    rules(answer, ctx);
}

/// The rule that decides; with `-v` those that were passed over too.
fn rules(answer: &Answer, ctx: &Context) {
    for rule in answer.rules.iter().filter(|r| ctx.verbose > 0 || r.passed_over.is_none()) {
        let priority = rule.priority.map(|p| format!(" ({p})")).unwrap_or_default();
        let why = match &rule.passed_over {
            Some(why) => format!("passed over: {why}"),
            None => rule.action.to_owned(),
        };
        row("policy", &format!("{}: {}{priority}: {why}", answer.policy, rule.rule), ctx);
    }
}

fn row(name: &str, text: &str, ctx: &Context) {
    ctx.out(format!("  {name:<13} {text}"));
}
