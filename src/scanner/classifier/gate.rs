//! The cheap look that every text gets: each word's weight from a small table, and the best sum over words in a row. Says where the
//! whole model has to look, and nothing more.

use super::{Best, model::Weights};

/// What the whole model is shown on either side of where the gate opened, in bytes.
const MARGIN: usize = 320;
/// Bytes that are classed at once.
const BLOCK: usize = 64;

/// The next stretch of `text`, from `from` on, where the gate opens.
pub(super) fn next(weights: &Weights<'_>, text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut best = Best::default();
    let mut found: Option<(usize, usize)> = None;
    let mut last = from;
    words(&text[from..], |hash, end| {
        let end = from + end;
        best.add(weights.of(hash) - weights.per_word, last, end);
        last = end;
        match &mut found {
            None if best.run > weights.opens_at => found = Some((best.start, end)),
            Some((_, until)) if best.run > 0 => *until = end,
            Some((_, until)) => return end < *until + 2 * MARGIN,
            None => {}
        }
        true
    });
    found.map(|(start, end)| {
        (boundary(text, start.saturating_sub(MARGIN).max(from)), (end + MARGIN).min(text.len()))
    })
}

/// The next place from `at` on, not far from it, where a word may begin.
fn boundary(text: &[u8], at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    let near = &text[at..text.len().min(at + 32)];
    let space = near.iter().position(u8::is_ascii_whitespace);
    at + space.or_else(|| near.iter().position(|b| b & 0xc0 != 0x80)).unwrap_or(0)
}

/// Calls `word` with the hash of each word's first eight bytes, in small letters, and where the word ends, until it says no.
/// Of words in scripts of three bytes a character, also with each two characters in a row: not all of these write spaces.
pub fn words(text: &[u8], mut word: impl FnMut(u32, usize) -> bool) {
    let (mut carry, mut start) = (0, 0);
    let mut base = 0;
    while base < text.len() {
        let letters = match text[base..].first_chunk::<BLOCK>() {
            Some(block) => letters(block),
            None => {
                let mut block = [0; BLOCK];
                block[..text.len() - base].copy_from_slice(&text[base..]);
                letters(&block)
            }
        };
        let mut edges = letters ^ (letters << 1 | carry);
        while edges != 0 {
            let at = base + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            if carry == 0 {
                (carry, start) = (1, at);
            } else {
                carry = 0;
                if !one(text, start, at, &mut word) {
                    return;
                }
            }
        }
        base += BLOCK;
    }
    if carry == 1 {
        one(text, start, text.len(), &mut word);
    }
}

/// A bit for each letter of ASCII and each byte beyond it.
#[inline]
fn letters(block: &[u8; BLOCK]) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from((byte | 0x20).wrapping_sub(b'a') < 26) | byte >> 7;
    }
    let (eights, _) = flags.as_chunks::<8>();
    // the lowest bits of eight bytes, gathered in the highest byte
    let gather = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |bits, eight| bits << 8 | gather(eight))
}

#[inline]
fn one(text: &[u8], start: usize, end: usize, word: &mut impl FnMut(u32, usize) -> bool) -> bool {
    // the letter of an escape is none of the word's
    let start = start
        + usize::from(start > 0 && text[start - 1] == b'\\' && matches!(text[start], b'n' | b'r' | b't'));
    if start == end {
        return true;
    }
    if end - start > 8 && text[start] >= 0xe0 {
        let mut at = start;
        while at + 6 < end {
            if !word(hash(text, at, 6), at + 6) {
                return false;
            }
            at += 3;
        }
        return word(hash(text, at, end - at), end);
    }
    word(hash(text, start, end - start), end)
}

#[inline]
fn hash(text: &[u8], start: usize, length: usize) -> u32 {
    let eight = match text[start..].first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => text[start..].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let kept = (eight | 0x2020_2020_2020_2020) & (u64::MAX >> (64 - 8 * length.clamp(1, 8)));
    (kept.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
