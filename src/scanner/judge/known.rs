//! Texts in which nothing was found, so that they are not searched again: an agent sends its whole conversation with every
//! request, and fetches the same pages and packages. Of a text only a keyed hash is kept. A judge with other rules remembers nothing of this.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::scanner::{Direction, Surface};

/// A shorter text is searched as fast as it is looked up.
const LEAST: usize = 64;
/// And a shorter window of a stream.
const LEAST_WINDOW: usize = 4096;
/// So many of each are remembered: powers of two, of sixteen bytes each.
const TEXTS: usize = 1 << 14;
const WINDOWS: usize = 1 << 14;
/// The lowest bits of a mark give way to how much of a window is not settled.
const OPEN_BITS: u32 = 18;
const OPEN: u64 = (1 << OPEN_BITS) - 1;

/// As what a text was searched.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// As a message, with all its parts.
    Whole(Direction, Surface),
    /// As a part of one.
    Part(Surface),
    /// As a part that is a command.
    Command,
    /// As a piece of a stream, which more follows unless it is the last.
    Window(Direction, Surface, bool),
}

impl Role {
    /// Different for each.
    fn bytes(self) -> [u8; 4] {
        match self {
            Role::Whole(direction, surface) => [0, direction as u8, surface as u8, 0],
            Role::Part(surface) => [1, 0, surface as u8, 0],
            Role::Command => [2, 0, 0, 0],
            Role::Window(direction, surface, last) => [3, direction as u8, surface as u8, last.into()],
        }
    }
}

/// What stands for a text: 110 bits of a hash with a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark([u64; 2]);

/// Remembers texts, each at one of two places; a new one takes another's place.
pub(super) struct Known {
    key: LessSafeKey,
    texts: Table,
    windows: Table,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Known {
    /// None: the system gives no random key.
    pub(super) fn new() -> Option<Known> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
        Some(Known { key, texts: Table::of(TEXTS), windows: Table::of(WINDOWS) })
    }

    /// None: too short to be remembered.
    pub(super) fn mark(&self, role: Role, text: &[u8]) -> Option<Mark> {
        let least = if matches!(role, Role::Window(..)) { LEAST_WINDOW } else { LEAST };
        if text.len() < least {
            return None;
        }
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&role.bytes());
        // GMAC. A nonce serves many texts, as nobody ever sees a tag
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(text), &mut []).ok()?;
        let (halves, _) = tag.as_ref().as_chunks::<8>();
        let [first, second] = halves else { return None };
        // nothing is remembered as zeros
        Some(Mark([u64::from_le_bytes(*first).max(1), u64::from_le_bytes(*second) & !OPEN]))
    }

    pub(super) fn has(&self, mark: Mark) -> bool {
        self.texts.get(mark).is_some()
    }

    pub(super) fn add(&self, mark: Mark) {
        self.texts.put(mark, 0);
    }

    /// How many bytes at the end of a window are not settled, if it is known.
    pub(super) fn open(&self, mark: Mark) -> Option<usize> {
        self.windows.get(mark).and_then(|open| usize::try_from(open).ok())
    }

    pub(super) fn add_window(&self, mark: Mark, open: usize) {
        if let Some(open) = u64::try_from(open).ok().filter(|open| *open <= OPEN) {
            self.windows.put(mark, open);
        }
    }
}

/// Marks, and a number with each. Both halves of one are written and read by themselves: halves of two different ones are no mark
/// of any text.
struct Table(Box<[[AtomicU64; 2]]>);

impl Table {
    fn of(places: usize) -> Table {
        Table((0..places).map(|_| [const { AtomicU64::new(0) }; 2]).collect())
    }

    /// The better one first. The marks of texts that differ in a few bits are sums of a few numbers, and some keys give them few lowest
    /// bits: a product has them mixed.
    fn places(&self, Mark([first, second]): Mark) -> [usize; 2] {
        let mixed = (first ^ second.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = (mixed >> 32) as usize % self.0.len();
        [place, place ^ 1]
    }

    fn get(&self, mark: Mark) -> Option<u64> {
        let load = |half: &AtomicU64| half.load(Ordering::Relaxed);
        self.places(mark).into_iter().map(|at| self.0[at].each_ref().map(load)).find_map(|[first, second]| {
            (first == mark.0[0] && second & !OPEN == mark.0[1]).then_some(second & OPEN)
        })
    }

    fn put(&self, mark: Mark, number: u64) {
        let [first, other] = self.places(mark);
        let is_taken = |at: usize| self.0[at][0].load(Ordering::Relaxed) != 0;
        let at = if is_taken(first) && !is_taken(other) { other } else { first };
        self.0[at][0].store(mark.0[0], Ordering::Relaxed);
        self.0[at][1].store(mark.0[1] | number, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_in_its_role_and_by_every_byte() {
        let known = Known::new().unwrap();
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
        let other = Known::new().unwrap();
        assert!(!other.has(other.mark(role, &text).unwrap()));
        assert_ne!(other.mark(role, &text), known.mark(role, &text), "each has a key of its own");
    }

    #[test]
    fn a_window_is_known_with_what_of_it_is_open() {
        let known = Known::new().unwrap();
        let role = |last| Role::Window(Direction::Response, Surface::Body, last);
        let of = |open: usize, last| known.mark(role(last), &vec![b'a'; LEAST_WINDOW + open]).unwrap();
        for open in [0, 1, 4096, OPEN as usize] {
            known.add_window(of(open, false), open);
            assert_eq!(known.open(of(open, false)), Some(open));
            assert_eq!(known.open(of(open, true)), None, "with an end it is another");
            assert!(!known.has(of(open, false)), "and no message");
        }
        known.add_window(of(7, false), OPEN as usize + 1);
        assert_eq!(known.open(of(7, false)), None, "more than there is room to say");
        assert_eq!(known.mark(role(false), &[b'a'; LEAST_WINDOW - 1]), None);
    }

    /// Keys that are tried.
    const ROUNDS: usize = 8;

    #[test]
    fn what_is_new_takes_the_place_of_what_is_old() {
        for _ in 0..ROUNDS {
            let known = Known::new().unwrap();
            let marks: Vec<Mark> = (0..4 * TEXTS)
                .map(|i| known.mark(Role::Command, format!("{i:080}").as_bytes()).unwrap())
                .collect();
            marks.iter().for_each(|m| known.add(*m));
            let of = |marks: &[Mark]| marks.iter().filter(|m| known.has(**m)).count();
            assert!(of(&marks[..TEXTS]) < TEXTS / 10, "{}", of(&marks[..TEXTS]));
            let last = of(&marks[marks.len() - TEXTS / 16..]);
            assert!(last > TEXTS / 16 * 9 / 10, "{last}");
            assert!(known.has(marks[marks.len() - 1]));
        }
    }

    #[test]
    fn roles_have_different_bytes() {
        let surfaces = [Surface::Url, Surface::Header, Surface::Body, Surface::ToolCall];
        let directions = [Direction::Request, Direction::Response];
        let both = || directions.iter().flat_map(|d| surfaces.iter().map(|s| (*d, *s)));
        let mut all: Vec<[u8; 4]> = both().map(|(d, s)| Role::Whole(d, s).bytes()).collect();
        all.extend(surfaces.iter().map(|s| Role::Part(*s).bytes()));
        all.push(Role::Command.bytes());
        all.extend(both().flat_map(|(d, s)| [false, true].map(|last| Role::Window(d, s, last).bytes())));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
