//! Walks a text once for signs of anything encoded. A few vector instructions tell which signs a block may hold; only those
//! are looked at closer, each where it stands. What a sign is worth is its view's business.

use std::ops::{Range, RangeInclusive};

use super::signs::Signs;
use super::{View, Wants};
use super::{
    base85, entities, escapes, inflate, leet, markup, numbers, pdf, percent, promise, quoted, shift, spaced,
    stretches, unicode, utf16, whitespace,
};

/// Bytes judged at once.
const BLOCK: usize = 64;
/// A shorter stretch of one alphabet holds nothing. In any of this length, eight bytes begin at a multiple of the stride.
pub(super) const TOKEN: usize = 22;
pub(super) const STRIDE: usize = 16;
/// So many digits of a block's bytes may be a list of numbers.
pub(super) const DIGITS: u8 = 12;
/// Letters and digits set apart are half of the bytes at most.
const ALONE: u8 = 30;
/// Words with digits for letters have so many; more are numbers.
const LEET: RangeInclusive<u8> = 2..=26;
/// Two digits, and what sets them apart.
const PAIR: usize = 3;

/// Looks for signs of what `wants` names.
pub(super) fn signs(text: &[u8], wants: Wants) -> Signs {
    let mut signs = Signs::new(wants);
    let mut walk = Walk { text, free: 0, done: [0; KINDS], clear: 0, signs: &mut signs };
    if wants.has(View::Leet) {
        walk.all::<true>();
    } else {
        walk.all::<false>();
    }
    stretches::signs(text, &mut signs);
    if pdf::begins(text) {
        signs.note(View::Pdf, 0..text.len().min(8), text.len());
    }
    if inflate::begins(text) {
        signs.note_compressed(0);
    }
    if utf16::begins(text) {
        signs.note_wide();
    }
    if wants.has(View::Caesar) && shift::is_opaque(text) {
        signs.note_opaque();
    }
    signs
}

/// What a block holds.
#[derive(Default)]
struct Flags {
    percent: u8,
    ampersand: u8,
    backslash: u8,
    equals: u8,
    plus: u8,
    less: u8,
    tilde: u8,
    high: u8,
    control: u8,
    digits: u8,
    /// A bit for each eight bytes that are part of a word, or letters set apart.
    runs: u8,
    apart: u8,
    /// Blanks behind a letter.
    blanks: u8,
}

/// Kinds of signs that say how far they have looked.
const KINDS: usize = 8;

struct Walk<'a> {
    text: &'a [u8],
    /// Where the last token ended.
    free: usize,
    done: [usize; KINDS],
    /// From the last mark of base85 to here stands no backslash.
    clear: usize,
    signs: &'a mut Signs,
}

