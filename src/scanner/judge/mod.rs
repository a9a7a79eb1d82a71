//! Judges a text: what the engines find in it, what that is worth where it stands, and what it comes to. Which part of a
//! message a text is, is worked out in `parts`; what is done about a verdict is the pipeline's business.

mod allow;
mod describes;
mod examine;
mod known;
mod load;
mod opinion;
mod quoted;
mod stream;
mod verdict;
mod weigh;

#[cfg(test)]
mod tests;

pub use allow::{AllowList, Allowance};
pub use examine::Listed;
pub use stream::{Piece, Stream};
pub use verdict::{Place, Step, Verdict};

use std::sync::Arc;

use crate::base::host::Host;

use super::classifier::Classifier;
use super::{Direction, Error, Finding, Scanner, Surface, commands};
use examine::Examined;
#[cfg(test)]
use examine::Noted;
use known::{Known, Mark, Role};

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
}

impl Subject<'_> {
    /// A text of which no more is known.
    #[must_use]
    pub fn new(direction: Direction, surface: Surface) -> Self {
        Subject { direction, surface, host: None, tool: None }
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
    commands: commands::Rules,
    classifier: Classifier,
    classifier_rule: Arc<str>,
    allow: AllowList,
    threshold: Option<u8>,
    known: Option<Known>,
}

impl Judge {
    /// The rules the program brings along; blocks as strict mode does.
    ///
    /// # Errors
    /// None, unless the program was built with broken rules.
    pub fn builtin() -> Result<Judge, Error> {
        Scanner::builtin().and_then(Judge::of)
    }

    /// The score from which it blocks; none: it never does.
    #[must_use]
    pub fn with_threshold(self, threshold: Option<u8>) -> Judge {
        Judge { threshold, ..self }
    }

    /// Does not search what it has found nothing in again, as far as it remembers.
    #[must_use]
    pub fn with_memory(self) -> Judge {
        Judge { known: Known::new(), ..self }
    }

    /// The score from which it blocks.
    #[must_use]
    pub fn threshold(&self) -> Option<u8> {
        self.threshold
    }

    /// Does the allow-list let it pass, whatever its value? Counts it.
    #[must_use]
    pub fn allows(&self, rule: &str, host: Option<&Host>, tool: &str) -> Option<Arc<str>> {
        self.allow.passes(rule, host, Some(tool), &[])
    }

    /// The rules.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// The rules for commands.
    #[must_use]
    pub fn commands(&self) -> &commands::Rules {
        &self.commands
    }

    /// What may pass.
    #[must_use]
    pub fn allow_list(&self) -> &AllowList {
        &self.allow
    }

    /// Appends what is found in a complete text and counts, sorted by `start`, with the confidence it has where it stands.
    pub fn find(&self, subject: &Subject<'_>, text: &[u8], out: &mut Vec<Finding>) {
        out.append(&mut self.verdict(subject, text).findings);
    }

    /// The same for a text of which more may follow, and as long as no state is kept: as [`Scanner::scan`].
    pub fn scan(&self, subject: &Subject<'_>, text: &[u8], out: &mut Vec<Finding>) -> usize {
        let mut found = Vec::new();
        let hold = self.scanner.scan(subject.direction, subject.surface, text, &mut found);
        let mut noted = Vec::new();
        examine::take(subject, text, found, &mut noted);
        out.append(&mut weigh::weigh(self, subject, text, noted).findings);
        hold
    }

    /// What a complete text comes to.
    #[must_use]
    pub fn verdict(&self, subject: &Subject<'_>, text: &[u8]) -> Verdict {
        let mark = self.mark(Role::Whole(subject.direction, subject.surface), text);
        if self.knows(mark) {
            return Verdict::default();
        }
        let mut examined = Examined::default();
        examine::whole(self, subject, text, &mut examined);
        if examined.noted.is_empty() && examined.listed.is_empty() {
            self.remember(mark);
        }
        let verdict = weigh::weigh(self, subject, text, examined.noted);
        Verdict { listed: examined.listed, ..verdict }
    }

    /// What the next piece of a text comes to, and up to where it may be passed on.
    pub fn pass(&self, subject: &Subject<'_>, stream: &mut Stream, piece: Piece<'_>) -> (Verdict, usize) {
        stream::pass(self, subject, stream, piece)
    }

    fn mark(&self, role: Role, text: &[u8]) -> Option<Mark> {
        self.known.as_ref()?.mark(role, text)
    }

    fn knows(&self, mark: Option<Mark>) -> bool {
        self.known.as_ref().zip(mark).is_some_and(|(known, mark)| known.has(mark))
    }

    /// Nothing was found in it.
    fn remember(&self, mark: Option<Mark>) {
        if let Some((known, mark)) = self.known.as_ref().zip(mark) {
            known.add(mark);
        }
    }

    /// How many bytes at the end of a window are not settled, if nothing was found in it before.
    fn open(&self, mark: Option<Mark>) -> Option<usize> {
        self.known.as_ref().zip(mark).and_then(|(known, mark)| known.open(mark))
    }

    /// Nothing was found in a window, and so many bytes at its end are not settled.
    fn remember_window(&self, mark: Option<Mark>, open: usize) {
        if let Some((known, mark)) = self.known.as_ref().zip(mark) {
            known.add_window(mark, open);
        }
    }

    /// Of these rules, with nothing allowed.
    ///
    /// # Errors
    /// None, unless the program was built with a broken model.
    pub fn of(scanner: Scanner) -> Result<Judge, Error> {
        Ok(Judge {
            scanner,
            commands: commands::Rules::default(),
            classifier: Classifier::builtin()?,
            classifier_rule: opinion::CLASSIFIER.into(),
            allow: AllowList::default(),
            threshold: Some(STRICT),
            known: None,
        })
    }
}
