//! `katana ca trust`: put the authority into the machine's own stores, or take it out of them.

use super::ByVault;
use crate::app::ca;
use crate::certs::trust::{self, Kind, Machine, Outcome as Ended, Report, Wish};
use crate::certs::{self, Authority, Known};
use crate::cli::context::{Context, Tone};
use crate::cli::outcome::{Exit, Failure, Outcome};
use crate::config::Config;
use serde_json::{Value, json};
use std::env;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana ca trust --dry-run           which stores there are, and what would be done to each
  katana ca trust --store nss         this user's browsers
  sudo katana ca trust --store system --from ~/.config/hermes-katana/ca
  katana ca trust --uninstall         out of all of them, every authority of ours that ever was")]
pub(super) struct Args {
    /// Which stores
    #[arg(long, value_enum, default_value_t = Which::All)]
    store: Which,
    /// Take it out again: the present one, the next and those that were
    #[arg(long)]
    uninstall: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The directory with the authority's certificates, when it is another user's
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// The distribution's own: curl, Python, Go, Ruby, …
    System,
    /// NSS databases of this user: Chromium, Firefox
    Nss,
    /// The cacerts of each Java
    Java,
    /// All of them
    All,
}

pub(super) fn run(args: &Args, config: &Config, ctx: &Context) -> Outcome {
    let dir = args.from.clone().unwrap_or_else(|| ctx.paths.ca());
    let known = known(args, &dir, config, ctx)?;
    let kinds = match args.store {
        Which::System => vec![Kind::System],
        Which::Nss => vec![Kind::Nss],
        Which::Java => vec![Kind::Java],
        Which::All => Kind::ALL.to_vec(),
    };
    let wish = Wish { kinds, uninstall: args.uninstall, dry_run: args.dry_run };
    let reports = trust::apply(&Machine::from_env(again(args, &dir)), &known, &wish);
    if ctx.json {
        ctx.out_json(&json!({
            "certificates": known.trusted.iter().map(certs::Certificate::fingerprint).collect::<Vec<_>>(),
            "retired": known.retired.iter().map(certs::Certificate::fingerprint).collect::<Vec<_>>(),
            "uninstall": wish.uninstall, "dry_run": wish.dry_run,
            "stores": reports.iter().map(described).collect::<Vec<_>>(),
        }));
    } else {
        say(&known, &wish, &reports, ctx);
    }
    let failed = reports.iter().any(|r| matches!(r.outcome, Ended::Failed(_)));
    Ok(if failed { Exit::Unevaluated } else { Exit::Done })
}

/// Whom to trust. For trusting, an authority is made where there is none; with `--from` nothing is made.
fn known(args: &Args, dir: &Path, config: &Config, ctx: &Context) -> Result<Known, Failure> {
    match certs::known(dir) {
        Err(certs::Error::Absent { .. }) if args.from.is_none() && !args.uninstall => {
            if let Some(user) = behind_sudo() {
                let why =
                    format!("root has no authority of its own, and it is {user}'s that {user}'s proxy uses");
                let next = "name that one: --from HOME/.config/hermes-katana/ca";
                return Err(Failure::new(Exit::Refused, "trust_whose", "nothing was trusted", why, next));
            }
            Authority::load_or_make_with(dir, &ByVault::new(config, &ctx.paths)).map_err(ca::unusable)?;
            Ok(certs::known(dir).map_err(ca::unusable)?)
        }
        known => Ok(known.map_err(ca::unusable)?),
    }
}

/// Who called sudo, when this is root by it.
fn behind_sudo() -> Option<String> {
    let user = env::var("SUDO_USER").ok().filter(|u| !u.is_empty() && u != "root")?;
    rustix::process::geteuid().is_root().then_some(user)
}

/// The same as root.
fn again(args: &Args, dir: &Path) -> String {
    let program = env::current_exe().map_or_else(|_| "katana".into(), |p| p.display().to_string());
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let uninstall = if args.uninstall { " --uninstall" } else { "" };
    format!("sudo {} ca trust --from {}{uninstall}", quoted(&program), quoted(&dir.display().to_string()))
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'+');
    if text.bytes().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn word(outcome: &Ended) -> &'static str {
    match outcome {
        Ended::Trusted => "trusted",
        Ended::Removed => "removed",
        Ended::Unchanged => "unchanged",
        Ended::Planned => "planned",
        Ended::Failed(_) => "failed",
    }
}

fn described(report: &Report) -> Value {
    let error = match &report.outcome {
        Ended::Failed(f) => json!({ "code": f.code, "why": f.why, "remedy": f.remedy }),
        _ => Value::Null,
    };
    json!({
        "kind": report.kind.as_str(), "store": report.store, "place": report.place, "outcome": word(&report.outcome),
        "steps": report.steps, "error": error,
    })
}

fn say(known: &Known, wish: &Wish, reports: &[Report], ctx: &Context) {
    for cert in &known.trusted {
        ctx.note(format!("{}, SHA-256 {}", cert.subject(), cert.fingerprint()));
    }
    for report in reports {
        let (tone, told) = match &report.outcome {
            Ended::Trusted => (Tone::Good, "trusted"),
            Ended::Removed => (Tone::Good, "removed"),
            Ended::Unchanged if wish.uninstall => (Tone::Info, "not there"),
            Ended::Unchanged => (Tone::Info, "trusted already"),
            Ended::Planned => (Tone::Info, "would"),
            Ended::Failed(_) => (Tone::Bad, "failed"),
        };
        let (kind, place) = (report.kind.as_str(), report.place.display());
        ctx.out(format!("{kind:<7} {:<15} {} ({place})", ctx.paint(tone, told), report.store));
        if !matches!(report.outcome, Ended::Failed(_)) {
            report.steps.iter().for_each(|step| ctx.out(format!("        {step}")));
        }
        if let Ended::Failed(fault) = &report.outcome {
            ctx.out(format!("        {}\n        → {}", fault.why, fault.remedy));
        }
    }
    for kind in wish.kinds.iter().filter(|k| reports.iter().all(|r| r.kind != **k)) {
        ctx.out(format!("{:<7} {:<15}", kind.as_str(), ctx.paint(Tone::Info, "none here")));
    }
    if reports.iter().any(|r| r.kind == Kind::Nss && matches!(r.outcome, Ended::Trusted | Ended::Removed)) {
        ctx.note("a browser that runs sees it when it is started again");
    }
}
