//! What looking at a text through views may cost, and what was left out because that was used up. No ordinary
//! file that was tried takes more than three quarters of it: what is over it was made to be.

use std::ops::Range;

/// Decoded bytes for each byte of the text, and for any text, in each turn.
const SHARE: [usize; 3] = [10, 1, 1];
const BASE: [usize; 3] = [64 * 1024, 16 * 1024, 8 * 1024];
/// One decoded text for so many bytes of the text, and so many for any text.
const BYTES_A_TEXT: [usize; 3] = [24, 64, 64];
const TEXTS: [usize; 3] = [768, 384, 192];
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
    let i = turn as usize;
    Spent { bytes: SHARE[i] * len + BASE[i], texts: TEXTS[i] + len / BYTES_A_TEXT[i], left_out: None }
}

/// What may still be spent.
#[derive(Debug)]
pub(super) struct Budget {
    turn: Turn,
    left: [Spent; 3],
    grows: usize,
    spent: Spent,
}

impl Budget {
    pub(super) fn of(len: usize) -> Budget {
        let left = ALL.map(|turn| share(turn, len));
        Budget { turn: Turn::Signs, left, grows: GROWTH * len + GROWN, spent: Spent::default() }
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
            self.spent.bytes += bytes;
            self.spent.texts += 1;
        }
        enough
    }

    /// Something that signs speak for stands in `span`, and is not looked at. Nothing speaks for a guess.
    pub(super) fn leave_out(&mut self, span: Range<usize>) {
        if self.turn == Turn::Signs {
            let all = self.spent.left_out.get_or_insert(span.clone());
            *all = all.start.min(span.start)..all.end.max(span.end);
        }
    }

    pub(super) fn spent(self) -> Spent {
        self.spent
    }
}
