//! From one offset: which pattern, in whichever reading of the text, begins exactly here?

use super::index::{Index, Mode, Range};
use super::reading::{LONGEST, readings};
use super::symbol::in_base64;

/// Separators between two characters of a form: so many, over so many bytes.
pub(super) const MAX_GAP: usize = 16;
pub(super) const MAX_GAP_BYTES: usize = 64;
/// The most bytes that one byte of a form can take up in a text.
pub(super) const MAX_STRIDE: usize = LONGEST + MAX_GAP_BYTES;
/// Bytes that a hold may keep for context beside the pattern itself.
pub(super) const MARGIN: usize = 2 * LONGEST + MAX_GAP_BYTES;
/// Readings followed at once. More than a few only live on for values that consist of escapes themselves.
const THREADS: usize = 16;

/// What a walk found.
#[derive(Clone, Copy, Default)]
pub(super) struct Outcome {
    /// The longest pattern: where it ends, and the range at which it is complete.
    pub(super) best: Option<(usize, Range)>,
    /// The text ended before all was decided.
    pub(super) open: bool,
}

#[derive(Clone, Copy)]
struct Thread {
    pos: usize,
    range: Range,
    gap: usize,
    gap_from: usize,
}

struct Walk<'a> {
    index: &'a Index,
    text: &'a [u8],
    start: usize,
    threads: [Option<Thread>; THREADS],
    live: usize,
    outcome: Outcome,
}

/// Follows every reading of `text[start..]` for as long as some pattern agrees.
pub(super) fn walk(index: &Index, text: &[u8], start: usize) -> Outcome {
    let root = index.root();
    let mut walk =
        Walk { index, text, start, threads: [None; THREADS], live: 0, outcome: Outcome::default() };
    walk.step(Thread { pos: start, range: root, gap: 0, gap_from: start });
    while let Some(thread) = walk.pop() {
        if thread.pos == text.len() {
            walk.outcome.open = true;
        } else {
            walk.step(thread);
        }
    }
    walk.outcome
}

impl Walk<'_> {
    /// The thread that is furthest behind, so that those that meet again are joined.
    fn pop(&mut self) -> Option<Thread> {
        let last = self.live.checked_sub(1)?;
        let behind = (0..self.live).min_by_key(|&i| self.threads[i].map_or(usize::MAX, |t| t.pos))?;
        self.threads.swap(behind, last);
        self.live = last;
        self.threads[last].take()
    }

    fn step(&mut self, from: Thread) {
        let byte = self.text[from.pos];
        if matches!(byte, b'%' | b'\\' | b'&' | b'0') {
            let found = readings(self.text, from.pos);
            self.outcome.open |= found.open && (byte != b'0' || from.range.depth > 0);
            for &(code, end) in found.list() {
                self.advance(from, code, end);
            }
        }
        self.advance(from, u16::from(byte), from.pos + 1);
    }

    fn advance(&mut self, from: Thread, code: u16, end: usize) {
        let byte = u8::try_from(code).ok();
        let symbol = match self.index.mode {
            Mode::Folded => byte.filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()),
            Mode::Exact => byte.filter(u8::is_ascii_alphanumeric),
            Mode::Literal if byte.is_none() => return,
            Mode::Literal => byte,
        };
        let Some(symbol) = symbol else { return self.separate(from, end) };
        let Some(range) = self.index.narrow(from.range, symbol) else { return };
        if let Some(about) = self.index.complete(range) {
            let mut reach = end;
            if about.tail {
                match self.text.get(end) {
                    None => self.outcome.open = true,
                    Some(&b) if in_base64(b) => reach += 1,
                    Some(_) => {}
                }
            }
            if about.token {
                self.outcome.open |= end == self.text.len();
            }
            let fits = !about.token || (self.word_starts() && self.word_ends(end));
            if fits && self.outcome.best.is_none_or(|(best, _)| reach > best) {
                self.outcome.best = Some((reach, range));
            }
        }
        if self.index.goes_on(range) {
            self.push(Thread { pos: end, range, gap: 0, gap_from: end });
        }
    }

    fn separate(&mut self, from: Thread, end: usize) {
        if from.range.depth == 0 {
            return;
        }
        let times = self.index.left_out(from.range) + 1;
        if from.gap < times * MAX_GAP && end - from.gap_from <= times * MAX_GAP_BYTES {
            self.push(Thread { pos: end, gap: from.gap + 1, ..from });
        }
    }

    fn push(&mut self, thread: Thread) {
        for other in self.threads[..self.live].iter_mut().flatten() {
            if other.pos == thread.pos && other.range == thread.range && other.gap_from == thread.gap_from {
                other.gap = other.gap.min(thread.gap);
                return;
            }
        }
        if self.live < THREADS {
            self.threads[self.live] = Some(thread);
            self.live += 1;
        }
    }

    /// Is there no letter or digit before the start? An escape that stands for a separator ends in one.
    fn word_starts(&self) -> bool {
        let before = &self.text[..self.start];
        if before.last().is_none_or(|b| !b.is_ascii_alphanumeric()) {
            return true;
        }
        [2, 3, 5, 6].iter().filter_map(|back| self.start.checked_sub(*back)).any(|at| {
            matches!(before[at], b'%' | b'\\')
                && readings(before, at).list().iter().any(|&(code, end)| {
                    end == self.start && u8::try_from(code).is_ok_and(|b| !b.is_ascii_alphanumeric())
                })
        })
    }

    fn word_ends(&self, end: usize) -> bool {
        self.text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric())
    }
}
