//! The rules of one direction, compiled together: keywords to rules, and the order of work at a keyword. Judging a match is
//! the rule's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effort::Effort;
use super::prefilter::{Keyword, Prefilter};
use super::rarity::Rarity;
use super::rule::Rule;
use super::{Error, Finding, Surface};

const MAX_RULES: usize = 4096;
const MAX_KEYWORDS: usize = 16_384;

/// The scan of one direction.
#[derive(Debug)]
pub(super) struct Lane {
    prefilter: Prefilter,
    /// By keyword: the rules it may begin.
    rules: Box<[Box<[Arc<Rule>]>]>,
    max_hold: usize,
}

impl Lane {
    pub(super) fn compile(rules: Vec<Arc<Rule>>, rarity: &Rarity) -> Result<Lane, Error> {
        if rules.len() > MAX_RULES {
            return Err(Error::TooMany { what: "rules", limit: MAX_RULES });
        }
        let max_hold = rules.iter().map(|r| r.farthest()).max().unwrap_or(0);
        let mut begins: BTreeMap<Keyword, Vec<Arc<Rule>>> = BTreeMap::new();
        for rule in rules {
            for keyword in rule.keywords() {
                begins.entry(keyword).or_default().push(Arc::clone(&rule));
            }
        }
        if begins.len() > MAX_KEYWORDS {
            return Err(Error::TooMany { what: "keywords", limit: MAX_KEYWORDS });
        }
        let (keywords, rules): (Vec<_>, Vec<_>) = begins.into_iter().map(|(k, r)| (k, r.into())).unzip();
        Ok(Lane { prefilter: Prefilter::compile(keywords, rarity), rules: rules.into(), max_hold })
    }

    pub(super) fn max_hold(&self) -> usize {
        self.max_hold
    }

    /// A match begins at a keyword and depends on nothing before it. So what is found at a keyword is the same whatever was cut
    /// off in front, and a keyword is settled once everything its rules can reach is there.
    pub(super) fn scan(&self, surface: Surface, text: &[u8], out: &mut Vec<Finding>) -> usize {
        self.find(surface, text, out).min(self.prefilter.unfinished(text))
    }

    /// Returns the first keyword whose rules reach beyond the text.
    pub(super) fn find(&self, surface: Surface, text: &[u8], out: &mut Vec<Finding>) -> usize {
        let (first, mut hold, mut effort) = (out.len(), text.len(), Effort::default());
        self.prefilter.each(text, |start, keyword| {
            for rule in self.rules[keyword].iter().filter(|r| r.is_for(surface)) {
                if start + rule.reach() > text.len() {
                    hold = hold.min(start);
                }
                if let Some((len, confidence)) = effort.at(rule, text, start) {
                    let (rule, family, end) = (Arc::clone(&rule.id), rule.family, start + len);
                    out.push(Finding { rule, family, confidence, start, end });
                }
            }
        });
        if out.len() > first {
            settle(out, first);
        }
        hold
    }
}

/// Sorts what is new; two keywords of a rule may have found the same.
fn settle(out: &mut Vec<Finding>, first: usize) {
    out[first..].sort_by(|a, b| (a.start, &a.rule).cmp(&(b.start, &b.rule)));
    let mut kept = first;
    for i in first..out.len() {
        if i == first || (out[i].start, &out[i].rule) != (out[kept - 1].start, &out[kept - 1].rule) {
            out.swap(kept, i);
            kept += 1;
        }
    }
    out.truncate(kept);
}
