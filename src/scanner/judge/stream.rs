//! A text that passes piece by piece: what is put together over its pieces, and what was found shortly before.

use super::examine::{self, Noted};
use super::known::Role;
use super::quoted::REACH;
use super::weigh;
use super::{Judge, Subject, Verdict};
use crate::scanner::Finding;
use crate::scanner::parts::{Assembler, is_stream};
use crate::scanner::views::Purse;

/// So many bytes back, what was found may still add to what is found now.
const NEAR: usize = 1024;
/// So much of what has passed is kept: as much as tells whether what follows is quoted, and what another stage may have held.
const BEHIND: usize = 1024;
/// What there is to spend on views, whatever the pieces, is there anew for so many bytes.
const REFILLS: usize = 64 * 1024;
/// Text that is held is looked through again when it has grown by this, and by a quarter.
const GROWN: usize = 256;

/// The state of one text.
#[derive(Debug, Default)]
pub struct Stream {
    /// None: it is no event stream, or it is not known yet.
    events: Option<Assembler>,
    begun: bool,
    /// Bytes seen so far.
    seen: usize,
    /// As far as nothing that follows changes what was found, views apart.
    settled: usize,
    /// As far as it was looked through views.
    viewed: usize,
    /// Does it begin as JSON does?
    json: bool,
    behind: Behind,
    /// What was found last, its place counted from the text's beginning.
    recent: Vec<Noted>,
    purse: Purse,
    /// Where it was full.
    filled: usize,
}

/// The last bytes that may have passed on.
#[derive(Debug, Default)]
struct Behind {
    bytes: Vec<u8>,
    /// Where they begin in the text.
    start: usize,
}

impl Behind {
    /// These pass on, which begin at `base`; another stage may hold some of them still.
    fn pass(&mut self, bytes: &[u8], base: usize) {
        self.bytes.truncate(base.saturating_sub(self.start));
        self.bytes.extend_from_slice(&bytes[bytes.len().saturating_sub(BEHIND)..]);
        self.bytes.drain(..self.bytes.len().saturating_sub(BEHIND));
        self.start = base + bytes.len() - self.bytes.len();
    }
}

impl Stream {
    /// Of events.
    #[must_use]
    pub fn of_events() -> Stream {
        Stream { events: Some(Assembler::of_events()), begun: true, ..Stream::default() }
    }

    /// How far it was looked through views, and is settled.
    #[cfg(test)]
    pub(super) fn looked(&self) -> (usize, usize) {
        (self.viewed, self.settled)
    }

    /// Of lines of JSON.
    #[must_use]
    pub fn of_lines() -> Stream {
        Stream { events: Some(Assembler::of_lines()), begun: true, ..Stream::default() }
    }
}

/// A piece of a text: what was held of it, and what came.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The bytes.
    pub text: &'a [u8],
    /// How many of them were in the piece before.
    pub seen: usize,
    /// Does nothing follow?
    pub end: bool,
}

/// What the piece comes to, and up to where it may be passed on.
pub(super) fn pass(
    judge: &Judge,
    subject: &Subject<'_>,
    stream: &mut Stream,
    piece: Piece<'_>,
) -> (Verdict, usize) {
    let Piece { text, seen, end } = piece;
    let mut listed = Vec::new();
    let base = stream.seen - seen.min(stream.seen);
    let fresh = &text[seen.min(text.len())..];
    stream.seen = base + text.len();
    if stream.seen >= stream.filled + REFILLS {
        (stream.purse, stream.filled) = (Purse::default(), stream.seen);
    }
    if !std::mem::replace(&mut stream.begun, true) {
        stream.events = is_stream(text).then(Assembler::default);
    }
    if base == 0 {
        stream.json = examine::is_json(text);
    }
    let (mut noted, mut most) = (Vec::new(), text.len());
    if let Some(events) = &mut stream.events {
        let mut group = 0;
        let span = seen.min(text.len())..text.len();
        let mut here = Vec::new();
        let pending = events.take(fresh, end, &mut |part| {
            group += 1;
            if part.entry {
                return examine::list(part, &mut listed);
            }
            examine::part_of(judge, part, &mut stream.purse, &mut here);
            for finding in here.drain(..) {
                examine::note(part, group, finding, span.clone(), &mut noted);
            }
        });
        // what is pending of earlier pieces was held with them
        let held = if pending > 0 && pending == fresh.len() { text.len() } else { pending };
        most = text.len() - held;
    }
    let (found, hold) = stream.find(judge, subject, (text, base, end), most);
    stream.note(subject, text, base, found, &mut noted);
    stream.recall(base, &mut noted);
    stream.behind.pass(&text[..hold], base);
    let verdict = weigh::weigh(judge, subject, text, noted);
    (Verdict { listed, ..verdict }, hold)
}

