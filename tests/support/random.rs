//! Random numbers with a seed that is printed, so a failure can be run again.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of this run: `KATANA_TEST_SEED`, or a fresh one.
    pub(crate) fn run_seed() -> u64 {
        match std::env::var("KATANA_TEST_SEED") {
            Ok(text) => text.parse().expect("KATANA_TEST_SEED is a number"),
            Err(_) => getrandom::u64().unwrap(),
        }
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, without, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A body size: mostly small, now and then up to `most`.
    pub(crate) fn size(&mut self, most: usize) -> usize {
        let cap = match self.below(100) {
            0..10 => return 0,
            10..75 => 4 * 1024,
            75..95 => 64 * 1024,
            95..99 => 1024 * 1024,
            _ => most,
        };
        self.below(cap.min(most) + 1)
    }

    /// Bytes of one kind: words, JSON, or anything.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        const WORDS: [&str; 12] =
            ["river", "stone", "\"key\":", "{", "}", "walk", "\n", "größe", "tree,", "of", "12.5", "and"];
        let mut out = Vec::with_capacity(len + 16);
        if self.chance(50) {
            while out.len() < len {
                out.extend_from_slice(self.pick(&WORDS).as_bytes());
                out.push(b' ');
            }
        } else {
            while out.len() < len {
                out.extend_from_slice(&self.next().to_le_bytes());
            }
        }
        out.truncate(len);
        out
    }

    /// Cuts bytes into pieces of random sizes.
    pub(crate) fn pieces(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let most = (bytes.len() / 3).max(1);
        let mut rest = bytes;
        let mut out = Vec::new();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at((1 + self.below(most)).min(rest.len()));
            out.push(piece.to_vec());
            rest = left;
        }
        out
    }
}
