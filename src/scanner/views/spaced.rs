//! Letters set apart: `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// Fewer letters in a row, each on its own, are a list or an abbreviation.
const LEAST: usize = 6;

/// `at`: among single letters, it seems.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) {
    let from = if is_letter(text[at]) { at } else { at + 1 };
    if run(text, from) >= LEAST / 2 + 1 {
        signs.note(View::Spaced, at..at + 1, text.len());
    }
}

/// How many single characters stand from `at` on with the same separator between them.
fn run(text: &[u8], at: usize) -> usize {
    let Some(separator) = text.get(at + 1).copied().filter(|b| is_separator(*b)) else { return 0 };
    let (mut count, mut at) = (0, at);
    while text.get(at).is_some_and(|b| is_letter(*b)) {
        count += 1;
        if text.get(at + 1) != Some(&separator) {
            break;
        }
        at += 2;
    }
    count
}

/// What may be set apart: all that a credential or a word is made of.
fn is_letter(b: u8) -> bool {
    b.is_ascii_graphic() || b >= 0x80
}

fn is_separator(b: u8) -> bool {
    matches!(b, b' ' | b'.' | b'-' | b'*' | b'/' | b',' | b'+' | b'\'' | b'~' | b'_' | b'|' | b'\t')
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while at < window.end {
        let begins = at == window.start || !text[at - 1].is_ascii_alphanumeric();
        let count = if begins && is_letter(text[at]) { run(&text[..window.end], at) } else { 0 };
        if count < LEAST.min(4) {
            at += 1;
            continue;
        }
        draft.keep(text, kept..at);
        at = join(&text[..window.end], at, draft);
        kept = at;
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// Joins the letters from `at` on: more than one separator is a space. Returns where they end.
fn join(text: &[u8], mut at: usize, draft: &mut Draft) -> usize {
    let separator = text[at + 1];
    loop {
        draft.put(&text[at..=at], at..at + 1);
        at += 1;
        let gap = text[at..].iter().take_while(|b| **b == separator || **b == b' ').count();
        let single = text.get(at + gap).is_some_and(|b| is_letter(*b))
            && text.get(at + gap + 1).is_none_or(|b| *b == separator || b.is_ascii_whitespace());
        if gap == 0 || !single {
            return at;
        }
        if gap > 1 {
            draft.put(b" ", at..at + gap);
        }
        at += gap;
    }
}
