//! A few bytes at a time: is that a piece of a keyword, and of which? The first question is asked at every stride of a text
//! and answered by two loads without a branch; the second seldom.

/// 2^14 words of 64 bits, 128 KiB: the loads do not wait for each other, so a fuller table costs more than a farther one.
const WORD_BITS: u32 = 14;
const WORDS: usize = 1 << WORD_BITS;
const SLOT_BITS: u32 = 14;
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
    /// Slot → beginning of its run in the following.
    slots: Box<[u32]>,
    /// More of each place's hash: most that only look like a gram end here, in the cache.
    tags: Box<[u8]>,
    /// The eight folded bytes from the gram on: settle nearly all doubts at once.
    bytes: Box<[u64]>,
    places: Box<[Place]>,
}

/// A keyword that has a gram `offset` bytes after its beginning, or one byte before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scanner) struct Place {
    pub(in crate::scanner) keyword: u16,
    pub(in crate::scanner) offset: i8,
    /// Which of the eight bytes from the gram on are known, a bit each: some are spaces, and the keyword ends.
    known: u8,
}

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

    fn tag(self) -> u8 {
        (self.0 >> (64 - WORD_BITS - 16) & 0xff) as u8
    }

    fn slot(self) -> usize {
        (self.0 >> (64 - SLOT_BITS)) as usize
    }
}

impl Place {
    /// `mask` as [`eight`] gives it, from the gram on.
    pub(in crate::scanner) fn new(mask: u64, keyword: u16, offset: i8) -> Place {
        let known = (0..8).filter(|i| mask >> (8 * i) & 1 == 1).fold(0, |known, i| known | 1 << i);
        Place { keyword, offset, known }
    }

    fn mask(self) -> u64 {
        SPREAD[usize::from(self.known)]
    }
}

impl Table {
    /// Of each gram, the eight folded bytes from it on, and its place.
    pub(in crate::scanner) fn new(grams: &[(Gram, u64, Place)]) -> Table {
        let (mut bloom, mut slots) = (Box::new([0; WORDS]), vec![0_u32; (1 << SLOT_BITS) + 1]);
        for (gram, ..) in grams {
            bloom[gram.word()] |= gram.mark();
            slots[gram.slot() + 1] += 1;
        }
        let mut sum = 0;
        for slot in &mut slots {
            sum += *slot;
            *slot = sum;
        }
        let (mut free, len) = (slots.clone(), grams.len());
        // as no folded byte is zero, nothing is found where nothing is put
        let nowhere = Place { keyword: 0, offset: 0, known: u8::MAX };
        let (mut tags, mut bytes, mut places) = (vec![0; len], vec![0; len], vec![nowhere; len]);
        for (gram, eight, place) in grams {
            let (first, at) = (slots[gram.slot()] as usize, free[gram.slot()] as usize);
            let known = |i: usize| tags[i] == gram.tag() && places[i] == *place;
            // a byte beside the keyword may be anything: two grams of one place may be alike here
            if !(first..at).any(known) {
                free[gram.slot()] += 1;
                (tags[at], bytes[at], places[at]) = (gram.tag(), eight & place.mask(), *place);
            }
        }
        Table { bloom, slots: slots.into(), tags: tags.into(), bytes: bytes.into(), places: places.into() }
    }

    /// May it be a piece of a keyword?
    #[inline(always)]
    pub(in crate::scanner) fn has(&self, gram: Gram) -> bool {
        !self.bloom[gram.word()] & gram.mark() == 0
    }

    /// Whose piece it may be, going by the eight folded bytes that begin with it.
    pub(in crate::scanner) fn at(&self, gram: Gram, bytes: u64) -> impl Iterator<Item = Place> {
        let slot = gram.slot();
        let run =
            if self.has(gram) { self.slots[slot] as usize..self.slots[slot + 1] as usize } else { 0..0 };
        let tag = gram.tag();
        let tagged = run.filter(move |i| self.tags[*i] == tag).map(|i| (self.bytes[i], self.places[i]));
        tagged.filter(move |(known, place)| bytes & place.mask() == *known).map(|(_, place)| place)
    }
}

/// The first eight bytes, folded, and which of them there are.
pub(in crate::scanner) fn eight(bytes: &[u8]) -> (u64, u64) {
    if let Some(all) = bytes.first_chunk() {
        return (u64::from_le_bytes(*all) | FOLD, u64::MAX);
    }
    let (mut first, mut there) = ([0; 8], [0; 8]);
    for (i, b) in bytes.iter().take(8).enumerate() {
        (first[i], there[i]) = (*b, 0xff);
    }
    (u64::from_le_bytes(first) | FOLD, u64::from_le_bytes(there))
}

/// For eight bits, as many bytes.
static SPREAD: [u64; 256] = {
    let (mut spread, mut known) = ([0_u64; 256], 0);
    while known < 256 {
        let mut i = 0;
        while i < 8 {
            if known >> i & 1 == 1 {
                spread[known] |= 0xff << (8 * i);
            }
            i += 1;
        }
        known += 1;
    }
    spread
};

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
