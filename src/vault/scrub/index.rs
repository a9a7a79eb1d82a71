//! All patterns of one mode, sorted: a set of patterns that share a beginning is a range, one more character narrows it.

use super::Kind;
use std::cmp::Ordering;
use zeroize::Zeroizing;

/// Depths that are told apart where patterns still share a range.
const SHALLOW: usize = 8;

/// How the bytes of a text are compared with those of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Letters and digits only, case folded; everything else separates.
    Folded,
    /// Letters and digits only, case kept.
    Exact,
    /// Byte for byte, nothing separates.
    Literal,
}

/// A pattern on its way into an index.
pub(super) struct Draft {
    pub(super) mode: Mode,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Before each byte: how many of the form's own bytes were left out, because they do not tell enough.
    pub(super) left_out: Vec<u8>,
    pub(super) about: About,
}

/// What a pattern stands for and how far its hit reaches.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) secret: u32,
    pub(super) kind: Kind,
    pub(super) mark: u32,
    pub(super) form: &'static str,
    /// The character before it carries some of the value's bits.
    pub(super) lead: bool,
    /// So does the character after it.
    pub(super) tail: bool,
    /// Counts only as a whole word.
    pub(super) token: bool,
}

struct Pattern {
    at: u32,
    len: u32,
    about: About,
}

/// The patterns that begin with the `depth` characters read so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    lo: u32,
    hi: u32,
    pub(super) depth: u32,
}

/// See the module.
pub(super) struct Index {
    pub(super) mode: Mode,
    pub(super) has_tokens: bool,
    arena: Zeroizing<Vec<u8>>,
    left_out: Vec<u8>,
    /// The most that any pattern leaves out, by depth; the last is for all that is deeper.
    most_left_out: [u8; SHALLOW],
    patterns: Vec<Pattern>,
    /// By first character.
    first: Box<[(u32, u32); 256]>,
    /// By first two: spares a search for most beginnings that lead nowhere.
    pairs: Box<[u64]>,
}

impl Index {
    /// Sorts and removes duplicates; of equals the one drafted first stays.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the caller has checked that all bytes together fit u32"
    )]
    pub(super) fn build(mode: Mode, mut drafts: Vec<Draft>) -> Self {
        drafts.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        drafts.dedup_by(|later, kept| later.bytes == kept.bytes);
        let mut arena = Zeroizing::new(Vec::with_capacity(drafts.iter().map(|d| d.bytes.len()).sum()));
        let mut left_out = Vec::with_capacity(arena.capacity());
        let mut patterns = Vec::with_capacity(drafts.len());
        let mut first = Box::new([(0, 0); 256]);
        let mut pairs = vec![0_u64; if drafts.is_empty() { 0 } else { 1024 }].into_boxed_slice();
        for draft in &drafts {
            let head = usize::from(draft.bytes[0]);
            if first[head].1 == 0 {
                first[head].0 = patterns.len() as u32;
            }
            first[head].1 = patterns.len() as u32 + 1;
            if let Some(&second) = draft.bytes.get(1) {
                let pair = head << 8 | usize::from(second);
                pairs[pair >> 6] |= 1 << (pair & 63);
            }
            patterns.push(Pattern {
                at: arena.len() as u32,
                len: draft.bytes.len() as u32,
                about: draft.about,
            });
            arena.extend_from_slice(&draft.bytes);
            left_out.extend_from_slice(&draft.left_out);
        }
        let mut most_left_out = [0; SHALLOW];
        for (depth, &count) in drafts.iter().flat_map(|d| d.left_out.iter().enumerate()) {
            let most = &mut most_left_out[depth.min(SHALLOW - 1)];
            *most = count.max(*most);
        }
        let has_tokens = drafts.iter().any(|d| d.about.token);
        Self { mode, has_tokens, arena, left_out, most_left_out, patterns, first, pairs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Does any pattern begin with this byte?
    pub(super) fn begins(&self, byte: u8) -> bool {
        self.first[usize::from(byte)].1 != 0
    }

    /// Every pattern, nothing read yet.
    pub(super) fn root(&self) -> Range {
        Range { lo: 0, hi: self.patterns.len() as u32, depth: 0 }
    }

    /// The patterns of `range` that go on with `byte`.
    #[inline]
    pub(super) fn narrow(&self, range: Range, byte: u8) -> Option<Range> {
        let depth = range.depth + 1;
        if range.depth == 0 {
            let (lo, hi) = self.first[usize::from(byte)];
            return (hi > lo).then_some(Range { lo, hi, depth });
        }
        if range.hi - range.lo == 1 {
            return (self.at(range.lo, range.depth) == Some(byte)).then_some(Range { depth, ..range });
        }
        if range.depth == 1 {
            let head = self.at(range.lo, 0).map_or(0, usize::from);
            let pair = head << 8 | usize::from(byte);
            if self.pairs[pair >> 6] >> (pair & 63) & 1 == 0 {
                return None;
            }
        }
        let lo = self.search(range, |c| c.cmp(&Some(byte)) == Ordering::Less);
        let hi = self.search(Range { lo, ..range }, |c| c.cmp(&Some(byte)) != Ordering::Greater);
        (hi > lo).then_some(Range { lo, hi, depth })
    }

    /// The pattern that is complete at this range, if one is.
    #[inline]
    pub(super) fn complete(&self, range: Range) -> Option<&About> {
        let p = &self.patterns[range.lo as usize];
        (p.len == range.depth).then_some(&p.about)
    }

    /// Does any pattern of the range go on?
    #[inline]
    pub(super) fn goes_on(&self, range: Range) -> bool {
        range.hi - range.lo > 1 || self.patterns[range.lo as usize].len > range.depth
    }

    /// How many of its own bytes a form may have between what was read and the next character.
    pub(super) fn left_out(&self, range: Range) -> usize {
        let p = &self.patterns[range.lo as usize];
        let own = if range.hi - range.lo == 1 {
            self.left_out.get((p.at + range.depth) as usize).copied()
        } else {
            // Which of them it will be is not known yet.
            return self.most_left_out(range.depth as usize);
        };
        own.map_or(0, usize::from)
    }

    /// The same when all that is known is how many characters were read.
    pub(super) fn most_left_out(&self, depth: usize) -> usize {
        usize::from(self.most_left_out[depth.min(SHALLOW - 1)])
    }

    /// The character of pattern `p` at `depth`; `None`, which sorts first, past its end.
    #[inline]
    fn at(&self, p: u32, depth: u32) -> Option<u8> {
        let p = &self.patterns[p as usize];
        (depth < p.len).then(|| self.arena[(p.at + depth) as usize])
    }

    fn search(&self, range: Range, below: impl Fn(Option<u8>) -> bool) -> u32 {
        let (mut lo, mut hi) = (range.lo, range.hi);
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            if below(self.at(mid, range.depth)) { lo = mid + 1 } else { hi = mid }
        }
        lo
    }
}
