//! What a value's pattern says of all its matches: how short the shortest is and which bytes it may hold. Settles most places
//! without trying the pattern.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::scanner::search::Next;

/// The least a value is.
#[derive(Debug, Default)]
pub(in crate::scanner) struct Shape {
    shortest: usize,
    /// Any byte of a match is one of these.
    alphabet: Next,
}

impl Shape {
    pub(in crate::scanner) fn of(hir: &Hir) -> Shape {
        let mut alphabet = Next::NONE;
        gather(hir, &mut alphabet);
        Shape { shortest: hir.properties().minimum_len().unwrap_or(0), alphabet }
    }

    /// May a match begin at any of the `places`? Most texts say no at every few bytes: the look is from the end of a run.
    pub(in crate::scanner) fn fits(&self, text: &[u8], places: Range<usize>) -> bool {
        let mut at = places.start;
        while at < places.end
            && let Some(run) = text.get(at..at + self.shortest)
        {
            match run.iter().rposition(|b| !self.alphabet.has(*b)) {
                Some(stray) => at += stray + 1,
                None => return true,
            }
        }
        false
    }

    /// Asks about places in one text, in order.
    pub(in crate::scanner) fn room(&self) -> Room<'_> {
        Room { shape: self, seen: 0, stray: 0 }
    }
}

/// How far the text after one keyword has been looked at: each byte once.
pub(in crate::scanner) struct Room<'s> {
    shape: &'s Shape,
    seen: usize,
    /// One past the last byte seen that no match holds.
    stray: usize,
}

impl Room<'_> {
    /// May a match begin at `at`? Asked in rising order.
    pub(in crate::scanner) fn may_hold(&mut self, text: &[u8], at: usize) -> bool {
        let end = at + self.shape.shortest;
        if end > text.len() || at < self.stray {
            return false;
        }
        while self.seen < end {
            let b = text[self.seen];
            self.seen += 1;
            if self.seen > at && !self.shape.alphabet.has(b) {
                self.stray = self.seen;
                return false;
            }
        }
        true
    }
}

/// Every byte that a pattern names.
fn gather(hir: &Hir, bytes: &mut Next) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| bytes.add(*b)),
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().flat_map(|r| r.start()..=r.end()).for_each(|b| bytes.add(b));
        }
        HirKind::Class(Class::Unicode(_)) => *bytes = Next::ANY,
        HirKind::Repetition(repetition) => gather(&repetition.sub, bytes),
        HirKind::Capture(capture) => gather(&capture.sub, bytes),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| gather(part, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::rules::bounds::parsed;

    #[test]
    fn a_place_needs_room_for_the_shortest_match() {
        let shape = Shape::of(&parsed("(?:0x)?[0-9a-f]{4,6}", false).unwrap());
        let places = |text: &[u8]| {
            let mut room = shape.room();
            (0..text.len()).filter(|at| room.may_hold(text, *at)).collect::<Vec<_>>()
        };
        assert_eq!(places(b"0xabcd"), [0, 1, 2]);
        assert_eq!(places(b"ab ab abcd ab12"), [6, 11]);
        assert_eq!(places(b"abc"), [0; 0]);
        assert!(shape.fits(b"ab ab abcd", 0..7) && !shape.fits(b"ab ab abcd", 0..6));
        assert!(!shape.fits(b"ab ab abc", 0..9) && !shape.fits(b"", 0..1) && !shape.fits(b"ab", 3..9));
    }
}
