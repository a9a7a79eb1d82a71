//! One rule, compiled, and tried on text that begins with one of its keywords. Finding the keywords is the prefilter's
//! business.

use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::blob::{self, in_blob, may_be_base64};
use super::bounds::{LONGEST_MATCH, SHORT, following, longest_match, parsed};
use super::context::{self, Context};
use super::gate::Gate;
use super::read::Raw;
use super::shape::Shape;
use super::validate::{Allowed, Validator, entropy};
use crate::base::glob::HostPattern;
use crate::base::host::Host;
use crate::scanner::search::{Keyword, Next, Prefilter, Work};
use crate::scanner::{Direction, Error, Family, Surface};

/// What may stand between two words of a phrase, written as a space in an injection pattern: white space, light
/// punctuation and markup, JSON escapes, HTML spaces, no-break and zero-width characters (by the bytes they are made of:
/// a tight class keeps the automata small). Not what ends a sentence.
const GAP: &str =
    r#"(?:(?:[\x00-\x20"'*_,:#>~`|\\/\x80-\xBF\xC2\xE2\xE3\xEF-]|\\[nrt]|&nbsp;|&#(?:32|160);){1,6})"#;
/// How a space inside a keyword may be spelt.
const SPACES: [&str; 2] = [" ", "\\n"];
/// How `_` in the name beside a value may be spelt.
const JOINTS: [&str; 3] = ["_", "-", ""];
/// Stands in examples where a token would otherwise be complete in our own source tree; taken out before use.
const SEAM: &str = "~~";
/// Confidence in a value that stands near a name and is neither assigned nor called a secret.
const NEARBY: u8 = 45;

/// What may stand between the pieces of a secret, together, that may be as much as the secret itself.
const APART: usize = 128;

/// Room for the states of one pattern's automaton, used as needed. With less, long patterns fall back to a search a hundred
/// times slower.
const DFA_LIMIT: usize = 16 << 20;

/// How long a match may be, and what a value looks like.
#[derive(Debug, Default)]
struct Bounds {
    longest: usize,
    /// How many bytes from a keyword's beginning decide what the rule says.
    reach: usize,
    /// What can be asked of a place before the pattern is tried.
    gate: Gate,
    shape: Shape,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// `kind.name`, unique.
    pub id: Arc<str>,
    /// What it looks for.
    pub family: Family,
    /// Percent, where the validator (if any) agrees.
    pub confidence: u8,
    /// Texts that must be found.
    pub examples: Vec<String>,
    /// Texts that must not.
    pub counter_examples: Vec<String>,
    /// Where the format is described.
    pub references: Vec<String>,
    /// The languages it is for, two letters each; none: English, or no language at all.
    pub languages: Vec<String>,
    /// The file it was read from.
    pub source_name: String,
    /// Does it stand in the place of a rule the program brings along?
    pub overrides: bool,
    /// The hosts that such a secret is meant for, in a header or in the query; empty: not known.
    pub(super) hosts: Box<[HostPattern]>,
    /// Those among them that take it in a body.
    pub(super) body_hosts: Box<[HostPattern]>,
    pub(super) keywords: Vec<String>,
    /// What may follow each.
    followed: Box<[Next]>,
    fold: bool,
    /// Of the match; or of the value, where there is a context.
    pub(super) pattern: String,
    pub(super) context: Option<Context>,
    /// Of the match, or of the value. Worked out when the first keyword turns up, as the expressions are.
    bounds: OnceLock<Bounds>,
    /// All spellings of the keywords, long ones first, where there is a context.
    names: Box<[Box<[u8]>]>,
    /// Could a keyword come up in base64 by chance?
    bare: bool,
    /// Compiled when the first keyword turns up: most rules never meet theirs.
    regex: OnceLock<Option<Regex>>,
    /// The same, not anchored: for texts full of keywords.
    anywhere: OnceLock<Option<Regex>>,
    unverified: Option<u8>,
    validator: Option<Validator>,
    entropy: Option<f32>,
    pub(super) surfaces: Vec<Surface>,
    pub(super) direction: Vec<Direction>,
    allowed: Arc<Allowed>,
}

