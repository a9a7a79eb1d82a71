//! What looking at a text through views may cost, and what was left out because that was used up. No ordinary
//! file that was tried needs more: what does was made to.

use std::ops::Range;

/// Decoded bytes for each byte of the text, and for any text, in each turn.
const SHARE: [usize; 3] = [4, 1, 1];
const BASE: [usize; 3] = [64 * 1024, 64 * 1024, 32 * 1024];
/// One decoded text for so many bytes of the text, and so many for any text.
const BYTES_A_TEXT: [usize; 3] = [24, 64, 64];
const TEXTS: [usize; 3] = [768, 1536, 768];
/// What there is for any text, the texts of one body may take so many times together.
const TOGETHER: [usize; 3] = [8, 2, 2];
/// What was compressed may grow to so much for each byte of the text, and for any text. It pays for what it holds itself.
const GROWTH: usize = 32;
const GROWN: usize = 256 * 1024;

/// What a look at a text took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Bytes read or written by decodings.
    pub bytes: usize,
    /// Decoded texts.
    pub texts: usize,
    /// The part of the text in which something stood that signs spoke for, and that was not looked at, as there was too much of it.
    pub left_out: Option<Range<usize>>,
}

impl Spent {
    /// What a text of this length may take at most.
    #[must_use]
    pub fn limit(len: usize) -> Spent {
        let shares = ALL.map(|turn| share(turn, len));
        let grown = GROWTH * len + GROWN;
        let bytes = shares.iter().map(|s| s.bytes).sum::<usize>() + 2 * grown;
        let texts = shares.iter().map(|s| s.texts).sum::<usize>() + grown / BYTES_A_TEXT[0];
        Spent { bytes, texts, left_out: None }
    }
}

/// What the texts of one body may take beyond what their length pays for: many short ones cost no more than a long one.
#[derive(Clone, Debug)]
pub struct Purse {
    left: [Spent; 3],
    /// In how many texts something was too dear, be it a guess.
    refused: usize,
}

impl Default for Purse {
    fn default() -> Purse {
        let left = ALL.map(|turn| {
            let (bytes, texts) = (BASE[turn as usize], TEXTS[turn as usize]);
            Spent {
                bytes: TOGETHER[turn as usize] * bytes,
                texts: TOGETHER[turn as usize] * texts,
                left_out: None,
            }
        });
        Purse { left, refused: 0 }
    }
}

impl Purse {
    /// In how many texts there was something to look at that could not be paid for, be it a guess.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused
    }

    /// For a text of this length: what that pays for, and what is there for any text, if it still is.
    fn lend(&self, turn: Turn, len: usize) -> Spent {
        let (all, own, left) = (share(turn, len), paid(turn, len), &self.left[turn as usize]);
        let lent = |all: usize, own: usize, left: usize| own + (all - own).min(left);
        Spent {
            bytes: lent(all.bytes, own.bytes, left.bytes),
            texts: lent(all.texts, own.texts, left.texts),
            left_out: None,
        }
    }

    /// What was not needed of that comes back.
    fn settle(&mut self, turn: Turn, len: usize, used: &Spent) {
        let (own, left) = (paid(turn, len), &mut self.left[turn as usize]);
        left.bytes = left.bytes.saturating_sub(used.bytes.saturating_sub(own.bytes));
        left.texts = left.texts.saturating_sub(used.texts.saturating_sub(own.texts));
    }
}

/// What is worth most comes first, and what comes later takes nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// What there are signs of.
    Signs,
    /// Letters that were moved or turned round, for all one can see.
    Guesses,
    /// Tries for which nothing speaks.
    Last,
}

const ALL: [Turn; 3] = [Turn::Signs, Turn::Guesses, Turn::Last];

fn share(turn: Turn, len: usize) -> Spent {
    let (i, own) = (turn as usize, paid(turn, len));
    Spent { bytes: own.bytes + BASE[i], texts: own.texts + TEXTS[i], left_out: None }
}

