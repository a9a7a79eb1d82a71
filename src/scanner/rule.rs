//! One rule: read from YAML, checked, compiled, and tried on text that begins with one of its keywords. Finding the keywords
//! is the prefilter's business.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::prefilter::{Keyword, Prefilter};
use super::validate::{Allowed, Validator, entropy};
use super::{Direction, Error, Family, Surface};
use crate::config::yaml;

/// What may stand between two words of a phrase, written as a space in an injection pattern: white space, light
/// punctuation and markup, JSON escapes, HTML spaces, no-break and zero-width characters (by the bytes they are made of:
/// a tight class keeps the automata small). Not what ends a sentence.
const GAP: &str =
    r#"(?:(?:[\x00-\x20"'*_,:#>~`|\\/\x80-\xBF\xC2\xE2\xE3\xEF-]|\\[nrt]|&nbsp;|&#(?:32|160);){1,6})"#;
/// How a space inside a keyword may be spelt.
const SPACES: [&str; 3] = [" ", "\n", "\\n"];
/// Stands in examples where a token would otherwise be complete in our own source tree; taken out before use.
const SEAM: &str = "~~";
/// No match is longer, so nothing holds back more.
const LONGEST_MATCH: usize = 2048;

/// Room for the states of one pattern's automaton, used as needed. With less, long patterns fall back to a search a hundred
/// times slower.
const DFA_LIMIT: usize = 16 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Family,
    /// What `{{name}}` in a pattern, or in a later part, stands for.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    rules: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    keywords: Vec<String>,
    pattern: String,
    confidence: u8,
    unverified: Option<u8>,
    #[serde(default)]
    ignore_case: bool,
    validator: Option<Validator>,
    entropy: Option<f32>,
    surfaces: Option<Vec<Surface>>,
    direction: Option<Vec<Direction>>,
    examples: Vec<String>,
    counter_examples: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
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
    source_name: String,
    keywords: Vec<String>,
    fold: bool,
    pattern: String,
    /// Compiled when the first keyword turns up: most rules never meet theirs.
    regex: OnceLock<Option<Regex>>,
    /// The same, not anchored: for texts full of keywords.
    anywhere: OnceLock<Option<Regex>>,
    longest: usize,
    unverified: Option<u8>,
    validator: Option<Validator>,
    entropy: Option<f32>,
    surfaces: Vec<Surface>,
    direction: Vec<Direction>,
    allowed: Arc<Allowed>,
}

/// Reads rule files: `(name, YAML)` each.
///
/// # Errors
/// The first rule that cannot be used.
pub(super) fn read<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Rule>, Error> {
    let allowed = Arc::new(Allowed::builtin()?);
    let (mut rules, mut ids) = (Vec::new(), HashSet::new());
    for (name, text) in sources {
        let file: File = yaml::parse(text, name)?;
        for mut raw in file.rules {
            raw.pattern = whole(raw.pattern, &file.parts);
            let id = raw.id.clone();
            let fault =
                |reason: String| Error::Rule { source_name: name.to_owned(), rule: id.clone(), reason };
            if !ids.insert(id.clone()) {
                return Err(fault("this id is taken".into()));
            }
            rules.push(Rule::compile(name, file.family, raw, &allowed).map_err(fault)?);
        }
    }
    Ok(rules)
}

impl Rule {
    fn compile(name: &str, family: Family, raw: Raw, allowed: &Arc<Allowed>) -> Result<Rule, String> {
        let fold = raw.ignore_case || family == Family::Injection;
        let pattern = if family == Family::Injection { raw.pattern.replace(' ', GAP) } else { raw.pattern };
        if raw.confidence > 100 || raw.unverified.is_some_and(|u| u > 100) {
            return Err("a confidence is a percentage, 0 to 100".into());
        }
        if raw.examples.is_empty() || raw.counter_examples.is_empty() {
            return Err("needs at least one example and one counter-example".into());
        }
        if raw.keywords.is_empty()
            || raw.keywords.iter().any(|k| k.len() < Prefilter::SHORTEST || k.len() > 64)
        {
            return Err(format!("needs keywords, of {} to 64 bytes each", Prefilter::SHORTEST));
        }
        let longest = longest_match(&pattern, fold)?;
        let seamless = |texts: Vec<String>| texts.into_iter().map(|t| t.replace(SEAM, "")).collect();
        let usual = if family == Family::Secret { Direction::Request } else { Direction::Response };
        Ok(Rule {
            id: raw.id.into(),
            family,
            confidence: raw.confidence,
            examples: seamless(raw.examples),
            counter_examples: seamless(raw.counter_examples),
            references: raw.references,
            source_name: name.to_owned(),
            keywords: raw.keywords,
            fold,
            pattern,
            regex: OnceLock::new(),
            anywhere: OnceLock::new(),
            longest,
            unverified: raw.unverified,
            validator: raw.validator,
            entropy: raw.entropy,
            surfaces: raw.surfaces.unwrap_or_else(|| vec![Surface::Url, Surface::Header, Surface::Body]),
            direction: raw.direction.unwrap_or_else(|| vec![usual]),
            allowed: Arc::clone(allowed),
        })
    }

