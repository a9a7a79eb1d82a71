//! A text that passes piece by piece: what is put together over its pieces, and what was found shortly before.

use super::examine::{self, Examined, Noted};
use super::weigh;
use super::{Judge, Subject, Verdict};
use crate::scanner::Finding;
use crate::scanner::parts::{Assembler, is_stream};

/// So many bytes back, what was found may still add to what is found now.
const NEAR: usize = 1024;

/// The state of one text.
#[derive(Debug, Default)]
pub struct Stream {
    /// None: it is no event stream, or it is not known yet.
    events: Option<Assembler>,
    begun: bool,
    /// Bytes seen so far.
    seen: usize,
    /// What was found last, its place counted from the text's beginning.
    recent: Vec<Noted>,
}

impl Stream {
    /// Of events.
    #[must_use]
    pub fn of_events() -> Stream {
        Stream { events: Some(Assembler::of_events()), begun: true, ..Stream::default() }
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
    let Examined { mut noted, mut listed } = Examined::default();
    let mut hold = text.len();
    let mut found: Vec<Finding> = Vec::new();
    if end {
        judge.scanner.find(subject.direction, subject.surface, text, &mut found);
    } else {
        hold = judge.scanner.scan(subject.direction, subject.surface, text, &mut found);
        found.retain(|f| f.start < hold);
    }
    examine::take(subject, text, found, &mut noted);
    let base = stream.seen - seen.min(stream.seen);
    let fresh = &text[seen.min(text.len())..];
    stream.seen = base + text.len();
    if !std::mem::replace(&mut stream.begun, true) && is_stream(text) {
        stream.events = Some(Assembler::default());
    }
    if let Some(events) = &mut stream.events {
        let mut group = 0;
        let span = seen.min(text.len())..text.len();
        let mut here = Vec::new();
        let pending = events.take(fresh, end, &mut |part| {
            group += 1;
            if part.entry {
                return examine::list(part, &mut listed);
            }
            examine::part_of(judge, part, &mut here);
            for finding in here.drain(..) {
                examine::note(part, group, finding, span.clone(), &mut noted);
            }
        });
        // what is pending of earlier pieces was held with them
        let held = if pending > 0 && pending == fresh.len() { text.len() } else { pending };
        hold = hold.min(text.len() - held);
    }
    stream.recall(base, &mut noted);
    let verdict = weigh::weigh(judge, subject, text, noted);
    (Verdict { listed, ..verdict }, hold)
}

impl Stream {
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
