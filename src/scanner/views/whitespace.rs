//! White space between words that is not one space: two of them, tabs, a line's end and the next line's indent.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// A wider gap does not stand within a phrase.
const WIDEST: usize = 40;

/// Blanks stand behind a letter at `at`, or a tab. Between two words of a line nothing else stands than one space; a line's end
/// and the next line's indent are no sign.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) {
    let gap = gap(text, at);
    if !text[gap.clone()].contains(&b'\n')
        && gap.len() <= WIDEST
        && at.checked_sub(1).is_some_and(|i| text[i].is_ascii_alphabetic())
        && text.get(gap.end).is_some_and(u8::is_ascii_alphabetic)
    {
        signs.note(View::Whitespace, gap, text.len());
    }
}

fn gap(text: &[u8], at: usize) -> Range<usize> {
    at..at + text[at..].iter().take_while(|b| is_space(**b)).count()
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Rules know one space and one line's end.
fn is_odd(gap: &[u8]) -> bool {
    !matches!(gap, [b' ' | b'\n'])
}

pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while at < window.end {
        if !is_space(text[at]) {
            at += 1;
            continue;
        }
        let gap = gap(&text[..window.end], at);
        if is_odd(&text[gap.clone()]) {
            draft.keep(text, kept..at);
            draft.put(b" ", gap.clone());
            kept = gap.end;
        }
        at = gap.end;
    }
    draft.keep(text, kept..window.end.max(kept));
}
