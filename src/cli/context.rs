//! What every command knows: the global flags, the paths, and how to print.

use crate::base::paths::Paths;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// The global flags and the places, handed to each command.
#[derive(Clone, Debug)]
pub struct Context {
    /// One JSON document (or JSON lines) on stdout, nothing else there.
    pub json: bool,
    /// No progress, no summaries.
    pub quiet: bool,
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
        let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
    }

    /// One JSON document on stdout, on one line.
    pub fn out_json(&self, value: &serde_json::Value) {
        let _ = writeln!(io::stdout().lock(), "{value}");
    }

    /// One line of progress or warning on stderr; silent with `--quiet`.
    pub fn note(&self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
        }
    }

    /// Is there a person to ask?
    #[must_use]
    pub fn interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}
