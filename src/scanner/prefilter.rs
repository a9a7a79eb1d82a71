//! Finds keywords: the only code that touches every byte. Looks at four bytes at a time, every `stride` bytes, and asks a
//! bitmap whether a keyword may lie there. The look-ups do not wait for each other, which is what makes it fast. What a
//! keyword means is the lane's business.

/// 2^17 bits, 16 KiB for each of two tables: they stay in the first-level cache beside the text.
const BITS: u32 = 17;
const WORDS: usize = 1 << (BITS - 6);
const SLOT_BITS: u32 = 14;
const BLOCK: usize = 32;
/// Sets the ASCII case bit in four bytes at once. Other bytes fold too; `Keyword::is_at` has the last word.
const FOLD: u32 = 0x2020_2020;
const FOLD_8: u64 = 0x2020_2020_2020_2020;

/// A byte string to look for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keyword {
    /// Lower case if `fold`.
    pub(super) bytes: Box<[u8]>,
    /// Are ASCII capitals the same as small letters?
    pub(super) fold: bool,
}

/// The compiled search for a set of keywords.
#[derive(Debug)]
pub(super) struct Prefilter {
    keywords: Box<[Keyword]>,
    stride: usize,
    /// Keywords too short for eight bytes at every stride.
    narrow: Table,
    /// The others: eight bytes of a phrase are rare where four of one of its words are not.
    wide: Table,
    longest: usize,
    /// May three folded bytes begin a keyword? Asked at the end of a text only.
    heads: Box<[u64; 1024]>,
    /// The keywords of each kind, in order, for the same purpose.
    exact: Box<[u16]>,
    folded: Box<[u16]>,
}

/// Grams, hashed: a bit says that one may be there, a slot says whose it is.
#[derive(Debug)]
struct Table {
    bitmap: Box<[u64; WORDS]>,
    /// Slot → beginning of its run in `places`.
    slots: Box<[u32]>,
    places: Box<[Place]>,
}

/// A keyword that has a looked-at gram `offset` bytes after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    slot: u32,
    /// The eight folded bytes from the gram on, as far as the keyword goes: settles nearly all doubts at once.
    bytes: u64,
    mask: u64,
    keyword: u16,
    offset: u8,
}

impl Prefilter {
    /// The shortest keyword that can be searched for.
    pub(super) const SHORTEST: usize = 3;
    /// And the longest.
    pub(super) const LONGEST: usize = 96;

    /// Keywords of six bytes and more let the search take long strides.
    pub(super) fn compile(keywords: Vec<Keyword>) -> Prefilter {
        let shortest = keywords.iter().map(|k| k.bytes.len()).min().unwrap_or(usize::MAX);
        let stride = if shortest >= 6 { 4 } else { 1 };
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        for (keyword, k) in (0_u16..).zip(&keywords) {
            let is_wide = stride > 1 && k.bytes.len() >= 8 + stride - 1;
            let base = rarest(&k.bytes, stride, if is_wide { 8 } else { 4 });
            for offset in base..base + stride {
                let (bytes, mask) = eight(&k.bytes[offset..]);
                let place = |hash| {
                    let offset = u8::try_from(offset).unwrap_or(u8::MAX);
                    (hash, Place { slot: slot(hash), bytes, mask, keyword, offset })
                };
                if is_wide {
                    wide.push(place(hash_8(bytes)));
                } else {
                    narrow.extend(grams(&k.bytes[offset..]).into_iter().map(|gram| place(hash_4(gram))));
                }
            }
        }
        let mut heads = Box::new([0; 1024]);
        for k in &keywords {
            let head = head(&k.bytes);
            heads[head >> 6] |= 1 << (head & 63);
        }
        let ordered = |fold: bool| {
            let mut of_kind: Vec<u16> =
                (0_u16..).zip(&keywords).filter(|(_, k)| k.fold == fold).map(|(i, _)| i).collect();
            of_kind.sort_by_key(|i| &keywords[usize::from(*i)].bytes);
            of_kind.into_boxed_slice()
        };
        let (exact, folded) = (ordered(false), ordered(true));
        Prefilter {
            stride,
            narrow: Table::new(narrow),
            wide: Table::new(wide),
            longest: keywords.iter().map(|k| k.bytes.len()).max().unwrap_or(0),
            heads,
            exact,
            folded,
            keywords: keywords.into(),
        }
    }

