//! `katana ca show|export`: the interception authority, made at first use.

use super::context::{Context, Tone};
use super::outcome::{Exit, Failure, Outcome};
use crate::base::atomic;
use crate::certs::{self, Authority};
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The authority that signs what clients are shown
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  katana ca show                               fingerprint and days left
  katana ca export --out katana-ca.pem         the certificate, to be trusted by a client
  katana ca export --bundle --out bundle.pem   system roots and certificate, for SSL_CERT_FILE and the like
  SSL_CERT_FILE=bundle.pem curl -x http://127.0.0.1:8443 https://example.com/")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say who it is, and for how long; make it when there is none
    Show,
    /// Print its certificate in PEM on stdout; make it when there is none
    Export {
        /// The system's roots before it, in one text
        #[arg(long)]
        bundle: bool,
        /// Write to this file instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(args: Args, ctx: &Context) -> Outcome {
    let authority = Authority::load_or_make(&ctx.paths.ca()).map_err(|e| {
        let exit = match e {
            certs::Error::Exposed { .. } | certs::Error::Mismatched { .. } => Exit::Refused,
            _ => Exit::Unevaluated,
        };
        Failure::new(exit, e.code(), "the interception authority cannot be used", &e, e.remedy())
    })?;
    match args.command {
        Command::Show => {
            show(&authority, ctx);
            Ok(Exit::Done)
        }
        Command::Export { bundle, out } => export(&authority, bundle, out.as_deref(), ctx),
    }
}

fn show(ca: &Authority, ctx: &Context) {
    let (from, to) = (ca.not_before().to_string(), ca.not_after().to_string());
    if ctx.json {
        ctx.out_json(&json!({
            "subject": ca.subject(), "fingerprint_sha256": ca.fingerprint(), "not_before": from, "not_after": to,
            "days_left": ca.days_left(), "path": ca.path(),
        }));
        return;
    }
    let left = format!("{} days left", ca.days_left());
    let tone = if ca.days_left() < 30 { Tone::Warn } else { Tone::Good };
    for (name, value) in [
        ("subject", ca.subject().to_owned()),
        ("fingerprint", format!("SHA-256 {}", ca.fingerprint())),
        ("valid", format!("{from} to {to} ({})", ctx.paint(tone, &left))),
        ("certificate", ca.path().display().to_string()),
    ] {
        ctx.out(format!("{name:<12} {value}"));
    }
}

fn export(ca: &Authority, bundle: bool, out: Option<&Path>, ctx: &Context) -> Outcome {
    let pem = if bundle { certs::bundle(ca) } else { ca.pem().to_owned() };
    let number = pem.matches("-----BEGIN CERTIFICATE-----").count();
    let Some(file) = out else {
        if ctx.json {
            ctx.out_json(
                &json!({"pem": pem, "certificates": number, "fingerprint_sha256": ca.fingerprint()}),
            );
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
        ctx.out_json(
            &json!({"written": file, "certificates": number, "fingerprint_sha256": ca.fingerprint()}),
        );
    } else {
        ctx.note(format!("{} {} ({number} certificates)", ctx.paint(Tone::Good, "written"), file.display()));
    }
    Ok(Exit::Done)
}
