//! `katana demo`: shows what katana does, on a stage of its own.

use super::audit;
use super::context::{Context, Tone};
use super::outcome::{Exit, Outcome};
use crate::app::demo::{self, Cast, Check, Message, Report, Scene};
use serde_json::json;

/// Show what katana does, with everything made up: origin, agent, vault, audit. Needs no network, leaves nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Starts an HTTPS origin on loopback and a real proxy, sends requests through it, and checks what came of them.
Exit 0 when every expectation held, 1 when one did not.")]
pub(super) struct Args {}

/// Runs the command.
///
/// # Errors
/// What could not be set up.
pub(super) fn run(_: Args, ctx: &Context) -> Outcome {
    ctx.note(
        ctx.paint(Tone::Info, "a local origin, a throw-away vault, and a real proxy between an agent and it"),
    );
    let report = demo::run()?;
    if ctx.json {
        ctx.out_json(&json!(report));
    } else {
        show(&report, ctx);
    }
    Ok(if report.ok { Exit::Done } else { Exit::Bad })
}

fn show(report: &Report, ctx: &Context) {
    let cast = &report.cast;
    ctx.out(format!("The vault keeps {} {}", cast.name, marked(&cast.value, cast, ctx)));
    ctx.out(format!(
        "The agent holds {} {}, its placeholder",
        cast.name,
        marked(&cast.placeholder, cast, ctx)
    ));
    ctx.out("(both cut here to what tells them apart)");
    for (i, scene) in report.scenes.iter().enumerate() {
        ctx.out(format!("\n{}. {}\n   {}", i + 1, ctx.paint(Tone::Info, scene.title), scene.told));
        play(scene, cast, ctx);
    }
    ctx.out(format!("\n{}", ctx.paint(Tone::Info, "What the audit says (katana audit show)")));
    report.records.iter().for_each(|record| ctx.out(format!("   {}", audit::render(record, ctx))));
    checks(&report.audit, ctx);
    let (tone, end) = match report.ok {
        true => (Tone::Good, "Everything came as it should."),
        false => (Tone::Bad, "Something did not come as it should: see ✗."),
    };
    ctx.out(format!("\n{}\n{NEXT}", ctx.paint(tone, end)));
}

const NEXT: &str = "
Next:
  katana vault set OPENAI_API_KEY    keep a secret; the agent gets its placeholder
  katana run -- CMD                  run an agent behind the proxy
  katana check URL                   what would become of a request, and which rule says so";

fn play(scene: &Scene, cast: &Cast, ctx: &Context) {
    message("agent sent", &scene.sent, cast, ctx);
    match &scene.reached {
        Some(reached) => message("origin got", reached, cast, ctx),
        None => ctx.out(format!("   {:<11} {}", "origin got", "nothing")),
    }
    message("agent got", &scene.got, cast, ctx);
    checks(&scene.checks, ctx);
}

fn message(whose: &str, message: &Message, cast: &Cast, ctx: &Context) {
    let lines = [&message.line].into_iter().chain(&message.headers).chain([&message.body]);
    for (i, line) in lines.filter(|l| !l.is_empty()).enumerate() {
        let whose = if i == 0 { whose } else { "" };
        ctx.out(format!("   {whose:<11} {}", marked(line, cast, ctx)));
    }
}

/// The value red and the placeholder cyan, wherever they stand, cut in the middle: whole they fill a screen.
fn marked(text: &str, cast: &Cast, ctx: &Context) -> String {
    let mut text = text.trim_end().to_owned();
    for (word, tone) in
        [(&cast.value, Tone::Bad), (&cast.encoded, Tone::Bad), (&cast.placeholder, Tone::Info)]
    {
        if let (Some(start), Some(end)) = (word.get(..14), word.get(word.len().saturating_sub(6)..)) {
            text = text.replace(word.as_str(), &ctx.paint(tone, &format!("{start}…{end}")));
        }
    }
    text
}

fn checks(all: &[Check], ctx: &Context) {
    for check in all {
        let mark = if check.held { ctx.paint(Tone::Good, "✓") } else { ctx.paint(Tone::Bad, "✗") };
        ctx.out(format!("   {mark} {}", check.what));
    }
}
