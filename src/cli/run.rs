//! `katana run -- CMD…`: the command behind a proxy, with its exit code; one line on stderr says what the proxy did.

use super::context::Context;
use super::outcome::{Exit, Outcome};
use crate::app::build::{self, Build};
use crate::app::run::{self, Tally, Wish};
use crate::telemetry::log::{self, Style};
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, Write};

/// Run a command behind the proxy.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Without a proxy; vault keys still stay out of its environment, and secrets come as placeholders
    #[arg(long, conflicts_with = "private")]
    no_proxy: bool,
    /// Behind a proxy of its own even if one is running
    #[arg(long)]
    private: bool,
    /// Placeholders for this run alone, honoured until it ends: one that turns up elsewhere names the run it came from
    #[arg(long, conflicts_with = "no_proxy")]
    own_placeholders: bool,
    /// The command and its arguments, passed on untouched
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// Why the command was not run.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let config = build::load_config(ctx.config.as_deref(), &ctx.paths)?;
    // stderr is the command's too: only what a person must know
    log::start(Style { level: tracing::Level::ERROR, json: config.log_json });
    let wish = Wish {
        command: args.command,
        proxy: !args.no_proxy,
        private: args.private,
        own_placeholders: args.own_placeholders,
    };
    let ended = run::run(&Build, &config, &ctx.paths, &wish)?;
    if let Some(why) = &ended.why {
        let _ = writeln!(io::stderr().lock(), "katana: {why}"); // as a shell does, whatever --quiet says
    } else if let Some(tally) = &ended.tally {
        // stdout is the command's own
        ctx.note(summary(tally, ended.run.as_deref(), ended.code, ctx.json));
    }
    Ok(Exit::Child(ended.code))
}

fn summary(tally: &Tally, run: Option<&str>, code: u8, as_json: bool) -> String {
    if as_json {
        let mut all = json!({ "exit": code, "proxy": tally });
        if let Some(run) = run {
            all["run"] = run.into();
        }
        return all.to_string();
    }
    let run = run.map(|r| format!("{r}: ")).unwrap_or_default();
    format!("katana: {run}{tally}{}", if tally.shared { " (shared proxy)" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[arg(long, global = true)]
        json: bool,
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_command_is_passed_on_untouched() {
        let words =
            |line: &[&str]| Line::try_parse_from(line).map(|l| (l.args.command, l.args.no_proxy, l.json));
        let command = |line: &[&str]| line.iter().map(OsString::from).collect::<Vec<_>>();
        let hard = ["curl", "-s", "--json", "--no-proxy", "--", "--private", ""];
        assert_eq!(words(&[&["run", "--"], &hard[..]].concat()).unwrap(), (command(&hard), false, false));
        assert_eq!(words(&["run", "--no-proxy", "ls", "-l"]).unwrap(), (command(&["ls", "-l"]), true, false));
        assert!(words(&["run"]).is_err() && words(&["run", "--"]).is_err());
        assert!(words(&["run", "--no-proxy", "--private", "ls"]).is_err());
    }

    #[test]
    fn one_line_tells_what_the_proxy_did() {
        let tally =
            Tally { requests: 1, audit_head: "0123456789abcdef".into(), shared: true, ..Tally::default() };
        let line =
            "katana: 1 request, 0 injected, 0 scrubbed, 0 denied, audit head 0123456789ab… (shared proxy)";
        assert_eq!(summary(&tally, None, 7, false), line);
        let named = summary(&tally, Some("run-1f"), 7, false);
        assert_eq!(named, line.replace("katana: ", "katana: run-1f: "));
        let json: serde_json::Value = serde_json::from_str(&summary(&tally, None, 7, true)).unwrap();
        assert_eq!((&json["exit"], &json["proxy"]["requests"]), (&7.into(), &1.into()));
    }
}