impl Walk<'_> {
    /// `READ`: also for what only readers see through.
    fn all<const READ: bool>(&mut self) {
        let (blocks, rest) = self.text.as_chunks::<BLOCK>();
        for (i, block) in blocks.iter().enumerate() {
            self.look::<READ>(&flags::<READ>(block), i * BLOCK..(i + 1) * BLOCK);
        }
        if !rest.is_empty() {
            // as if spaces followed
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.look::<READ>(&flags::<READ>(&block), blocks.len() * BLOCK..self.text.len());
        }
    }

    #[inline(always)]
    fn look<const READ: bool>(&mut self, flags: &Flags, block: Range<usize>) {
        let Flags { percent, ampersand, backslash, equals, plus, tilde, high, control, .. } = *flags;
        if percent | ampersand | backslash | equals | plus | tilde | high | control != 0 {
            self.marks(flags, &block);
        }
        // a list has no long items
        if flags.digits >= DIGITS && flags.runs.count_ones() < 2 {
            let from = self.done[6].max(block.start);
            self.done[6] = numbers::signs(self.text, from..block.end.max(from), self.signs);
        }
        if flags.runs != 0 {
            self.tokens(flags.runs, block.start);
        }
        if flags.apart != 0 && flags.digits <= ALONE {
            self.done[7] = spaced::signs(self.text, self.done[7].max(block.start)..block.end, self.signs);
        }
        if READ && (flags.less | flags.blanks != 0 || LEET.contains(&flags.digits)) {
            self.readers(flags, &block);
        }
    }

    #[inline(never)]
    fn marks(&mut self, flags: &Flags, block: &Range<usize>) {
        if flags.percent != 0 {
            self.each(0, b'%', block, percent::sign);
        }
        if flags.ampersand != 0 {
            self.each(1, b'&', block, entities::sign);
        }
        if flags.backslash != 0 {
            self.each(2, b'\\', block, escapes::sign);
        }
        if flags.equals != 0 {
            self.each(3, b'=', block, quoted::sign);
        }
        if flags.plus != 0 {
            self.each(4, b'+', block, percent::plus);
        }
        if flags.high != 0 {
            let from = self.done[5].max(block.start);
            self.done[5] = unicode::signs(self.text, from..block.end.max(from), self.signs);
        }
        if flags.control != 0 {
            for at in block.clone().filter(|at| control(self.text[*at]) != 0) {
                inflate::sign(self.text, at, self.signs);
            }
        }
        if flags.tilde != 0 {
            for at in memchr::memchr_iter(b'~', &self.text[block.clone()]).map(|i| block.start + i) {
                if at > 0 && self.text[at - 1] == b'<' {
                    self.signs.note_mark(at - 1);
                    self.escaped(at);
                }
            }
        }
    }

    /// In a JSON string, quotes and backslashes of the base85 that begins at `at` are doubled.
    fn escaped(&mut self, at: usize) {
        let end = self.text.len().min(at + base85::ESCAPED);
        let from = self.clear.clamp(at, end);
        let backslash = memchr::memchr(b'\\', &self.text[from..end]);
        self.clear = backslash.map_or(end, |i| from + i);
        if backslash.is_some() {
            self.signs.note(View::Escapes, at..end, self.text.len());
        }
    }

    /// Every `b` of the block that the last look did not go past.
    fn each(
        &mut self,
        kind: usize,
        b: u8,
        block: &Range<usize>,
        sign: fn(&[u8], usize, &mut Signs) -> usize,
    ) {
        let mut at = self.done[kind].max(block.start);
        while at < block.end
            && let Some(next) = memchr::memchr(b, &self.text[at..block.end])
        {
            at = sign(self.text, at + next, self.signs);
        }
        self.done[kind] = at.max(self.done[kind]);
    }

    #[inline(never)]
    fn readers(&mut self, flags: &Flags, block: &Range<usize>) {
        if flags.blanks != 0 {
            let from = self.text[..block.end].iter().enumerate().skip(block.start.max(1));
            for (at, b) in from {
                if matches!(b, b' ' | b'\t') && whitespace::is_letter(self.text[at - 1]) {
                    let next = self.text.get(at + 1).copied().unwrap_or(0);
                    if *b == b'\t' || matches!(next, b' ' | b'\t') {
                        whitespace::sign(self.text, at, self.signs);
                    }
                }
            }
        }
        if flags.less != 0 {
            for at in memchr::memchr_iter(b'<', &self.text[block.clone()]) {
                markup::sign(self.text, block.start + at, self.signs);
            }
        }
        if LEET.contains(&flags.digits) && is_mixed(&self.text[block.clone()]) {
            leet::signs(self.text, block.clone(), self.signs);
        }
    }

    /// Notes the words that `runs` of the block at `start` are part of.
    fn tokens(&mut self, mut runs: u8, start: usize) {
        while runs != 0 {
            let at = start + runs.trailing_zeros() as usize * STRIDE;
            runs &= runs - 1;
            let eight = &self.text[at.min(self.text.len())..self.text.len().min(at + 8)];
            if at < self.free || !eight.iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
                continue;
            }
            let is_in = |b: &&u8| IN_WORD[usize::from(**b)];
            let before = self.text[self.free..at].iter().rev().take_while(is_in).count();
            let after = self.text[at..].iter().take_while(is_in).count();
            self.free = at + after;
            let word = at - before..self.free;
            if let Some(at) = apart_in(&self.text[word.clone()]) {
                numbers::sign(self.text, word.start + at, self.signs);
            }
            if word.len() >= TOKEN && promise::may_hold(&self.text[word.clone()], self.signs.wants()) {
                self.signs.note_token(word);
            }
        }
    }
}

/// Where in the word pairs of digits begin that a character of the alphabet sets apart: it may be cut in a pair.
fn apart_in(word: &[u8]) -> Option<usize> {
    let sign = |at: usize| matches!(word[at], b'-' | b'_' | b'/' | b'+');
    (0..PAIR).find(|at| word.len() > at + 2 * PAIR && sign(at + 2) && sign(at + 2 + PAIR))
}

