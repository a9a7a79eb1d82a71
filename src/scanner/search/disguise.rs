//! Keywords as they stand in text that was written backwards or by ROT13, or with a capital beyond
//! ASCII. None of that leaves a mark that could be seen otherwise; so the one search for keywords looks
//! for these too, and where one stands, the rule is tried on what it stands for.

use std::ops::Range;

use super::prefilter::{Keyword, Next};
use crate::scanner::Family;
use crate::scanner::rules::Rule;
use crate::scanner::views::{View, backwards, loose, rot13};

/// A shorter keyword that begins with a letter must begin a word, written forwards.
const SHORT: usize = 5;
/// Tries for any text, and one more for so many bytes of it.
const TRIES: usize = 64;
const BYTES_A_TRY: usize = 256;
/// An odd gap stands as near behind a keyword.
const NEAR: usize = 96;
/// And tries of a rule that has failed already.
const AGAIN: usize = 8;
const BYTES_AGAIN: usize = 8192;

/// A keyword in disguise.
#[derive(Debug)]
pub(in crate::scanner) struct Disguise {
    view: View,
    len: usize,
    /// Too short to be known within a word.
    short: bool,
    /// The keyword's number.
    pub(in crate::scanner) keyword: usize,
}

/// The disguises of all keywords, and what to search for.
pub(in crate::scanner) fn all(keywords: &[Keyword]) -> (Vec<Keyword>, Vec<Disguise>) {
    let turned = keywords.iter().enumerate().flat_map(|(i, k)| {
        [(View::Rot13, rot13(&k.bytes)), (View::Reversed, backwards(&k.bytes))]
            .into_iter()
            .filter(move |(view, bytes)| **bytes != *k.bytes || *view == View::Rot13 && has_digits(&k.bytes))
            .map(move |(view, bytes)| {
                let short = k.bytes.len() < SHORT && k.bytes[0].is_ascii_alphanumeric();
                let keyword = Keyword { bytes: bytes.into(), fold: k.fold, next: Next::ANY };
                (keyword, Disguise { view, len: k.bytes.len(), short, keyword: i })
            })
    });
    let capitals = keywords.iter().enumerate().filter_map(|(i, k)| {
        let bytes = capital(k)?;
        let disguise = Disguise { view: View::Unicode, len: bytes.len(), short: false, keyword: i };
        Some((Keyword { bytes: bytes.into(), fold: true, next: Next::ANY }, disguise))
    });
    turned.chain(capitals).unzip()
}

fn has_digits(keyword: &[u8]) -> bool {
    keyword.iter().any(u8::is_ascii_digit)
}

/// With a capital at the beginning, where that is no ASCII.
fn capital(k: &Keyword) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(&k.bytes).ok()?;
    let first = text.chars().next().filter(|c| k.fold && !c.is_ascii())?;
    let bytes = first.to_uppercase().chain(text.chars().skip(1)).collect::<String>().into_bytes();
    (bytes != *k.bytes && bytes.len() == k.bytes.len()).then_some(bytes)
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

/// A rule has failed: may it find what stands here, written otherwise?
pub(in crate::scanner) fn is_worth_it(rule: &Rule, text: &[u8], start: usize) -> bool {
    let window = &text[start..text.len().min(start + rule.reach())];
    if rule.family == Family::Secret {
        return rule.has_own_look() && memchr::memchr(b'\\', window).is_some();
    }
    loose::is_odd(&window[..window.len().min(NEAR)])
}

/// Tries a rule again on what follows its keyword, read otherwise.
pub(in crate::scanner) fn again(rule: &Rule, text: &[u8], start: usize) -> Option<(View, Range<usize>, u8)> {
    if rule.family == Family::Secret {
        let plain = loose::unescaped(text, start, 2 * rule.reach());
        let (len, sure) = rule.matches(&plain.bytes)?;
        return Some((View::Escapes, start..plain.end(len), sure));
    }
    let (span, sure) = loosely(rule, text, start)?;
    Some((View::Whitespace, span, sure))
}

/// How many of those that have failed may be tried again.
pub(in crate::scanner) fn tries_again(len: usize) -> usize {
    AGAIN + len / BYTES_AGAIN
}

/// How many tries a text of this length may take.
pub(in crate::scanner) fn tries(len: usize) -> usize {
    TRIES + len / BYTES_A_TRY
}