impl Rule {
    pub(in crate::scanner) fn compile(
        name: &str,
        family: Family,
        raw: Raw,
        allowed: &Arc<Allowed>,
    ) -> Result<Rule, String> {
        check(&raw)?;
        let context = (!raw.value.is_empty())
            .then(|| Context { nearby: raw.nearby.unwrap_or(NEARBY).min(raw.confidence) });
        let written = if context.is_some() { raw.value } else { raw.pattern };
        let pattern = if family.is_phrase() { written.replace(' ', GAP) } else { written };
        let case = raw.ignore_case || family.is_phrase();
        let usual_next = case || context.is_some();
        let seamless = |texts: Vec<String>| texts.into_iter().map(|t| t.replace(SEAM, "")).collect();
        let usual = if family == Family::Secret { Direction::Request } else { Direction::Response };
        let mut rule = Rule {
            id: raw.id.into(),
            family,
            confidence: raw.confidence,
            examples: seamless(raw.examples),
            counter_examples: seamless(raw.counter_examples),
            references: raw.references,
            languages: raw.languages,
            source_name: name.to_owned(),
            overrides: raw.overrides,
            hosts: patterns(&raw.hosts)?,
            body_hosts: patterns(&raw.body_hosts)?,
            bare: context.is_none() && raw.keywords.iter().any(|k| may_be_chance(k)),
            followed: followed(&raw.keywords, &pattern, usual_next)?,
            keywords: raw.keywords,
            fold: case,
            pattern,
            context,
            bounds: OnceLock::new(),
            names: Box::default(),
            regex: OnceLock::new(),
            anywhere: OnceLock::new(),
            unverified: raw.unverified,
            validator: raw.validator,
            entropy: raw.entropy,
            surfaces: raw.surfaces.unwrap_or_else(|| vec![Surface::Url, Surface::Header, Surface::Body]),
            direction: raw.direction.unwrap_or_else(|| vec![usual]),
            allowed: Arc::clone(allowed),
        };
        if rule.context.is_some() {
            let mut names: Vec<Box<[u8]>> = rule.spelt().map(|(k, _)| k.into_bytes().into()).collect();
            names.sort_by_key(|k| std::cmp::Reverse(k.len()));
            rule.names = names.into();
        }
        Ok(rule)
    }

