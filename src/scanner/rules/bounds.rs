//! What the engine asks of a pattern: that its longest match is known, that it looks at nothing before or behind it, and
//! which bytes may follow a keyword.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::scanner::search::Next;

/// No match is longer, so nothing holds back more.
pub(in crate::scanner) const LONGEST_MATCH: usize = 2048;

/// A keyword of so many bytes is short.
pub(in crate::scanner) const SHORT: usize = 4;

/// A pattern, taken apart.
///
/// # Errors
/// What is wrong with it.
pub(in crate::scanner) fn parsed(pattern: &str, fold: bool) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(fold)
        .build()
        .parse(pattern)
        .map_err(|e| e.to_string())
}

/// The bytes that follow `keyword` in any match that begins with it. Only looked for where it pays: behind short keywords.
pub(in crate::scanner) fn following(hir: &Hir, keyword: &str) -> Next {
    if keyword.len() > SHORT {
        return Next::ANY;
    }
    let mut follow = Follow { keyword: keyword.as_bytes(), next: Next::NONE };
    let ends = follow.walk(hir, 1);
    // a match may end with the keyword, or never begins with it
    if ends >> keyword.len() & 1 == 1 || follow.next == Next::NONE { Next::ANY } else { follow.next }
}

/// A bit for each number of a keyword's bytes that a match may have begun with.
type Read = u32;

struct Follow<'a> {
    keyword: &'a [u8],
    /// What stands behind all of it.
    next: Next,
}

impl Follow<'_> {
    /// Goes on through a part of a pattern; returns how far a match that begins with the keyword may have come then.
    fn walk(&mut self, hir: &Hir, from: Read) -> Read {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => from,
            HirKind::Literal(literal) => {
                literal.0.iter().fold(from, |from, b| self.step(from, |k| k == *b, &[*b]))
            }
            HirKind::Class(Class::Bytes(class)) => {
                let is_in = |k: u8| class.iter().any(|r| (r.start()..=r.end()).contains(&k));
                let all: Vec<u8> = if from >> self.keyword.len() & 1 == 1 {
                    class.iter().flat_map(|r| r.start()..=r.end()).collect()
                } else {
                    Vec::new()
                };
                self.step(from, is_in, &all)
            }
            // no rule has one: nothing is known of what follows it
            HirKind::Class(Class::Unicode(_)) => {
                self.next = Next::ANY;
                0
            }
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(u32::MAX).min(SHORT as u32 + 1);
                let (mut at, mut ends) = (from, if repetition.min == 0 { from } else { 0 });
                for round in 1..=most {
                    at = self.walk(&repetition.sub, at);
                    if round >= repetition.min.min(most) {
                        ends |= at;
                    }
                }
                ends
            }
            HirKind::Capture(capture) => self.walk(&capture.sub, from),
            HirKind::Concat(parts) => parts.iter().fold(from, |from, part| self.walk(part, from)),
            HirKind::Alternation(parts) => parts.iter().fold(0, |ends, part| ends | self.walk(part, from)),
        }
    }

    /// One byte of a match, of which `all` there are.
    fn step(&mut self, from: Read, is_in: impl Fn(u8) -> bool, all: &[u8]) -> Read {
        if from >> self.keyword.len() & 1 == 1 {
            all.iter().for_each(|b| self.next.add(*b));
        }
        let goes_on = |(i, k): (usize, &u8)| u32::from(from >> i & 1 == 1 && is_in(*k)) << (i + 1);
        self.keyword.iter().enumerate().map(goes_on).sum()
    }
}

/// The most bytes a match can have. What a rule says must not depend on anything farther away, or before its keyword.
pub(in crate::scanner) fn longest_match(hir: &Hir) -> Result<usize, String> {
    let properties = hir.properties();
    if !properties.look_set_prefix_any().is_empty() {
        return Err("the pattern looks at what stands before its keyword".into());
    }
    if properties.look_set().contains_anchor() || properties.look_set().contains_word_unicode() {
        return Err("the pattern asks where the text ends, which a stream does not know: use \\b".into());
    }
    match properties.maximum_len() {
        Some(len) if len <= LONGEST_MATCH => Ok(len),
        Some(len) => Err(format!("a match may have {len} bytes, at most {LONGEST_MATCH} are allowed")),
        None => Err("the pattern is unbounded: give every repetition an upper bound".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::*;

    #[test]
    fn what_follows_a_keyword_is_worked_out() {
        let after =
            |pattern: &str| following(&parsed(pattern, false).unwrap(), "ab").bytes().collect::<Vec<_>>();
        assert_eq!(after("ab[xy]{3}"), b"xy");
        assert_eq!(after("(?:ab|abc|b)d|a(?:bz)?q"), b"cdz");
        assert_eq!(after("a?b?a{0,2}b{1,2}[0-1]"), b"01ab");
        assert_eq!(after("ab(?:c)?").len(), 256, "it may be all there is");
        assert_eq!(after("ba.").len(), 256, "it never begins so");
        assert_eq!(
            following(&parsed("abcde", false).unwrap(), "abcde"),
            Next::ANY,
            "too long to be worth it"
        );
    }

    proptest! {
        #[test]
        fn no_match_is_followed_by_anything_else(text in "[ab1 ]{3,12}") {
            for pattern in ["a{2,3}(?:b|1{0,3}a)b?", "(?:a|b1){1,9}[ b]{2}", "(?:a?b?){3,9}1", "[ab]{3,9}1", "(?:|a)(?:b{0,2}){2}1a"] {
                let regex = Regex::new(&format!(r"\A(?-u:{pattern})")).unwrap();
                let next = following(&parsed(pattern, false).unwrap(), &text[..2]);
                let longer = regex.find(text.as_bytes()).is_some_and(|m| m.end() > 2);
                prop_assert!(!longer || next.has(text.as_bytes()[2]), "{pattern}");
            }
        }
    }
}
