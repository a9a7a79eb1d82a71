//! Letters set apart: `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`, or one a line.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;
use super::unicode::char_at;

/// Fewer letters in a row, each on its own, are a list or an abbreviation.
const LEAST: usize = 8;
/// And where most of them are digits, or all.
const ANY: usize = 48;
const LONG: usize = 20;
/// A word's end is no wider.
const GAP: usize = 4;

/// Somewhere in `range` letters seem to stand apart. Returns where to go on.
pub(super) fn signs(text: &[u8], range: Range<usize>, signs: &mut Signs) -> usize {
    let mut at = range.start;
    // most are a letter within a word
    let single = |at: usize| text[at] >= 0x80 || text.get(at + 1).is_some_and(|b| SEPARATES[usize::from(*b)]);
    while at < range.end {
        if single(at) && (at == 0 || !text[at - 1].is_ascii_alphanumeric()) && next(text, at).is_some() {
            let (mut end, mut row, mut letters, mut numbers) = (at, 1, 0, 0);
            while let Some(begin) = next(text, end) {
                letters += usize::from(text[end].is_ascii_alphabetic() || text[end] >= 0x80);
                numbers += usize::from(text[end].is_ascii_digit() || matches!(text[end], b'-' | b'.' | b','));
                (end, row) = (begin, row + 1);
            }
            if row >= LEAST && letters * 2 >= row || row >= LONG && numbers * 6 <= row * 5 || row >= ANY {
                signs.note(View::Spaced, at..end, text.len());
            }
            at = end;
        }
        at += 1;
    }
    at
}

const fn is_separator(b: u8) -> bool {
    matches!(b, b' ' | b'.' | b'-' | b'*' | b'/' | b',' | b'+' | b'\'' | b'~' | b'_' | b'|' | b'\t' | b'\n')
}

static SEPARATES: [bool; 256] = {
    let (mut all, mut b) = ([false; 256], 0);
    while b < 256 {
        all[b] = is_separator(b as u8);
        b += 1;
    }
    all
};

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let text = &text[..window.end];
    let (mut at, mut kept, mut begins) = (window.start, window.start, true);
    while at < window.end {
        if begins && next(text, at).is_some() {
            draft.keep(text, kept..at);
            at = join(text, at, draft);
            kept = at;
        }
        begins = text.get(at).is_some_and(|b| !b.is_ascii_alphanumeric());
        at += 1;
    }
    draft.keep(text, kept..window.end.max(kept));
}

/// Joins the letters from `at` on: a wider gap is a space. Returns where they end.
fn join(text: &[u8], mut at: usize, draft: &mut Draft) -> usize {
    while let Some(begin) = next(text, at) {
        let len = letter(text, at);
        draft.put(&text[at..at + len], at..at + len);
        if begin - at - len > 1 {
            draft.put(b" ", at + len..begin);
        }
        at = begin;
    }
    let len = letter(text, at);
    draft.put(&text[at..at + len], at..at + len);
    at + len
}

/// After the single letter at `at`, where the next single one begins.
fn next(text: &[u8], at: usize) -> Option<usize> {
    let len = letter(text, at);
    let separator = text.get(at + len).copied().filter(|b| len > 0 && is_separator(*b))?;
    let gap = text[at + len..].iter().take(GAP).take_while(|b| **b == separator || **b == b' ').count();
    let begin = at + len + gap;
    let end = begin + letter(text, begin);
    let single = end > begin && text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric() && *b < 0x80);
    single.then_some(begin)
}

/// How many bytes the letter at `at` has. A line's end that is set apart like a letter belongs to what was.
fn letter(text: &[u8], at: usize) -> usize {
    if matches!(text.get(at..at + 2), Some([b'\r' | b'\n', b' '])) && at > 0 && text[at - 1] == b' ' {
        return 1;
    }
    char_at(text, at).filter(|(c, _)| !c.is_whitespace() && !c.is_control()).map_or(0, |(_, len)| len)
}
