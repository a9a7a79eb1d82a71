//! Keywords as they stand in text that was written backwards or by ROT13, with other gaps between their words than spaces, or
//! with a capital beyond ASCII. None of that leaves a mark that could be seen otherwise; so the one search for keywords looks
//! for these too, and where one stands, the rule is tried on what it stands for.

use std::ops::Range;

use super::prefilter::{Keyword, Next};
use crate::scanner::Family;
use crate::scanner::rules::Rule;
use crate::scanner::views::{View, backwards, loose, rot13};

/// A shorter keyword that begins with a letter must begin a word, written forwards.
const SHORT: usize = 5;
/// A word that is searched for has at least so many letters.
const WORD: usize = 3;
/// The words before it stand as near.
const BEFORE: usize = 64;
/// Tries for any text, and one more for so many bytes of it.
const TRIES: usize = 64;
const BYTES_A_TRY: usize = 256;

/// A keyword in disguise.
#[derive(Debug)]
pub(in crate::scanner) struct Disguise {
    view: View,
    /// The keyword's number.
    pub(in crate::scanner) keyword: usize,
    len: usize,
    /// Too short to be known within a word.
    short: bool,
    /// All words of the keyword, and how many bytes of it stand before the one that is searched for.
    words: Option<(Box<[u8]>, usize)>,
}

/// The disguises of all keywords, and what to search for.
pub(in crate::scanner) fn all(keywords: &[Keyword]) -> (Vec<Keyword>, Vec<Disguise>) {
    let turned = keywords.iter().enumerate().flat_map(|(keyword, k)| {
        [(View::Rot13, rot13(&k.bytes)), (View::Reversed, backwards(&k.bytes))]
            .into_iter()
            .filter(move |(view, bytes)| **bytes != *k.bytes || *view == View::Rot13 && has_digits(&k.bytes))
            .map(move |(view, bytes)| {
                let short = k.bytes.len() < SHORT && k.bytes[0].is_ascii_alphanumeric();
                (bytes, k.fold, Disguise { view, keyword, len: k.bytes.len(), short, words: None })
            })
    });
    let others = keywords.iter().enumerate().flat_map(|(i, k)| [gapped(i, k), capital(i, k)]).flatten();
    turned
        .chain(others)
        .map(|(bytes, fold, disguise)| (Keyword { bytes: bytes.into(), fold, next: Next::ANY }, disguise))
        .unzip()
}

fn has_digits(keyword: &[u8]) -> bool {
    keyword.iter().any(u8::is_ascii_digit)
}

/// The first word of some length, for a keyword of several.
fn gapped(keyword: usize, k: &Keyword) -> Option<(Vec<u8>, bool, Disguise)> {
    let mut before = 0;
    let words = k.bytes.split(|b| *b == b' ');
    if !k.fold || words.clone().filter(|w| !w.is_empty()).count() < 2 {
        return None;
    }
    for word in words {
        if word.len() >= WORD && word.iter().all(u8::is_ascii_alphabetic) {
            let words = Some((k.bytes.trim_ascii_end().into(), before));
            let view = View::Whitespace;
            return Some((
                word.into(),
                true,
                Disguise { view, keyword, len: word.len(), short: false, words },
            ));
        }
        before += word.len() + 1;
    }
    None
}

/// With a capital at the beginning, where that is no ASCII.
fn capital(keyword: usize, k: &Keyword) -> Option<(Vec<u8>, bool, Disguise)> {
    let text = std::str::from_utf8(&k.bytes).ok()?;
    let first = text.chars().next().filter(|c| k.fold && !c.is_ascii())?;
    let bytes = first.to_uppercase().chain(text.chars().skip(1)).collect::<String>().into_bytes();
    let disguise = Disguise { view: View::Unicode, keyword, len: bytes.len(), short: false, words: None };
    (bytes != *k.bytes && bytes.len() == k.bytes.len()).then_some((bytes, true, disguise))
}

impl Disguise {
    /// Tries a rule where the keyword stands at `start`: the match and its confidence.
    pub(in crate::scanner) fn tried(
        &self,
        rule: &Rule,
        text: &[u8],
        start: usize,
    ) -> Option<(Range<usize>, u8)> {
        let end = start + self.len;
        let free = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
        let before = start.checked_sub(1).and_then(|i| text.get(i));
        match self.view {
            View::Whitespace => {
                let from = self.begins(text, start)?;
                loosely(rule, text, from)
            }
            View::Unicode => {
                let window = String::from_utf8_lossy(&text[start..text.len().min(start + rule.reach())]);
                let (len, sure) = rule.matches(window.to_lowercase().as_bytes())?;
                Some((start..text.len().min(start + len), sure))
            }
            View::Rot13 if !self.short || free(before) => {
                let (len, sure) = rule.matches(&rot13(&text[start..text.len().min(start + rule.reach())]))?;
                Some((start..start + len, sure))
            }
            View::Reversed if !self.short || free(text.get(end)) => {
                let (len, sure) = rule.matches(&backwards(&text[end.saturating_sub(rule.reach())..end]))?;
                Some((end - len..end, sure))
            }
            _ => None,
        }
    }

    /// Is it worth a try? Words with a single space between them are no disguise.
    #[inline]
    pub(in crate::scanner) fn stands(&self, text: &[u8], start: usize) -> bool {
        self.view != View::Whitespace || self.begins(text, start).is_some()
    }

    /// Where the words begin, one of which stands at `start`.
    fn begins(&self, text: &[u8], start: usize) -> Option<usize> {
        let (words, before) = self.words.as_ref()?;
        if *before == 0 {
            return loose::stands(words, text, start).map(|_| start);
        }
        let (first, last) = (start.saturating_sub(before + BEFORE), start.checked_sub(*before)?);
        let is_here = |at: &usize| {
            text[*at].eq_ignore_ascii_case(&words[0])
                && loose::stands(&words[..before - 1], text, *at).is_some_and(|end| end <= start)
                && loose::stands(words, text, *at).is_some()
        };
        if !text[start - 1].is_ascii_alphanumeric() { (first..=last).rev().find(is_here) } else { None }
    }

    pub(in crate::scanner) fn view(&self) -> View {
        self.view
    }
}

/// Tries a rule on the phrase that begins at `start`, whatever its gaps.
fn loosely(rule: &Rule, text: &[u8], start: usize) -> Option<(Range<usize>, u8)> {
    let phrase = loose::phrase(text, start, rule.reach());
    let (len, sure) = rule.matches(&phrase.bytes)?;
    Some((start..phrase.end(len), sure))
}

/// Tries a rule again, where its keyword stands and what follows may be written otherwise.
pub(in crate::scanner) fn again(rule: &Rule, text: &[u8], start: usize) -> Option<(View, Range<usize>, u8)> {
    let window = &text[start..text.len().min(start + rule.reach())];
    if rule.family != Family::Secret {
        let (span, sure) = loose::is_odd(window).then(|| loosely(rule, text, start)).flatten()?;
        return Some((View::Whitespace, span, sure));
    }
    if !rule.has_own_look() || memchr::memchr(b'\\', window).is_none() {
        return None;
    }
    let plain = loose::unescaped(text, start, 2 * rule.reach());
    let (len, sure) = rule.matches(&plain.bytes)?;
    Some((View::Escapes, start..plain.end(len), sure))
}

/// How many tries a text of this length may take.
pub(in crate::scanner) fn tries(len: usize) -> usize {
    TRIES + len / BYTES_A_TRY
}
