//! A bitmap over the first six characters of every pattern: lets clean text pass without a closer look.

use super::symbol::{BITS, CLASSES, roll};

/// Characters in a window. Every pattern it admits must be longer.
pub(super) const WINDOW: usize = 6;

// Multiplying by a constant whose low bits are zero drops all but the last `WINDOW` symbols of the rolling window.
#[expect(clippy::cast_possible_truncation, reason = "36")]
const UNUSED: u32 = 64 - BITS * WINDOW as u32;
const FIRST: u64 = 0x9E37_79B9_7F4A_7C15 << UNUSED;
const SECOND: u64 = 0xD6E8_FEB8_6659_FD93 << UNUSED;
const WORD_BITS: u32 = 6;
const TRIPLE: u64 = (1 << (3 * BITS)) - 1;

/// Membership of windows, with a small rate of false yes and never a false no.
pub(super) struct Filter {
    /// The first three characters of every pattern, exactly.
    triples: Box<[u64]>,
    words: Box<[u64]>,
    shift: u32,
}

impl Filter {
    /// Over the beginnings of these patterns (letters and digits only).
    pub(super) fn build<'a>(patterns: impl Iterator<Item = &'a [u8]> + Clone) -> Self {
        let wanted = patterns.clone().count().max(16) * 64;
        let bits = wanted.next_power_of_two().trailing_zeros().min(24);
        let triples = vec![0; 1 << (3 * BITS - WORD_BITS)].into();
        let mut filter = Self { triples, words: vec![0; 1 << (bits - WORD_BITS)].into(), shift: 64 - bits };
        for pattern in patterns {
            let window = pattern.iter().take(WINDOW).fold(0, |w, &b| roll(w, CLASSES[usize::from(b)]));
            let triple = window >> (BITS * 3) & TRIPLE;
            filter.triples[(triple >> WORD_BITS) as usize] |= 1 << (triple & 63);
            filter.set(window.wrapping_mul(FIRST));
            filter.set(window.wrapping_mul(SECOND));
        }
        filter
    }

    /// May the window's last six characters begin a pattern? The cheap question, asked for each byte.
    #[inline(always)]
    pub(super) fn may(&self, window: u64) -> bool {
        self.get(window.wrapping_mul(FIRST))
    }

    /// The same question, answered more closely.
    pub(super) fn likely(&self, window: u64) -> bool {
        self.get(window.wrapping_mul(FIRST)) && self.get(window.wrapping_mul(SECOND))
    }

    /// Does any pattern begin with the window's last three characters?
    pub(super) fn begins(&self, window: u64) -> bool {
        let triple = window & TRIPLE;
        self.triples[(triple >> WORD_BITS) as usize] >> (triple & 63) & 1 != 0
    }

    #[inline(always)]
    fn get(&self, hash: u64) -> bool {
        let bit = hash >> self.shift;
        // The mask changes nothing; it spares the bounds check.
        let word = (bit >> WORD_BITS) as usize & (self.words.len() - 1);
        self.words[word] >> (bit & 63) & 1 != 0
    }

    fn set(&mut self, hash: u64) {
        let bit = hash >> self.shift;
        let word = (bit >> WORD_BITS) as usize;
        self.words[word] |= 1 << (bit & 63);
    }
}