static IN_WORD: [bool; 256] = {
    let (mut all, mut b) = ([false; 256], 0);
    while b < 256 {
        let c = b as u8;
        all[b] = c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_');
        b += 1;
    }
    all
};

/// Everything that can be said of a block without a branch.
#[inline(always)]
fn flags<const READ: bool>(block: &[u8; BLOCK]) -> Flags {
    let mut flags = Flags::default();
    for b in block {
        flags.percent |= u8::from(*b == b'%');
        flags.ampersand |= u8::from(*b == b'&');
        flags.backslash |= u8::from(*b == b'\\');
        flags.equals |= u8::from(*b == b'=');
        flags.plus |= u8::from(*b == b'+');
        flags.less |= u8::from(*b == b'<');
        flags.tilde |= u8::from(*b == b'~');
        flags.high |= b;
        flags.control |= control(*b);
        flags.digits += digit(*b);
    }
    flags.high &= 0x80;
    if READ {
        // the last two of a block are seen with the next one's first
        for ((a, b), c) in block.iter().zip(&block[1..]).zip(&block[2..]) {
            let blank = |b: u8| u8::from(b == b' ') | u8::from(b == b'\t');
            flags.blanks |= (letter(*a) | *a >> 7) & (blank(*b) & blank(*c) | u8::from(*b == b'\t'));
        }
    }
    let mut eights = [0_u8; BLOCK / STRIDE * 8];
    for (to, from) in eights.as_chunks_mut::<8>().0.iter_mut().zip(block.as_chunks::<STRIDE>().0) {
        to.copy_from_slice(&from[..8]);
    }
    let mut words = [0_u8; BLOCK / STRIDE * 8];
    for (to, b) in words.iter_mut().zip(&eights) {
        *to = in_word(*b);
    }
    for (i, eight) in words.as_chunks::<8>().0.iter().enumerate() {
        flags.runs |= u8::from(u64::from_ne_bytes(*eight) == u64::from_ne_bytes([1; 8])) << i;
    }
    for eight in eights.as_chunks::<8>().0 {
        flags.apart |= u8::from(is_apart(u64::from_le_bytes(*eight)));
    }
    flags
}

pub(super) const EACH: u64 = 0x0101_0101_0101_0101;
pub(super) const TOP: u64 = 0x80 * EACH;

/// Does a digit stand between letters?
fn is_mixed(block: &[u8]) -> bool {
    let after = |n: usize| block.get(n..).unwrap_or_default().iter();
    let all = block.iter().zip(after(1)).zip(after(2));
    all.fold(0, |all, ((a, b), c)| all | letter(*a) & digit(*b) & letter(*c)) != 0
}

/// Of eight bytes, every other one a space, or below the digits, with two exceptions?
#[inline(always)]
fn is_apart(bytes: u64) -> bool {
    let below = (((bytes & !TOP) + u64::from(0x80 - b'0') * EACH) | bytes) & TOP;
    let other = bytes ^ (u64::from(b' ') * EACH);
    let space = (((other & !TOP) + 0x7f * EACH) | other) & TOP;
    alternates(below) | alternates(space)
}

#[inline(always)]
fn alternates(high: u64) -> bool {
    let same = !(high ^ high >> 8) & (TOP >> 8);
    let same = same & same.wrapping_sub(1);
    same & same.wrapping_sub(1) == 0
}

#[inline(always)]
fn between(b: u8, first: u8, count: u8) -> u8 {
    u8::from(b.wrapping_sub(first) < count)
}

#[inline(always)]
fn letter(b: u8) -> u8 {
    between(b | 0x20, b'a', 26)
}

#[inline(always)]
fn digit(b: u8) -> u8 {
    between(b, b'0', 10)
}

/// Of the alphabets of base64, and so of hex, base32 and base58.
#[inline(always)]
pub(super) fn in_word(b: u8) -> u8 {
    letter(b) | digit(b) | u8::from(b | 4 == b'/') | u8::from(b == b'-') | u8::from(b == b'_')
}

/// As the beginnings of compressed data have them.
#[inline(always)]
fn control(b: u8) -> u8 {
    u8::from(b < 9) | u8::from(b == 0x1f)
}
