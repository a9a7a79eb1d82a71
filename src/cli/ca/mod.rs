//! `katana ca`: the interception authority: who it is, its certificate, its successor, and who trusts it. Made at first use.

mod rotate;
mod trust;

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::app::ca::{self, ByVault};
use crate::base::atomic;
use crate::certs::{self, Authority, Certificate};
use crate::config::Config;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The authority that signs what clients are shown
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana ca show                               fingerprint and days left
  katana ca export --out katana-ca.pem         the certificate, to be trusted by a client
  katana ca export --bundle --out bundle.pem   system roots and certificate, for SSL_CERT_FILE and the like
  SSL_CERT_FILE=bundle.pem curl -x http://127.0.0.1:8443 https://example.com/
  katana ca rotate --overlap 30d               a new authority, which signs in 30 days
  katana ca rotate --commit                    or now, once every client trusts it")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say who it is, and for how long; make it when there is none
    Show,
    /// Print its certificate in PEM on stdout, and the next one's while it is being rotated; make it when there is none
    Export {
        /// The system's roots before it, in one text
        #[arg(long)]
        bundle: bool,
        /// Write to this file instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make the next authority: trusted from now on, signing after the overlap
    Rotate(rotate::Args),
    /// Put it into the machine's own stores, or take it out: the system's, browsers', Java's
    Trust(trust::Args),
    /// Write the key as `ca.key_protection` says: sealed by the vault, or in clear
    Protect,
}

pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let config = ctx.load_config()?;
    match args.command {
        Command::Show => {
            show(&ca::authority(&config, &ctx.paths)?, ctx);
            Ok(Exit::Done)
        }
        Command::Export { bundle, out } => export(&config, bundle, out.as_deref(), ctx),
        Command::Rotate(args) => rotate::run(&args, &config, ctx),
        Command::Trust(args) => trust::run(&args, &config, ctx),
        Command::Protect => protect(&config, ctx),
    }
}

fn show(authority: &Authority, ctx: &Context) {
    let cert = authority.certificate();
    let retired = certs::known(&ctx.paths.ca()).map(|k| k.retired).unwrap_or_default();
    if ctx.json {
        let mut all = described(cert);
        let next = authority.next().map(|n| {
            let mut next = described(&n.certificate);
            next["activates"] = n.activates.to_string().into();
            next
        });
        all["path"] = json!(authority.path());
        all["key_protection"] = json!(if authority.is_sealed() { "vault" } else { "file" });
        all["next"] = json!(next);
        all["retired"] = retired.iter().map(described).collect();
        ctx.out_json(&all);
        return;
    }
    let tone = if authority.days_left() < ca::FEW_DAYS { Tone::Warn } else { Tone::Good };
    let key = if authority.is_sealed() { "sealed by the vault" } else { "in clear, 0600" };
    let mut rows = rows(cert, tone, ctx);
    rows.push(("certificate", authority.path().display().to_string()));
    rows.push(("key", key.into()));
    if let Some(next) = authority.next() {
        rows.push(("next", format!("signs from {} on; trust it by then", next.activates)));
        rows.extend(self::rows(&next.certificate, Tone::Good, ctx).into_iter().map(|(n, v)| match n {
            "subject" => ("  subject", v),
            "fingerprint" => ("  SHA-256", v.trim_start_matches("SHA-256 ").to_owned()),
            _ => ("  valid", v),
        }));
    }
    rows.extend(retired.iter().map(|r| ("retired", format!("SHA-256 {}", r.fingerprint()))));
    for (name, value) in rows {
        ctx.out(format!("{name:<12} {value}"));
    }
    if let Some(what) = ca::warning(authority.days_left(), authority.next().is_some()) {
        ctx.note(format!("{}: {what}", ctx.paint(Tone::Warn, "warning")));
    }
}

fn rows(cert: &Certificate, tone: Tone, ctx: &Context) -> Vec<(&'static str, String)> {
    let (from, to) = (cert.not_before(), cert.not_after());
    let left = ctx.paint(tone, &format!("{} days left", cert.days_left()));
    vec![
        ("subject", cert.subject().to_owned()),
        ("fingerprint", format!("SHA-256 {}", cert.fingerprint())),
        ("valid", format!("{from} to {to} ({left})")),
    ]
}

fn described(cert: &Certificate) -> Value {
    json!({
        "subject": cert.subject(), "fingerprint_sha256": cert.fingerprint(), "not_before": cert.not_before().to_string(),
        "not_after": cert.not_after().to_string(), "days_left": cert.days_left(),
    })
}

fn export(config: &Config, bundle: bool, out: Option<&Path>, ctx: &Context) -> Outcome {
    // an authority that is there is exported without its key, which may be sealed by a vault that is locked
    let trusted = match certs::known(&ctx.paths.ca()) {
        Err(certs::Error::Absent { .. }) => ca::authority(config, &ctx.paths)?.trusted().cloned().collect(),
        known => known.map_err(ca::unusable)?.trusted,
    };
    let pem = if bundle { certs::bundle(&trusted) } else { trusted.iter().map(Certificate::pem).collect() };
    let number = pem.matches("-----BEGIN CERTIFICATE-----").count();
    let print = trusted.first().map(Certificate::fingerprint);
    let Some(file) = out else {
        if ctx.json {
            ctx.out_json(&json!({"pem": pem, "certificates": number, "fingerprint_sha256": print}));
        } else {
            let _ = io::stdout().lock().write_all(pem.as_bytes());
        }
        return Ok(Exit::Done);
    };
    atomic::write(file, pem.as_bytes(), 0o644).map_err(|e| {
        let what = format!("{} was not written", file.display());
        Failure::new(Exit::Unevaluated, "not_written", what, e, "name a place that this user can write to")
    })?;
    if ctx.json {
        ctx.out_json(&json!({"written": file, "certificates": number, "fingerprint_sha256": print}));
    } else {
        ctx.note(format!("{} {} ({number} certificates)", ctx.paint(Tone::Good, "written"), file.display()));
    }
    Ok(Exit::Done)
}

fn protect(config: &Config, ctx: &Context) -> Outcome {
    let keeper = ByVault::new(config, &ctx.paths);
    let changed = certs::protect(&ctx.paths.ca(), &keeper).map_err(ca::unusable)?;
    let how = if config.ca.sealed { "vault" } else { "file" };
    if ctx.json {
        ctx.out_json(&json!({ "key_protection": how, "changed": changed }));
        return Ok(Exit::Done);
    }
    let state = if config.ca.sealed { "sealed by the vault" } else { "in clear, readable by this user only" };
    let said = if changed == 0 { "nothing to do" } else { "written" };
    ctx.out(format!("{}: the authority's key is {state}", ctx.paint(Tone::Good, said)));
    if changed > 0 && config.ca.sealed {
        ctx.note("what lay there in clear may still be in backups and on the disk; `katana ca rotate` makes a key that never did");
    }
    Ok(Exit::Done)
}
