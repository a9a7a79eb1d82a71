//! Estimates how often a few bytes stand in ordinary text, so that the search looks for a keyword where it is least like
//! any other text: `t prev` is rare where `system` is everywhere. Only speed depends on it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What most of a text is made of, by weight. Half a list will do: a word that is missing counts by its letters.
const WORDS: [(f32, &str); 4] = [
    (
        8.0,
        "agent request model tool result value data json server client token stream event payload message content role user \
         assistant system function call time order list item text type name",
    ),
    (
        5.0,
        "the of and to a in is that for it as was with be by on not he his but at are this have from or had an they which \
         one you were all her she there would their we him been has when who will no more if out so up said what its about \
         than into them can only other time new some could these two may first then do any like my now over such our",
    ),
    (
        2.0,
        "string number object array error response code file text \
         version id key true false null return class public const import export default options config params input output \
         source target index length license copyright software https http www com org html table description required \
         example status start end date update create delete select where property properties path test build package \
         this keys common command commit computer complete node modules docs block blocks once nonce public instance sign \
         signature flag flags space namespace true finish buffer plain encrypt crypto register arch architecture push stack \
         enable enabled auth browser rows decode remove removed zero publish published pass convert base static match debug \
         compile complex compare project programming next split logic registered internal username handler force tail scope \
         application applicable digital integer mark matter scale share private email image flow cover entry terminate \
         maintain complying likewise redistribute merchantability infinite product connection distance logging \
         module method argument arguments query body header headers title url link images script style \
         github language registry entry testing setting object subject position addition edition condition search research session \
         none contain container once expand impl chapter raise password append ending collect collection native active relative \
         warn warning spaces begin derive drive inside consider filter represent author stable prepare rollback callback introduce \
         nonce written editor cache hash decode simple simplify meta metadata reporter record replace algorithm authority store \
         restore phrase paste details unless context extend channel handshake shared never level logger toggle overall manual verify \
         attach attack table variable refresh threshold socket handle bracket self let pub struct enum crate super trait match mut \
         def elif else except pass assert async await typeof var undefined prototype void char unsigned int endif ifdef define \
         div span href class aria width color index host port address family certificate optional notice generic",
    ),
    (
        1.0,
        "your how each because most also after before through many much even where those being same both between must \
         should own under last while never another great might against during without place however home us see made \
         make way long people did just use used using well down back still life year years day work world man get go \
         here know take think come look right part high small large water word words set very off again away always \
         around ask asked become began best better big book bring called change children city country course different \
         door early end enough every example eye face fact far feel few find follow following food form found general \
         give given good government group grow hand hands hard head hear help hold house important information interest \
         keep kind land large later learn leave left let letter light line little live local mean means men mind money \
         month move need next night nothing note office old open order page paper perhaps person picture play point \
         possible present president problem process program provide provided public question read real really reason \
         report room run school second seem service several show side simple since social something sometimes sound \
         state story study sure turn try tell term terms things think thought three toward together told too took under \
         until upon view want war warranty week went whether white whole why within woman women write written young \
         answer review access available support release feature permission rights copy any notice conditions source \
         distribution modify including limited liability damages original distributed binary forms documentation \
         instructions training policy safety restrictions guidelines secret hidden immediately execute developer mode \
         ignore reveal forget prompt",
    ),
];
/// Of the words of a text, how many are in the list.
const KNOWN: f32 = 0.7;
/// Longer grams are not looked at.
const LONGEST: usize = 8;

/// Up to eight bytes of a word.
type Part = u64;

/// Longer ones differ too little to matter.
fn part(bytes: &[u8]) -> Part {
    bytes.iter().take(LONGEST).fold(0, |part, b| part << 8 | u64::from(*b))
}

/// Our own words are no attack: mixing them will do.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, part: u64) {
        self.0 = part.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// For every part of a word: its share of all words that are it, begin with it, end with it, hold it.
#[derive(Debug)]
pub(in crate::scanner) struct Rarity {
    parts: HashMap<Part, [f32; 4], BuildHasherDefault<Mixed>>,
}

impl Rarity {
    pub(in crate::scanner) fn new() -> Rarity {
        let words = || WORDS.iter().flat_map(|(w, text)| text.split_ascii_whitespace().map(move |t| (*w, t)));
        let unit = KNOWN / words().map(|(w, _)| w).sum::<f32>();
        let mut parts: HashMap<Part, [f32; 4], _> = HashMap::default();
        for (weight, word) in words() {
            for start in 0..word.len() {
                for end in start + 1..=word.len().min(start + LONGEST) {
                    let shares = parts.entry(part(&word.as_bytes()[start..end])).or_default();
                    let (begins, ends) = (start == 0, end == word.len());
                    for (share, fits) in shares.iter_mut().zip([begins && ends, begins, ends, true]) {
                        *share += if fits { weight * unit } else { 0.0 };
                    }
                }
            }
        }
        Rarity { parts }
    }

    /// Roughly the share of words at which `gram`, lower case, stands.
    pub(in crate::scanner) fn share(&self, gram: &[u8]) -> f32 {
        let letters = |b: &u8| b.is_ascii_lowercase();
        let (mut share, mut at) = (1.0, 0);
        for run in gram.chunk_by(|a, b| letters(a) == letters(b)) {
            let (begins, ends) = (at > 0, at + run.len() < gram.len());
            at += run.len();
            share *= if run.first().is_some_and(letters) {
                self.known(run, begins, ends)
                    + run.iter().map(|b| letter(*b)).product::<f32>() * (1.0 - KNOWN)
            } else {
                run.iter().map(|b| mark(*b)).product::<f32>()
            };
        }
        share
    }

    fn known(&self, run: &[u8], begins: bool, ends: bool) -> f32 {
        let kind = match (begins, ends) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.parts.get(&part(run)).map_or(0.0, |shares| shares[kind])
    }
}

/// The share of a letter among letters.
fn letter(b: u8) -> f32 {
    match b {
        b'e' => 0.12,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.07,
        b'h' | b'd' | b'l' | b'c' | b'u' | b'm' | b'p' => 0.035,
        b'w' | b'f' | b'g' | b'y' | b'b' | b'v' | b'k' => 0.015,
        _ => 0.002,
    }
}

/// The share of a byte that is no letter among what stands between words.
fn mark(b: u8) -> f32 {
    match b {
        b' ' => 0.6,
        b'\n' | b'"' | b'.' | b',' | b':' | b'/' | b'-' | b'_' => 0.1,
        b'0'..=b'9' | 0x80.. | b'\\' | b'\'' | b'(' | b')' | b'*' | b'=' => 0.05,
        _ => 0.02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spans_two_words_is_rarer_than_a_common_word() {
        let rarity = Rarity::new();
        assert!(rarity.share(b"t prev") < rarity.share(b"reques") / 10.0);
        assert!(rarity.share(b"xq-j") < rarity.share(b"ore "));
        assert!(rarity.share(b"item") > rarity.share(b"gnor"));
    }
}
