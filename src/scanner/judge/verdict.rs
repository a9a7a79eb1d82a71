//! What the judge says of a text, and the steps by which it came to say so.

use std::fmt;
use std::sync::Arc;

use super::examine::Listed;
use crate::scanner::views::Path;
use crate::scanner::{Finding, Surface};

/// What a text comes to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What counts, with the confidence it has here, sorted by `start`.
    pub findings: Vec<Finding>,
    /// Where each of them stands.
    pub places: Vec<Place>,
    /// What the allow-list let pass: the rule, and the entry's reason.
    pub allowed: Vec<(Arc<str>, Arc<str>)>,
    /// The tools that a server lists in it.
    pub listed: Vec<Listed>,
    /// Percent: how sure it is that something is wrong with the text.
    pub score: u8,
    /// What signs that stand together come to, percent; 0 where no two do.
    pub joined: u8,
    /// Does the score reach the judge's threshold?
    pub blocking: bool,
    /// How it came about, in order.
    pub steps: Vec<Step>,
}

/// Where in a message a finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which part.
    pub surface: Surface,
    /// The tool, or its argument.
    pub tool: Option<Arc<str>>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tool {
            Some(tool) => write!(f, "{} of {}", self.surface, tool.escape_debug()),
            None => self.surface.fmt(f),
        }
    }
}

/// One step towards a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A rule found something.
    Found {
        /// The rule.
        rule: Arc<str>,
        /// In which part of the message.
        surface: Surface,
        /// The tool or field whose part it is.
        name: Option<Arc<str>>,
        /// Through which views.
        path: Path,
        /// From which byte.
        start: usize,
        /// To before which byte.
        end: usize,
        /// As sure as the rule is.
        confidence: u8,
    },
    /// It counts for more or less where it stands.
    Adjusted {
        /// The rule.
        rule: Arc<str>,
        /// Why.
        why: &'static str,
        /// The confidence before.
        from: u8,
        /// And after.
        to: u8,
    },
    /// The allow-list lets it pass.
    Allowed {
        /// The rule.
        rule: Arc<str>,
        /// The entry's reason.
        reason: Arc<str>,
    },
    /// Findings near each other say more together.
    Joined {
        /// The rules.
        rules: Vec<Arc<str>>,
        /// What they come to, percent.
        score: u8,
    },
    /// The score against the threshold.
    Measured {
        /// The score.
        score: u8,
        /// The mode's threshold; none: nothing blocks.
        threshold: Option<u8>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { rule, surface, name, path, start, end, confidence } => {
                write!(f, "{rule} at {start}..{end} in the {surface}")?;
                if let Some(name) = name {
                    write!(f, " of {name:?}")?;
                }
                if !path.is_plain() {
                    write!(f, ", through {path}")?;
                }
                write!(f, ": {confidence}")
            }
            Self::Adjusted { rule, why, from, to } => write!(f, "{rule}: {why}: {from} becomes {to}"),
            Self::Allowed { rule, reason } => write!(f, "{rule}: allowed: {reason}"),
            Self::Joined { rules, score } => write!(f, "together {}: {score}", rules.join(", ")),
            Self::Measured { score, threshold: Some(t) } => {
                let says = if score >= t { "blocks" } else { "passes" };
                write!(f, "score {score}, threshold {t}: {says}")
            }
            Self::Measured { score, threshold: None } => write!(f, "score {score}, no threshold: passes"),
        }
    }
}
