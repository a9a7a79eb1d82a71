//! `katana proxy start|stop|restart|reload|status`.

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::app::build::{self, Build};
use crate::app::ca;
use crate::app::daemon::{self, Spawn, Stopped};
use crate::app::serve;
use crate::app::service::{Error, Listening, Start};
use crate::base::secret::Secret;
use crate::config::{Config, Listen};
use crate::vault;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Start, stop and ask the proxy.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Start it in the background; returns when it accepts connections
    Start(StartArgs),
    /// Let what is under way end, then stop it; one that is not running is no error
    Stop(StopArgs),
    /// Stop it and start it again with the configuration as it is now
    Restart(RestartArgs),
    /// Read the configuration again; a bad one is refused and the old one stays
    Reload,
    /// What it says of itself; exit code 3 when it is not running
    Status,
}

#[derive(clap::Args, Debug)]
struct StartArgs {
    /// Where to listen, instead of `proxy.listen`: ADDRESS:PORT or unix:/path
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    listen: Option<Listen>,
    /// Stay in the foreground and log on stderr, for systemd and containers
    #[arg(long)]
    foreground: bool,
    /// The background process itself.
    #[arg(long, hide = true, requires = "foreground")]
    detached: bool,
    /// The passphrase of the vault's key is on stdin.
    #[arg(long, hide = true, requires = "detached")]
    passphrase: bool,
}

#[derive(clap::Args, Debug)]
struct StopArgs {
    /// How long exchanges under way may go on
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(clap::Args, Debug)]
struct RestartArgs {
    /// Where to listen, instead of `proxy.listen`
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    listen: Option<Listen>,
    #[command(flatten)]
    stop: StopArgs,
}

fn listen(text: &str) -> Result<Listen, String> {
    match Listening::parse(text) {
        Some(Listening::Tcp(at)) => Ok(Listen::Tcp(at)),
        // the daemon works in another directory
        Some(Listening::Unix(path)) => std::path::absolute(path).map(Listen::Unix).map_err(|e| e.to_string()),
        None => Err("expected ADDRESS:PORT (as 127.0.0.1:8443) or unix:/path".into()),
    }
}

/// The address that the running proxy was given by `--listen`: those who use it know it by that.
fn given(ctx: &Context) -> Option<Listen> {
    let status = daemon::status(&ctx.paths).ok()?;
    let at = status["listen"].as_str().filter(|_| status["listen_given"] == true)?;
    listen(at).ok()
}

fn written(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(at) => at.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let exit = match e.code {
            _ if e.refused => Exit::Refused,
            "reload_failed" => Exit::Bad,
            _ => Exit::Unevaluated,
        };
        Self::new(exit, e.code, e.what, e.why, e.next)
    }
}

/// Runs the command.
///
/// # Errors
/// What did not start, stop or answer, and why.
pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    match args.action {
        Action::Start(args) if args.detached => detached(&Build, &args, ctx),
        Action::Start(args) if args.foreground => foreground(&Build, &args, ctx),
        Action::Start(args) => {
            let config = configuration(args.listen.as_ref(), ctx)?; // errors are said here, before a process is made
            show_started(&daemon::start(&spawn(args.listen.as_ref(), &config, ctx)?)?, ctx);
            Ok(Exit::Done)
        }
        Action::Stop(args) => stop(args.timeout, ctx, true),
        Action::Restart(args) => {
            let listen = args.listen.or_else(|| given(ctx));
            let config = configuration(listen.as_ref(), ctx)?; // a bad one leaves the running proxy alone
            let again = spawn(listen.as_ref(), &config, ctx)?;
            stop(args.stop.timeout, ctx, false)?;
            show_started(&daemon::start(&again)?, ctx);
            Ok(Exit::Done)
        }
        Action::Reload => {
            let taken = daemon::reload(&ctx.paths)?;
            match ctx.json {
                true => ctx.out_json(&json!({ "reloaded": true, "reload": taken })),
                false => ctx.out(ctx.paint(Tone::Good, "configuration reloaded")),
            }
            Ok(Exit::Done)
        }
        Action::Status => status(ctx),
    }
}

