//! Letters moved along the alphabet, and text written backwards. Both leave no mark, so they are looked for where letters
//! make no words, and guessed at where everything else has failed.

use std::ops::Range;

use super::lattice::Sink;
use super::map::Map;
use super::plausible::Kind;
use super::{View, base85};

/// Places at which a text is asked whether it is made of words.
const ASKED: usize = 48;
/// A shorter text is not asked, a longer one is not guessed at.
const LEAST: usize = 24;
const MOST: usize = 4096;

/// Every letter moved by `by`.
pub(super) fn moved(text: &[u8], by: u8) -> Vec<u8> {
    let turn = |b: u8, base: u8| base + (b - base + by) % 26;
    let one = |b: &u8| match b {
        b'a'..=b'z' => turn(*b, b'a'),
        b'A'..=b'Z' => turn(*b, b'A'),
        _ => *b,
    };
    text.iter().map(one).collect()
}

pub(super) fn view(by: u8) -> View {
    if by == 13 { View::Rot13 } else { View::Caesar }
}

pub(super) fn decode(view: View, text: &[u8], window: Range<usize>, sink: &mut Sink) {
    let piece = &text[window.clone()];
    if piece.len() > sink.room() {
        return;
    }
    match view {
        View::Reversed => {
            let turned = piece.iter().rev().copied().collect();
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
    let step = (text.len() / ASKED).max(1);
    let weight: u32 = text.iter().step_by(step).take(ASKED).map(|b| u32::from(WEIGHT[usize::from(*b)])).sum();
    let asked = text.len().div_ceil(step).min(ASKED);
    weight < u32::try_from(asked).unwrap_or(u32::MAX)
}

/// Of common letters, spaces and marks four in ten bytes are the least that words have.
static WEIGHT: [u8; 256] = {
    let (mut weight, mut i) = ([0; 256], 0);
    let common = b"etaoinETAOIN {}[]:,0123456789";
    while i < common.len() {
        weight[common[i] as usize] = if common[i].is_ascii_alphabetic() { 3 } else { 2 };
        i += 1;
    }
    let mut high = 0x80;
    while high < 256 {
        weight[high] = 2;
        high += 1;
    }
    weight
};

/// Adds the text backwards, by thirteen, and by the number of letters that makes it most like a language.
pub(super) fn guess(text: &[u8], sink: &mut Sink) {
    let all = 0..text.len();
    if text.len() < LEAST / 2 {
        return;
    }
    if base85::decode_whole(text, sink) {
        return;
    }
    decode(View::Reversed, text, all.clone(), sink);
    decode(View::Rot13, text, all.clone(), sink);
    if let Some(by) = likely(text) {
        sink.add(view(by), (moved(text, by), Map::even(all, 1, 1)), Kind::Text, text.len());
    }
}

/// Letters in a thousand of English; other languages in Latin letters are near enough.
const SHARES: [u32; 26] =
    [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1];

/// By how much the letters must be moved to be as frequent as in a language; none if they are.
fn likely(text: &[u8]) -> Option<u8> {
    let mut counts = [0_u32; 26];
    for b in text.iter().filter(|b| b.is_ascii_alphabetic()) {
        counts[usize::from(b.to_ascii_lowercase() - b'a')] += 1;
    }
    let fit = |by: usize| (0..26).map(|i| counts[i] * SHARES[(i + by) % 26]).sum::<u32>();
    let best = (0..26).max_by_key(|by| fit(*by))?;
    u8::try_from(best).ok().filter(|by| *by != 0 && *by != 13)
}
