//! The rules of one direction, compiled together: keywords to rules, and the order of work at a keyword. Judging a match is
//! the rule's business.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::disguise::{self, Disguise};
use super::effort::{Effort, Work};
use super::pieces;
use super::prefilter::{Keyword, Prefilter};
use super::rarity::Rarity;
use crate::scanner::rules::Rule;
use crate::scanner::views::{Kind, Path, View};
use crate::scanner::{Error, Family, Finding, Surface, coded};

const MAX_RULES: usize = 4096;
const MAX_KEYWORDS: usize = 16_384;

/// A confidence loses as much with each view: the deeper, the less likely that anybody reads it so.
const LOSS: u8 = 1;

/// A text so full of keywords that not all could be tried is none that anybody writes.
const DENSE: &str = "engine.too_dense";

/// Words of phrases in disguise that stand nearer than this are read together.
pub(super) const REREAD: usize = 512;

/// What a text is, and how it was come by.
pub(in crate::scanner) struct Look {
    pub(in crate::scanner) path: Path,
    pub(in crate::scanner) kind: Kind,
    pub(in crate::scanner) surface: Surface,
}

/// The scan of one direction.
#[derive(Debug)]
pub(in crate::scanner) struct Lane {
    prefilter: Prefilter,
    /// By keyword: the rules it may begin.
    rules: Box<[Box<[Arc<Rule>]>]>,
    /// The keywords after those.
    disguises: Box<[Disguise]>,
    max_hold: usize,
    family: Family,
    /// The id of the finding that stands for all that was passed over.
    dense: Arc<str>,
}

impl Lane {
    pub(in crate::scanner) fn compile(
        family: Family,
        rules: Vec<Arc<Rule>>,
        rarity: &Rarity,
    ) -> Result<Lane, Error> {
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
        let (mut keywords, rules): (Vec<_>, Vec<_>) = begins.into_iter().map(|(k, r)| (k, r.into())).unzip();
        let (disguised, disguises) = disguise::all(&keywords);
        keywords.extend(disguised);
        let (prefilter, disguises) = (Prefilter::compile(&keywords, rarity), disguises.into());
        Ok(Lane { prefilter, rules: rules.into(), disguises, max_hold, family, dense: DENSE.into() })
    }

    pub(in crate::scanner) fn max_hold(&self) -> usize {
        self.max_hold
    }

    /// A match begins at a keyword and depends on nothing before it. So what is found at a keyword is the same whatever was cut
    /// off in front, and a keyword is settled once everything its rules can reach is there.
    pub(in crate::scanner) fn scan(&self, surface: Surface, text: &[u8], out: &mut Vec<Finding>) -> usize {
        self.find(surface, text, out).min(self.prefilter.unfinished(text))
    }

    /// Returns the first keyword whose rules reach beyond the text.
    pub(in crate::scanner) fn find(&self, surface: Surface, text: &[u8], out: &mut Vec<Finding>) -> usize {
        self.look(&Look { path: Path::PLAIN, kind: Kind::Text, surface }, text, out)
    }

    /// The same in a decoded text. In what is not text, rules without a shape of their own would find noise.
    pub(in crate::scanner) fn look(&self, look: &Look, text: &[u8], out: &mut Vec<Finding>) -> usize {
        let (first, mut hold, mut effort) = (out.len(), text.len(), Effort::new());
        self.prefilter.each(text, |start, keyword| {
            let Some(rules) = self.rules.get(keyword) else {
                let disguise = &self.disguises[keyword - self.rules.len()];
                self.uncover(look, disguise, (text, start), &mut effort, out);
                return;
            };
            for rule in rules.iter().filter(|r| r.is_for(look.surface)) {
                if start + rule.spread() > text.len() {
                    hold = hold.min(start);
                }
                if look.kind == Kind::Binary && !rule.has_shape() {
                    continue;
                }
                if !effort.affords(start) {
                    effort.pass_over(start..text.len().min(start + rule.spread()));
                } else if let Some((len, sure)) = effort.at(rule, text, start) {
                    out.push(finding(rule, sure, start..start + len, look.path));
                } else {
                    Lane::again(look, rule, (text, start), &mut effort, out);
                }
            }
        });
        for span in effort.into_dense() {
            let (rule, family) = (Arc::clone(&self.dense), self.family);
            let (start, end, path) = (span.start, span.end, look.path);
            out.push(Finding { rule, family, confidence: coded::confidence(DENSE), start, end, path });
        }
        if out.len() > first {
            settle(out, first);
        }
        hold
    }

