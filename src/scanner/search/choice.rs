//! Decides where in each keyword the search looks for it: at as many offsets in a row as the stride is long, wherever their
//! grams are rarest in ordinary text. Only speed depends on which.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::grams::{Gram, NARROW, Place, WIDE, eight};
use super::prefilter::{Keyword, Next};
use super::rarity::Rarity;

/// What one gram more in the table costs all others, as a share of the positions.
const CROWDING: f32 = 1e-5;

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
    pub(in crate::scanner) fn places(mut self, keywords: &[Keyword]) -> Vec<(Gram, Place)> {
        let mut order: Vec<(u16, &Keyword)> = (0_u16..).zip(keywords).collect();
        order.sort_by_key(|(_, k)| k.bytes.len());
        let mut places = Vec::new();
        for (i, k) in order {
            for remainder in 0..self.stride {
                let Some((piece, grams)) = self.cheapest(k, remainder) else { continue };
                for gram in grams {
                    self.taken.insert(gram);
                    places.push(Place::new(gram, piece.eight, i, piece.offset));
                }
            }
        }
        places
    }

    /// Wherever the keyword lies, one stride meets one of its offsets with a given remainder: any of them will do.
    fn cheapest<'a>(&self, keyword: &'a Keyword, remainder: usize) -> Option<(Piece<'a>, Vec<Gram>)> {
        // long enough to be met whole at every stride: no byte outside it need be guessed
        let whole = keyword.bytes.len() >= NARROW + self.stride - 1;
        let end = if whole { keyword.bytes.len() - NARROW + 1 } else { keyword.bytes.len() };
        let offsets = (if whole { 0 } else { -1 }..i8::try_from(end).unwrap_or(i8::MAX))
            .filter(|o| usize::from(o.rem_euclid(8).unsigned_abs()) % self.stride == remainder);
        let widths = if self.stride == 4 { &[WIDE, NARROW][..] } else { &[NARROW] };
        let pieces = offsets.flat_map(|o| widths.iter().filter_map(move |w| Piece::of(keyword, o, *w)));
        let mut best: Option<(f32, Piece<'a>, Vec<Gram>)> = None;
        for piece in pieces {
            let share = self.rarity.share(piece.bytes);
            // no cheaper, whatever grams it has: those are many where a byte may be anything
            if best.as_ref().is_some_and(|(cost, ..)| share / 3.0 >= *cost) {
                continue;
            }
            let grams = piece.grams();
            let cost = self.cost(share, &grams);
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, piece, grams));
            }
        }
        best.map(|(_, piece, grams)| (piece, grams))
    }

    fn cost(&self, share: f32, grams: &[Gram]) -> f32 {
        let new = grams.iter().filter(|g| !self.taken.contains(g)).count();
        let new = f32::from(u16::try_from(new).unwrap_or(u16::MAX));
        new * CROWDING + if new > 0.0 { share } else { share / 3.0 }
    }
}

/// What a gram sees of a keyword.
struct Piece<'a> {
    /// Of its first byte; -1: the byte before the keyword.
    offset: i8,
    bytes: &'a [u8],
    eight: (u64, u64),
    wide: bool,
    fold: bool,
    /// What the byte outside the keyword may be.
    around: Next,
}

impl Piece<'_> {
    /// A short gram may reach one byte over either end of the keyword.
    fn of(keyword: &Keyword, offset: i8, width: usize) -> Option<Piece<'_>> {
        let (wide, before) = (width == WIDE, offset < 0);
        let rest = keyword.bytes.get(usize::try_from(offset).unwrap_or(0)..)?;
        let bytes = &rest[..rest.len().min(width - usize::from(before))];
        if bytes.len() < NARROW - 1 || wide && bytes.len() < WIDE {
            return None;
        }
        let (bits, mut mask) = eight(rest);
        for at in rest.iter().take(8).enumerate().filter(|(_, b)| keyword.fold && **b == b' ').map(|(i, _)| i)
        {
            mask &= !(0xff << (8 * at));
        }
        let around = if before { keyword.before } else { keyword.next };
        let eight = if before { (bits << 8, mask << 8) } else { (bits, mask) };
        Some(Piece { offset, bytes, eight, wide, fold: keyword.fold, around })
    }

    /// What the search may see there: a byte outside the keyword may be anything.
    fn grams(&self) -> Vec<Gram> {
        let free = match self.bytes.len() {
            WIDE if self.wide => return self.spelt().into_iter().map(Gram::wide).collect(),
            NARROW => return self.spelt().into_iter().map(Gram::narrow).collect(),
            _ if self.offset < 0 => 0,
            len => 8 * len,
        };
        // folded, as all bytes are
        let folded = (0..=u8::MAX).filter(|b| b & 0x20 != 0);
        let around = folded.filter(|b| self.around.has_folded(*b));
        let spelt = self.spelt();
        around.flat_map(|b| spelt.iter().map(move |s| Gram::narrow(s | u64::from(b) << free))).collect()
    }

    /// The bytes, with a space or the end of a line at each space.
    fn spelt(&self) -> Vec<u64> {
        let mut all = vec![self.eight.0];
        let first = usize::from(self.offset < 0);
        for at in (0..self.bytes.len()).filter(|i| self.fold && self.bytes[*i] == b' ') {
            // folded, the two differ by these bits
            let turned: Vec<u64> = all.iter().map(|s| s | u64::from(b'\n') << (8 * (at + first))).collect();
            all.extend(turned);
        }
        all
    }
}
