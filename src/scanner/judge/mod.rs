//! Judges a text: what the engines find in it, what that is worth where it stands, and what it comes to. Which part of a
//! message a text is, is worked out in `parts`; what is done about a verdict is the pipeline's business.

mod verdict;

use std::sync::Arc;

pub use verdict::{Step, Verdict};

use super::{Direction, Error, Finding, Scanner, Surface};

/// What a text is, and where it comes from or goes to.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which way it travels.
    pub direction: Direction,
    /// Which part of a message it is.
    pub surface: Surface,
    /// The other end.
    pub host: Option<&'a str>,
    /// The tool whose text it is.
    pub tool: Option<&'a str>,
    /// As the message declares it.
    pub content_type: Option<&'a str>,
}

impl Subject<'_> {
    /// A text of which no more is known.
    #[must_use]
    pub fn new(direction: Direction, surface: Surface) -> Self {
        Subject { direction, surface, host: None, tool: None, content_type: None }
    }
}

/// Confidence at which strict mode refuses.
pub const STRICT: u8 = 80;
/// Confidence at which max mode refuses.
pub const MAX: u8 = 50;

/// The engines, and how what they find is weighed. Immutable; shared between threads.
#[derive(Debug)]
pub struct Judge {
    scanner: Scanner,
    threshold: Option<u8>,
}

impl Judge {
    /// The rules the program brings along; blocks as strict mode does.
    ///
    /// # Errors
    /// None, unless the program was built with broken rules.
    pub fn builtin() -> Result<Judge, Error> {
        Scanner::builtin().map(Judge::from)
    }

    /// The score from which it blocks; none: it never does.
    #[must_use]
    pub fn with_threshold(self, threshold: Option<u8>) -> Judge {
        Judge { threshold, ..self }
    }

    /// The score from which it blocks.
    #[must_use]
    pub fn threshold(&self) -> Option<u8> {
        self.threshold
    }

    /// The rules.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Appends what is found in a complete text, sorted by `start`.
    pub fn find(&self, subject: &Subject<'_>, text: &[u8], out: &mut Vec<Finding>) {
        self.scanner.find(subject.direction, subject.surface, text, out);
    }

    /// The same for a text of which more may follow: as [`Scanner::scan`].
    pub fn scan(&self, subject: &Subject<'_>, text: &[u8], out: &mut Vec<Finding>) -> usize {
        self.scanner.scan(subject.direction, subject.surface, text, out)
    }

    /// What a complete text comes to.
    #[must_use]
    pub fn verdict(&self, subject: &Subject<'_>, text: &[u8]) -> Verdict {
        let mut findings = Vec::new();
        self.find(subject, text, &mut findings);
        let score = findings.iter().map(|f| f.confidence).max().unwrap_or(0);
        let found = |f: &Finding| Step::Found {
            rule: Arc::clone(&f.rule),
            surface: subject.surface,
            name: subject.tool.map(Into::into),
            path: f.path,
            start: f.start,
            end: f.end,
            confidence: f.confidence,
        };
        let mut steps: Vec<Step> = findings.iter().map(found).collect();
        steps.push(Step::Measured { score, threshold: self.threshold });
        Verdict { findings, score, blocking: self.threshold.is_some_and(|t| score >= t), steps }
    }
}

impl From<Scanner> for Judge {
    fn from(scanner: Scanner) -> Judge {
        Judge { scanner, threshold: Some(STRICT) }
    }
}
