//! One pass over a text: passes over what is clean, walks from where a pattern may begin, keeps the hold.
//!
//! A rolling window of six letters and digits is looked up for every byte. An escape forks the text into readings;
//! there, windows are formed across each reading, and starts around it are walked when that does not settle it.

use super::filter::WINDOW;
use super::index::Index;
use super::reading::Reader;
use super::symbol::{CLASSES, OPENS, in_base64, roll, symbol};
use super::walk::{Outcome, in_reach, walk};
use super::{Hit, Matcher};

/// Bytes to go back for a point at which no word begins in the middle.
const WORD: usize = 64;

pub(super) struct Sweep<'a> {
    matcher: &'a Matcher,
    text: &'a [u8],
    reader: Reader<'a>,
    /// No more text will come: nothing needs to be held.
    whole: bool,
    hold: usize,
    /// End of the last hit: nothing before it is looked at again.
    floor: usize,
    /// Every start before this that is near an escape has been walked.
    done: usize,
}

/// How far a beginning has been read: `read` characters are in `window`, `gap` separators follow since `from`.
#[derive(Clone, Copy)]
struct Nearing {
    at: usize,
    window: u64,
    read: usize,
    gap: usize,
    from: usize,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(matcher: &'a Matcher, text: &'a [u8], whole: bool) -> Self {
        Self { matcher, text, reader: Reader::new(text), whole, hold: text.len(), floor: 0, done: 0 }
    }

    /// Appends the hits, returns the hold.
    pub(super) fn run(mut self, hits: &mut Vec<Hit>) -> usize {
        let already = hits.len();
        if !self.matcher.folded.is_empty() || !self.matcher.exact.is_empty() {
            self.skeleton(hits);
        }
        if !self.matcher.literal.is_empty() {
            self.literals(hits);
            merge(hits, already);
        }
        self.settle(&hits[already..])
    }

