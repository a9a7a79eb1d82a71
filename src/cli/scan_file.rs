//! `katana scan-file`: files, folders, archives, however large.

use super::context::Context;
use super::outcome::Outcome;
use super::scanned::{self, Shown};
use crate::app::scan::{self, Source};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Look for secrets, injected instructions and dangerous commands in files, folders and archives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Folders are walked. gzip, zstd, tar and zip are unpacked, within one another too; a member is named ARCHIVE!MEMBER. Nothing is
truncated: a file of any length is looked at to its end. Scripts are read as a shell reads them. What could not be looked at is
named, and is exit code 3 where nothing blocks.

Examples:
  katana scan-file .
  katana scan-file --mode max release.tar.gz
  katana scan-file --sarif src > findings.sarif
  curl -s https://example.com/page | katana scan-file --as tool-result -")]
pub(super) struct Args {
    /// Files and folders; - is stdin
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    how: scanned::How,
}

/// Runs the command.
///
/// # Errors
/// Rules and a configuration that cannot be used.
pub(super) fn run(Args { paths, how }: Args, ctx: &Context) -> Outcome {
    let asked = how.asked(ctx, None)?;
    let all = scan::sources(&paths);
    let mut bar = Bar::new(ctx, all.iter().map(Source::bytes).sum());
    let report = scan::files(&asked, &all, &mut |name, bytes| bar.step(name, bytes));
    bar.end();
    Ok(scanned::show(&Shown { report: &report, asked: &asked, how: &how }, ctx))
}

/// How far it is, on a terminal; nothing elsewhere.
struct Bar {
    shown: bool,
    whole: u64,
    done: u64,
    drawn: Option<Instant>,
}

impl Bar {
    const WIDTH: u64 = 30;

    fn new(ctx: &Context, whole: u64) -> Bar {
        Bar { shown: io::stderr().is_terminal() && !ctx.quiet && !ctx.json, whole, done: 0, drawn: None }
    }

    /// So many bytes more. What is unpacked counts too, so that it may be more than there was.
    fn step(&mut self, name: &str, bytes: u64) {
        self.done += bytes;
        let due = self.drawn.is_none_or(|at| at.elapsed() > Duration::from_millis(100));
        if !self.shown || !due {
            return;
        }
        self.drawn = Some(Instant::now());
        let part = (self.done * Self::WIDTH).checked_div(self.whole).unwrap_or(0).min(Self::WIDTH);
        let full = "#".repeat(usize::try_from(part).unwrap_or(0));
        let name: String = name.chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
        let mib = self.done >> 20;
        let _ = write!(io::stderr().lock(), "\r\x1b[K[{full:<30}] {mib} MiB  {name}");
    }

    fn end(&self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
