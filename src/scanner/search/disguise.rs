//! Keywords as they stand in text that was written backwards or by ROT13, or with a capital
//! beyond ASCII. None of that leaves a mark that could be seen otherwise; so the one search for keywords looks
//! for these too, and where one stands, the rule is tried on what it stands for.

use std::collections::BTreeSet;
use std::ops::Range;

use super::effort::Work;
use super::prefilter::{Keyword, Next};
use crate::scanner::Family;
use crate::scanner::rules::Rule;
use crate::scanner::views::{View, backwards, loose, rot13};

/// A shorter keyword that begins with a letter must begin a word, written forwards.
const SHORT: usize = 5;
/// An odd gap stands as near behind a keyword.
const NEAR: usize = 96;
/// Shorter ones stand by chance in any text.
const LEAST: usize = 4;
/// So much of a match is asked about first: all that the rules know of its beginning.
const HEAD: usize = 40;

/// Of the bytes of a text that was cut off and written in small letters, so many at the end may be others.
const UNSURE: usize = 8;
/// What it costs to write a byte in small letters, whatever its script.
const LOWER: usize = 8;
/// What it costs to read a byte without what stands between words, or without escapes.
const LOOSE: usize = 3;

/// With odd gaps, so much of a phrase is read.
const LONGEST: usize = 384;

/// A word shorter than that does not stand for a phrase.
const WORD: usize = 7;
/// How far around such a word the text is read.
const AROUND: usize = 512;

/// A keyword in disguise.
#[derive(Debug)]
pub(in crate::scanner) struct Disguise {
    view: View,
    /// The keyword's number. None: a word of several phrases.
    pub(in crate::scanner) keyword: Option<usize>,
    len: usize,
    /// Too short to be known within a word.
    short: bool,
}

/// The disguises of all keywords, and what to search for.
pub(in crate::scanner) fn all(keywords: &[Keyword]) -> (Vec<Keyword>, Vec<Disguise>) {
    let alone = |k: &&(usize, &Keyword)| longest_word(k.1).is_none() && is_disguised(k.1);
    let turned = keywords.iter().enumerate().filter(|k| alone(&k)).flat_map(|(i, k)| both(Some(i), k));
    let words: BTreeSet<&[u8]> = keywords.iter().filter_map(longest_word).collect();
    let phrases =
        words.into_iter().map(|w| folded(w.into())).flat_map(|k| both(None, &k).collect::<Vec<_>>());
    let others = keywords.iter().enumerate().filter_map(|(i, k)| capital(i, k));
    turned.chain(phrases).chain(others).unzip()
}

/// Phrases have most of their words in common, so one word stands for all that have it.
fn longest_word(keyword: &Keyword) -> Option<&[u8]> {
    let words = keyword.bytes.split(|b| !b.is_ascii_alphabetic()).filter(|_| keyword.fold);
    words.filter(|w| w.len() >= WORD).max_by_key(|w| w.len())
}

/// By ROT13, and backwards.
fn both(keyword: Option<usize>, k: &Keyword) -> impl Iterator<Item = (Keyword, Disguise)> + use<> {
    let (fold, bytes, digits) = (k.fold, k.bytes.clone(), has_digits(&k.bytes));
    let next = if k.next == Next::ANY { Next::ANY } else { k.next.bytes().map(turned).collect() };
    let ways = [
        (View::Rot13, rot13(&k.bytes), (Next::ANY, next)),
        (View::Reversed, backwards(&k.bytes), (k.next, Next::ANY)),
    ];
    let short = k.bytes.len() < SHORT && k.bytes[0].is_ascii_alphanumeric();
    let differs =
        move |(view, turned, _): &(View, Vec<u8>, _)| **turned != *bytes || *view == View::Rot13 && digits;
    ways.into_iter().filter(differs).map(move |(view, turned, (before, next))| {
        let disguise = Disguise { view, keyword, len: turned.len(), short };
        (Keyword { bytes: turned.into(), fold, next, before }, disguise)
    })
}

fn has_digits(keyword: &[u8]) -> bool {
    keyword.iter().any(u8::is_ascii_digit)
}

/// With a capital at the beginning, where that is no ASCII.
fn capital(keyword: usize, k: &Keyword) -> Option<(Keyword, Disguise)> {
    let text = std::str::from_utf8(&k.bytes).ok()?;
    let first = text.chars().next().filter(|c| k.fold && !c.is_ascii())?;
    let bytes = first.to_uppercase().chain(text.chars().skip(1)).collect::<String>().into_bytes();
    let disguise = Disguise { view: View::Unicode, keyword: Some(keyword), len: bytes.len(), short: false };
    (bytes != *k.bytes && bytes.len() == k.bytes.len()).then(|| (folded(bytes), disguise))
}

