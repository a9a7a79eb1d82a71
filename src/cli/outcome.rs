//! How a command ends: one table of exit codes, and failures that say what, why and what to do next.

use std::fmt;

/// The exit codes of the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; nothing found.
    Done,
    /// 1: done, and the answer is bad.
    Bad,
    /// 3: could not be evaluated.
    Unevaluated,
    /// 4: refused for safety or verification.
    Refused,
    /// 5: the person declined.
    Declined,
    /// 124: timed out.
    TimedOut,
    /// A child's own code.
    Child(u8),
}

impl Exit {
    /// The number the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bad => 1,
            Self::Unevaluated => 3,
            Self::Refused => 4,
            Self::Declined => 5,
            Self::TimedOut => 124,
            Self::Child(n) => n,
        }
    }
}

/// A command that did not get to its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// A stable short name: `vault_locked`, `config_invalid`, …
    pub code: &'static str,
    /// What failed, in one clause.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

impl Failure {
    /// All four parts.
    pub fn new(
        exit: Exit,
        code: &'static str,
        what: impl Into<String>,
        why: impl fmt::Display,
        next: impl Into<String>,
    ) -> Self {
        Self { exit, code, what: what.into(), why: why.to_string(), next: next.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  → {}", self.what, self.why, self.next)
    }
}

/// What every command returns.
pub type Outcome = Result<Exit, Failure>;
