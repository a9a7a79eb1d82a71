//! The response direction: finds the forms in which servers reflect an injected value, byte for byte, and says which
//! placeholder belongs in their place. What the agent itself could encode is not looked for here.

use super::forms::echoes;
use super::index::{About, Draft, Index, Mode};
use super::{Hit, Kind};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that are looked up at once.
const WINDOW: usize = 4;
/// Values below this many bytes would be found everywhere.
const LEAST: usize = WINDOW;

/// Literal patterns of a few values; cheap to build, keep it as long as the vault generation lives.
pub struct Echo {
    index: Index,
    /// Hashes of the first four bytes of every pattern.
    seen: Box<[u64]>,
    placeholders: Box<[Arc<str>]>,
    longest: usize,
}

impl Echo {
    /// For these values and what agents hold in their place. Values below four bytes are left out.
    #[must_use]
    pub fn compile(values: &[(&[u8], &str)]) -> Self {
        let mut drafts = Vec::new();
        for (secret, (value, _)) in (0_u32..).zip(values) {
            for (form, bytes) in echoes(value) {
                if bytes.len() >= LEAST {
                    let kind = Kind::Value;
                    let about = About { secret, kind, mark: 0, form, lead: false, tail: false, token: false };
                    let left_out = vec![0; bytes.len()];
                    drafts.push(Draft { mode: Mode::Literal, bytes: Zeroizing::new(bytes), left_out, about });
                }
            }
        }
        let longest = drafts.iter().map(|d| d.bytes.len()).max().unwrap_or(0);
        let mut seen = vec![0_u64; if drafts.is_empty() { 0 } else { 1 << (BITS - 6) }].into_boxed_slice();
        for draft in &drafts {
            let bit = hash(draft.bytes.iter().take(WINDOW).fold(0, |w, &b| w << 8 | u32::from(b)));
            seen[bit >> 6] |= 1 << (bit & 63);
        }
        let placeholders = values.iter().map(|(_, placeholder)| Arc::from(*placeholder)).collect();
        Self { index: Index::build(Mode::Literal, drafts), seen, placeholders, longest }
    }

    /// Nothing to look for?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What to write in place of a hit, by [`Hit::secret`], which counts the values as they were given.
    #[must_use]
    pub fn placeholder(&self, secret: u32) -> &str {
        self.placeholders.get(secret as usize).map_or("", |p| p)
    }

    /// Appends hits and returns the hold, by the contract of [`super::Matcher::scan`].
    pub fn scan(&self, text: &[u8], hits: &mut Vec<Hit>) -> usize {
        if self.is_empty() {
            return text.len();
        }
        let (mut hold, mut at, mut window) = (text.len(), 0, 0_u32);
        let mut floor = 0;
        while at < text.len() {
            window = window << 8 | u32::from(text[at]);
            at += 1;
            let bit = hash(window);
            if self.seen[bit >> 6] >> (bit & 63) & 1 == 0 || at < floor + WINDOW {
                continue;
            }
            if let Some(end) = self.from(text, at - WINDOW, &mut hold, hits) {
                (at, floor, window) = (end, end, 0);
            }
        }
        for start in floor.max(text.len().saturating_sub(WINDOW - 1))..text.len() {
            self.from(text, start, &mut hold, hits);
        }
        hold
    }

    /// The most bytes that can ever be held back.
    #[must_use]
    pub fn max_hold(&self) -> usize {
        self.longest
    }

    fn from(&self, text: &[u8], start: usize, hold: &mut usize, hits: &mut Vec<Hit>) -> Option<usize> {
        let mut range = self.index.root();
        let mut best = None;
        for (i, &byte) in text[start..].iter().enumerate() {
            range = match self.index.narrow(range, byte) {
                Some(narrower) => narrower,
                None => break,
            };
            if let Some(about) = self.index.complete(range) {
                best = Some((start + i + 1, *about));
            }
            if !self.index.goes_on(range) {
                break;
            }
            if start + i + 1 == text.len() {
                *hold = (*hold).min(start);
            }
        }
        let (end, About { secret, kind, mark, form, .. }) = best?;
        hits.push(Hit { start, end, secret, kind, mark, form });
        Some(end)
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo").field("values", &self.placeholders.len()).finish_non_exhaustive()
    }
}

const BITS: u32 = 14;

#[inline(always)]
fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}