/// What its length pays for.
fn paid(turn: Turn, len: usize) -> Spent {
    let i = turn as usize;
    Spent { bytes: SHARE[i] * len, texts: len / BYTES_A_TEXT[i], left_out: None }
}

/// What may still be spent.
#[derive(Debug)]
pub(super) struct Budget {
    turn: Turn,
    left: [Spent; 3],
    used: [Spent; 3],
    grows: usize,
    wanting: bool,
    left_out: Option<Range<usize>>,
}

impl Budget {
    pub(super) fn of(len: usize, purse: &Purse) -> Budget {
        let left = ALL.map(|turn| purse.lend(turn, len));
        let (used, grows) = (ALL.map(|_| Spent::default()), GROWTH * len + GROWN);
        Budget { turn: Turn::Signs, left, used, grows, wanting: false, left_out: None }
    }

    /// What follows is paid for from its own share.
    pub(super) fn turn(&mut self, turn: Turn) {
        self.turn = turn;
    }

    /// How many bytes may still be decoded.
    pub(super) fn room(&self) -> usize {
        let left = &self.left[self.turn as usize];
        if left.texts == 0 { 0 } else { left.bytes }
    }

    /// To how many bytes something compressed may still grow.
    pub(super) fn grows(&self) -> usize {
        self.grows
    }

    /// Something grew by reading `work` bytes to `len`: they are a text of their own.
    pub(super) fn grown(&mut self, work: usize, len: usize) {
        self.grows = self.grows.saturating_sub(work);
        let left = &mut self.left[self.turn as usize];
        left.bytes += 2 * len;
        left.texts += len / BYTES_A_TEXT[0];
    }

    /// Pays for one text, if it can be paid for.
    pub(super) fn pay(&mut self, bytes: usize) -> bool {
        let left = &mut self.left[self.turn as usize];
        let enough = bytes <= left.bytes && left.texts > 0;
        if enough {
            left.bytes -= bytes;
            left.texts -= 1;
            let used = &mut self.used[self.turn as usize];
            used.bytes += bytes;
            used.texts += 1;
        }
        enough
    }

    /// Something that signs speak for stands in `span`, and is not looked at. Nothing speaks for a guess.
    pub(super) fn leave_out(&mut self, span: Range<usize>) {
        self.wanting = true;
        if self.turn == Turn::Signs {
            let all = self.left_out.get_or_insert(span.clone());
            *all = all.start.min(span.start)..all.end.max(span.end);
        }
    }

    /// All that was spent, for a text of this length; what exceeds that is taken from the purse.
    pub(super) fn spent(self, len: usize, purse: &mut Purse) -> Spent {
        ALL.into_iter().zip(&self.used).for_each(|(turn, used)| purse.settle(turn, len, used));
        purse.refused += usize::from(self.wanting);
        let sum = |of: fn(&Spent) -> usize| self.used.iter().map(of).sum();
        Spent { bytes: sum(|s| s.bytes), texts: sum(|s| s.texts), left_out: self.left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::views::{Wants, each, each_within};

    #[test]
    fn many_short_texts_take_no_more_than_there_is_for_a_body() {
        // the beginnings of several encodings, none of which gives anything
        let text = b"JFTW461\\wUQGC3DM69\\x6f\\x75.x73\\x20\\x69\\x6eYLOMQQHEZLWMVQWYIDUNBSSA43ZON2GK3JAOBZG63LQOQXA====";
        let alone = each(text, Wants::ALL, &mut |_| false).texts;
        let (mut purse, mut all) = (Purse::default(), 0);
        for _ in 0..100 {
            all += each_within(text, Wants::ALL, &mut purse, &mut |_| false).texts;
        }
        let (most, own) = (Purse::default(), ALL.map(|turn| paid(turn, text.len()).texts));
        let limit = most.left.iter().map(|s| s.texts).sum::<usize>() + 100 * own.iter().sum::<usize>();
        assert!(all <= limit && all < 25 * alone, "{all} of {limit}, {alone} alone");
    }
}
