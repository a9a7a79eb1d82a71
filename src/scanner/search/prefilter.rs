//! Finds keywords: the only code that touches every byte. Looks at four and at six bytes at a time, every `stride` bytes, and
//! asks a table whether a keyword may lie there. The look-ups do not wait for each other, which is what makes it fast. What a
//! keyword means is the lane's business.

use super::beginnings::Beginnings;
use super::choice::Choice;
use super::grams::{FOLD, Gram, Table, eight};
use super::places::Key;
use super::rarity::Rarity;
use super::words::Words;

/// Bytes asked about in one go, without a branch.
const BLOCK: usize = 32;
/// So many blocks before any answer is looked at: where the processor guesses an answer wrong, the next questions are asked
/// already.
const BLOCKS: usize = 16;
/// So many blocks' answers are held in one word, a bit for every second byte.
const TOGETHER: usize = 64 / (BLOCK / 2);
/// The last gram of a block reaches over its end.
const OVER: usize = 7;

/// A byte string to look for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scanner) struct Keyword {
    /// Lower case if `fold`.
    pub(in crate::scanner) bytes: Box<[u8]>,
    /// Are ASCII capitals the same as small letters?
    pub(in crate::scanner) fold: bool,
    /// What may follow it: elsewhere, nothing is missed by not finding it.
    pub(in crate::scanner) next: Next,
    /// What may stand before it, likewise.
    pub(in crate::scanner) before: Next,
}

/// A set of bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scanner) struct Next([u64; 4]);

impl Next {
    pub(in crate::scanner) const NONE: Next = Next([0; 4]);
    pub(in crate::scanner) const ANY: Next = Next([u64::MAX; 4]);

    pub(in crate::scanner) fn add(&mut self, b: u8) {
        self.0[usize::from(b >> 6)] |= 1 << (b & 63);
    }

    pub(in crate::scanner) fn has(self, b: u8) -> bool {
        self.0[usize::from(b >> 6)] >> (b & 63) & 1 == 1
    }

    /// The bytes it holds.
    pub(in crate::scanner) fn bytes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |b| self.has(*b))
    }

    /// In either case, if letters count the same.
    pub(in crate::scanner) fn has_folded(self, folded: u8) -> bool {
        self.has(folded) || self.has(folded & !0x20)
    }
}

impl FromIterator<u8> for Next {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Next {
        let mut all = Next::NONE;
        bytes.into_iter().for_each(|b| all.add(b));
        all
    }
}

/// The compiled search for a set of keywords.
#[derive(Debug)]
pub(in crate::scanner) struct Prefilter {
    words: Words,
    stride: usize,
    table: Table,
    beginnings: Beginnings,
}

impl Prefilter {
    /// The shortest keyword that can be searched for.
    pub(in crate::scanner) const SHORTEST: usize = 3;
    /// If none is shorter, the search takes longer strides.
    pub(in crate::scanner) const LONG: usize = 5;

    /// Without short keywords the search takes longer strides: of five bytes, any three and one beside them are a gram.
    pub(in crate::scanner) fn compile(keywords: &[Keyword], rarity: &Rarity) -> Prefilter {
        let shortest = keywords.iter().map(|k| k.bytes.len()).min().unwrap_or(usize::MAX);
        let stride = if shortest >= Self::LONG { 4 } else { 2 };
        let table = Table::new(&Choice::new(stride, rarity).places(keywords));
        let words = Words::of(keywords);
        Prefilter { stride, table, beginnings: Beginnings::of(&words), words }
    }

    /// Calls `hit(start, keyword)` for every keyword in `text`, once each, nearly in order.
    pub(in crate::scanner) fn each(&self, text: &[u8], hit: impl FnMut(usize, usize)) {
        match self.words.len() {
            0 => {}
            _ if self.stride == 4 => self.walk::<4>(text, hit),
            _ => self.walk::<2>(text, hit),
        }
    }

    /// The offset from which `text` may be the unfinished beginning of a keyword.
    pub(in crate::scanner) fn unfinished(&self, text: &[u8]) -> usize {
        self.beginnings.unfinished(&self.words, text)
    }