fn folded(bytes: Vec<u8>) -> Keyword {
    Keyword { bytes: bytes.into(), fold: true, next: Next::ANY, before: Next::ANY }
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
        let before = start.checked_sub(1).and_then(|i| text.get(i));
        let may = |head: &mut dyn Iterator<Item = u8>, work: &mut Work| may_match(rule, head, work);
        work.add(Work::TRY);
        match self.view {
            View::Unicode => {
                let near = String::from_utf8_lossy(&text[start..text.len().min(start + HEAD)]).to_lowercase();
                // what its last characters become, what follows may decide
                if !rule.may_begin(&near.as_bytes()[..near.len().saturating_sub(UNSURE)]) {
                    return None;
                }
                work.add(LOWER * span.len());
                let window = String::from_utf8_lossy(&text[start..text.len().min(start + rule.reach())]);
                let (len, sure) = rule.matches(window.to_lowercase().as_bytes(), work)?;
                Some((start..text.len().min(start + len), sure))
            }
            View::Rot13 if !self.short || free(before) => {
                let head = &text[start..text.len().min(start + HEAD)];
                if !may(&mut head.iter().map(|b| turned(*b)), work) {
                    return None;
                }
                work.add(span.len());
                let (len, sure) = rule.matches(&rot13(&text[span]), work)?;
                Some((start..start + len, sure))
            }
            View::Reversed if !self.short || free(text.get(end)) => {
                if !may(&mut text[..end].iter().rev().take(HEAD).copied(), work) {
                    return None;
                }
                work.add(span.len());
                let (len, sure) = rule.matches(&backwards(&text[span]), work)?;
                Some((end - len..end, sure))
            }
            _ => None,
        }
    }

    /// The text around a word of phrases, as it was before it was disguised, and where it stands.
    pub(in crate::scanner) fn undone(&self, text: &[u8], start: usize) -> (Vec<u8>, Range<usize>) {
        let around = start.saturating_sub(AROUND)..text.len().min(start + self.len + 2 * AROUND);
        if self.view == View::Rot13 {
            return (rot13(&text[around.clone()]), around);
        }
        let around = start.saturating_sub(2 * AROUND)..text.len().min(start + self.len + AROUND);
        (backwards(&text[around.clone()]), around)
    }

    /// Where `span` of what `undone` gave stands in the text.
    pub(in crate::scanner) fn original(&self, around: &Range<usize>, span: Range<usize>) -> Range<usize> {
        if self.view == View::Rot13 {
            return around.start + span.start..around.start + span.end;
        }
        around.end - span.end..around.end - span.start
    }

    /// How the text was written.
    pub(in crate::scanner) fn view(&self) -> View {
        self.view
    }
}

/// Tries a rule on the phrase that begins at `start`, whatever its gaps.
fn loosely(rule: &Rule, text: &[u8], start: usize, work: &mut Work) -> Option<(Range<usize>, u8)> {
    let reach = rule.reach().min(LONGEST);
    work.add(LOOSE * reach);
    let phrase = loose::phrase(text, start, reach);
    let (len, sure) = rule.matches(&phrase.bytes, work)?;
    Some((start..phrase.end(len), sure))
}

/// Tries a rule again, where its keyword stands and what follows may be written otherwise.
pub(in crate::scanner) fn again(
    rule: &Rule,
    text: &[u8],
    start: usize,
    work: &mut Work,
) -> Option<(View, Range<usize>, u8)> {
    let window = &text[start..text.len().min(start + rule.reach())];
    let mut head = [0; HEAD];
    if rule.family != Family::Secret {
        if !loose::is_odd(&window[..window.len().min(NEAR)]) {
            return None;
        }
        let len = loose::phrase_head(text, start, rule.reach(), &mut head);
        let (span, sure) =
            rule.may_begin(&head[..len]).then(|| loosely(rule, text, start, work)).flatten()?;
        return Some((View::Whitespace, span, sure));
    }
    if !rule.has_own_look() {
        return None;
    }
    let near = &window[..window.len().min(HEAD)];
    let escapes = |text| memchr::memchr(b'\\', text).is_some();
    let begins = if escapes(near) {
        let len = loose::unescaped_head(text, start, 2 * rule.reach(), &mut head);
        rule.may_begin(&head[..len])
    } else {
        rule.may_begin(near) && escapes(window)
    };
    if !begins {
        return None;
    }
    work.add(LOOSE * rule.reach());
    let plain = loose::unescaped(text, start, 2 * rule.reach());
    let (len, sure) = rule.matches(&plain.bytes, work)?;
    Some((View::Escapes, start..plain.end(len), sure))
}

/// One spelling of a phrase will do, and what a few letters give stands by chance in any text.
fn is_disguised(keyword: &Keyword) -> bool {
    let letters = keyword.bytes.iter().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).count();
    let wrapped = keyword.bytes.contains(&b'\n') || keyword.bytes.windows(2).any(|w| w == b"\\n");
    keyword.bytes.len() >= LEAST && (!keyword.fold || letters > LEAST && !wrapped)
}

/// Asks the rule about a match's first bytes, before all of it is written out.
fn may_match(rule: &Rule, head: &mut dyn Iterator<Item = u8>, work: &mut Work) -> bool {
    let mut first = [0; HEAD];
    let len = first.iter_mut().zip(head).map(|(to, b)| *to = b).count();
    // characters of more bytes are not turned round within; a value beside a name lies farther on
    !first[..len].is_ascii() || !rule.has_own_look() || rule.may_match(&first[..len], work)
}

fn turned(b: u8) -> u8 {
    let base = b & 0x20 | b'A';
    if b.is_ascii_alphabetic() { base + (b - base + 13) % 26 } else { b }
}
