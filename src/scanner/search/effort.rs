//! Bounds the work that a text full of keywords makes: where a rule is tried in vain again and again, one search for its
//! pattern says from where on the next try is worth it. Nothing is lost by it.

use std::sync::Arc;

use crate::scanner::Family;
use crate::scanner::rules::Rule;

/// So many tries in vain, within so many bytes, are worth a search.
const TRIES: u32 = 16;
const NEAR: usize = 4096;
/// How far one search goes.
const SEARCH: usize = 32 * 1024;
/// A search that leads less far was not worth it.
const WORTH: usize = 64;
/// Of an injection rule's findings in one call, more say nothing new.
const MOST_FOUND: u32 = 64;

#[cfg(test)]
thread_local! {
    /// Bytes that rules have looked at.
    pub(in crate::scanner) static WORK: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts, for the tests, the bytes that a rule is about to look at.
#[inline(always)]
pub(in crate::scanner) fn work(_bytes: usize) {
    #[cfg(test)]
    WORK.set(WORK.get() + _bytes);
}

/// What one call to the scanner has tried so far.
#[derive(Debug, Default)]
pub(in crate::scanner) struct Effort {
    rules: Vec<Tried>,
}

#[derive(Debug)]
struct Tried {
    rule: *const Rule,
    found: u32,
    in_vain: u32,
    /// Where the tries in vain began.
    since: usize,
    /// No match begins from the last search on to here.
    clear: std::ops::Range<usize>,
}

impl Effort {
    /// Tries `rule` at `start`: the length and confidence of a match.
    pub(in crate::scanner) fn at(
        &mut self,
        rule: &Arc<Rule>,
        text: &[u8],
        start: usize,
    ) -> Option<(usize, u8)> {
        let tried = self.tried(rule);
        if tried.clear.contains(&start) || tried.found >= MOST_FOUND && rule.family != Family::Secret {
            return None;
        }
        let matched = rule.matches(&text[start..]);
        if matched.is_some() {
            tried.found += 1;
        } else {
            tried.fail(rule, text, start);
        }
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
    fn fail(&mut self, rule: &Rule, text: &[u8], start: usize) {
        if self.in_vain == 0 || start.abs_diff(self.since) > NEAR {
            (self.in_vain, self.since) = (0, start);
        }
        self.in_vain += 1;
        if self.in_vain >= TRIES {
            let end = text.len().min(start + SEARCH);
            let next = rule.next(&text[start..end]).map_or_else(
                // a match that begins later may end beyond what was searched
                || if end == text.len() { end } else { end.saturating_sub(rule.reach()) },
                |found| start + found,
            );
            self.clear = start..next;
            (self.in_vain, self.since) = (if next < start + WORTH { 0 } else { TRIES / 2 }, next);
        }
    }
}
