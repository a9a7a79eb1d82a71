//! A token in pieces: split over parameters, fields, headers, strings of a list or lines. What stands between the pieces is
//! notation, and is left out before the token's rule is asked again.

use std::ops::Range;

use super::effort::Work;
use crate::scanner::Family;
use crate::scanner::rules::Rule;

/// More pieces are no split: letters set apart have a view of their own.
const MOST: usize = 16;
/// Marks in a row between two pieces, and the name that may stand among them, as in `", "next": "`, or in a tag.
const MARKS: usize = 48;
const NAME: usize = 32;
/// A piece this long has a letter and a digit, as random ones do and words do not.
const LONG: usize = 6;
/// So many digits and letters at least.
const MIXED: usize = 2;
/// Tokens that begin with the same characters are of one kind.
const ALIKE: usize = 3;
/// Longer tokens are not put together. On the stack: ordinary text has beginnings of tokens.
const ROOM: usize = 512;
/// Splitting a text costs so much for each byte.
const SPLIT: usize = 6;

/// The text from a keyword on, without what stands between its pieces.
struct Joined {
    room: [u8; ROOM],
    len: usize,
    /// Where each piece begins: here, and in the text.
    places: [(usize, usize); MOST],
    pieces: usize,
    /// A space, and nothing else, stands between two of them: so do words.
    soft: bool,
}

/// Tries a rule where its keyword stands at `start` and the rest may stand in pieces: where it stands, and its confidence.
/// `token` is where the last first piece stood: it may hold many keywords.
pub(super) fn tried(
    rule: &Rule,
    text: &[u8],
    start: usize,
    token: &mut Range<usize>,
    work: &mut Work,
) -> Option<(Range<usize>, u8)> {
    if rule.family != Family::Secret || !rule.has_own_look() {
        return None;
    }
    work.add(Work::LOOK);
    if !token.contains(&start) {
        *token = start..start + text[start..].iter().take_while(|b| is_token(**b)).count();
    }
    if token.end - start >= rule.reach().min(ROOM) {
        return None;
    }
    let text = &text[..text.len().min(start + rule.spread())];
    let rest = text.get(token.end..).unwrap_or_default();
    let plain = between(rest, false)?;
    let named = between(rest, true);
    // where no name stands in the first place, hardly any does in the second
    [true, false].into_iter().filter(|names| *names || named != Some(plain)).find_map(|names| {
        let joined = Joined::of(text, start, rule.reach(), names);
        work.add(SPLIT * joined.len);
        if joined.pieces < 2 || !rule.may_begin(joined.bytes()) {
            return None;
        }
        // what follows the last piece is none, and would be taken for more of it
        let (len, sure) = joined.ends().find_map(|end| rule.matches(&joined.bytes()[..end], work))?;
        let proven = rule.has_checksum() && sure >= rule.confidence;
        let counts = proven || !rule.has_checksum() && joined.is_random(len);
        (counts && joined.is_split(len) && !joined.is_list(len)).then(|| (start..joined.end(len), sure))
    })
}

impl Joined {
    fn of(text: &[u8], start: usize, most: usize, names: bool) -> Joined {
        let mut joined = Joined { room: [0; ROOM], len: 0, places: [(0, 0); MOST], pieces: 0, soft: false };
        let (mut at, most) = (start, most.min(ROOM));
        while joined.pieces < MOST && joined.len < most {
            let run = text[at..].iter().take(most - joined.len).take_while(|b| is_token(**b)).count();
            joined.add(&text[at..at + run], at);
            let Some(between) = between(&text[at + run..], names).filter(|_| run > 0) else { break };
            joined.soft |= text[at + run..at + run + between].iter().all(|b| *b == b' ');
            at += run + between;
        }
        joined
    }

    fn add(&mut self, piece: &[u8], at: usize) {
        self.places[self.pieces] = (self.len, at);
        self.room[self.len..self.len + piece.len()].copy_from_slice(piece);
        (self.pieces, self.len) = (self.pieces + 1, self.len + piece.len());
    }

    fn bytes(&self) -> &[u8] {
        &self.room[..self.len]
    }

    fn begins(&self) -> &[(usize, usize)] {
        &self.places[..self.pieces]
    }

    /// Where each piece ends, from the second on.
    fn ends(&self) -> impl Iterator<Item = usize> {
        self.begins().iter().skip(2).map(|(at, _)| *at).chain([self.len])
    }

    /// The pieces that the first `len` bytes stand in.
    fn pieces(&self, len: usize) -> impl Iterator<Item = &[u8]> {
        let ends = self.begins().iter().skip(1).map(|(at, _)| *at).chain([self.len]);
        let parts = self.begins().iter().zip(ends).take_while(move |((from, _), _)| *from < len);
        parts.map(move |((from, _), end)| &self.bytes()[*from..end.min(len)])
    }

    fn is_split(&self, len: usize) -> bool {
        self.pieces(len).count() > 1
    }

