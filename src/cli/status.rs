//! `katana status`: what is set up and what runs, at a glance. Starts nothing, opens no vault.

use super::context::{Context, Tone};
use super::outcome::{Exit, Outcome};
use super::proxy;
use crate::app::{build, ca, daemon};
use crate::certs::{self, Certificate};
use serde_json::{Value, json};
use std::path::Path;

/// What is set up and what runs.
#[derive(clap::Args, Debug)]
pub(super) struct Args {}

/// Runs the command. Exit code 1 when the configuration is bad or a proxy does not answer.
///
/// # Errors
/// None of its own: what cannot be read is part of the answer.
pub(super) fn run(_args: Args, ctx: &Context) -> Outcome {
    let config = build::load_config(ctx.config.as_deref(), &ctx.paths);
    let running = daemon::status(&ctx.paths);
    let file = |path: &Path| json!({ "path": path, "present": path.exists() });
    let digest = config.as_ref().ok().map(|c| c.digest.as_str());
    let stale = match (&running, digest) {
        (Ok(status), Some(digest)) => status["config_digest"].as_str().is_some_and(|d| d != digest),
        _ => false,
    };
    let answer = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "config": match &config {
            Ok(c) => json!({ "ok": true, "source": c.source, "digest": c.digest, "newer_than_proxy": stale }),
            Err(e) => json!({ "ok": false, "error": e.why }),
        },
        "proxy": match &running {
            Ok(status) => status.clone(),
            Err(e) if e.code == "not_running" => json!({ "running": false }),
            Err(e) => json!({ "running": null, "error": e.to_string() }),
        },
        "vault": file(&ctx.paths.vault()),
        "ca": authority(&ctx.paths.ca()),
        "audit": file(&ctx.paths.audit()),
    });
    if ctx.json {
        ctx.out_json(&answer);
    } else {
        for (tone, line) in lines(&answer) {
            ctx.out(ctx.paint(tone, &line));
        }
    }
    let bad = config.is_err() || answer["proxy"]["running"].is_null();
    Ok(if bad { Exit::Bad } else { Exit::Done })
}

/// From its certificates alone: no key is read.
fn authority(dir: &Path) -> Value {
    match certs::known(dir) {
        Ok(known) => {
            let [now, next] = [known.trusted.first(), known.trusted.get(1)];
            json!({
                "path": dir, "present": true, "fingerprint": now.map(Certificate::fingerprint),
                "days_left": now.map(Certificate::days_left), "next": next.map(Certificate::fingerprint),
            })
        }
        Err(certs::Error::Absent { .. }) => json!({ "path": dir, "present": dir.exists() }),
        Err(e) => json!({ "path": dir, "present": true, "error": e.to_string(), "remedy": e.remedy() }),
    }
}

fn more_of_the_authority(ca: &Value) -> Vec<(Tone, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut out = Vec::new();
    if let Some(what) = ca["days_left"].as_u64().and_then(|left| ca::warning(left, !ca["next"].is_null())) {
        out.push((Tone::Warn, format!("         {what}")));
    }
    if let Some(next) = ca["next"].as_str() {
        out.push((Tone::Info, format!("         {next} is to take over (`katana ca show`)")));
    }
    if let Some(why) = ca["error"].as_str() {
        out.push((Tone::Bad, format!("         {why}\n         → {}", text(&ca["remedy"]))));
    }
    out
}

fn lines(answer: &Value) -> Vec<(Tone, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut out = Vec::new();
    let status = &answer["proxy"];
    match status["running"].as_bool() {
        Some(true) => {
            out.push((
                Tone::Good,
                format!("proxy    running: pid {}, listening on {}", status["pid"], text(&status["listen"])),
            ));
            out.extend(proxy::details(status).into_iter().map(|line| (Tone::Info, format!("       {line}"))));
        }
        Some(false) => out.push((
            Tone::Warn,
            "proxy    not running (`katana proxy start`, or `katana run -- COMMAND`)".into(),
        )),
        None => out.push((Tone::Bad, format!("proxy    {}", text(&status["error"])))),
    }
    let config = &answer["config"];
    if config["ok"] == true {
        let source = config["source"].as_str().unwrap_or("defaults, no file");
        out.push((Tone::Good, format!("config   {source} ({})", text(&config["digest"]))));
    } else {
        out.push((Tone::Bad, format!("config   {}", text(&config["error"]))));
    }
    if config["newer_than_proxy"] == true {
        out.push((Tone::Warn, "         the proxy runs with another one (`katana proxy reload`)".into()));
    }
    for (name, absent) in [
        ("vault", "none yet (`katana vault set NAME`)"),
        ("ca", "none yet (made at the first start)"),
        ("audit", "none yet"),
    ] {
        let there = &answer[name];
        match there["present"] == true {
            true => {
                let left =
                    there["days_left"].as_u64().map(|n| format!(" ({n} days left)")).unwrap_or_default();
                out.push((Tone::Good, format!("{name:<8} {}{left}", text(&there["path"]))));
            }
            false => out.push((Tone::Warn, format!("{name:<8} {absent}"))),
        }
        if name == "ca" {
            out.extend(more_of_the_authority(there));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_line_and_its_remedy() {
        let text = |v: &Value| lines(v).into_iter().map(|(_, l)| l).collect::<Vec<_>>().join("\n");
        let file = json!({ "path": "/s/x", "present": false });
        let mut answer = json!({
            "config": { "ok": true, "source": null, "digest": "d1", "newer_than_proxy": false },
            "proxy": { "running": false }, "vault": file, "ca": file, "audit": { "path": "/s/a", "present": true },
        });
        let idle = text(&answer);
        assert!(
            idle.contains("katana proxy start") && idle.contains("vault set") && idle.contains("/s/a"),
            "{idle}"
        );
        answer["proxy"] = json!({ "running": true, "pid": 7, "listen": "127.0.0.1:1" });
        answer["config"]["newer_than_proxy"] = json!(true);
        let up = text(&answer);
        assert!(up.contains("pid 7, listening on 127.0.0.1:1") && up.contains("proxy reload"), "{up}");
        answer["proxy"] = json!({ "running": null, "error": "the proxy runs and does not answer: pid 7" });
        answer["config"] = json!({ "ok": false, "error": "config.yaml:3:1: unknown key" });
        let bad = text(&answer);
        assert!(bad.contains("does not answer") && bad.contains("unknown key"), "{bad}");
    }
}
