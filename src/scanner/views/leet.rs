//! Digits and signs for letters: `1gn0r3 4ll pr3v10us`.

use std::ops::Range;

use super::View;
use super::map::Draft;
use super::signs::Signs;

/// A longer word is no word.
const WORD: usize = 20;
/// So many words around one are looked at, and so many of them must be such words too.
const AROUND: usize = 3;
const OTHERS: usize = 2;

/// Somewhere in `block`, a digit stands between letters. One word is a name; several beside each other are a disguise.
pub(super) fn signs(text: &[u8], block: Range<usize>, signs: &mut Signs) {
    let mut at = block.start.max(1);
    while at < block.end {
        let between = text[at].is_ascii_digit()
            && text[at - 1].is_ascii_alphabetic()
            && text.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        if !between {
            at += 1;
            continue;
        }
        let word = word_at(text, at);
        at = word.end.max(at + 1);
        if word.len() > WORD {
            let rest = text.get(at..block.end).unwrap_or_default();
            at += rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            continue;
        }
        if !is_disguise(&text[word.clone()]) {
            continue;
        }
        let (mut first, mut last, mut others) = (word.clone(), word, 0);
        for _ in 0..AROUND {
            if let Some(next) = last.end.checked_add(1).filter(|i| *i < text.len() && text[i - 1] == b' ') {
                last = word_at(text, next);
                others += usize::from(is_disguise(&text[last.clone()]));
            }
            if let Some(before) = first.start.checked_sub(2).filter(|i| text[i + 1] == b' ') {
                first = word_at(text, before);
                others += usize::from(is_disguise(&text[first.clone()]));
            }
        }
        if others >= OTHERS {
            signs.note(View::Leet, first.start..last.end, text.len());
            return;
        }
    }
}

fn is_disguise(word: &[u8]) -> bool {
    is_leet(word) && !is_count(word)
}

/// In small letters but for the first, as a word is.
pub(super) fn is_word(word: &[u8]) -> bool {
    is_disguise(word) && !word.iter().skip(1).any(u8::is_ascii_uppercase)
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

/// Letters and what stands for letters, and at least a quarter of them letters.
fn is_leet(word: &[u8]) -> bool {
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let stands = word.len() - letters;
    (2..=WORD).contains(&word.len()) && stands > 0 && letters > 0 && letters * 3 >= stands
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
