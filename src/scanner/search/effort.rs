//! Bounds the work that a text full of keywords makes. Where a rule is tried in vain again and again, one search for its
//! pattern says from where on the next try is worth it; nothing is lost by it. Where all rules together have cost too much
//! for so few bytes, keywords are passed over, and that is a finding.

use std::ops::Range;
use std::sync::Arc;

use super::lane::REREAD;
use crate::scanner::Family;
use crate::scanner::rules::Rule;

/// So many tries in vain, within so many bytes, are worth a search.
const TRIES: u32 = 32;
const NEAR: usize = 2048;
/// How far one search goes.
const SEARCH: usize = 16 * 1024;
/// A search that leads less far was not worth it.
const WORTH: usize = 64;
/// Of an injection rule's findings in one call, more say nothing new.
const MOST_FOUND: u32 = 64;
/// Each byte of a text pays for so much work, and this much may be saved up. Ordinary text uses less than a tenth.
const RATE: isize = 16;
const MOST_LEFT: isize = 256 * 1024;

/// Work, in bytes looked at by a pattern: about a nanosecond each.
#[derive(Debug, Default)]
pub(in crate::scanner) struct Work(usize);

impl Work {
    /// A look at a few bytes.
    pub(in crate::scanner) const LOOK: usize = 12;
    /// What it costs to set a pattern going.
    pub(in crate::scanner) const TRY: usize = 64;
    /// What it costs to ask all places near a name for a value.
    pub(in crate::scanner) const PLACES: usize = 512;
    /// What is asked of a value that has the shape: so much for each byte, and for all.
    pub(in crate::scanner) const JUDGE: (usize, usize) = (8, 256);
    /// What it costs to read what stands between a name and a value.
    pub(in crate::scanner) const READ: usize = 2048;

    /// A value of so many bytes has the shape.
    pub(in crate::scanner) fn judge(&mut self, bytes: usize) {
        self.0 += Self::JUDGE.0 * bytes + Self::JUDGE.1;
    }

    pub(in crate::scanner) fn add(&mut self, bytes: usize) {
        self.0 += bytes;
    }
}

#[cfg(test)]
thread_local! {
    /// What this thread's calls have cost.
    pub(in crate::scanner) static WORK: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What one call to the scanner has tried so far.
#[derive(Debug)]
pub(in crate::scanner) struct Effort {
    rules: Vec<Tried>,
    /// Below zero after a try that cost more than was left: then the text has to pay for that first.
    left: isize,
    /// As far as the text has paid.
    paid: usize,
    /// Where keywords were passed over.
    dense: Vec<Range<usize>>,
    /// As far as the text was read as it was before it was disguised, each way.
    read: [usize; 2],
    /// Where the last token stood that was asked for its pieces.
    pub(super) token: Range<usize>,
}

#[derive(Debug)]
struct Tried {
    rule: *const Rule,
    found: u32,
    in_vain: u32,
    /// Where the tries in vain began.
    since: usize,
    /// No match begins from the last search on to here.
    clear: Range<usize>,
}

impl Effort {
    pub(in crate::scanner) fn new() -> Effort {
        Effort { rules: Vec::new(), left: MOST_LEFT, paid: 0, dense: Vec::new(), read: [0; 2], token: 0..0 }
    }

    /// Was the text at `start` not read that way yet?
    pub(in crate::scanner) fn reads_on(&mut self, way: bool, start: usize) -> bool {
        let read = &mut self.read[usize::from(way)];
        let on = start >= *read;
        if on {
            *read = start + REREAD;
        }
        on
    }

    /// Is there anything left to spend at `start`?
    pub(in crate::scanner) fn affords(&mut self, start: usize) -> bool {
        if start > self.paid {
            self.left = MOST_LEFT.min(self.left + RATE * isize::try_from(start - self.paid).unwrap_or(0));
            self.paid = start;
        }
        self.left -= Work::LOOK as isize;
        self.left > 0
    }

    pub(in crate::scanner) fn spend(&mut self, work: &Work) {
        self.left -= isize::try_from(work.0).unwrap_or(MOST_LEFT);
        #[cfg(test)]
        WORK.set(WORK.get() + work.0);
    }

    /// What would have been looked at, had there been anything left.
    pub(in crate::scanner) fn pass_over(&mut self, span: Range<usize>) {
        match self.dense.last_mut() {
            Some(last) if span.start <= last.end => {
                *last = last.start.min(span.start)..last.end.max(span.end);
            }
            _ => self.dense.push(span),
        }
    }

    pub(in crate::scanner) fn into_dense(self) -> Vec<Range<usize>> {
        self.dense
    }

    /// Tries `rule` at `start`: the length and confidence of a match.
    pub(in crate::scanner) fn at(
        &mut self,
        rule: &Arc<Rule>,
        text: &[u8],
        start: usize,
    ) -> Option<(usize, u8)> {
        let mut work = Work::default();
        let here = &text[start..];
        if !rule.may_match(here, &mut work) {
            self.spend(&work);
            return None;
        }
        let tried = self.tried(rule);
        if tried.clear.contains(&start) || tried.found >= MOST_FOUND && rule.family != Family::Secret {
            return None;
        }
        let matched = rule.matches(here, &mut work);
        if matched.is_some() {
            tried.found += 1;
        } else {
            tried.fail(rule, text, start, &mut work);
        }
        self.spend(&work);
        matched
    }

    fn tried(&mut self, rule: &Arc<Rule>) -> &mut Tried {
        let id = Arc::as_ptr(rule);
        let known = self.rules.iter().position(|t| std::ptr::eq(t.rule, id));
        let at = known.unwrap_or_else(|| {
            self.rules.push(Tried { rule: id, found: 0, in_vain: 0, since: 0, clear: 0..0 });
            self.rules.len() - 1
        });
        &mut self.rules[at]
    }
}

impl Tried {
    fn fail(&mut self, rule: &Rule, text: &[u8], start: usize, work: &mut Work) {
        if self.in_vain == 0 || start.abs_diff(self.since) > NEAR {
            (self.in_vain, self.since) = (0, start);
        }
        self.in_vain += 1;
        if self.in_vain >= TRIES {
            let end = text.len().min(start + SEARCH);
            let next = rule.next(&text[start..end], work).map_or_else(
                // a match that begins later may end beyond what was searched
                || if end == text.len() { end } else { end.saturating_sub(rule.reach()) },
                |found| start + found,
            );
            self.clear = start..next;
            (self.in_vain, self.since) = (if next < start + WORTH { 0 } else { TRIES / 2 }, next);
        }
    }
}
