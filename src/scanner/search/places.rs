//! Of which keyword is a gram a piece? The eight bytes from the gram on settle nearly all doubts: they are looked up in a table.
//! Asked where a gram was found, and nowhere else.

use std::collections::BTreeMap;

use super::grams::{Around, FOLD, Gram, eight};

/// 2^15 sets of masks.
const SLOT_BITS: u32 = 15;
/// A bit of a set each.
const MOST_MASKS: usize = 32;
/// 2^19 bits.
const ANY_BITS: u32 = 19;

/// Eight bytes in small letters, and with the end of a line as a space; zero where there are fewer, or any may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scanner) struct Key(u64);

impl Key {
    /// Of the first eight.
    #[inline(always)]
    pub(in crate::scanner) fn of(bytes: &[u8]) -> Key {
        const LINES: u64 = 0x0a0a_0a0a_0a0a_0a0a;
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        let (bytes, there) = eight(bytes);
        let other = bytes ^ LINES;
        // the highest bit of each byte that is the end of a line
        let ends = !(((other & LOW) + LOW) | other | LOW);
        let spaced = bytes ^ ((ends >> 7) * u64::from(b'\n' ^ b' '));
        Key((spaced | FOLD) & there)
    }

    /// With one byte before it, which may be any.
    pub(in crate::scanner) fn later(self) -> Key {
        Key(self.0 << 8)
    }

    /// Which of its bytes are known.
    fn mask(self) -> u64 {
        (0..8).filter(|i| self.0 >> (8 * i) & 0xff != 0).fold(0, |mask, i| mask | 0xff << (8 * i))
    }

    #[inline(always)]
    fn masked(self, mask: u64) -> Key {
        Key(self.0 & mask)
    }

    #[inline(always)]
    fn hash(self) -> u64 {
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// Its bit of [`Places::any`].
    #[inline(always)]
    fn bit(self) -> (usize, u64) {
        let hash = self.hash() >> (64 - ANY_BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    /// Where it is looked for first, in a table of a power of two places.
    fn slot(self, of: usize) -> usize {
        (self.hash() >> 40) as usize & (of - 1)
    }
}

/// A keyword that has a gram `offset` bytes after its beginning, or one byte before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scanner) struct Place {
    pub(in crate::scanner) keyword: u16,
    pub(in crate::scanner) offset: i8,
}

/// The places of all grams, by their eight bytes.
#[derive(Debug)]
pub(in crate::scanner) struct Places {
    /// Which bytes of keys are known: keywords end. The first one is none.
    masks: Box<[u64]>,
    /// By the gram's hash: the masks of its places, a bit each.
    slots: Box<[u32]>,
    /// A bit by each key's hash.
    any: Box<[u64; 1 << (ANY_BITS - 6)]>,
    /// By a key's hash, or in the next free one: where its places begin in the following, counted from one.
    begins: Box<[u32]>,
    /// By key. What is known of one tells its mask too: no byte of it is zero.
    places: Box<[(Key, Place)]>,
}

impl Places {
    /// Of each gram, what stands from it on, and its place.
    pub(in crate::scanner) fn new(grams: &[(Gram, Around, Key, Place)]) -> Places {
        let masks = masks(grams);
        let mut slots = vec![0; 1 << SLOT_BITS];
        let mut by_key: Vec<(Key, Place)> = Vec::with_capacity(grams.len());
        for (gram, _, key, place) in grams {
            let known = best(&masks, key.mask());
            slots[gram.bits(SLOT_BITS)] |= 1 << known;
            by_key.push((key.masked(masks[known]), *place));
        }
        by_key.sort_unstable();
        by_key.dedup();
        let mut begins = vec![0; (by_key.len() * 3 / 2).next_power_of_two().max(8)];
        let mut any = Box::new([0; 1 << (ANY_BITS - 6)]);
        for (i, (key, _)) in by_key.iter().enumerate() {
            if i > 0 && by_key[i - 1].0 == *key {
                continue;
            }
            let (word, bit) = key.bit();
            any[word] |= bit;
            let mut at = key.slot(begins.len());
            while begins[at] != 0 {
                at = (at + 1) % begins.len();
            }
            begins[at] = i as u32 + 1;
        }
        Places { masks: masks.into(), slots: slots.into(), any, begins: begins.into(), places: by_key.into() }
    }

    /// Calls `found` for the places of these grams that go with the eight bytes that begin with them.
    #[inline(always)]
    pub(in crate::scanner) fn at(
        &self,
        grams: impl Iterator<Item = Gram>,
        key: Key,
        mut found: impl FnMut(Place),
    ) {
        let mut masks = grams.fold(0, |all, gram| all | self.slots[gram.bits(SLOT_BITS)]);
        let mut alive = 0_u32;
        while masks != 0 {
            let mask = masks.trailing_zeros();
            masks &= masks - 1;
            let (word, bit) = key.masked(self.masks[mask as usize]).bit();
            alive |= u32::from(self.any[word] & bit != 0) << mask;
        }
        while alive != 0 {
            self.of_key(key.masked(self.masks[alive.trailing_zeros() as usize]), &mut found);
            alive &= alive - 1;
        }
    }

    fn of_key(&self, key: Key, found: &mut impl FnMut(Place)) {
        let mut at = key.slot(self.begins.len());
        while let Some(begin) = (self.begins[at] as usize).checked_sub(1) {
            if self.places[begin].0 == key {
                let all = self.places[begin..].iter().take_while(|(other, _)| *other == key);
                return all.for_each(|(_, place)| found(*place));
            }
            at = (at + 1) % self.begins.len();
        }
    }
}

/// The masks that are told apart: those of most places. A rarer one is taken for one that knows less.
fn masks(grams: &[(Gram, Around, Key, Place)]) -> Vec<u64> {
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    grams.iter().for_each(|(_, _, key, _)| *counts.entry(key.mask()).or_default() += 1);
    let mut order: Vec<(u64, u32)> = counts.into_iter().collect();
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    std::iter::once(0).chain(order.into_iter().map(|(mask, _)| mask)).take(MOST_MASKS).collect()
}

/// Of the masks that know no more than `mask`, the one that knows most.
fn best(masks: &[u64], mask: u64) -> usize {
    let less = (0..masks.len()).filter(|i| masks[*i] & !mask == 0);
    less.max_by_key(|i| masks[*i].count_ones()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_whatever_the_case_and_the_lines() {
        assert_eq!(Key::of(b"Ignore\nall"), Key::of(b"ignore all"));
        assert_ne!(Key::of(b"ignore*all"), Key::of(b"ignore all"));
        assert_eq!(Key::of(b"\n\n\n\n\n\n\n\n"), Key::of(b"        "));
        assert_eq!(Key::of(b"abc").mask(), 0xff_ffff);
        assert_eq!(Key::of(b"abc").later(), Key::of(b"xabc").masked(0xffff_ff00));
    }
}