    /// Where the keyword stands as it is, and what follows may be written otherwise.
    fn again(
        look: &Look,
        rule: &Rule,
        (text, start): (&[u8], usize),
        effort: &mut Effort,
        out: &mut Vec<Finding>,
    ) {
        let mut work = Work::default();
        let found = disguise::again(rule, text, start, &mut work).or_else(|| {
            // of letters that were only guessed at, anything can be put together
            let guess = |v| matches!(v, View::Rot13 | View::Caesar | View::Reversed);
            let mut tried = || pieces::tried(rule, text, start, &mut effort.token, &mut work);
            let (span, sure) = (!look.path.views().any(guess)).then(&mut tried)??;
            Some((View::Spaced, span, sure))
        });
        if let Some((view, span, sure)) = found
            && let Some(path) = look.path.then(view)
        {
            out.push(finding(rule, sure, span, path));
        }
        effort.spend(&work);
    }

    /// At the beginning of a keyword in disguise.
    fn uncover(
        &self,
        look: &Look,
        disguise: &Disguise,
        (text, start): (&[u8], usize),
        effort: &mut Effort,
        out: &mut Vec<Finding>,
    ) {
        let Some(path) = look.path.then(disguise.view()) else { return };
        let Some(keyword) = disguise.keyword else {
            return self.reread(&Look { path, ..*look }, disguise, (text, start), effort, out);
        };
        for rule in self.rules[keyword].iter().filter(|r| r.is_for(look.surface)) {
            if !effort.affords(start) {
                effort.pass_over(disguise.span(rule, text, start));
                continue;
            }
            let mut work = Work::default();
            if let Some((span, sure)) = disguise.tried(rule, text, start, &mut work) {
                out.push(finding(rule, sure, span, path));
            }
            effort.spend(&work);
        }
    }
}

impl Lane {
    /// At a word of phrases in disguise: what stands around it is read as it was before.
    fn reread(
        &self,
        look: &Look,
        disguise: &Disguise,
        (text, start): (&[u8], usize),
        effort: &mut Effort,
        out: &mut Vec<Finding>,
    ) {
        let turned = |v: &View| matches!(v, View::Rot13 | View::Reversed);
        let views: Vec<View> = look.path.views().collect();
        let again = views.iter().rev().skip(1).take_while(|v| turned(v)).any(|v| *v == disguise.view());
        if again || !effort.reads_on(disguise.view() == View::Rot13, start) {
            return;
        }
        if !effort.affords(start) {
            return effort.pass_over(start..text.len().min(start + REREAD));
        }
        let (mut here, (undone, around)) = (Vec::new(), disguise.undone(text, start));
        let mut work = Work::default();
        work.add(undone.len());
        effort.spend(&work);
        self.look(look, &undone, &mut here);
        for found in here {
            let span = disguise.original(&around, found.start..found.end);
            out.push(Finding { start: span.start, end: span.end, ..found });
        }
    }
}

fn finding(rule: &Rule, sure: u8, span: Range<usize>, path: Path) -> Finding {
    let loss = if rule.is_proof(sure) {
        0
    } else {
        LOSS.saturating_mul(u8::try_from(path.depth()).unwrap_or(u8::MAX))
    };
    let (confidence, family) = (sure.saturating_sub(loss), rule.family);
    Finding { rule: Arc::clone(&rule.id), family, confidence, start: span.start, end: span.end, path }
}

/// Sorts what is new. Two keywords of a rule may have found the same: what stands there as it is counts before what views make
/// of it.
fn settle(out: &mut Vec<Finding>, first: usize) {
    out[first..].sort_by(|a, b| (a.start, &a.rule, a.path.depth()).cmp(&(b.start, &b.rule, b.path.depth())));
    let mut kept = first;
    for i in first..out.len() {
        if i == first || (out[i].start, &out[i].rule) != (out[kept - 1].start, &out[kept - 1].rule) {
            out.swap(kept, i);
            kept += 1;
        }
    }
    out.truncate(kept);
}