    fn walk<const STRIDE: usize>(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let (mut at, mut near) = (0, [0_usize; BLOCKS * BLOCK / 2]);
        while at < text.len() {
            let (begin, mut blocks, mut found) = (at, 0, [0_u64; BLOCKS / TOGETHER]);
            while blocks < BLOCKS
                && let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk::<{ BLOCK + OVER }>)
            {
                found[blocks / TOGETHER] |= self.ask::<STRIDE>(block) << (blocks % TOGETHER * (BLOCK / 2));
                (at, blocks) = (at + BLOCK, blocks + 1);
            }
            if blocks < BLOCKS && at < text.len() {
                // what is left, as if zeros followed; no keyword holds one
                let (rest, mut block) = (&text[at..], [0; BLOCK + OVER]);
                let len = rest.len().min(block.len());
                block[..len].copy_from_slice(&rest[..len]);
                found[blocks / TOGETHER] |= self.ask::<STRIDE>(&block) << (blocks % TOGETHER * (BLOCK / 2));
                at += BLOCK;
            }
            let count = Self::gather(begin, &found, &mut near);
            let count = self.sift::<STRIDE>(text, &mut near[..count]);
            near[..count].iter().for_each(|at| self.look::<STRIDE>(text, *at, &mut hit));
        }
    }

    /// Where the bits of `found` stand in the text; returns how many there are.
    fn gather(begin: usize, found: &[u64], near: &mut [usize; BLOCKS * BLOCK / 2]) -> usize {
        let mut count = 0;
        for (i, word) in found.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                near[count] = begin + (i * 64 + left.trailing_zeros() as usize) * 2;
                left &= left - 1;
                count += 1;
            }
        }
        count
    }

    /// Keeps, in front, those beside which there is what some keyword has there. Without a branch: none can be guessed wrong.
    fn sift<const STRIDE: usize>(&self, text: &[u8], near: &mut [usize]) -> usize {
        let mut kept = 0;
        for i in 0..near.len() {
            let at = near[i];
            let bytes = eight(text.get(at..).unwrap_or_default()).0 | FOLD;
            let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
            let narrow = self.table.may(Gram::narrow(bytes), (before, (bytes >> 32) as u8));
            let wide = STRIDE == 4 && self.table.may(Gram::wide(bytes), (before, (bytes >> 48) as u8));
            near[kept] = at;
            kept += usize::from(narrow | wide);
        }
        kept
    }

    /// At which second bytes of a block may a keyword lie? A bit each.
    #[inline(always)]
    fn ask<const STRIDE: usize>(&self, block: &[u8; BLOCK + OVER]) -> u64 {
        let mut found = 0_u64;
        for i in 0..BLOCK / STRIDE {
            // one load: the compiler sees that the eight bytes lie in the block
            let bytes = block[i * STRIDE..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b)) | FOLD;
            let wide = STRIDE == 4 && self.table.has(Gram::wide(bytes));
            found |= u64::from(self.table.has(Gram::narrow(bytes)) | wide) << (i * STRIDE / 2);
        }
        found
    }

    /// Looks closer at what stands at `at`.
    fn look<const STRIDE: usize>(&self, text: &[u8], at: usize, hit: &mut impl FnMut(usize, usize)) {
        let here = text.get(at..).unwrap_or_default();
        let bytes = eight(here).0 | FOLD;
        let wide = (STRIDE == 4).then(|| Gram::wide(bytes));
        self.table.at([Some(Gram::narrow(bytes)), wide], Key::of(here), |place| {
            let keyword = usize::from(place.keyword);
            if let Some(start) = at.checked_sub_signed(isize::from(place.offset))
                && self.words.get(keyword).is_at(text.get(start..).unwrap_or_default())
            {
                hit(start, keyword);
            }
        });
    }
}

impl Keyword {
    /// Does `text` begin with it? Whatever the case, if that does not matter, and with the end of a line for a space.
    #[inline(always)]
    pub(in crate::scanner) fn is_at(&self, text: &[u8]) -> bool {
        is_at(&self.bytes, self.fold, text)
    }
}

/// The same of a keyword's bytes.
#[inline(always)]
pub(super) fn is_at(keyword: &[u8], fold: bool, text: &[u8]) -> bool {
    let alike = |(k, t): (&u8, &u8)| k.eq_ignore_ascii_case(t) || *k == b' ' && *t == b'\n';
    text.get(..keyword.len())
        .is_some_and(|t| if fold { keyword.iter().zip(t).all(alike) } else { t == keyword })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keywords(words: &[&str], fold: bool) -> Vec<Keyword> {
        words
            .iter()
            .map(|w| Keyword { bytes: w.as_bytes().into(), fold, next: Next::ANY, before: Next::ANY })
            .collect()
    }

    fn found(filter: &Prefilter, text: &[u8]) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        filter.each(text, |start, keyword| hits.push((start, keyword)));
        hits.sort_unstable();
        hits
    }

    fn naive(keywords: &[Keyword], text: &[u8]) -> Vec<(usize, usize)> {
        let all = (0..text.len()).flat_map(|at| (0..keywords.len()).map(move |k| (at, k)));
        all.filter(|(at, k)| keywords[*k].is_at(&text[*at..])).collect()
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(parts in proptest::collection::vec(
            prop_oneof!["[a-zA-Z ]{0,9}", Just("ignore".to_owned()), Just("PREVIOUS".to_owned()), Just("忽略".to_owned()), Just("ab-".to_owned()), Just("ghp_".to_owned()), Just("ignore\nall".to_owned()), Just("ignore*all".to_owned())], 0..40)) {
            let text = parts.concat();
            for (words, fold) in [(&["ignor", "previous", "忽略", "ignore all"][..], true), (&["ab-", "ghp_", "ignore"][..], false)] {
                let words = keywords(words, fold);
                prop_assert_eq!(found(&Prefilter::compile(&words, &Rarity::new()), text.as_bytes()), naive(&words, text.as_bytes()));
            }
        }
    }

    #[test]
    fn an_unfinished_keyword_is_held() {
        let filter = Prefilter::compile(&keywords(&["ignore", "jailbreak"], true), &Rarity::new());
        assert_eq!(filter.unfinished(b"please IGN"), 7);
        assert_eq!(filter.unfinished(b"please ignore"), 13);
        assert_eq!(filter.unfinished(b"please xyz"), 10);
        assert_eq!(filter.unfinished(b"a j"), 2);
    }
}