fn configuration(listen: Option<&Listen>, ctx: &Context) -> Result<Config, Error> {
    let mut config = build::load_config(ctx.config.as_deref(), &ctx.paths)?;
    if let Some(listen) = listen {
        config.proxy.listen = listen.clone();
        config.origins.retain(|(key, _)| key != build::LISTEN);
        config.origins.push((build::LISTEN.into(), build::COMMAND_LINE.into()));
    }
    Ok(config)
}

/// This program again, as the background process; every path absolute, since it works in `/`.
fn spawn(listen: Option<&Listen>, config: &Config, ctx: &Context) -> Result<Spawn, Error> {
    let no = |what: &str, e: std::io::Error| {
        Error::new("start_failed", what.to_owned(), e, "name it by its full path")
    };
    let program = std::env::current_exe().map_err(|e| no("this program was not found again", e))?;
    let mut arguments: Vec<OsString> = Vec::new();
    if let Some(config) = &ctx.config {
        let config =
            std::path::absolute(config).map_err(|e| no("the configuration file was not found", e))?;
        arguments.extend(["--config".into(), config.into()]);
    }
    arguments.extend(["--color", "never", "proxy", "start", "--foreground", "--detached"].map(Into::into));
    if let Some(listen) = listen {
        arguments.extend(["--listen".into(), written(listen).into()]);
    }
    let passphrase = passphrase(config, ctx)?;
    if passphrase.is_some() {
        arguments.push("--passphrase".into());
    }
    Ok(Spawn { program, arguments, variables: vec![], passphrase })
}

/// What the background process cannot ask for. Without a terminal it starts all the same, and says that its vault is closed.
fn passphrase(config: &Config, ctx: &Context) -> Result<Option<Secret>, Error> {
    vault::harden_process();
    match vault::place(&ctx.paths, &config.vault).key.passphrase() {
        Ok(passphrase) => Ok(passphrase),
        Err(e @ vault::Error::PassphraseWrong(_)) => {
            Err(Error::new(e.code(), "the proxy was not started", &e, e.remedy()))
        }
        Err(_) => Ok(None),
    }
}

fn detached(start: &dyn Start, args: &StartArgs, ctx: &Context) -> Outcome {
    daemon::detach();
    if args.passphrase {
        daemon::take_passphrase();
    }
    let log = ctx.paths.log();
    let served = configuration(args.listen.as_ref(), ctx).and_then(|config| {
        serve::serve(start, Arc::new(config), &ctx.paths, |status| daemon::report_ready(status, &log))
    });
    match served {
        Ok(_) => Ok(Exit::Done),
        Err(e) => {
            daemon::report_failed(&e); // the parent shows it
            Ok(Exit::Unevaluated)
        }
    }
}

fn foreground(start: &dyn Start, args: &StartArgs, ctx: &Context) -> Outcome {
    let config = configuration(args.listen.as_ref(), ctx)?;
    let clean = serve::serve(start, Arc::new(config), &ctx.paths, |status| {
        match ctx.json {
            true => ctx.out_json(status),
            false => ctx.note(format!("katana: listening on {}", text(&status["listen"]))),
        }
        warn_of_vault(status, ctx);
        Ok(())
    })?;
    if !clean {
        ctx.note(ctx.paint(Tone::Warn, "katana: exchanges were cut short"));
    }
    Ok(Exit::Done)
}

