//! Texts in which nothing was found, so that they are not searched again: an agent sends its whole conversation with every
//! request, and fetches the same pages. Of a text only a keyed hash is kept. A judge with other rules remembers nothing of this.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::scanner::{Direction, Surface};

/// A shorter text is searched as fast as it is looked up.
const LEAST: usize = 64;
/// So many are remembered: a power of two, of eight bytes each.
const PLACES: usize = 1 << 15;

/// As what a text was searched.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Role {
    /// As a message, with all its parts.
    Whole(Direction, Surface),
    /// As a part of one.
    Part(Surface),
    /// As a part that is a command.
    Command,
}

/// What stands for a text. 78 bits of a hash with a secret key decide whether two texts are the same: a place is as good as the one beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    place: usize,
    tag: u64,
}

/// Remembers texts, each at one of two places; a new one takes another's place.
pub(super) struct Known {
    key: [u64; 2],
    places: Box<[AtomicU64]>,
}

impl Default for Known {
    fn default() -> Known {
        let key = [0, 1].map(|half| RandomState::new().hash_one(half));
        Known { key, places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Known {
    /// None: too short to be remembered.
    pub(super) fn mark(&self, role: Role, text: &[u8]) -> Option<Mark> {
        if text.len() < LEAST {
            return None;
        }
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        role.hash(&mut hasher);
        text.hash(&mut hasher);
        let hash = hasher.finish128();
        // nothing is remembered as zero
        Some(Mark { place: hash.h1 as usize, tag: hash.h2.max(1) })
    }

    pub(super) fn has(&self, mark: Mark) -> bool {
        mark.places().iter().any(|at| self.places[*at].load(Ordering::Relaxed) == mark.tag)
    }

    pub(super) fn add(&self, mark: Mark) {
        let [first, other] = mark.places();
        let taken = self.places[first].load(Ordering::Relaxed) != 0;
        let at = if taken && mark.place >> 32 & 1 == 1 { other } else { first };
        self.places[at].store(mark.tag, Ordering::Relaxed);
    }
}

impl Mark {
    fn places(self) -> [usize; 2] {
        let first = self.place % PLACES;
        [first, first ^ 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_in_its_role_and_by_every_byte() {
        let known = Known::default();
        let text = [b'a'; LEAST];
        let mark = |role, text: &[u8]| known.mark(role, text).unwrap();
        let role = Role::Part(Surface::ToolResult);
        assert!(!known.has(mark(role, &text)));
        known.add(mark(role, &text));
        assert!(known.has(mark(role, &text)));
        for other in
            [Role::Part(Surface::UserTurn), Role::Command, Role::Whole(Direction::Request, Surface::Body)]
        {
            assert!(!known.has(mark(other, &text)), "{other:?}");
        }
        for at in 0..text.len() {
            let mut other = text;
            other[at] ^= 1;
            assert!(!known.has(mark(role, &other)), "{at}");
        }
        assert!(!known.has(mark(role, &[b'a'; LEAST + 1])));
        assert_eq!(known.mark(role, &text[1..]), None);
        assert!(!Known::default().has(mark(role, &text)), "each has a key of its own");
    }

    #[test]
    fn what_is_new_takes_the_place_of_what_is_old() {
        let known = Known::default();
        let marks: Vec<Mark> = (0..4 * PLACES)
            .map(|i| known.mark(Role::Command, format!("{i:080}").as_bytes()).unwrap())
            .collect();
        marks.iter().for_each(|m| known.add(*m));
        let of = |marks: &[Mark]| marks.iter().filter(|m| known.has(**m)).count();
        assert!(of(&marks[..PLACES]) < PLACES / 10, "{}", of(&marks[..PLACES]));
        assert!(of(&marks[marks.len() - PLACES / 16..]) > PLACES / 16 * 9 / 10);
        assert!(known.has(marks[marks.len() - 1]));
    }
}