    pub(super) fn goes(&self, direction: Direction) -> bool {
        self.direction.contains(&direction)
    }

    pub(super) fn is_for(&self, surface: Surface) -> bool {
        self.surfaces.contains(&surface)
    }

    /// How many bytes from a keyword's beginning decide what the rule says: the longest match, or keyword, and the byte after.
    pub(super) fn reach(&self) -> usize {
        self.longest.max(self.keywords.iter().map(String::len).max().unwrap_or(0)) + 1
    }

    pub(super) fn keywords(&self) -> Vec<Keyword> {
        let spelt = self.keywords.iter().flat_map(|k| {
            let spaces = if k.contains(' ') && self.fold { &SPACES[..] } else { &SPACES[..1] };
            spaces.iter().map(|s| k.replace(' ', s))
        });
        let own = |k: String| if self.fold { k.to_ascii_lowercase() } else { k };
        spelt.map(|k| Keyword { bytes: own(k).into_bytes().into(), fold: self.fold }).collect()
    }

    /// The length and confidence of a match at the very beginning of `text`.
    pub(super) fn matches(&self, text: &[u8]) -> Option<(usize, u8)> {
        let text = &text[..text.len().min(self.reach())];
        let regex = self.regex()?;
        let end = regex.find(text)?.end();
        if self.family == Family::Secret {
            let value = match regex.captures_len() {
                1 => &text[..end],
                _ => regex.captures(text)?.get(1).map_or(&text[..end], |m| m.as_bytes()),
            };
            if self.entropy.is_some_and(|min| entropy(value) < min)
                || self.allowed.is_made_up(&text[..end], value)
            {
                return None;
            }
            if let Some(validator) = self.validator
                && !validator.accepts(value)
            {
                return self.unverified.map(|confidence| (end, confidence));
            }
        }
        Some((end, self.confidence))
    }

    /// Does nothing but what it looks for look like it, not even among random bytes?
    pub(super) fn has_shape(&self) -> bool {
        self.family == Family::Injection
            || self.validator.is_some_and(Validator::is_checksum)
            || self.confidence >= 80 && !self.fold && self.keywords.iter().all(|k| k.len() > 3)
    }

    /// Is a finding of this confidence beyond doubt, however it was come by?
    pub(super) fn is_proof(&self, confidence: u8) -> bool {
        confidence == self.confidence && self.validator.is_some_and(Validator::is_checksum)
    }

    /// Does the rule do what its examples say?
    ///
    /// # Errors
    /// The first example it does not find, or counter-example it finds.
    pub fn check_examples(&self) -> Result<(), Error> {
        let fault =
            |reason| Error::Rule { source_name: self.source_name.clone(), rule: self.id.to_string(), reason };
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

    /// Where the pattern first matches: before that, no try succeeds. 0 if that cannot be said.
    pub(super) fn next(&self, text: &[u8]) -> Option<usize> {
        match self.anywhere.get_or_init(|| self.compiled("")) {
            Some(regex) => regex.find(text).map(|m| m.start()),
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
        let (mut found, keywords) = (false, Prefilter::compile(self.keywords()));
        keywords.each(text.as_bytes(), |at, _| found |= self.matches(&text.as_bytes()[at..]).is_some());
        found
    }
}

/// The pattern with its parts put in; parts may hold parts, a few levels deep.
fn whole(mut pattern: String, parts: &BTreeMap<String, String>) -> String {
    for _ in 0..4 {
        for (name, part) in parts {
            pattern = pattern.replace(&format!("{{{{{name}}}}}"), part);
        }
    }
    pattern
}

/// The most bytes a match can have. What a rule says must not depend on anything farther away, or before its keyword.
fn longest_match(pattern: &str, fold: bool) -> Result<usize, String> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(fold)
        .build()
        .parse(pattern)
        .map_err(|e| e.to_string())?;
    let properties = hir.properties();
    if !properties.look_set_prefix_any().is_empty() {
        return Err("the pattern looks at what stands before its keyword".into());
    }
    if properties.look_set().contains_anchor() || properties.look_set().contains_word_unicode() {
        return Err("the pattern asks where the text ends, which a stream does not know: use \\b".into());
    }
    match properties.maximum_len() {
        Some(len) if len <= LONGEST_MATCH => Ok(len),
        Some(len) => Err(format!("a match may have {len} bytes, at most {LONGEST_MATCH} are allowed")),
        None => Err("the pattern is unbounded: give every repetition an upper bound".into()),
    }
}
