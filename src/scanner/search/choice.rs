//! Decides where in each keyword the search looks for it: at as many offsets in a row as the stride is long, wherever their
//! grams are rarest in ordinary text. Only speed depends on which.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::grams::{Around, FOLD, Gram, NARROW, WIDE, eight};
use super::places::{Key, Place};
use super::prefilter::{Keyword, Next};
use super::rarity::Rarity;

/// What one gram more in the table costs all others, as a share of the positions.
const CROWDING: f32 = 1e-5;
/// A gram that costs less is rare enough: no other is looked for.
const CHEAP: f32 = 1.1 * CROWDING;

/// So many grams has a piece beside which any byte may stand, or more.
const OPEN: u16 = 128;

/// The grams chosen so far.
pub(in crate::scanner) struct Choice<'r> {
    stride: usize,
    rarity: &'r Rarity,
    /// One more keyword that has one of these costs little.
    taken: HashSet<Gram, BuildHasherDefault<Hashed>>,
}

/// A gram is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, gram: u64) {
        self.0 = gram ^ gram >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<'r> Choice<'r> {
    pub(in crate::scanner) fn new(stride: usize, rarity: &'r Rarity) -> Self {
        Choice { stride, rarity, taken: HashSet::default() }
    }

    /// The short ones choose first: they have little choice.
    pub(in crate::scanner) fn places(mut self, keywords: &[Keyword]) -> Vec<(Gram, Around, Key, Place)> {
        let mut order: Vec<(u16, &Keyword)> = (0_u16..).zip(keywords).collect();
        order.sort_by_key(|(_, k)| k.bytes.len());
        let mut places = Vec::with_capacity(2 * self.stride * order.len());
        for (i, k) in order {
            for remainder in 0..self.stride {
                let Some(piece) = self.cheapest(k, remainder) else { continue };
                let (place, open) = (Place { keyword: i, offset: piece.offset }, piece.is_open());
                piece.each_gram(|gram| {
                    places.push((gram, piece.beside(k), piece.key, place));
                    if !open {
                        self.taken.insert(gram);
                    }
                });
            }
        }
        places
    }

    /// Wherever the keyword lies, one stride meets one of its offsets with a given remainder: any of them will do.
    fn cheapest<'a>(&self, keyword: &'a Keyword, remainder: usize) -> Option<Piece<'a>> {
        // long enough to be met whole at every stride: no byte outside it need be guessed
        let whole = keyword.bytes.len() >= NARROW + self.stride - 1;
        let end = if whole { keyword.bytes.len() - NARROW + 1 } else { keyword.bytes.len() };
        let first = if !whole && remainder == self.stride - 1 { -1 } else { remainder as i8 };
        let offsets = (first..i8::try_from(end).unwrap_or(i8::MAX)).step_by(self.stride);
        let widths = if self.stride == 4 { &[WIDE, NARROW][..] } else { &[NARROW] };
        let mut best: Option<(f32, Piece<'a>)> = None;
        for (offset, width) in offsets.flat_map(|o| widths.iter().map(move |w| (o, *w))) {
            let Some(bytes) = Piece::seen(keyword, offset, width) else { continue };
            let share = self.rarity.share(bytes);
            // no cheaper, whatever grams it has: those are many where a byte may be anything
            if best.as_ref().is_some_and(|(cost, _)| share / 3.0 >= *cost) {
                continue;
            }
            let piece = Piece::of(keyword, offset, bytes);
            let cost = self.cost(share, &piece);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, piece));
                if cost < CHEAP {
                    break;
                }
            }
        }
        best.map(|(_, piece)| piece)
    }

    fn cost(&self, share: f32, piece: &Piece<'_>) -> f32 {
        let mut new = if piece.is_open() { OPEN } else { 0_u16 };
        if new == 0 {
            piece.each_gram(|gram| new += u16::from(!self.taken.contains(&gram)));
        }
        f32::from(new) * CROWDING + if new > 0 { share } else { share / 3.0 }
    }
}

/// What a gram sees of a keyword.
struct Piece<'a> {
    /// Of its first byte; -1: the byte before the keyword.
    offset: i8,
    bytes: &'a [u8],
    /// Folded, from the gram on.
    eight: u64,
    key: Key,
    wide: bool,
    /// The lowest bit of each of its bytes that is a space or the end of a line.
    spaces: u64,
    /// What the byte outside the keyword may be.
    around: Next,
}

impl Piece<'_> {
    /// What a gram sees of a keyword; a short one may reach one byte over either end.
    fn seen(keyword: &Keyword, offset: i8, width: usize) -> Option<&[u8]> {
        let rest = keyword.bytes.get(usize::try_from(offset).unwrap_or(0)..)?;
        let bytes = &rest[..rest.len().min(width - usize::from(offset < 0))];
        (bytes.len() >= NARROW - 1 && (width != WIDE || bytes.len() == WIDE)).then_some(bytes)
    }

    fn of<'a>(keyword: &'a Keyword, offset: i8, bytes: &'a [u8]) -> Piece<'a> {
        let (wide, before) = (bytes.len() == WIDE, offset < 0);
        let rest = &keyword.bytes[usize::try_from(offset).unwrap_or(0)..];
        let (mut bits, mut key) = (eight(rest).0 | FOLD, Key::of(rest));
        let mut spaces = 0;
        for (i, _) in bytes.iter().enumerate().filter(|(_, b)| keyword.fold && **b == b' ') {
            spaces |= 1 << (8 * i);
        }
        if before {
            (bits, key, spaces) = (bits << 8, key.later(), spaces << 8);
        }
        let around = if before { keyword.before } else { keyword.next };
        Piece { offset, bytes, eight: bits, key, wide, spaces, around }
    }

    /// The bytes of its keyword before and behind it.
    fn beside(&self, keyword: &Keyword) -> Around {
        let at = |i: isize| usize::try_from(i).ok().and_then(|i| keyword.bytes.get(i)).copied();
        let width = if self.wide { WIDE } else { NARROW };
        let first = isize::from(self.offset);
        (at(first - 1), at(first + width as isize))
    }

    /// May any byte stand beside it? It has so many grams that each costs more than all others.
    fn is_open(&self) -> bool {
        self.bytes.len() < NARROW && self.around == Next::ANY
    }

    /// What the search may see there: a byte outside the keyword may be anything, and the end of a line stands for a space.
    fn each_gram(&self, mut each: impl FnMut(Gram)) {
        let mut spelt = |bytes: u64| {
            // folded, the two differ by the bits of 0x0a
            let spaces = self.spaces << 1;
            let mut turned = 0;
            loop {
                let bytes = bytes | turned | turned << 2;
                each(if self.wide { Gram::wide(bytes) } else { Gram::narrow(bytes) });
                turned = turned.wrapping_sub(spaces) & spaces;
                if turned == 0 {
                    break;
                }
            }
        };
        let free = match self.bytes.len() {
            WIDE | NARROW if self.wide || self.bytes.len() == NARROW => return spelt(self.eight),
            _ if self.offset < 0 => 0,
            len => 8 * len,
        };
        // folded, as all bytes are
        let folded = [0x20_u8, 0x60, 0xa0, 0xe0].into_iter().flat_map(|b| b..=b + 0x1f);
        folded.filter(|b| self.around.has_folded(*b)).for_each(|b| spelt(self.eight | u64::from(b) << free));
    }
}
