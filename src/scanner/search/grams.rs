//! A few bytes at a time: is that a piece of a keyword? The question is asked at every stride of a text and answered by two
//! loads without a branch. Of which keyword it is a piece is asked seldom, and elsewhere.

use super::places::{Key, Place, Places};

/// 2^14 words of 64 bits, 128 KiB: the loads do not wait for each other, so a fuller table costs more than a farther one.
const WORD_BITS: u32 = 14;
const WORDS: usize = 1 << WORD_BITS;
/// Sets the ASCII case bit in eight bytes at once. Other bytes fold too; `Keyword::is_at` has the last word.
pub(in crate::scanner) const FOLD: u64 = 0x2020_2020_2020_2020;

/// How many bytes make a short gram, and a long one.
pub(in crate::scanner) const NARROW: usize = 4;
pub(in crate::scanner) const WIDE: usize = 6;

/// Which three bits of its word a gram sets.
static MARKS: [u64; 256] = marks();

/// All grams of all keywords.
#[derive(Debug)]
pub(in crate::scanner) struct Table {
    bloom: Box<[u64; WORDS]>,
    /// By the gram's hash, of as many bits as that takes: what may stand before and behind it.
    beside: Box<[Beside]>,
    beside_bits: u32,
    places: Places,
}

/// The lowest five bits of what may stand before a gram, and behind it: a bit of a word for each.
#[derive(Debug, Clone, Copy, Default)]
struct Beside(u32, u32);

impl Beside {
    /// Anything may stand there.
    const ANY: u32 = u32::MAX;

    /// Of one that may stand there.
    #[inline(always)]
    fn bit(byte: u8) -> u32 {
        1 << (byte & 31)
    }

    /// What stands in a text where that stands in a keyword; the end of a line stands for a space.
    fn of(byte: Option<u8>) -> u32 {
        match byte {
            None => Beside::ANY,
            Some(b' ') => Beside::bit(b' ') | Beside::bit(b'\n'),
            Some(b) => Beside::bit(b),
        }
    }
}

/// The bytes before and behind a gram; none: any may stand there.
pub(in crate::scanner) type Around = (Option<u8>, Option<u8>);

/// The hash of a gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::scanner) struct Gram(u64);

impl Gram {
    /// Of the first four of eight folded bytes.
    #[inline(always)]
    pub(in crate::scanner) fn narrow(bytes: u64) -> Gram {
        Gram((bytes << (64 - 8 * NARROW)).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Of the first six.
    #[inline(always)]
    pub(in crate::scanner) fn wide(bytes: u64) -> Gram {
        Gram((bytes << (64 - 8 * WIDE)).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    #[inline(always)]
    fn word(self) -> usize {
        (self.0 >> (64 - WORD_BITS)) as usize
    }

    #[inline(always)]
    fn mark(self) -> u64 {
        MARKS[(self.0 >> (64 - WORD_BITS - 8) & 0xff) as usize]
    }

    /// The highest so many bits.
    #[inline(always)]
    pub(super) fn bits(self, bits: u32) -> usize {
        (self.0 >> (64 - bits)) as usize
    }
}

impl Table {
    /// Of each gram, what stands before it, after it, from it on, and its place.
    pub(in crate::scanner) fn new(grams: &[(Gram, Around, Key, Place)]) -> Table {
        let mut bloom = Box::new([0; WORDS]);
        let beside_bits = (grams.len() / 2).next_power_of_two().trailing_zeros().max(1);
        let mut beside = vec![Beside::default(); 1 << beside_bits];
        for (gram, (before, behind), ..) in grams {
            bloom[gram.word()] |= gram.mark();
            let sets = &mut beside[gram.bits(beside_bits)];
            (sets.0, sets.1) = (sets.0 | Beside::of(*before), sets.1 | Beside::of(*behind));
        }
        Table { bloom, beside: beside.into(), beside_bits, places: Places::new(grams) }
    }

    /// May it be a piece of a keyword?
    #[inline(always)]
    pub(in crate::scanner) fn has(&self, gram: Gram) -> bool {
        !self.bloom[gram.word()] & gram.mark() == 0
    }

    /// The same, going by the bytes before and behind it too.
    #[inline(always)]
    pub(in crate::scanner) fn may(&self, gram: Gram, (before, behind): (Option<u8>, u8)) -> bool {
        let sets = self.beside[gram.bits(self.beside_bits)];
        let before = before.map_or(Beside::ANY, Beside::bit);
        self.has(gram) & (sets.0 & before != 0) & (sets.1 & Beside::bit(behind) != 0)
    }

    /// Whose pieces they may be, going by the eight bytes that begin with them.
    #[inline(always)]
    pub(in crate::scanner) fn at(&self, grams: [Option<Gram>; 2], key: Key, found: impl FnMut(Place)) {
        self.places.at(grams.into_iter().flatten().filter(|gram| self.has(*gram)), key, found);
    }
}

/// The first eight bytes, zero where there are fewer, and which of them there are.
#[inline(always)]
pub(in crate::scanner) fn eight(bytes: &[u8]) -> (u64, u64) {
    if let Some(all) = bytes.first_chunk() {
        return (u64::from_le_bytes(*all), u64::MAX);
    }
    let (mut first, mut there) = ([0; 8], [0; 8]);
    for (i, b) in bytes.iter().take(8).enumerate() {
        (first[i], there[i]) = (*b, 0xff);
    }
    (u64::from_le_bytes(first), u64::from_le_bytes(there))
}

/// Three bits each, spread by a multiplicative generator.
const fn marks() -> [u64; 256] {
    let (mut marks, mut seed, mut i) = ([0_u64; 256], 0x2545_F491_4F6C_DD1D_u64, 0);
    while i < marks.len() {
        while marks[i].count_ones() < 3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            marks[i] |= 1_u64 << (seed >> 58);
        }
        i += 1;
    }
    marks
}
