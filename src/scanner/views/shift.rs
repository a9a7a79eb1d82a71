//! Letters moved along the alphabet, and text written backwards. Both leave no mark, so they are looked for where letters
//! make no words, and guessed at where everything else has failed.

use std::ops::Range;

use super::lattice::Sink;
use super::letters::{self, Letters};
use super::map::Map;
use super::plausible::Kind;
use super::{View, Wants, base58, base85, sweep};

/// Places at which a text is asked whether it is made of words.
const ASKED: usize = 64;
/// Of a hundred letters, so many are common ones at least.
const COMMON: usize = 36;
const COMMON_IN_CODE: usize = 32;
/// All numbers are tried on texts no longer.
const SHORT: usize = 512;
/// A shorter text is not asked, a longer one is not guessed at.
const LEAST: usize = 16;
/// Of one word with digits, nothing is known.
const WORD: usize = 128;
const MOST: usize = 16 * 1024;
/// And one that is made of words, in a disguise.
const WORDS: usize = 2048;
/// In a longer one, letters are counted.
const FITS: usize = 192;
/// What tells how a longer text is disguised.
const PIECE: usize = 128;
/// So many letters in a row are a word.
const A_WORD: usize = 6;

/// Every letter moved by `by`.
pub(super) fn moved(text: &[u8], by: u8) -> Vec<u8> {
    text.iter().map(|b| turned(*b, by)).collect()
}

pub(super) fn turned(b: u8, by: u8) -> u8 {
    let turn = |base: u8| base + (b - base + by) % 26;
    match b {
        b'a'..=b'z' => turn(b'a'),
        b'A'..=b'Z' => turn(b'A'),
        _ => b,
    }
}