impl Stream {
    /// What stands in the piece and is settled, and up to where it may pass, `most` at most.
    fn find(
        &mut self,
        judge: &Judge,
        subject: &Subject<'_>,
        (text, base, end): (&[u8], usize, bool),
        most: usize,
    ) -> (Vec<Finding>, usize) {
        let Subject { direction, surface, .. } = *subject;
        let from = self.settled.saturating_sub(base).min(text.len());
        // what is settled of a text whose beginning was settled before says nothing of it alone
        let mark = if from == 0 { judge.mark(Role::Window(direction, surface, end), text) } else { None };
        if let Some(open) = judge.open(mark) {
            let settled = text.len() - open.min(text.len());
            (self.viewed, self.settled) = (base + text.len(), base + settled);
            return (Vec::new(), settled.min(most));
        }
        let refused = self.purse.refused();
        let (mut found, settled, whole) = self.search(judge, subject, (text, base, end), from, most);
        if whole && found.is_empty() && self.purse.refused() == refused {
            judge.remember_window(mark, text.len() - settled);
        }
        found.retain(|f| end || f.start < settled);
        self.settled = base + settled;
        (found, settled.min(most))
    }

    /// What is found, up to where it is settled, and whether all of the text was searched. What was held is not searched again for
    /// each byte that follows: else a sender of single bytes would make us search all that is held for each of them. `from`: as
    /// far as it is settled; `most`: as much as may pass.
    fn search(
        &mut self,
        judge: &Judge,
        subject: &Subject<'_>,
        (text, base, end): (&[u8], usize, bool),
        from: usize,
        most: usize,
    ) -> (Vec<Finding>, usize, bool) {
        let Subject { direction, surface, .. } = *subject;
        let mut found = Vec::new();
        let settled = from + judge.scanner.scan_plain(direction, surface, &text[from..], &mut found);
        let new = (base + text.len()).saturating_sub(self.viewed);
        // nothing passes that was not looked through
        let whole = end || base + settled.min(most) > self.viewed || new >= GROWN.max(text.len() / 4);
        if whole {
            if from > 0 {
                found.clear();
                judge.scanner.scan_plain(direction, surface, text, &mut found);
            }
            judge.scanner.look_through((direction, surface), text, &mut self.purse, &mut found, 0);
            self.viewed = base + text.len();
        } else {
            found.iter_mut().for_each(|f| (f.start, f.end) = (f.start + from, f.end + from));
        }
        (found, if end { text.len() } else { settled }, whole)
    }

    /// Notes what was found. Whether it is quoted also depends on what stands before the piece: where that is not known, it is not.
    fn note(
        &self,
        subject: &Subject<'_>,
        text: &[u8],
        base: usize,
        mut found: Vec<Finding>,
        out: &mut Vec<Noted>,
    ) {
        let (start, end) = (self.behind.start, self.behind.start + self.behind.bytes.len());
        let known = (start == 0 || base >= start + REACH) && base <= end;
        if found.is_empty() || !known || self.json {
            return examine::take_as(subject, text, false, found, out);
        }
        let before = &self.behind.bytes[..base - start];
        found.iter_mut().for_each(|f| (f.start, f.end) = (f.start + before.len(), f.end + before.len()));
        let first = out.len();
        examine::take_as(subject, &[before, text].concat(), true, found, out);
        for Noted { finding, .. } in &mut out[first..] {
            (finding.start, finding.end) = (finding.start - before.len(), finding.end - before.len());
        }
    }

    /// What was found shortly before counts again, once it is added to; what is new is remembered.
    fn recall(&mut self, base: usize, noted: &mut Vec<Noted>) {
        if noted.is_empty() {
            return;
        }
        let known = |n: &Noted, at: usize| {
            let same = |r: &Noted| r.finding.rule == n.finding.rule && r.finding.start == at;
            self.recent.iter().any(same)
        };
        noted.retain(|n| n.group > 0 || !known(n, n.finding.start + base));
        let new: Vec<Noted> = noted
            .iter()
            .filter(|n| n.group == 0)
            .cloned()
            .map(|mut n| {
                n.finding.start += base;
                n.finding.end += base;
                n
            })
            .collect();
        self.recent.retain(|r| r.finding.end + NEAR >= base);
        if !new.is_empty() {
            // before this piece there is nothing to point at: its first byte stands for it
            noted.extend(self.recent.iter().cloned().map(|mut n| {
                n.finding.start = n.finding.start.saturating_sub(base);
                n.finding.end = n.finding.end.saturating_sub(base);
                n
            }));
        }
        self.recent.extend(new);
    }
}
