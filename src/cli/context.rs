//! What every command knows: the global flags, the paths, and how to print.

use super::outcome::{Exit, Failure};
use crate::base::paths::Paths;
use crate::config::{Config, Problems};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// The global flags and the places, handed to each command.
#[derive(Clone, Debug)]
pub struct Context {
    /// One JSON document (or JSON lines) on stdout, nothing else there.
    pub json: bool,
    /// No progress, no summaries.
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// Colours wanted on stdout and stderr.
    pub color: bool,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Where state lives.
    pub paths: Paths,
}

/// What a colour means, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Success: green.
    Good,
    /// Warning or skipped: yellow.
    Warn,
    /// Error: red.
    Bad,
    /// Information: cyan.
    Info,
}

/// Why a result did not get to stdout: the first time, for the whole process.
static LOST: OnceLock<String> = OnceLock::new();

/// A result that was not written, though somebody waits for it.
pub(super) fn lost() -> Option<Failure> {
    let why = LOST.get()?;
    let what = "not all of the result could be written";
    Some(Failure::new(Exit::Unevaluated, "stdout_io", what, why, "check what stdout leads to"))
}

impl Context {
    /// Text in its tone, or plain when colours are off.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let n = match tone {
            Tone::Good => 32,
            Tone::Warn => 33,
            Tone::Bad => 31,
            Tone::Info => 36,
        };
        format!("\x1b[{n}m{text}\x1b[0m")
    }

    /// One line of result on stdout. A reader that has gone away is no error.
    pub fn out(&self, line: impl AsRef<str>) {
        self.out_bytes(format!("{}\n", line.as_ref()).as_bytes());
    }

    /// One JSON document on stdout, on one line.
    pub fn out_json(&self, value: &serde_json::Value) {
        self.out_bytes(format!("{value}\n").as_bytes());
    }

    /// Bytes on stdout as they are. `false`: they did not get there. That a reader has gone away is no error; anything else (a full
    /// disk) is kept, and the program does not end well: see [`lost`].
    pub fn out_bytes(&self, bytes: &[u8]) -> bool {
        let mut out = io::stdout().lock();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        if let Err(e) = &written
            && e.kind() != io::ErrorKind::BrokenPipe
        {
            let _ = LOST.set(e.to_string());
        }
        written.is_ok()
    }

    /// One line of progress or warning on stderr; silent with `--quiet`.
    pub fn note(&self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
        }
    }

    /// The checked configuration: `--config`, `KATANA_CONFIG` or the default file, and the environment. Its warnings go to stderr.
    ///
    /// # Errors
    /// `config_invalid` (exit 3) with every problem.
    pub fn load_config(&self) -> Result<Config, Failure> {
        let config = Config::load(self.config.as_deref(), &self.paths, Config::process_env())
            .map_err(|p| config_failure(&p))?;
        for warning in &config.warnings {
            self.note(format!("{}: {warning}", self.paint(Tone::Warn, "warning")));
        }
        Ok(config)
    }
}

fn config_failure(problems: &Problems) -> Failure {
    let next = "mend the file; `katana config check` says when it is right";
    let why = format!("{} wrong\n{problems}", count(problems.0.len(), "thing is", "things are"));
    Failure::new(Exit::Unevaluated, problems.code(), "the configuration cannot be used", why, next)
}

/// `1 thing is`, `2 things are`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// How long: `30d`, `12h`, `90m`; at most a hundred years.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
    let span = humantime::parse_duration(text)
        .map_err(|_| "write a number with its unit: 30d, 12h, 90m".to_owned())?;
    if span > CENTURY { Err("is longer than a hundred years".into()) } else { Ok(span) }
}