    /// Calls `hit(start, keyword)` for every keyword in `text`, once each, nearly in order.
    pub(super) fn each(&self, text: &[u8], hit: impl FnMut(usize, usize)) {
        match self.keywords.len() {
            0 => {}
            _ if self.stride == 4 => self.walk::<4>(text, hit),
            _ => self.walk::<1>(text, hit),
        }
    }

    /// The offset from which `text` may be the unfinished beginning of a keyword.
    pub(super) fn unfinished(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest.saturating_sub(1));
        (from..text.len()).find(|at| self.is_beginning(&text[*at..])).unwrap_or(text.len())
    }

    /// Is `tail` a keyword's beginning, and not all of it?
    fn is_beginning(&self, tail: &[u8]) -> bool {
        if tail.len() >= Prefilter::SHORTEST {
            let head = head(tail);
            if self.heads[head >> 6] & 1 << (head & 63) == 0 {
                return false;
            }
        }
        let begins = |order: &[u16], tail: &[u8]| {
            let bytes = |i: &u16| &*self.keywords[usize::from(*i)].bytes;
            let longer = order.partition_point(|i| bytes(i) <= tail);
            order.get(longer).is_some_and(|i| bytes(i).starts_with(tail))
        };
        let mut lower = [0; Prefilter::LONGEST];
        let Some(lower) = lower.get_mut(..tail.len()) else { return false };
        lower.copy_from_slice(tail);
        lower.make_ascii_lowercase();
        begins(&self.exact, tail) || begins(&self.folded, lower)
    }

    fn walk<const STRIDE: usize>(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let mut at = 0;
        // seven bytes more than the block: the last gram reaches over its end
        while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk::<{ BLOCK + 7 }>) {
            let mut found = 0_u32;
            for i in 0..BLOCK / STRIDE {
                // one load: the compiler sees that the eight bytes lie in the block
                let bytes = block[i * STRIDE..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b)) | FOLD_8;
                let wide = STRIDE > 1 && self.wide.has(hash_8(bytes));
                found |= u32::from(self.narrow.has(hash_4(low(bytes))) | wide) << i;
            }
            while found != 0 {
                let i = found.trailing_zeros() as usize;
                found &= found - 1;
                self.look(text, at + i * STRIDE, &mut hit);
            }
            at += BLOCK;
        }
        for at in (at..text.len()).step_by(STRIDE) {
            self.look(text, at, &mut hit);
        }
    }

    fn look(&self, text: &[u8], at: usize, hit: &mut impl FnMut(usize, usize)) {
        let here = &text[at..];
        let bytes = here.first_chunk().map_or_else(|| eight(here).0, |b| u64::from_le_bytes(*b) | FOLD_8);
        for place in self.narrow.at(hash_4(low(bytes))).iter().chain(self.wide.at(hash_8(bytes))) {
            if (bytes ^ place.bytes) & place.mask != 0 {
                continue;
            }
            let keyword = usize::from(place.keyword);
            if let Some(start) = at.checked_sub(usize::from(place.offset))
                && self.keywords[keyword].is_at(&text[start..])
            {
                hit(start, keyword);
            }
        }
    }
}

impl Keyword {
    fn is_at(&self, text: &[u8]) -> bool {
        text.get(..self.bytes.len())
            .is_some_and(|t| if self.fold { t.eq_ignore_ascii_case(&self.bytes) } else { t == &*self.bytes })
    }
}

impl Table {
    fn new(mut hashed: Vec<(u32, Place)>) -> Table {
        let mut bitmap = Box::new([0; WORDS]);
        for (hash, _) in &hashed {
            bitmap[(hash >> (32 - BITS + 6)) as usize] |= 1 << (hash >> (32 - BITS) & 63);
        }
        hashed.sort_unstable_by_key(|(_, place)| *place);
        let mut places: Vec<Place> = hashed.into_iter().map(|(_, place)| place).collect();
        places.dedup();
        let begin = |s: u32| u32::try_from(places.partition_point(|p| p.slot < s)).unwrap_or(u32::MAX);
        Table { bitmap, slots: (0..=1_u32 << SLOT_BITS).map(begin).collect(), places: places.into() }
    }

