//! Keywords as they stand in text that was written backwards or by ROT13. Both leave no mark that could be seen otherwise; so
//! the one search for keywords looks for these too, and where one stands, the rule is tried on what it stands for.

use std::ops::Range;

use super::prefilter::{Keyword, Next};
use crate::scanner::rules::Rule;
use crate::scanner::views::{View, backwards, rot13};

/// A shorter keyword that begins with a letter must begin a word, written forwards.
const SHORT: usize = 5;
/// Shorter ones stand by chance in any text.
const LEAST: usize = 4;
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
}

/// The disguises of all keywords, and what to search for.
pub(in crate::scanner) fn all(keywords: &[Keyword]) -> (Vec<Keyword>, Vec<Disguise>) {
    let each =
        keywords.iter().enumerate().filter(|(_, k)| k.bytes.len() >= LEAST + usize::from(k.fold)).flat_map(
            |(i, k)| {
                let turned = rot13(&k.next.bytes().collect::<Vec<_>>());
                let mut next = Next::NONE;
                turned.into_iter().for_each(|b| next.add(b));
                [
                    (View::Rot13, rot13(&k.bytes), (Next::ANY, next)),
                    (View::Reversed, backwards(&k.bytes), (k.next, Next::ANY)),
                ]
                .map(|(view, bytes, around)| (i, k, view, bytes, around))
            },
        );
    each.filter(|(_, k, _, bytes, _)| **bytes != *k.bytes)
        .map(|(keyword, k, view, bytes, (before, next))| {
            let short = k.bytes.len() < SHORT && k.bytes[0].is_ascii_alphanumeric();
            let disguise = Disguise { view, keyword, len: bytes.len(), short };
            (Keyword { bytes: bytes.into(), fold: k.fold, next, before }, disguise)
        })
        .unzip()
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
        if self.view == View::Rot13 {
            if self.short && !free(start.checked_sub(1).and_then(|i| text.get(i))) {
                return None;
            }
            let (len, sure) = rule.matches(&rot13(&text[start..text.len().min(start + rule.reach())]))?;
            return Some((start..start + len, sure));
        }
        if self.short && !free(text.get(end)) {
            return None;
        }
        let (len, sure) = rule.matches(&backwards(&text[end.saturating_sub(rule.reach())..end]))?;
        Some((end - len..end, sure))
    }

    pub(in crate::scanner) fn view(&self) -> View {
        self.view
    }
}

/// How many tries a text of this length may take.
pub(in crate::scanner) fn tries(len: usize) -> usize {
    TRIES + len / BYTES_A_TRY
}