/// From the last character to the first.
pub(super) fn backwards(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() {
        return text.iter().rev().copied().collect();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut end = text.len();
    while end > 0 {
        let most = text[end.saturating_sub(4)..end].iter().rev();
        let tail = most.take_while(|b| **b & 0xc0 == 0x80).count();
        let start = end.saturating_sub(tail + 1);
        out.extend_from_slice(&text[start..end]);
        end = start;
    }
    out
}

pub(super) fn view(by: u8) -> View {
    if by == 13 { View::Rot13 } else { View::Caesar }
}

pub(super) fn decode(view: View, text: &[u8], window: Range<usize>, sink: &mut Sink) {
    let piece = &text[window.clone()];
    if !sink.affords(piece.len(), &window) {
        return;
    }
    match view {
        View::Reversed => {
            let turned = backwards(piece);
            sink.add(view, (turned, Map::Mirror(window.clone())), Kind::Text, window.len());
        }
        _ => sink.add(view, (moved(piece, 13), Map::even(window.clone(), 1, 1)), Kind::Text, window.len()),
    }
}

/// A short text of letters that make no words of any language written in them? A glance at a few places.
pub(super) fn is_opaque(text: &[u8]) -> bool {
    if !(LEAST..=MOST).contains(&text.len()) {
        return false;
    }
    let (letters, common) = letters(text);
    let step = (text.len() / ASKED).max(1);
    let visible = text.iter().step_by(step).take(ASKED).filter(|b| **b > b' ').count();
    let word = || {
        text.len() <= WORD && !text.contains(&b' ') && text.iter().filter(|b| b.is_ascii_digit()).count() > 3
    };
    is_wordless(text)
        || text.len() <= WORDS
            && letters >= 8
            && (letters * 2 >= visible || text.len() <= WORD)
            && (common * 100 < letters * COMMON && !fits(text) || word())
}

/// As it stands, are its letters those of a language, more than moved by any number? Names and links have few common letters.
pub(super) fn fits(text: &[u8]) -> bool {
    let word = |run: &[u8]| run.len() >= A_WORD && run[0].is_ascii_lowercase();
    let same = |a: &u8, b: &u8| a.is_ascii_lowercase() == b.is_ascii_lowercase();
    text.len() > FITS && likely_of(text) == Some(0) && text.chunk_by(same).any(word)
}

/// Are its letters those of a language, and many?
pub(super) fn has_words(text: &[u8]) -> bool {
    let (letters, common) = letters(text);
    let step = (text.len() / ASKED).max(1);
    let visible = text.iter().step_by(step).take(ASKED).filter(|b| **b > b' ').count();
    let one = text.len() <= WORD && !text.contains(&b' ');
    !one && letters * 5 >= visible * 2 && common * 100 >= letters * COMMON_IN_CODE
}

/// How many letters, and how many common ones, stand at a few places.
fn letters(text: &[u8]) -> (usize, usize) {
    let step = (text.len() / ASKED).max(1);
    let asked: u32 = text.iter().step_by(step).take(ASKED).map(|b| WEIGHT[usize::from(*b)]).sum();
    ((asked >> 16) as usize, (asked & 0xffff) as usize)
}

/// One for each letter in the upper half, one for each common one in the lower.
static WEIGHT: [u32; 256] = {
    let (mut weight, mut b) = ([0; 256], 0);
    while b < 256 {
        weight[b] = match b as u8 | 0x20 {
            b'e' | b't' | b'a' | b'o' | b'i' | b'n' if (b as u8).is_ascii_alphabetic() => 0x1_0001,
            _ if (b as u8).is_ascii_alphabetic() => 0x1_0000,
            _ => 0,
        };
        b += 1;
    }
    weight
};

/// Not a word in its middle, nor on either side.
fn is_wordless(text: &[u8]) -> bool {
    let word = |run: &[u8]| run.len() >= A_WORD && run[0].is_ascii_lowercase();
    [2, 4, 1].iter().all(|part| {
        let from = (text.len() / part * (part - 1).max(1) / 2).min(text.len().saturating_sub(PIECE));
        let piece = &text[from..text.len().min(from + PIECE)];
        !piece.chunk_by(|a, b| a.is_ascii_lowercase() == b.is_ascii_lowercase()).any(word)
            && piece.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
            && piece.iter().filter(|b| b.is_ascii_alphanumeric() || b"\\%&=:-".contains(b)).count() * 24
                > piece.len()
    })
}

fn middle(text: &[u8]) -> &[u8] {
    let from = (text.len() / 2).saturating_sub(PIECE / 2);
    &text[from..text.len().min(from + PIECE)]
}

/// Adds the text backwards, by thirteen, and by the numbers of letters that make it most like a language, or make signs of
/// something encoded.
pub(super) fn guess(text: &[u8], sink: &mut Sink) {
    let all = 0..text.len();
    if text.len() < LEAST / 2 || base85::decode_whole(text, sink) {
        return;
    }
    let (short, piece) = (text.len() <= SHORT, middle(text));
    if short || has_signs(&backwards(piece)) {
        decode(View::Reversed, text, all.clone(), sink);
    }
    if text.len() <= WORDS || has_signs(&moved(piece, 13)) {
        decode(View::Rot13, text, all, sink);
    }
    let spoken_for = spoken_for(text, piece);
    let others = (1..26).filter(|by| *by != 13 && spoken_for >> by & 1 == 1);
    for by in likely(text).into_iter().chain(others) {
        add_moved(text, by, sink);
    }
}

/// A short text by any number of letters: nothing else has helped.
pub(super) fn guess_any(text: &[u8], sink: &mut Sink) {
    if text.len() <= SHORT {
        (1..26).filter(|by| *by != 13).for_each(|by| add_moved(text, by, sink));
    }
}

fn add_moved(text: &[u8], by: u8, sink: &mut Sink) {
    if sink.affords(text.len(), &(0..text.len())) {
        sink.add(view(by), (moved(text, by), Map::even(0..text.len(), 1, 1)), Kind::Text, text.len());
    }
}

/// A bit for each number of letters that some notation, or signs of something encoded, speak for.
fn spoken_for(text: &[u8], piece: &[u8]) -> u32 {
    let letters = Letters::of(text);
    if letters::are_codes(piece) {
        let unmarked = || Some(letters.codes()).filter(|codes| *codes != 0);
        return letters::marked_codes(piece).or_else(unmarked).unwrap_or_else(|| Letters::of(piece).codes());
    }
    if !may_have_signs(piece) {
        return 0;
    }
    let base58 = (base58::LEAST..=base58::LONGEST).contains(&text.len())
        && text.iter().all(|b| b.is_ascii_alphanumeric() && *b != b'0');
    let ascii85 = text.starts_with(b"<~");
    let fits = |by: &u8| {
        base58 && letters.may_be_base58(*by)
            || ascii85 && letters.may_be_ascii85(*by)
            || has_signs(&moved(piece, *by))
    };
    (1..26).filter(fits).fold(0, |all, by| all | 1 << by)
}

/// Could there be signs, were the letters moved? Those that letters have no part in were seen before.
fn may_have_signs(piece: &[u8]) -> bool {
    let digits = piece.iter().filter(|b| b.is_ascii_digit()).count();
    let long = |run: &[u8]| run.len() >= sweep::TOKEN && sweep::in_word(run[0]) != 0;
    let visible = |b: &u8| b.is_ascii_graphic() && *b != b'"';
    let mixed = |run: &[u8]| run.len() >= base85::LEAST && visible(&run[0]) && base85::is_mixed(run);
    digits >= usize::from(sweep::DIGITS)
        || piece.chunk_by(|a, b| visible(a) == visible(b)).any(mixed)
        || piece.iter().any(|b| matches!(b, b'%' | b'\\' | b'&' | b'=' | b'~'))
        || piece.chunk_by(|a, b| sweep::in_word(*a) == sweep::in_word(*b)).any(long)
}

/// Is there anything encoded in it, for all one can see?
fn has_signs(piece: &[u8]) -> bool {
    !sweep::signs(piece, Wants::SIGNED).is_empty()
}

/// Letters in a thousand of English; other languages in Latin letters are near enough.
const SHARES: [u32; 26] =
    [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1];

/// By how much the letters must be moved to be as frequent as in a language; none if they are.
fn likely(text: &[u8]) -> Option<u8> {
    likely_of(text).filter(|by| *by != 0 && *by != 13)
}

fn likely_of(text: &[u8]) -> Option<u8> {
    let mut counts = [0_u32; 26];
    for b in text.iter().filter(|b| b.is_ascii_alphabetic()) {
        counts[usize::from(b.to_ascii_lowercase() - b'a')] += 1;
    }
    // twice in a row: no division
    let twice: [u32; 52] = std::array::from_fn(|i| SHARES[i % 26]);
    let fit = |by: usize| counts.iter().zip(&twice[by..]).map(|(count, share)| count * share).sum::<u32>();
    let best = (0..26).max_by_key(|by| fit(*by))?;
    u8::try_from(best).ok()
}
