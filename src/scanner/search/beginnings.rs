//! Answers, at the end of a text, from where on it may be the unfinished beginning of a keyword. Too early is allowed (a
//! hash may collide, case may differ): what is held back longer is found all the same.

use super::grams::{FOLD, eight};
use super::words::{Word, Words};

const BITS: u32 = 14;
/// Beginnings of up to this many bytes are only looked up by their hash.
const HEAD: usize = 4;

/// The beginnings of keywords.
#[derive(Debug)]
pub(in crate::scanner) struct Beginnings {
    longest: usize,
    /// One bit for each beginning of one to four bytes.
    heads: Box<[u64; 1 << (BITS - 6)]>,
    /// `(hash of the first four bytes, keyword)`, sorted.
    order: Box<[(u32, u16)]>,
}

impl Beginnings {
    pub(in crate::scanner) fn of(words: &Words) -> Beginnings {
        let mut heads = Box::new([0; 1 << (BITS - 6)]);
        for k in words.iter() {
            for len in 1..=HEAD.min(most(k)) {
                let hash = hash(&k.bytes[..len]);
                heads[(hash >> 6) as usize] |= 1 << (hash & 63);
            }
        }
        let long = (0_u16..).zip(words.iter()).filter(|(_, k)| most(*k) >= HEAD);
        let mut order: Vec<(u32, u16)> = long.map(|(i, k)| (hash(&k.bytes[..HEAD]), i)).collect();
        order.sort_unstable();
        let longest = words.iter().map(most).max().unwrap_or(0);
        Beginnings { longest, heads, order: order.into() }
    }

    /// The offset from which `text` may be the beginning of one of `words` or all of it (what follows is part of the search).
    pub(in crate::scanner) fn unfinished(&self, words: &Words, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest);
        (from..text.len()).find(|at| self.is_one(words, &text[*at..])).unwrap_or(text.len())
    }

    fn is_one(&self, words: &Words, tail: &[u8]) -> bool {
        let hash = hash(&tail[..tail.len().min(HEAD)]);
        if self.heads[(hash >> 6) as usize] & 1 << (hash & 63) == 0 {
            return false;
        }
        let run = &self.order[self.order.partition_point(|(h, _)| *h < hash)..];
        tail.len() < HEAD
            || run.iter().take_while(|(h, _)| *h == hash).any(|(_, k)| {
                let word = words.get(usize::from(*k));
                tail.len() <= most(word)
                    && word.bytes[..tail.len()].iter().zip(tail).all(|(k, t)| is_like(*k, *t))
            })
    }
}

/// So many bytes of a keyword do not settle that it is there: all of it do not, where the search looks at what follows.
fn most(word: Word<'_>) -> usize {
    word.bytes.len() - usize::from(word.open)
}

fn is_like(keyword: u8, text: u8) -> bool {
    keyword.eq_ignore_ascii_case(&text) || keyword == b' ' && text == b'\n'
}

/// Below 2^14; of at most four bytes, folded, with the end of a line as a space.
fn hash(head: &[u8]) -> u32 {
    let mut plain = [0; HEAD];
    for (to, b) in plain.iter_mut().zip(head) {
        *to = if *b == b'\n' { b' ' } else { *b };
    }
    let head = &plain[..head.len().min(HEAD)];
    let bytes = if let [a, b, c, d] = *head {
        u64::from(u32::from_le_bytes([a, b, c, d])) | FOLD
    } else {
        eight(head).0 | FOLD
    };
    (bytes.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as u32
}