fn stop(patience: Duration, ctx: &Context, result: bool) -> Outcome {
    let (pid, line) = match daemon::stop(&ctx.paths, patience)? {
        Stopped::Idle => (None, "no proxy was running".to_owned()),
        Stopped::Ended { pid } => (Some(pid), format!("proxy stopped (pid {pid})")),
        Stopped::Still { pid } => {
            let next = format!("look at {}, then `kill -9 {pid}`", ctx.paths.log().display());
            let why = format!("pid {pid} still runs");
            return Err(Failure::new(Exit::TimedOut, "stop_timeout", "the proxy did not stop", why, next));
        }
    };
    match (result, ctx.json) {
        (true, true) => ctx.out_json(&json!({ "stopped": pid.is_some(), "pid": pid, "running": false })),
        (true, false) => ctx.out(line),
        (false, _) => ctx.note(line),
    }
    Ok(Exit::Done)
}

/// A proxy whose vault cannot be read runs, and denies what it cannot check: whoever started it must know.
fn warn_of_vault(status: &Value, ctx: &Context) {
    if let Some([problem, remedy]) = vault_trouble(status) {
        ctx.note(format!("{}: {problem}\n  → {remedy}", ctx.paint(Tone::Warn, "warning")));
    }
}

/// What is wrong with the vault and what it means; what to do.
fn vault_trouble(status: &Value) -> Option<[String; 2]> {
    let why = status["vault_trouble"]["why"].as_str()?;
    let means = match status["mode"].as_str() {
        Some("permissive") => "nothing is scrubbed or put in until it can be",
        _ => "every request is denied until it can be",
    };
    let remedy = text(&status["vault_trouble"]["remedy"]);
    Some([
        format!("the vault cannot be read, and {means}: {why}"),
        format!("{remedy}; the proxy follows by itself"),
    ])
}

fn show_started(status: &Value, ctx: &Context) {
    warn_of_vault(status, ctx);
    if ctx.json {
        ctx.out_json(status);
        return;
    }
    ctx.out(ctx.paint(Tone::Good, &headline(status)));
    if let Some(path) = status["ca"]["path"].as_str() {
        ctx.out(format!("  CA          {path}"));
    }
    ctx.out(format!("  log         {}", ctx.paths.log().display()));
    ctx.out("  use it      katana run -- COMMAND");
    if let Some(url) = status["url"].as_str() {
        let bundle = PathBuf::from("katana-ca.pem");
        ctx.out(format!("  by hand     katana ca export --bundle --out {}", bundle.display()));
        ctx.out(format!("              export HTTPS_PROXY={url} HTTP_PROXY={url} NO_PROXY= \\"));
        ctx.out(format!(
            "                     SSL_CERT_FILE=$PWD/{0} NODE_EXTRA_CA_CERTS=$PWD/{0}",
            bundle.display()
        ));
    }
}

fn headline(status: &Value) -> String {
    format!("proxy running: pid {}, listening on {}", status["pid"], text(&status["listen"]))
}

fn status(ctx: &Context) -> Outcome {
    let status = match daemon::status(&ctx.paths) {
        Ok(status) => status,
        Err(e) if e.code == "not_running" => {
            match ctx.json {
                true => ctx.out_json(&json!({ "running": false })),
                false => ctx.out(format!("no proxy is running ({})\n  → {}", e.why, e.next)),
            }
            return Ok(Exit::Unevaluated);
        }
        Err(e) => return Err(e.into()),
    };
    if ctx.json {
        ctx.out_json(&status);
        return Ok(Exit::Done);
    }
    ctx.out(ctx.paint(Tone::Good, &headline(&status)));
    for line in details(&status) {
        ctx.out(line);
    }
    Ok(Exit::Done)
}

