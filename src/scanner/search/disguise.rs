//! Keywords as they stand in text that was written backwards or by ROT13. Both leave no mark that could be seen otherwise; so
//! the one search for keywords looks for these too, and where one stands, the rule is tried on what it stands for.

use std::ops::Range;

use super::effort::Work;
use super::prefilter::{Keyword, Next};
use crate::scanner::rules::Rule;
use crate::scanner::views::{View, backwards, rot13};

/// A shorter keyword that begins with a letter must begin a word, written forwards.
const SHORT: usize = 5;
/// Shorter ones stand by chance in any text.
const LEAST: usize = 4;

/// So much of a match is asked about first.
const HEAD: usize = 40;

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
    let each = keywords.iter().enumerate().filter(|(_, k)| is_disguised(k)).flat_map(|(i, k)| {
        let turned = rot13(&k.next.bytes().collect::<Vec<_>>());
        let mut next = Next::NONE;
        turned.into_iter().for_each(|b| next.add(b));
        [
            (View::Rot13, rot13(&k.bytes), (Next::ANY, next)),
            (View::Reversed, backwards(&k.bytes), (k.next, Next::ANY)),
        ]
        .map(|(view, bytes, around)| (i, k, view, bytes, around))
    });
    each.filter(|(_, k, _, bytes, _)| **bytes != *k.bytes)
        .map(|(keyword, k, view, bytes, (before, next))| {
            let short = k.bytes.len() < SHORT && k.bytes[0].is_ascii_alphanumeric();
            let disguise = Disguise { view, keyword, len: bytes.len(), short };
            (Keyword { bytes: bytes.into(), fold: k.fold, next, before }, disguise)
        })
        .unzip()
}

impl Disguise {
    /// What decides whether a rule matches where the keyword stands at `start`.
    pub(in crate::scanner) fn span(&self, rule: &Rule, text: &[u8], start: usize) -> Range<usize> {
        if self.view == View::Rot13 {
            start..text.len().min(start + rule.reach())
        } else {
            (start + self.len).saturating_sub(rule.reach())..start + self.len
        }
    }

    /// Tries a rule where the keyword stands at `start`: the match and its confidence.
    pub(in crate::scanner) fn tried(
        &self,
        rule: &Rule,
        text: &[u8],
        start: usize,
        work: &mut Work,
    ) -> Option<(Range<usize>, u8)> {
        let (end, span) = (start + self.len, self.span(rule, text, start));
        let free = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
        if self.view == View::Rot13 {
            if self.short && !free(start.checked_sub(1).and_then(|i| text.get(i))) {
                return None;
            }
            let head = &text[start..text.len().min(start + HEAD)];
            if !may_match(rule, head.iter().map(|b| turned(*b)), work) {
                return None;
            }
            work.add(Work::TRY + span.len());
            let (len, sure) = rule.matches(&rot13(&text[span]), work)?;
            return Some((start..start + len, sure));
        }
        if self.short && !free(text.get(end)) {
            return None;
        }
        if !may_match(rule, text[..end].iter().rev().take(HEAD).copied(), work) {
            return None;
        }
        work.add(Work::TRY + span.len());
        let (len, sure) = rule.matches(&backwards(&text[span]), work)?;
        Some((end - len..end, sure))
    }

    /// How the text was written.
    pub(in crate::scanner) fn view(&self) -> View {
        self.view
    }
}

/// One spelling of a phrase will do, and what a few letters give stands by chance in any text.
fn is_disguised(keyword: &Keyword) -> bool {
    let letters = keyword.bytes.iter().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).count();
    let wrapped = keyword.bytes.contains(&b'\n') || keyword.bytes.windows(2).any(|w| w == b"\\n");
    keyword.bytes.len() >= LEAST && (!keyword.fold || letters > LEAST && !wrapped)
}

/// Asks the rule about a match's first bytes, before all of it is written out.
fn may_match(rule: &Rule, head: impl Iterator<Item = u8>, work: &mut Work) -> bool {
    let mut first = [0; HEAD];
    let len = first.iter_mut().zip(head).map(|(to, b)| *to = b).count();
    // characters of more bytes are not turned round within; a value beside a name lies farther on
    !first[..len].is_ascii() || !rule.has_own_look() || rule.may_match(&first[..len], work)
}

fn turned(b: u8) -> u8 {
    let base = b & 0x20 | b'A';
    if b.is_ascii_alphabetic() { base + (b - base + 13) % 26 } else { b }
}
