//! From one offset: which pattern, in whichever reading of the text, begins exactly here?

use super::index::{Index, Mode, Range};
use super::reading::{LONGEST, Reader, readings};
use super::symbol::in_base64;

/// The most bytes that one byte of a form can take up in a text.
pub(super) const MAX_STRIDE: usize = LONGEST + GAP_BYTES + OWN_BYTES;
/// Separators between two characters of a form: so many, over so many bytes.
const GAP: usize = 16;
const GAP_BYTES: usize = 24;
/// More of both for each of the form's own bytes that stand there, in case they are escaped or separated as well.
const OWN: usize = 8;
const OWN_BYTES: usize = 12;
/// Bytes that a hold may keep for context beside the pattern itself.
pub(super) const MARGIN: usize = 2 * MAX_STRIDE;
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

/// May a form of which `own` bytes are left out here have so many separators, of so many bytes?
pub(super) const fn in_reach(own: usize, separators: usize, bytes: usize) -> bool {
    separators <= GAP + own * OWN && bytes <= GAP_BYTES + own * OWN_BYTES
}

struct Walk<'a> {
    index: &'a Index,
    reader: &'a Reader<'a>,
    text: &'a [u8],
    start: usize,
    outcome: Outcome,
}

/// Follows every reading of `text[start..]` for as long as some pattern agrees.
pub(super) fn walk(index: &Index, reader: &Reader<'_>, start: usize) -> Outcome {
    let text = reader.text;
    let mut walk = Walk { index, reader, text, start, outcome: Outcome::default() };
    let mut thread = Thread { pos: start, range: index.root(), gap: 0, gap_from: start };
    // Most beginnings come to nothing before the text forks.
    loop {
        let Some(&byte) = text.get(thread.pos) else {
            walk.outcome.open = true;
            break;
        };
        if matches!(byte, b'%' | b'\\' | b'&' | b'0') {
            walk.forks(thread);
            break;
        }
        match walk.advance(thread, u16::from(byte), thread.pos + 1) {
            Some(next) => thread = next,
            None => break,
        }
    }
    walk.outcome
}

/// Threads that wait to be followed.
struct Waiting {
    threads: [Option<Thread>; THREADS],
    live: usize,
}

impl Waiting {
    /// The thread that is furthest behind, so that those that meet again are joined.
    fn pop(&mut self) -> Option<Thread> {
        let last = self.live.checked_sub(1)?;
        let behind = (0..self.live).min_by_key(|&i| self.threads[i].map_or(usize::MAX, |t| t.pos))?;
        self.threads.swap(behind, last);
        self.live = last;
        self.threads[last].take()
    }

    fn push(&mut self, thread: Option<Thread>) {
        let Some(thread) = thread else { return };
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
}

impl Walk<'_> {
    fn forks(&mut self, from: Thread) {
        let mut waiting = Waiting { threads: [None; THREADS], live: 0 };
        waiting.push(Some(from));
        while let Some(thread) = waiting.pop() {
            let Some(&byte) = self.text.get(thread.pos) else {
                self.outcome.open = true;
                continue;
            };
            if matches!(byte, b'%' | b'\\' | b'&' | b'0') {
                let found = self.reader.readings(thread.pos);
                self.outcome.open |= found.open && (byte != b'0' || thread.range.depth > 0);
                for (code, end) in found.list() {
                    waiting.push(self.advance(thread, code, end));
                }
                if byte == b'\\' && self.index.mode == Mode::Literal {
                    waiting.push(self.quoted(thread));
                }
            }
            waiting.push(self.advance(thread, u16::from(byte), thread.pos + 1));
        }
    }

    /// A backslash that only says that the next character is meant. Elsewhere it is one more separator.
    fn quoted(&mut self, from: Thread) -> Option<Thread> {
        let byte = self.text.get(from.pos + 1).filter(|b| b.is_ascii_punctuation())?;
        self.advance(from, u16::from(*byte), from.pos + 2)
    }

    fn advance(&mut self, from: Thread, code: u16, end: usize) -> Option<Thread> {
        let byte = u8::try_from(code).ok();
        let symbol = match self.index.mode {
            Mode::Folded => byte.filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()),
            Mode::Exact => byte.filter(u8::is_ascii_alphanumeric),
            Mode::Literal => Some(byte?),
        };
        let Some(symbol) = symbol else { return self.separate(from, end) };
        let range = self.index.narrow(from.range, symbol)?;
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
        self.index.goes_on(range).then_some(Thread { pos: end, range, gap: 0, gap_from: end })
    }

    fn separate(&self, from: Thread, end: usize) -> Option<Thread> {
        if from.range.depth == 0 {
            return None;
        }
        let near = in_reach(self.index.left_out(from.range), from.gap + 1, end - from.gap_from);
        near.then_some(Thread { pos: end, gap: from.gap + 1, ..from })
    }

    /// Is there no letter or digit before the start? An escape that stands for a separator ends in one.
    fn word_starts(&self) -> bool {
        let before = &self.text[..self.start];
        if before.last().is_none_or(|b| !b.is_ascii_alphanumeric()) {
            return true;
        }
        [2, 3, 5, 6].iter().filter_map(|back| self.start.checked_sub(*back)).any(|at| {
            matches!(before[at], b'%' | b'\\')
                && readings(before, at).list().any(|(code, end)| {
                    end == self.start && u8::try_from(code).is_ok_and(|b| !b.is_ascii_alphanumeric())
                })
        })
    }

    fn word_ends(&self, end: usize) -> bool {
        self.text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric())
    }
}
