//! Digits and signs for letters: `1gn0r3 4ll pr3v10us`.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// A longer word is no word.
const WORD: usize = 20;
/// Another such word must stand as near.
const NEAR: usize = 48;

/// Digits stand at `span`. Returns where to go on.
pub(super) fn sign(text: &[u8], span: Range<usize>, signs: &mut Signs) -> usize {
    let word = word_at(text, span.start);
    if span.len() > WORD || !is_leet(&text[word.clone()]) || is_count(&text[word.clone()]) {
        return span.end;
    }
    let near = text.len().min(word.end + NEAR);
    let mut at = word.end;
    while at < near {
        let next = word_at(text, at);
        if !next.is_empty() && is_leet(&text[next.clone()]) && !is_count(&text[next.clone()]) {
            signs.note(View::Leet, word.start..next.end, text.len());
            break;
        }
        at = next.end.max(at + 1);
    }
    span.end.max(word.end)
}

/// All digits but those of numbers: what is no disguise is read elsewhere.
pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let (mut at, mut kept) = (window.start, window.start);
    while at < window.end {
        let word = at..word_at(text, at).end.min(window.end);
        let digits = text[word.clone()].iter().filter(|b| b.is_ascii_digit()).count();
        for i in word.clone().filter(|_| digits < word.len() || digits < 3) {
            if let Some(letter) = letter(text, i) {
                draft.keep(text, kept..i);
                draft.put(&[letter], i..i + 1);
                kept = i + 1;
            }
        }
        at = word.end.max(at + 1);
    }
    draft.keep(text, kept..window.end.max(kept));
}

fn word_at(text: &[u8], at: usize) -> Range<usize> {
    let is_in = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'$' | b'!' | b'|');
    let before = text[..at].iter().rev().take(WORD + 1).take_while(is_in).count();
    let after = text[at..].iter().take(WORD + 1).take_while(is_in).count();
    at - before..at + after
}

/// Letters and what stands for letters, and at least a third of them letters.
fn is_leet(word: &[u8]) -> bool {
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let stands = word.len() - letters;
    (2..=WORD).contains(&word.len()) && stands > 0 && letters > 0 && letters * 2 >= stands
}

/// `10ms`, `v2`, `sha256`: digits at one end only, and not among the letters.
fn is_count(word: &[u8]) -> bool {
    let digits = |b: &u8| b.is_ascii_digit();
    let parts = word.chunk_by(|a, b| digits(a) == digits(b)).count();
    parts == 2 && word.len() > 3 && word.iter().filter(|b| digits(b)).count() > 1
}

/// A one is an `i`, two of them, or one at a word's end after an `l`, are `l`.
fn letter(text: &[u8], at: usize) -> Option<u8> {
    let next_is = |b: u8| text.get(at + 1) == Some(&b);
    let last_was = |b: u8| at > 0 && text[at - 1] == b;
    Some(match text[at] {
        b'0' => b'o',
        b'1' if next_is(b'1') || last_was(b'1') => b'l',
        b'1' | b'!' | b'|' => b'i',
        b'2' => b'z',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'6' | b'9' => b'g',
        b'7' => b't',
        b'8' => b'b',
        _ => return None,
    })
}