    /// Is the pattern one that can be used? Not asked of built-in rules when the program starts: its tests have.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::scanner) fn check_pattern(&self) -> Result<(), String> {
        self.measured().map(|bounds| drop(self.bounds.set(bounds)))
    }

    fn measured(&self) -> Result<Bounds, String> {
        let hir = parsed(&self.pattern, self.fold)?;
        let longest = longest_match(&hir)?;
        Ok(Bounds { longest, reach: self.reach_with(longest), gate: Gate::of(&hir), shape: Shape::of(&hir) })
    }

    fn bounds(&self) -> &Bounds {
        self.bounds.get_or_init(|| self.measured().unwrap_or_default())
    }

    /// Is what it finds meant for this host, in a header or the query? `None`: it does not say for which it is.
    #[must_use]
    pub fn belongs(&self, host: &Host) -> Option<bool> {
        (!self.hosts.is_empty()).then(|| self.hosts.iter().any(|h| h.matches(host)))
    }

    /// Does this host take it in a body?
    #[must_use]
    pub fn goes_in_body(&self, host: &Host) -> bool {
        self.body_hosts.iter().any(|h| h.matches(host))
    }

    /// Does it know its values by their look alone, whatever stands beside them?
    #[must_use]
    pub fn has_own_look(&self) -> bool {
        self.context.is_none()
    }

    /// Does a checksum say whether a value is one?
    pub(in crate::scanner) fn has_checksum(&self) -> bool {
        self.validator.is_some_and(Validator::is_checksum)
    }

    pub(in crate::scanner) fn goes(&self, direction: Direction) -> bool {
        self.direction.contains(&direction)
    }

    pub(in crate::scanner) fn is_for(&self, surface: Surface) -> bool {
        // a rule for bodies is one for all their parts
        self.surfaces.contains(&surface) || surface.is_body() && self.surfaces.contains(&Surface::Body)
    }

    /// A body, or the part of one that it is for.
    #[cfg(test)]
    pub(in crate::scanner) fn usual_surface(&self) -> Surface {
        if self.is_for(Surface::Body) { Surface::Body } else { self.surfaces[0] }
    }

    /// How many bytes from a keyword's beginning decide what the rule says: the longest match, or keyword, and what is looked
    /// at after it.
    pub(in crate::scanner) fn reach(&self) -> usize {
        self.bounds().reach
    }

    fn reach_with(&self, longest: usize) -> usize {
        let keyword = self.keywords.iter().map(String::len).max().unwrap_or(0);
        match self.context {
            Some(_) => keyword + context::WITHIN + longest + 2,
            None if self.bare => longest.max(keyword) + blob::AFTER,
            None => longest.max(keyword) + 1,
        }
    }

    /// How many bytes from a keyword's beginning decide what may be found there, escaped or in pieces too.
    pub(in crate::scanner) fn spread(&self) -> usize {
        self.spread_of(self.reach())
    }

    fn spread_of(&self, reach: usize) -> usize {
        if self.family == Family::Secret && self.has_own_look() { 2 * reach + APART } else { reach }
    }

    /// No less than the spread, and known without taking the pattern apart.
    pub(in crate::scanner) fn farthest(&self) -> usize {
        let known = self.bounds.get().map(|bounds| bounds.reach);
        self.spread_of(known.unwrap_or_else(|| self.reach_with(LONGEST_MATCH)))
    }

    pub(in crate::scanner) fn keywords(&self) -> Vec<Keyword> {
        let fold = self.fold || self.context.is_some();
        let own = |k: String| if fold { k.to_ascii_lowercase() } else { k };
        let keyword = |(k, next): (String, Next)| {
            let bytes = own(k).into_bytes().into();
            Keyword { bytes, fold, next, before: Next::ANY }
        };
        self.spelt().map(keyword).collect()
    }

    /// What a match, or the name beside a value, may begin with.
    #[must_use]
    pub fn spellings(&self) -> Vec<Box<[u8]>> {
        self.keywords().into_iter().map(|k| k.bytes).collect()
    }

    /// The keywords in all their spellings, and what may follow them.
    fn spelt(&self) -> impl Iterator<Item = (String, Next)> {
        self.keywords.iter().zip(&self.followed).flat_map(|(k, next)| {
            let inside = k.trim_end_matches('_').contains('_');
            let (joint, spellings) = match self.context {
                Some(_) if inside => ('_', &JOINTS[..]),
                Some(_) => ('_', &JOINTS[..2]),
                None if k.contains(' ') && self.fold => (' ', &SPACES[..]),
                None => ('\0', &SPACES[..1]),
            };
            let once = if k.contains(joint) { spellings } else { &spellings[..1] };
            once.iter().map(move |s| (k.replace(joint, s), *next))
        })
    }

    /// Is it worth to look for a match at the very beginning of `text`?
    pub(in crate::scanner) fn may_match(&self, text: &[u8], work: &mut Work) -> bool {
        work.add(Work::LOOK);
        let bounds = self.bounds();
        if self.context.is_none() {
            return bounds.gate.lets_in(&text[..text.len().min(bounds.reach)]);
        }
        let (least, most) =
            (self.names.last().map_or(0, |n| n.len()), self.names.first().map_or(0, |n| n.len()));
        bounds.shape.fits(text, least..most + context::WITHIN + 1)
    }

    /// The same, going by its first bytes.
    pub(in crate::scanner) fn may_begin(&self, head: &[u8]) -> bool {
        self.context.is_some() || self.bounds().gate.lets_begin(head)
    }

    /// The length and confidence of a match at the very beginning of `text`.
    pub(in crate::scanner) fn matches(&self, text: &[u8], work: &mut Work) -> Option<(usize, u8)> {
        let bounds = self.bounds();
        let text = &text[..text.len().min(bounds.reach)];
        let regex = self.regex()?;
        if let Some(context) = &self.context {
            work.add(Work::PLACES);
            return self.beside(context, regex, text, work);
        }
        work.add(Work::TRY);
        let end = regex.find(text)?.end();
        work.judge(end);
        if self.family != Family::Secret {
            return Some((end, self.confidence));
        }
        if !self.may_pass(&text[..end]) {
            return None;
        }
        let value = secret(regex, &text[..end]);
        let verdict = self.judge(&text[..end], value)?;
        let piece = self.bare && may_be_base64(&text[..end]) && in_blob(&text[end..]);
        (!piece || self.is_proven(value)).then_some((end, verdict))
    }

    /// A value some way after the name that `text` begins with.
    fn beside(&self, context: &Context, regex: &Regex, text: &[u8], work: &mut Work) -> Option<(usize, u8)> {
        let same = |a: Option<&u8>, b: Option<&u8>| a.zip(b).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        // most differ at once
        let is_here = |k: &[u8]| {
            same(k.last(), text.get(k.len() - 1))
                && same(k.first(), text.first())
                && text[..k.len()].eq_ignore_ascii_case(k)
        };
        let named = self.names.iter().find(|k| is_here(k))?.len();
        let Bounds { shape, gate, .. } = self.bounds();
        let mut room = shape.room();
        Context::places(text, named).find_map(|at| {
            if !room.may_hold(text, at)
                || !gate.lets_in(&text[at..])
                || !self.validator.is_none_or(|v| v.may_begin(&text[at..]))
            {
                return None;
            }
            work.add(Work::TRY);
            let end = at + regex.find(&text[at..])?.end();
            work.judge(end - at);
            let whole = context::ends(&text[end..]) && self.may_pass(&text[at..end]);
            let verdict = whole.then(|| self.judge(&text[..end], secret(regex, &text[at..end]))).flatten()?;
            work.add(Work::READ);
            let confidence = context.confidence(&text[..at], self.confidence)?;
            Some((end, verdict.min(confidence)))
        })
    }

    /// The confidence in a value that has the shape.
    fn judge(&self, matched: &[u8], value: &[u8]) -> Option<u8> {
        let verdict = match self.validator {
            Some(validator) if !validator.accepts(value) => self.unverified,
            _ => Some(self.confidence),
        };
        let dull = |min| entropy(value) < min;
        verdict.filter(|_| !self.entropy.is_some_and(dull) && !self.allowed.is_made_up(matched, value))
    }

    /// Not if all of a match lacks what the validator wants of its part: finding the part costs more.
    fn may_pass(&self, matched: &[u8]) -> bool {
        let wants = self.validator.filter(|v| self.unverified.is_none() && v.wants_characters());
        wants.is_none_or(|v| v.accepts(matched))
    }

    /// Does a checksum say that it is one, wherever it stands?
    fn is_proven(&self, value: &[u8]) -> bool {
        self.validator.is_some_and(|v| v.is_checksum() && v.accepts(value))
    }

    /// All that it judges by.
    #[cfg(test)]
    pub(in crate::scanner) fn substance(&self) -> String {
        let Rule { id, confidence, pattern, validator, unverified, entropy, surfaces, direction, .. } = self;
        let hosts = (&self.hosts, &self.body_hosts, &self.context);
        let keywords = self.keywords();
        format!(
            "{id} {confidence} {pattern} {validator:?} {unverified:?} {entropy:?} {surfaces:?} {direction:?} {hosts:?} {keywords:?}"
        )
    }

    /// Does nothing but what it looks for look like it, not even among random bytes?
    pub(in crate::scanner) fn has_shape(&self) -> bool {
        self.family.is_phrase()
            || self.validator.is_some_and(Validator::is_checksum)
            || self.confidence >= 80 && !self.fold && self.keywords.iter().all(|k| k.len() > 3)
    }

    /// Is a finding of this confidence beyond doubt, however it was come by?
    pub(in crate::scanner) fn is_proof(&self, confidence: u8) -> bool {
        confidence == self.confidence && self.validator.is_some_and(Validator::is_checksum)
    }

    /// Does the rule do what its examples say?
    ///
    /// # Errors
    /// The first example it does not find, or counter-example it finds.
    pub fn check_examples(&self) -> Result<(), Error> {
        let fault = |reason: String| Error::Rule {
            source_name: self.source_name.clone(),
            rule: self.id.to_string(),
            reason,
        };
        self.check_pattern().map_err(fault)?;
        if self.regex().is_none() {
            return Err(fault("the pattern is too large".into()));
        }
        if let Some(missed) = self.examples.iter().find(|e| !self.is_in(e)) {
            return Err(fault(format!("does not find its example {missed:?}")));
        }
        if let Some(found) = self.counter_examples.iter().find(|e| self.is_in(e)) {
            return Err(fault(format!("finds its counter-example {found:?}")));
        }
        Ok(())
    }

    /// From where on the next try is worth it: before that, no try succeeds. 0 if that cannot be said.
    pub(in crate::scanner) fn next(&self, text: &[u8], work: &mut Work) -> Option<usize> {
        let before = if self.context.is_some() { self.reach() - self.bounds().longest } else { 0 };
        match self.anywhere.get_or_init(|| self.compiled("")) {
            Some(regex) => {
                let found = regex.find(text);
                work.add(Work::TRY + 4 * found.map_or(text.len(), |m| m.end()));
                found.map(|m| m.start().saturating_sub(before))
            }
            None => Some(0),
        }
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| self.compiled(r"\A")).as_ref()
    }

    fn compiled(&self, anchor: &str) -> Option<Regex> {
        RegexBuilder::new(&format!("{anchor}(?:{})", self.pattern))
            .unicode(false)
            .case_insensitive(self.fold)
            .dfa_size_limit(DFA_LIMIT)
            .build()
            .ok()
    }

    fn is_in(&self, text: &str) -> bool {
        let (text, keywords) = (text.as_bytes(), self.keywords());
        let at = |at: usize| {
            keywords.iter().any(|k| k.is_at(&text[at..]))
                && self.matches(&text[at..], &mut Work::default()).is_some()
        };
        (0..text.len()).any(at)
    }
}

