//! The bytes of all keywords, one behind the other, and how each is compared: a search that looks at many of them finds them near
//! each other.

use super::prefilter::{self, Keyword, Next};

/// The keywords, by their numbers.
#[derive(Debug)]
pub(super) struct Words {
    entries: Box<[Entry]>,
    bytes: Box<[u8]>,
}

#[derive(Debug)]
struct Entry {
    begin: u32,
    len: u16,
    fold: bool,
    open: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) bytes: &'a [u8],
    /// Are ASCII capitals the same as small letters, and the end of a line the same as a space?
    fold: bool,
    /// May anything follow it?
    pub(super) open: bool,
}

impl Words {
    pub(super) fn of(keywords: &[Keyword]) -> Words {
        let (mut bytes, mut entries) = (Vec::new(), Vec::with_capacity(keywords.len()));
        for Keyword { bytes: word, fold, next, .. } in keywords {
            let (begin, len) = (bytes.len() as u32, word.len() as u16);
            entries.push(Entry { begin, len, fold: *fold, open: *next == Next::ANY });
            bytes.extend_from_slice(word);
        }
        Words { entries: entries.into(), bytes: bytes.into() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Word<'_>> {
        (0..self.len()).map(|number| self.get(number))
    }

    #[inline(always)]
    pub(super) fn get(&self, number: usize) -> Word<'_> {
        let Entry { begin, len, fold, open } = self.entries[number];
        let begin = begin as usize;
        Word { bytes: &self.bytes[begin..begin + usize::from(len)], fold, open }
    }
}

impl Word<'_> {
    /// Does `text` begin with it?
    #[inline(always)]
    pub(super) fn is_at(self, text: &[u8]) -> bool {
        prefilter::is_at(self.bytes, self.fold, text)
    }
}
