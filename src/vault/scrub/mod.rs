//! Finds every vault value, in every derived form, and every placeholder, anywhere in a byte stream.
//! Owns the patterns and the search; what is written in place of a hit is the caller's affair.

pub mod forms;
mod symbol;
mod reading;
mod index;
mod walk;
mod filter;
mod sweep;
mod echo;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use echo::Echo;
pub use forms::forms;

use filter::Filter;
use index::{Draft, Index, Mode};
use std::fmt;
use sweep::Sweep;

/// One vault entry to look for.
#[derive(Clone, Copy)]
pub struct Needle<'a> {
    /// What hits carry back to say which entry it was.
    pub secret: u32,
    /// The value that must not leave; empty where only the placeholder is to be found.
    pub value: &'a [u8],
    /// What agents hold in its place; empty when there is none.
    pub placeholder: &'a str,
    /// What hits on the placeholder carry back beside the entry: which of its placeholders this is.
    pub mark: u32,
}

/// Which of the two was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The secret itself, in some form.
    Value,
    /// The stand-in that agents hold.
    Placeholder,
}

/// One occurrence: `text[start..end]` is all that has to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// First byte, an offset into the scanned text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// [`Needle::secret`] of the entry.
    pub secret: u32,
    /// Value or placeholder.
    pub kind: Kind,
    /// [`Needle::mark`] of the needle.
    pub mark: u32,
    /// The encoding under it (`raw`, `base64`, `hex`, …); per-character escapes are not told apart.
    pub form: &'static str,
}

/// Why a set of needles cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An empty value would match everywhere.
    #[error("vault entry {secret} has an empty value; set it anew or remove it")]
    Empty {
        /// [`Needle::secret`] of the entry.
        secret: u32,
    },
    /// The patterns of all values together exceed what 32-bit offsets can address.
    #[error("the vault's values are too large to search for ({bytes} bytes of patterns); remove the largest")]
    TooLarge {
        /// Bytes of patterns.
        bytes: usize,
    },
}

impl Error {
    /// A stable name for logs and answers.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "scrub.empty_value",
            Self::TooLarge { .. } => "scrub.too_large",
        }
    }
}

/// All needles of one vault generation, ready to search. Cheap to share, never changes.
pub struct Matcher {
    /// Patterns in which case carries no information: raw, hex, base32.
    folded: Index,
    /// Patterns in which it does: base64, placeholders.
    exact: Index,
    /// Patterns with too few letters and digits to be found by them; every byte counts.
    literal: Index,
    filter: Filter,
    most_left_out: usize,
    max_hold: usize,
}

impl Matcher {
    /// Derives every form of every needle. Some twenty patterns and 8 KB a value; done once per vault generation.
    ///
    /// # Errors
    /// When a value is empty, or all of them together are too large.
    pub fn compile(needles: &[Needle<'_>]) -> Result<Self, Error> {
        let mut drafts: Vec<Draft> = Vec::new();
        for needle in needles {
            if needle.value.is_empty() && needle.placeholder.is_empty() {
                return Err(Error::Empty { secret: needle.secret });
            }
            forms::derive(needle, &mut drafts);
        }
        let bytes: usize = drafts.iter().map(|d| d.bytes.len()).sum();
        if u32::try_from(bytes).is_err() {
            return Err(Error::TooLarge { bytes });
        }
        let spread = |d: &Draft| d.bytes.len() + d.left_out.iter().map(|&n| usize::from(n)).sum::<usize>();
        let longest = drafts.iter().map(spread).max().unwrap_or(0);
        let left_out = drafts.iter().flat_map(|d| &d.left_out).max().copied().unwrap_or(0);
        let filter = Filter::build(drafts.iter().filter(|d| d.mode != Mode::Literal).map(|d| &d.bytes[..]));
        let mut by_mode = [Vec::new(), Vec::new(), Vec::new()];
        for draft in drafts {
            by_mode[draft.mode as usize].push(draft);
        }
        let [folded, exact, literal] = by_mode;
        Ok(Self {
            folded: Index::build(Mode::Folded, folded),
            exact: Index::build(Mode::Exact, exact),
            literal: Index::build(Mode::Literal, literal),
            filter,
            most_left_out: usize::from(left_out),
            max_hold: if longest == 0 { 0 } else { longest * walk::MAX_STRIDE + walk::MARGIN },
        })
    }

    /// Nothing to look for?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folded.is_empty() && self.exact.is_empty() && self.literal.is_empty()
    }

    /// Appends all hits (leftmost, longest, non-overlapping, in order) and returns the hold: the offset from which
    /// `text` may be the unfinished beginning of a hit, or `text.len()`.
    ///
    /// Feeding `text[hold..]` and the bytes that follow gives the same hits as one call over everything. Hits that
    /// end at or before the hold are final; those at or after it are what is true if the text ends here, so a stream
    /// that goes on drops them and scans them again. No hit straddles the hold.
    ///
    /// A hit begins and ends with a letter or digit of the form found: punctuation at the very edge of a value goes
    /// with it only where the value is written byte for byte or with escapes, not where separators split it.
    pub fn scan(&self, text: &[u8], hits: &mut Vec<Hit>) -> usize {
        if self.is_empty() { text.len() } else { Sweep::new(self, text, false).run(hits) }
    }

    /// The same hits as [`Matcher::scan`] over a text that is known to be whole (a header, a URL); spares the hold.
    pub fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        if !self.is_empty() {
            Sweep::new(self, text, true).run(hits);
        }
    }

    /// The most bytes that [`Matcher::scan`] can ever hold back.
    #[must_use]
    pub fn max_hold(&self) -> usize {
        self.max_hold
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("max_hold", &self.max_hold).finish_non_exhaustive()
    }
}
