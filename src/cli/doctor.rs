//! `katana doctor`: everything katana needs, how it stands, and what to do about it.

use super::context::{Context, Tone};
use super::outcome::{Exit, Outcome};
use crate::app::doctor::{self, Finding, State};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Look at everything katana needs, and say what is wrong and what to do. Changes nothing
///
/// Exit code 1 when something is wrong, 3 when something could not be judged.
#[derive(clap::Args, Debug)]
pub(super) struct Args {}

/// Runs the command.
///
/// # Errors
/// None of its own: what cannot be looked at is part of the answer.
pub(super) fn run(_args: Args, ctx: &Context) -> Outcome {
    let var = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let findings = doctor::examine(ctx.config.as_deref(), &ctx.paths, &var);
    if ctx.json {
        let one = |f: &Finding| {
            json!({
                "part": f.part, "state": f.state.as_str(), "what": f.what, "next": f.next, "details": f.details,
            })
        };
        let all: Vec<Value> = findings.iter().map(one).collect();
        ctx.out_json(&json!({ "ok": exit(&findings) == Exit::Done, "checks": all }));
    } else {
        for line in lines(&findings, ctx) {
            ctx.out(line);
        }
    }
    Ok(exit(&findings))
}

fn exit(findings: &[Finding]) -> Exit {
    let any = |state| findings.iter().any(|f| f.state == state);
    match () {
        () if any(State::Bad) => Exit::Bad,
        () if any(State::Unknown) => Exit::Unevaluated,
        () => Exit::Done,
    }
}

fn lines(findings: &[Finding], ctx: &Context) -> Vec<String> {
    let mut out = Vec::new();
    for f in findings {
        let (tone, word) = match f.state {
            State::Good => (Tone::Good, "good"),
            State::Absent => (Tone::Info, "–"),
            State::Warning => (Tone::Warn, "warning"),
            State::Unknown => (Tone::Warn, "unknown"),
            State::Bad => (Tone::Bad, "bad"),
        };
        let mut what = f.what.lines();
        let first = what.next().unwrap_or_default();
        out.push(format!("{:<12}{} {first}", f.part, ctx.paint(tone, &format!("{word:<8}"))));
        out.extend(what.map(|more| format!("{:21}{more}", "")));
        out.extend(f.next.iter().map(|next| format!("{:21}→ {next}", "")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let finding =
            |state| Finding { part: "x", state, what: String::new(), next: None, details: Value::Null };
        let of = |states: &[State]| exit(&states.iter().map(|s| finding(*s)).collect::<Vec<_>>());
        assert_eq!(of(&[State::Good, State::Absent, State::Warning]), Exit::Done);
        assert_eq!(of(&[State::Unknown, State::Good]), Exit::Unevaluated);
        assert_eq!(of(&[State::Unknown, State::Bad]), Exit::Bad);
    }
}