/// The lines under the headline.
pub(super) fn details(status: &Value) -> Vec<String> {
    let uptime = Duration::from_secs(status["uptime_seconds"].as_u64().unwrap_or(0));
    let mut rows = vec![
        ("uptime", humantime::format_duration(uptime).to_string()),
        ("version", text(&status["version"])),
        ("config", text(&status["config_digest"])),
        ("mode", text(&status["mode"])),
        ("vault", text(&status["vault"])),
        (
            "CA",
            format!("{}, {} days left", text(&status["ca"]["fingerprint"]), text(&status["ca"]["days_left"])),
        ),
        ("audit head", text(&status["audit_head"])),
    ];
    if let Value::Object(counters) = &status["counters"] {
        let counted: Vec<_> =
            counters.iter().map(|(name, n)| format!("{} {}", text(n), name.replace('_', " "))).collect();
        rows.push(("counters", counted.join(", ")));
    }
    let mut lines: Vec<_> = rows.into_iter().map(|(name, value)| format!("  {name:<11} {value}")).collect();
    if status["audit_healthy"] == false {
        lines.push("  warning     the audit cannot be written: the log says why; free the disk".into());
    }
    if let Some(next) = status["ca"]["next"].as_object() {
        let (who, when) = (text(&next["fingerprint"]), text(&next["activates"]));
        lines.push(format!("  {:<11} {who} signs from {when} on", "next CA"));
    }
    let rotating = !status["ca"]["next"].is_null();
    if let Some(what) = status["ca"]["days_left"].as_u64().and_then(|left| ca::warning(left, rotating)) {
        lines.push(format!("  warning     {what}"));
    }
    if let Some(why) = status["ca_trouble"]["why"].as_str() {
        lines.push(format!(
            "  warning     the changed authority is not taken up, the old one signs on: {why}"
        ));
        lines.push(format!("              → {}", text(&status["ca_trouble"]["remedy"])));
    }
    if let Some([problem, remedy]) = vault_trouble(status) {
        lines.extend([format!("  warning     {problem}"), format!("              → {remedy}")]);
    }
    lines
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) => text.clone(),
        Value::Object(_) => value["state"].as_str().map_or_else(|| value.to_string(), str::to_owned),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Result<Action, clap::Error> {
        Line::try_parse_from([&["proxy"], words].concat()).map(|l| l.args.action)
    }

    #[test]
    fn addresses_and_times_are_checked_when_they_are_read() {
        let Ok(Action::Start(start)) = parse(&["start", "--listen", "127.0.0.1:0"]) else {
            panic!("not read")
        };
        assert_eq!(start.listen.as_ref().map(written).as_deref(), Some("127.0.0.1:0"));
        assert!(!start.foreground);
        let Ok(Action::Start(start)) = parse(&["start", "--listen", "unix:a.sock"]) else {
            panic!("not read")
        };
        assert!(written(start.listen.as_ref().unwrap()).starts_with("unix:/"), "absolute for the daemon");
        assert!(parse(&["start", "--listen", "8443"]).is_err());
        assert!(parse(&["start", "--detached"]).is_err(), "only as the background process");
        let Ok(Action::Stop(stop)) = parse(&["stop"]) else { panic!("not read") };
        assert_eq!(stop.timeout, Duration::from_secs(10));
        assert!(parse(&["stop", "--timeout", "soon"]).is_err());
    }

    #[test]
    fn a_refusal_and_a_failure_end_differently() {
        let e = Error::new("x", "what", "why", "next");
        assert_eq!(Failure::from(e.clone()).exit, Exit::Unevaluated);
        assert_eq!(Failure::from(e.refused()).exit, Exit::Refused);
        assert_eq!(Failure::from(Error::new("reload_failed", "", "", "")).exit, Exit::Bad);
    }

    #[test]
    fn details_stand_whatever_the_status_lacks() {
        let full = details(
            &json!({ "uptime_seconds": 61, "vault": { "state": "open" }, "counters": { "bytes_in": 5 } }),
        );
        let all = full.join("\n");
        assert!(all.contains("1m 1s") && all.contains("open") && all.contains("5 bytes in"), "{all}");
        assert_eq!(details(&json!({})).len(), 7);
        let bad =
            json!({ "audit_healthy": false, "vault_trouble": { "why": "no key", "remedy": "give one" } });
        let bad = details(&bad).join("\n");
        assert!(
            bad.contains("audit cannot be written") && bad.contains("no key") && bad.contains("→ give one"),
            "{bad}"
        );
    }
}
