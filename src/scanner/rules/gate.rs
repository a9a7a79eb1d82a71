//! The first bytes of all matches of a pattern, place by place. A look at a few bytes settles most keywords without the
//! pattern: what follows `password` in prose is no `=`.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::scanner::search::Next;

/// So many places are known.
const DEPTH: usize = 32;
/// A bit for each place, and one for all farther ones.
type Places = u64;
const FAR: Places = 1 << DEPTH;
const NEAR: Places = FAR - 1;

/// What may stand at each of the first places, as far as every match goes.
#[derive(Debug, Default)]
pub(in crate::scanner) struct Gate {
    bytes: Box<[Next]>,
}

impl Gate {
    pub(in crate::scanner) fn of(hir: &Hir) -> Gate {
        let mut bytes = [Next::NONE; DEPTH];
        let ends = walk(hir, 1, &mut bytes);
        let shortest = (ends.trailing_zeros() as usize).min(DEPTH);
        Gate { bytes: bytes[..shortest].into() }
    }

    /// May a match begin where `text` does?
    pub(in crate::scanner) fn lets_in(&self, text: &[u8]) -> bool {
        text.len() >= self.bytes.len() && self.lets_begin(text)
    }

    /// The same of a text that goes on beyond `head`.
    pub(in crate::scanner) fn lets_begin(&self, head: &[u8]) -> bool {
        self.bytes.iter().zip(head).all(|(at, b)| at.has(*b))
    }
}

/// Notes what a part may hold that begins at any of the places `from`; returns where it may end.
fn walk(hir: &Hir, from: Places, bytes: &mut [Next; DEPTH]) -> Places {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => from,
        HirKind::Literal(literal) => literal.0.iter().fold(from, |from, b| {
            each(from, |place| bytes[place].add(*b));
            moved(from)
        }),
        HirKind::Class(Class::Bytes(class)) => {
            let all = || class.iter().flat_map(|r| r.start()..=r.end());
            each(from, |place| all().for_each(|b| bytes[place].add(b)));
            moved(from)
        }
        // of one to four bytes
        HirKind::Class(Class::Unicode(_)) => {
            let lengths = std::iter::successors(Some(from), |from| Some(moved(*from)));
            lengths.take(4).for_each(|from| each(from, |place| bytes[place] = Next::ANY));
            (1..=4).fold((from, 0), |(at, ends), _| (moved(at), ends | moved(at))).1
        }
        HirKind::Repetition(repetition) => again(repetition, from, bytes),
        HirKind::Capture(capture) => walk(&capture.sub, from, bytes),
        HirKind::Concat(parts) => parts.iter().fold(from, |from, part| walk(part, from, bytes)),
        HirKind::Alternation(parts) => parts.iter().fold(0, |ends, part| ends | walk(part, from, bytes)),
    }
}

/// More rounds than places lead nowhere new.
fn again(repetition: &Repetition, from: Places, bytes: &mut [Next; DEPTH]) -> Places {
    let most = repetition.max.unwrap_or(u32::MAX).min(DEPTH as u32 + 1);
    let least = repetition.min.min(most);
    let (mut at, mut ends) = (from, if least == 0 { from } else { 0 });
    for round in 1..=most {
        at = walk(&repetition.sub, at, bytes);
        if round >= least {
            ends |= at;
        }
        if at & NEAR == 0 {
            return ends | at;
        }
    }
    ends
}

fn moved(from: Places) -> Places {
    (from & NEAR) << 1 | from & FAR
}

fn each(from: Places, mut note: impl FnMut(usize)) {
    let mut left = from & NEAR;
    while left != 0 {
        note(left.trailing_zeros() as usize);
        left &= left - 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;
    use crate::scanner::rules::bounds::parsed;

    #[test]
    fn what_no_match_begins_with_is_turned_away() {
        let gate = Gate::of(&parsed("://[a-z]{1,64}:[^@/ ]{3,9}@", false).unwrap());
        assert!(gate.lets_in(b"://me:secret@host") && gate.lets_in(b"://a:bcd@"));
        assert!(!gate.lets_in(b"://docs/x/y/z") && !gate.lets_in(b"://a:b") && !gate.lets_in(b""));
        let gate = Gate::of(&parsed("(?:ab){2,3}c?", false).unwrap());
        assert!(gate.lets_in(b"abab") && gate.lets_in(b"ababx") && !gate.lets_in(b"abac"));
    }

    proptest! {
        #[test]
        fn whatever_matches_is_let_in(text in "[ab1 ]{0,40}") {
            for pattern in ["a{2,3}(?:b|1{0,3}a)b?", "(?:a|b1){1,40}[ b]{2}", "(?:a?b?){3,9}1", "[ab]{33,38}", "(?:|a)(?:b{0,2}){2}1", "(?u:[ab])1{2}"] {
                let gate = Gate::of(&parsed(pattern, false).unwrap());
                let regex = Regex::new(&format!(r"\A(?-u:{pattern})")).unwrap();
                prop_assert!(!regex.is_match(text.as_bytes()) || gate.lets_in(text.as_bytes()), "{pattern}");
            }
        }
    }
}