    /// Beginnings of tokens, one after the other.
    fn is_list(&self, len: usize) -> bool {
        let begins = &self.bytes()[..ALIKE.min(self.len)];
        self.pieces(len).skip(1).any(|piece| piece.starts_with(begins))
    }

    fn is_random(&self, len: usize) -> bool {
        let digits = |piece: &[u8]| piece.iter().filter(|b| b.is_ascii_digit()).count();
        let letters = |piece: &[u8]| piece.iter().filter(|b| b.is_ascii_alphabetic()).count();
        let mixed = |piece: &[u8]| piece.len() < LONG || digits(piece) > 0 && letters(piece) > 0;
        let all = &self.bytes()[..len];
        !self.soft && digits(all) >= MIXED && letters(all) >= MIXED && self.pieces(len).skip(1).all(mixed)
    }

    /// Where the first `len` bytes end in the text.
    fn end(&self, len: usize) -> usize {
        let (from, at) = self.begins().iter().rfind(|(from, _)| *from < len).copied().unwrap_or_default();
        at + len - from
    }
}

/// Part of a token, whatever it is written in.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

/// How much of the beginning stands between two pieces: marks, or, with `names`, the name of the next field among them.
fn between(text: &[u8], names: bool) -> Option<usize> {
    let first = marks(text);
    if first == 0 || first == text.len() {
        return None;
    }
    if !names {
        return Some(first);
    }
    let name = text[first..].iter().take(NAME + 1).take_while(|b| is_token(**b)).count();
    let after = &text[first + name..];
    let second = marks(after);
    let assigns = after[..second].iter().find(|b| !matches!(b, b'"' | b'\'' | b' ' | b'\\'));
    let named = (1..=NAME).contains(&name) && assigns.is_some_and(|b| matches!(b, b'=' | b':' | b'>'));
    Some(if named { first + name + second } else { first })
}

/// Marks, tags, ends of lines and their escapes at the beginning. Brackets stand between strings, not right behind a piece: there,
/// a pattern that describes tokens has them.
fn marks(text: &[u8]) -> usize {
    let (mut len, mut quoted) = (0, false);
    while len < MARKS && len < text.len() {
        len += match text[len..] {
            [b'\\', b'n' | b'r' | b't', ..] => 2,
            [b'<', ..] => tag(&text[len..]).unwrap_or(1),
            [b'[' | b']' | b'{' | b'}' | b'(' | b')', ..] if !quoted => break,
            [b'^' | b'$' | b'?' | b'*' | b'|', ..] => break,
            [b, ..] if b.is_ascii() && !is_token(b) && (b >= b' ' || b.is_ascii_whitespace()) => 1,
            _ => break,
        };
        quoted |= matches!(text[len - 1], b'"' | b'\'' | b'`');
    }
    len
}

/// A tag's length.
fn tag(text: &[u8]) -> Option<usize> {
    Some(text.iter().take(NAME).position(|b| *b == b'>')? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str, names: bool) -> String {
        String::from_utf8(Joined::of(text.as_bytes(), 0, 64, names).bytes().to_vec()).unwrap()
    }

    #[test]
    fn notation_between_pieces_is_left_out() {
        for text in [
            "ab12&next=cd34",
            "ab12\nx-next: cd34",
            "ab12; next=cd34",
            "ab12\", \"next\": \"cd34",
            "ab12\\\",\\\"next\\\":\\\"cd34",
            "ab12</a><next>cd34",
        ] {
            assert_eq!(joined(text, true)[..8], *"ab12cd34", "{text}");
        }
        for text in [
            "ab12\" + \"cd34",
            "ab12\ncd34",
            "ab12\\n cd34",
            "ab12/cd34",
            "ab12\",\n  \"cd34",
            "ab12\": \"cd34",
        ] {
            assert_eq!(joined(text, false), "ab12cd34", "{text}");
        }
        assert_eq!(joined("ab12\"}, {\"next\": \"cd34", true), "ab12cd34");
        for text in ["ab12", "ab12[A-Z]{20}", "ab12(cd34)", "ab12|cd34"] {
            assert_eq!(joined(text, true), "ab12", "{text}");
        }
        assert_eq!(joined("ab12\u{e4}cd", true), "ab12");
        assert_eq!(joined("ab12 \0cd", true), "ab12");
    }

    #[test]
    fn what_is_split_is_random_and_words_are_not() {
        let of = |text: &str, names| {
            let joined = Joined::of(text.as_bytes(), 0, 64, names);
            let len = joined.len;
            (joined.is_split(len) && joined.is_random(len), joined.end(len))
        };
        assert_eq!(of("sk_a1b2c3d4\" + \"e5f6g7h8", false), (true, 24));
        assert!(!of("sk_a1b2c3d4", false).0, "in one piece");
        assert!(!of("sk_a1b2c3d4 e5f6g7h8", false).0, "words stand so");
        assert!(!of("sk_a1b2c3d4\nanother word", false).0);
    }
}