    fn skeleton(&mut self, hits: &mut Vec<Hit>) {
        let (text, filter) = (self.text, &self.matcher.filter);
        let (mut at, mut window) = (0, 0_u64);
        'text: while at < text.len() {
            for (i, &byte) in text[at..].iter().enumerate() {
                let class = CLASSES[usize::from(byte)];
                window = roll(window, class);
                if class & OPENS != 0 || (filter.may(window) && filter.likely(window)) {
                    at += i;
                    if let Some(end) = self.look(at, window, hits) {
                        (at, window) = (end, 0);
                    } else {
                        at += 1;
                    }
                    continue 'text;
                }
            }
            break;
        }
        if !self.whole {
            self.ending(hits);
        }
    }

    /// Something about the byte at `at` calls for a closer look. Returns the end of a hit.
    fn look(&mut self, at: usize, window: u64, hits: &mut Vec<Hit>) -> Option<usize> {
        let class = CLASSES[usize::from(self.text[at])];
        if class & OPENS != 0 {
            let found = match symbol(class) {
                0 => self.fork(at, window, hits),
                _ if at > self.floor && self.text[at - 1] == b'0' => self.fork(at - 1, window >> 12, hits),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        if symbol(class) == 0 || !self.matcher.filter.likely(window) {
            return None;
        }
        let (start, seen) = self.back(at + 1, WINDOW);
        if seen < WINDOW || start < self.done { None } else { self.start(start, hits) }
    }

    /// At an escape: `window` is what was read before it.
    fn fork(&mut self, at: usize, window: u64, hits: &mut Vec<Hit>) -> Option<usize> {
        let found = self.reader.readings(at);
        let unsettled = (found.open && !self.whole)
            || found.list().any(|(code, end)| {
                let class = u8::try_from(code).map_or(0, |b| CLASSES[usize::from(b)]);
                let across = roll(window, class);
                (symbol(class) != 0 && self.matcher.filter.likely(across)) || self.unsettled(across, end)
            });
        if !unsettled {
            return None;
        }
        let from = self.back(at, WINDOW - 1).0.max(self.done);
        self.done = self.done.max(at + 1);
        self.starts(from, at + 1, hits)
    }

    /// Do the next characters leave open whether a pattern spans what comes before `at`?
    fn unsettled(&self, mut window: u64, at: usize) -> bool {
        let mut read = 1;
        for (i, &byte) in self.text[at..].iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            if class & OPENS != 0 {
                let opens = match symbol(class) {
                    0 => Some(at + i),
                    _ => (i > 0 && self.text[at + i - 1] == b'0').then(|| at + i - 1),
                };
                if opens.is_some_and(|o| !self.reader.readings(o).is_none()) {
                    return true;
                }
            }
            if symbol(class) == 0 {
                continue;
            }
            window = roll(window, class);
            if self.matcher.filter.likely(window) {
                return true;
            }
            read += 1;
            if read == WINDOW {
                return false;
            }
        }
        !self.whole
    }

    /// The text ends: what has too few characters for a window may still be a beginning.
    fn ending(&mut self, hits: &mut Vec<Hit>) {
        let len = self.text.len();
        let from = self.back(len, WINDOW - 1).0.max(self.done);
        let mut at = from;
        while let Some(end) = self.starts(at, len, hits) {
            at = end;
        }
        // It may be the character that carries a base64 value's first bits.
        if self.floor < len && self.text.last().is_some_and(|&b| in_base64(b)) {
            self.hold = self.hold.min(len - 1);
        }
    }

    fn starts(&mut self, from: usize, to: usize, hits: &mut Vec<Hit>) -> Option<usize> {
        (from..to).find_map(|start| {
            let class = CLASSES[usize::from(self.text[start])];
            if class != 0 && self.plausible(Nearing { at: start, window: 0, read: 0, gap: 0, from: start }) {
                self.start(start, hits)
            } else {
                None
            }
        })
    }

    /// In some reading, do the characters from here on make the first three of a pattern?
    fn plausible(&self, mut near: Nearing) -> bool {
        while let Some(&byte) = self.text.get(near.at) {
            if matches!(byte, b'%' | b'\\' | b'&' | b'0') {
                let found = self.reader.readings(near.at);
                if found.open && !self.whole {
                    return true;
                }
                for (code, end) in found.list() {
                    let class = u8::try_from(code).map_or(0, |b| CLASSES[usize::from(b)]);
                    match self.nearer(near, class, end) {
                        Ok(further) if self.plausible(further) => return true,
                        Err(true) => return true,
                        _ => {}
                    }
                }
            }
            near = match self.nearer(near, CLASSES[usize::from(byte)], near.at + 1) {
                Ok(further) => further,
                Err(decided) => return decided,
            };
        }
        !self.whole
    }

    /// One character or separator further; or the answer.
    #[inline(always)]
    fn nearer(&self, near: Nearing, class: u16, end: usize) -> Result<Nearing, bool> {
        if symbol(class) == 0 {
            let (gap, Nearing { read, from, .. }) = (near.gap + 1, near);
            let own = || self.matcher.folded.most_left_out(read).max(self.matcher.exact.most_left_out(read));
            let goes_on = read > 0 && in_reach(own(), gap, end - from);
            return if goes_on { Ok(Nearing { at: end, gap, ..near }) } else { Err(false) };
        }
        let window = roll(near.window, class);
        if near.read == 2 {
            return Err(self.matcher.filter.begins(window));
        }
        Ok(Nearing { at: end, window, read: near.read + 1, gap: 0, from: end })
    }

    /// Walks from `start`; takes the longest pattern that begins there.
    fn start(&mut self, start: usize, hits: &mut Vec<Hit>) -> Option<usize> {
        let lead = start > self.floor && in_base64(self.text[start - 1]);
        let mut best: Option<(usize, &Index, Outcome)> = None;
        for index in [&self.matcher.folded, &self.matcher.exact] {
            let outcome = walk(index, &self.reader, start);
            if outcome.open {
                self.hold = self.hold.min(start - usize::from(lead));
            }
            if let Some((end, _)) = outcome.best
                && best.as_ref().is_none_or(|b| end > b.0)
            {
                best = Some((end, index, outcome));
            }
        }
        let (end, index, outcome) = best?;
        let about = index.complete(outcome.best?.1)?;
        let start = start - usize::from(lead && about.lead);
        hits.push(Hit {
            start,
            end,
            secret: about.secret,
            kind: about.kind,
            mark: about.mark,
            form: about.form,
        });
        (self.floor, self.done) = (end, end);
        Some(end)
    }

    /// Goes back over `count` letters and digits, but not past the floor nor a separation too long for any pattern.
    /// The offset of the last of them, and how many there were.
    fn back(&self, at: usize, count: usize) -> (usize, usize) {
        let (mut reached, mut seen) = (at, 0);
        for i in (self.floor..at).rev() {
            if symbol(CLASSES[usize::from(self.text[i])]) != 0 {
                (reached, seen) = (i, seen + 1);
                if seen == count {
                    break;
                }
            } else if !in_reach(self.matcher.most_left_out, 0, reached - i) {
                break;
            }
        }
        (reached, seen)
    }

    fn literals(&mut self, hits: &mut Vec<Hit>) {
        let index = &self.matcher.literal;
        let mut at = 0;
        while at < self.text.len() {
            let byte = self.text[at];
            if !index.begins(byte) && !matches!(byte, b'%' | b'\\' | b'&') {
                at += 1;
                continue;
            }
            let outcome = walk(index, &self.reader, at);
            if outcome.open {
                self.hold = self.hold.min(at);
            }
            let found = outcome.best.and_then(|(end, range)| Some((end, index.complete(range)?)));
            let Some((end, about)) = found else {
                at += 1;
                continue;
            };
            let (secret, kind, mark, form) = (about.secret, about.kind, about.mark, about.form);
            hits.push(Hit { start: at, end, secret, kind, mark, form });
            at = end;
        }
    }

    /// Moves the hold back to where a scan can be taken up again with the same result.
    fn settle(&self, hits: &[Hit]) -> usize {
        let mut hold = self.hold;
        if self.matcher.literal.has_tokens {
            let apart = |i: &usize| {
                let b = self.text[*i - 1];
                b.is_ascii_whitespace() || b"\"'(),:;<=>[]|".contains(&b)
            };
            let least = hold.saturating_sub(WORD);
            hold = (least + 1..=hold).rev().find(apart).unwrap_or(least);
        }
        for hit in hits.iter().rev() {
            if hit.end > hold {
                hold = hold.min(hit.start);
            }
        }
        hold
    }
}

/// Brings the hits from `from` on into order and joins those that overlap.
fn merge(hits: &mut Vec<Hit>, from: usize) {
    hits[from..].sort_by_key(|h| (h.start, std::cmp::Reverse(h.end)));
    let mut kept = from;
    for i in from..hits.len() {
        let hit = hits[i];
        if kept > from && hit.start < hits[kept - 1].end {
            hits[kept - 1].end = hits[kept - 1].end.max(hit.end);
        } else {
            hits[kept] = hit;
            kept += 1;
        }
    }
    hits.truncate(kept);
}