/// The part of a match that is the secret: its first group, if there is one.
fn secret<'t>(regex: &Regex, matched: &'t [u8]) -> &'t [u8] {
    let groups = (regex.captures_len() > 1).then(|| regex.captures(matched)).flatten();
    groups.and_then(|g| g.iter().skip(1).flatten().next()).map_or(matched, |m| m.as_bytes())
}

/// Will a few megabytes of base64 hold this keyword?
fn may_be_chance(keyword: &str) -> bool {
    keyword.len() < 8 && may_be_base64(keyword.as_bytes()) && !keyword.contains(['_', '-'])
}

/// What may follow each keyword; only a short one is worth the look.
fn followed(keywords: &[String], pattern: &str, any: bool) -> Result<Box<[Next]>, String> {
    if any || keywords.iter().all(|k| k.len() > SHORT) {
        return Ok(keywords.iter().map(|_| Next::ANY).collect());
    }
    let hir = parsed(pattern, false)?;
    Ok(keywords.iter().map(|k| following(&hir, k)).collect())
}

/// What can be said without compiling anything.
fn check(raw: &Raw) -> Result<(), String> {
    if raw.confidence > 100 || raw.unverified.is_some_and(|u| u > 100) {
        return Err("a confidence is a percentage, 0 to 100".into());
    }
    if raw.pattern.is_empty() == raw.value.is_empty() {
        return Err("needs either a pattern or a value".into());
    }
    if raw.keywords.is_empty() || raw.keywords.iter().any(|k| k.len() < Prefilter::SHORTEST || k.len() > 64) {
        return Err(format!("needs keywords, of {} to 64 bytes each", Prefilter::SHORTEST));
    }
    Ok(())
}

fn patterns(hosts: &[String]) -> Result<Box<[HostPattern]>, String> {
    hosts.iter().map(|h| HostPattern::parse(h).map_err(|e| format!("host {h}: {e}"))).collect()
}