    #[inline(always)]
    fn has(&self, hash: u32) -> bool {
        self.bitmap[(hash >> (32 - BITS + 6)) as usize] & 1 << (hash >> (32 - BITS) & 63) != 0
    }

    fn at(&self, hash: u32) -> &[Place] {
        if !self.has(hash) {
            return &[];
        }
        let slot = slot(hash) as usize;
        &self.places[self.slots[slot] as usize..self.slots[slot + 1] as usize]
    }
}

fn hash_4(gram: u32) -> u32 {
    gram.wrapping_mul(0x9E37_79B1)
}

fn hash_8(bytes: u64) -> u32 {
    (bytes.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the first four of the eight bytes are meant")]
fn low(bytes: u64) -> u32 {
    bytes as u32
}

fn slot(hash: u32) -> u32 {
    hash >> (32 - SLOT_BITS)
}

/// The folded four-byte grams that `bytes` may begin with; a byte beyond its end may be anything.
fn grams(bytes: &[u8]) -> Vec<u32> {
    let byte = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let gram = u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]) | FOLD;
    if bytes.len() >= 4 { vec![gram] } else { (0..=0xff).map(|any| gram | any << 24).collect() }
}

/// The first eight bytes, folded, and which of them there are.
fn eight(bytes: &[u8]) -> (u64, u64) {
    let (mut first, mut there) = ([0; 8], [0; 8]);
    for (i, b) in bytes.iter().take(8).enumerate() {
        (first[i], there[i]) = (*b, 0xff);
    }
    (u64::from_le_bytes(first) | FOLD_8, u64::from_le_bytes(there))
}

/// Where to look in a keyword: the offset whose grams ordinary text has least often.
fn rarest(bytes: &[u8], stride: usize, width: usize) -> usize {
    let last = bytes.len().saturating_sub(width + stride - 1);
    let cost = |base: usize| -> u64 {
        (base..base + stride)
            .map(|o| bytes.iter().skip(o).take(width).map(|b| frequency(*b)).product::<u64>())
            .sum()
    };
    (0..=last).min_by_key(|base| cost(*base)).unwrap_or(0)
}

/// Roughly how often a byte stands in English prose and JSON, in thousandths.
fn frequency(byte: u8) -> u64 {
    match byte.to_ascii_lowercase() {
        // spaces of all spellings alike, so that these share a place to look
        b' ' | b'\n' | b'\\' | 0xc2 | 0xa0 => 150,
        b'e' => 100,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' => 65,
        b'h' | b'r' | b'd' | b'l' => 40,
        b'c' | b'u' | b'm' | b'w' | b'f' | b'g' | b'y' | b'p' => 20,
        b'b' | b'v' | b'k' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'"' | b':' => 9,
        _ => 2,
    }
}

/// A hash, below 2^16, of the first three bytes.
fn head(bytes: &[u8]) -> usize {
    let gram = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) | FOLD;
    (hash_4(gram) >> 16) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keywords(words: &[&str], fold: bool) -> Vec<Keyword> {
        words.iter().map(|w| Keyword { bytes: w.as_bytes().into(), fold }).collect()
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
            prop_oneof!["[a-zA-Z ]{0,9}", Just("ignore".to_owned()), Just("PREVIOUS".to_owned()), Just("忽略".to_owned()), Just("ab-".to_owned()), Just("ghp_".to_owned())], 0..40)) {
            let text = parts.concat();
            for (words, fold) in [(&["ignore", "previous", "忽略", "ignore all"][..], true), (&["ab-", "ghp_", "ignore"][..], false)] {
                let words = keywords(words, fold);
                prop_assert_eq!(found(&Prefilter::compile(words.clone()), text.as_bytes()), naive(&words, text.as_bytes()));
            }
        }
    }

    #[test]
    fn an_unfinished_keyword_is_held() {
        let filter = Prefilter::compile(keywords(&["ignore", "jailbreak"], true));
        assert_eq!(filter.unfinished(b"please IGN"), 7);
        assert_eq!(filter.unfinished(b"please ignore"), 13);
        assert_eq!(filter.unfinished(b"please xyz"), 10);
        assert_eq!(filter.unfinished(b"a j"), 2);
    }
}
