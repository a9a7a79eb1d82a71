//! Characters that a reader, or a model, takes for others or does not see: zero-width, tag and bidi characters, full-width
//! and mathematical letters, letters of other scripts, heaps of accents, capitals beyond ASCII.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::View;
use super::lookalikes::latin;
use super::map::Draft;
use super::signs::Signs;

/// Looks at the characters beyond ASCII that begin in `range`, by their first bytes at that: most scripts have none of
/// interest. Returns where to go on.
pub(super) fn signs(text: &[u8], range: Range<usize>, signs: &mut Signs) -> usize {
    let mut at = range.start;
    while at < range.end {
        let (second, last) =
            (text.get(at + 1).copied().unwrap_or(0), at.checked_sub(1).map_or(0, |i| text[i]));
        let beside = |len: usize| {
            last.is_ascii_alphabetic() || text.get(at + len).is_some_and(u8::is_ascii_alphabetic)
        };
        let apart = |len: usize| last == b' ' && text.get(at + len) == Some(&b' ');
        let (len, odd) = match text[at] {
            ..0xc2 => (1, false),
            0xc2 => (2, second < 0xbb),
            // Latin with accents
            0xc3..=0xc9 => (2, signs.for_readers() && beside(2) && accented(text, at)),
            0xca..=0xcb | 0xd4..=0xd5 => (2, beside(2)),
            0xcc | 0xcd => (2, last.is_ascii_alphabetic()),
            // Greek and Cyrillic
            0xce..=0xd3 => {
                let odd = beside(2) || apart(2) || is_among_latin(text, at);
                (2, odd || signs.for_readers() && is_shouted(text, at))
            }
            0xd6..=0xdf => (2, apart(2) || second == 0x9c && text[at] == 0xd8),
            0xe1 => (3, matches!(second, 0x85 | 0x8e | 0x8f | 0x9a | 0x9e | 0xa0 | 0xaa | 0xb4 | 0xb5)),
            0xe2 => (3, is_odd_sign(text, at)),
            0xe3 => (3, second == 0x80 && text.get(at + 2) == Some(&0x80) || second == 0x85 || apart(3)),
            0xef => (3, second != 0xbc || is_wide(text, at)),
            0xe0 | 0xe4..=0xee => (3, apart(3)),
            0xf0 => (4, second == 0x9d || second == 0x9f && matches!(text.get(at + 2), Some(0x84..=0x87))),
            0xf3 => (4, second == 0xa0),
            _ => (1, false),
        };
        at = if odd { sign(text, at, signs) } else { at + len };
    }
    at
}

/// Of general punctuation and the signs behind it: not dashes, quotes and dots.
fn is_odd_sign(text: &[u8], at: usize) -> bool {
    match text.get(at + 1..at + 3) {
        Some([0x80, third]) => !matches!(third, 0x90..=0xa7 | 0xb0..),
        Some([0x81 | 0x82 | 0x84 | 0x85 | 0x92 | 0x93, _]) => true,
        _ => false,
    }
}

/// A full-width letter or digit, or a sign behind a letter of a script that has narrow ones.
fn is_wide(text: &[u8], at: usize) -> bool {
    text.get(at + 2).is_some_and(|b| matches!(b, 0x90..=0x99 | 0xa1..=0xba)) || follows_narrow(text, at)
}

/// Greek or Cyrillic.
fn follows_narrow(text: &[u8], at: usize) -> bool {
    at.checked_sub(2).is_some_and(|i| matches!(text[i], 0xce..=0xd3))
}

/// A letter of two bytes with a Latin one beyond ASCII before or behind it.
fn is_among_latin(text: &[u8], at: usize) -> bool {
    let long = |at: usize| matches!(text.get(at..at + 2), Some([0xe1, 0xb8..=0xbb]));
    let short = |at: usize| matches!(text.get(at), Some(0xc3..=0xc9));
    let before = |len: usize, is: &dyn Fn(usize) -> bool| at.checked_sub(len).is_some_and(is);
    before(2, &short) || before(3, &long) || short(at + 2) || long(at + 2)
}

/// At least three letters with accents in one word.
fn accented(text: &[u8], at: usize) -> bool {
    let rest = &text[at..text.len().min(at + 24)];
    let word = rest.iter().take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80);
    word.filter(|b| matches!(b, 0xc3..=0xc9)).count() > 2
}

/// Two capitals beyond ASCII.
fn is_shouted(text: &[u8], at: usize) -> bool {
    let capital = |at: usize| matches!(text.get(at..at + 2), Some([0xd0, 0x81..=0xaf] | [0xce, 0x86..=0xab]));
    capital(at) && capital(at + 2)
}

/// Looks at the character at `at`; returns where the next one begins.
fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    let Some((c, len)) = char_at(text, at) else { return at + 1 };
    let next = char_at(text, at + len).map(|(c, _)| c);
    let last = at.checked_sub(1).map(|i| text[i]);
    // Latin, Greek, Cyrillic and ASCII: not an emoji, and no script that joins its letters
    let plain = |c: char| c.is_alphanumeric() && u32::from(c) < 0x530 || c.is_ascii_graphic();
    let after = |b: u8| b.is_ascii_graphic() || b >= 0x80;
    let odd = match u32::from(c) {
        0xe0000..=0xe007f | 0x202a..=0x202e | 0x2066..=0x2069 => true,
        // of an emoji
        0xfe0e | 0xfe0f if last.is_some_and(|b| b >= 0x80) && next == Some(' ') => false,
        _ if is_hidden(c) => next.is_some_and(|c| plain(c) || c == ' ') && last.is_some_and(after),
        _ if is_space(c) => {
            next.is_some_and(char::is_alphabetic)
                && last.is_some_and(|b| b.is_ascii_alphabetic() || b >= 0x80 && c != '\u{3000}')
        }
        0x300..=0x36f => last.is_some_and(|b| b.is_ascii_alphabetic()),
        0xff10..=0xff19 | 0xff21..=0xff3a | 0xff41..=0xff5a | 0x1d400..=0x1d7ff | 0x1f130..=0x1f189 => true,
        0xff01..=0xff5e => follows_narrow(text, at),
        0x1d00..=0x1d6a
        | 0x2070..=0x209c
        | 0x2100..=0x214f
        | 0x2160..=0x217f
        | 0x249c..=0x24e9
        | 0xfb00..=0xfb06 => {
            next.is_some_and(|c| c.is_alphanumeric()) || last.is_some_and(|b| b.is_ascii_alphabetic())
        }
        _ if c.is_uppercase() && signs.for_readers() && u32::from(c) >= 0x370 => {
            next.is_some_and(char::is_uppercase)
        }
        _ if c.is_alphabetic() => {
            let beside = next.is_some_and(|c| c.is_ascii_alphabetic())
                || last.is_some_and(|b| b.is_ascii_alphabetic())
                || len == 2 && !is_latin(c) && is_among_latin(text, at);
            beside
                && (latin(c).is_some()
                    || base(c).is_some() && signs.for_readers() && accents(&text[at + len..]) > 1)
        }
        _ => false,
    };
    if is_set_apart(&text[at..], c, len) {
        signs.note(View::Spaced, at..at + len, text.len());
    }
    if odd {
        signs.note(View::Unicode, at..at + len, text.len());
    }
    at + len
}

/// Letters beyond ASCII with a space after each.
fn is_set_apart(rest: &[u8], c: char, len: usize) -> bool {
    let other = |c: char| c.is_alphabetic() && !c.is_ascii();
    other(c)
        && rest.get(len) == Some(&b' ')
        && char_at(rest, len + 1).is_some_and(|(c, second)| {
            other(c)
                && rest.get(len + 1 + second) == Some(&b' ')
                && char_at(rest, len + second + 2).is_some_and(|(c, _)| other(c))
        })
}

/// Words in letters of another script that look like Latin ones are read as Latin, where others beside them are. The draft is
/// doubtful where there are also words that can only be of the other script: see [`decode_foreign`].
pub(super) fn decode(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    let mut words = Words { draft, among_latin: false, latin: true, turned: false, foreign: false };
    words.read(text, window);
    words.draft.doubtful = words.turned && words.foreign;
}

/// The other reading of a doubtful text: words in letters of another script are what they are.
pub(super) fn decode_foreign(text: &[u8], window: Range<usize>, draft: &mut Draft) {
    Words { draft, among_latin: false, latin: false, turned: false, foreign: false }.read(text, window);
}

/// More letters in a row are a table's.
const A_WORD: usize = 20;

/// How the words of a text are read.
struct Words<'a> {
    draft: &'a mut Draft,
    /// Was the word before a Latin one?
    among_latin: bool,
    /// Are words read as Latin that have no Latin letter?
    latin: bool,
    /// Was one?
    turned: bool,
    /// Was there one, of Greek or Cyrillic letters, that cannot be?
    foreign: bool,
}

impl Words<'_> {
    fn read(&mut self, text: &[u8], window: Range<usize>) {
        let (mut at, mut word) = (window.start, Word::default());
        while at < window.end {
            if word.0.is_empty() {
                let plain = plain(&text[at..window.end]);
                self.among_latin |= text[at..at + plain].iter().any(u8::is_ascii_alphabetic);
                self.draft.keep(text, at..at + plain);
                at += plain;
                if at == window.end {
                    break;
                }
            }
            let (c, len) = char_at(text, at).unwrap_or(('\u{fffd}', 1));
            let span = at..at + len;
            at += len;
            if c.is_ascii_alphabetic()
                || !c.is_ascii() && (c.is_alphabetic() || is_hidden(c) || latin(c).is_some())
                || is_mark(c)
            {
                word.push(span, c);
                continue;
            }
            self.flush(text, &mut word);
            match c {
                '\u{fffd}' => self.draft.keep(text, span),
                _ if c.is_ascii() => self.draft.keep(text, span),
                _ if is_space(c) => self.draft.put(b" ", span),
                _ => put(text, self.draft, &std::iter::once(c).nfkc().collect::<String>(), c, span),
            }
        }
        self.flush(text, &mut word);
    }

    /// Writes a word as it is read.
    fn flush(&mut self, text: &[u8], word: &mut Word) {
        if word.0.is_empty() {
            return;
        }
        let visible = || word.0.iter().filter(|l| !l.hidden);
        let known = visible().any(|l| l.form.is_some() || u32::from(l.c) > 0xffff);
        let alike = visible().all(|l| l.form.or(l.latin).is_some() || is_latin(l.c));
        let as_latin = alike && (known || self.latin && self.among_latin);
        self.turned |= as_latin && !known && visible().count() > 1;
        let script = visible().all(|l| matches!(u32::from(l.c), 0x370..=0x52f));
        self.foreign |= !alike && script && (3..=A_WORD).contains(&visible().count());
        self.among_latin = as_latin;
        let accented = visible().filter(|l| l.base.is_some()).count() > 2;
        for letter in word.0.drain(..) {
            let read = letter.read(as_latin, accented);
            put(text, self.draft, &read, letter.c, letter.span);
        }
    }
}

/// How long the text stays ASCII, but for the word that goes on beyond it.
fn plain(text: &[u8]) -> usize {
    let len = text.iter().position(|b| *b >= 0x80).unwrap_or(text.len());
    if len == text.len() {
        return len;
    }
    len - text[..len].iter().rev().take_while(|b| b.is_ascii_alphabetic()).count()
}

/// A word's letters.
#[derive(Default)]
struct Word(Vec<Letter>);

struct Letter {
    span: Range<usize>,
    c: char,
    /// Takes no room of its own.
    hidden: bool,
    /// It is another form of this one.
    form: Option<char>,
    /// It is this one under an accent.
    base: Option<char>,
    latin: Option<char>,
}

impl Word {
    fn push(&mut self, span: Range<usize>, c: char) {
        let hidden = is_hidden(c) || is_mark(c);
        let letter = if c.is_ascii() || hidden {
            Letter { span, c, hidden, form: Some(c).filter(|_| !hidden), base: None, latin: None }
        } else {
            Letter { span, c, hidden, form: compatible(c), base: base(c), latin: latin(c) }
        };
        self.0.push(letter);
    }
}

impl Letter {
    fn read(&self, as_latin: bool, accented: bool) -> String {
        let tag = u32::from(self.c).checked_sub(0xe0000).filter(|t| (0x20..0x7f).contains(t));
        if let Some(c) = tag.and_then(char::from_u32) {
            return c.into();
        }
        if self.hidden {
            return if is_mark(self.c) && !as_latin { self.c.into() } else { String::new() };
        }
        let latin = self.latin.or(self.base.filter(|_| accented)).filter(|_| as_latin);
        self.form.or(latin).map_or_else(|| folded(self.c), String::from)
    }
}

fn put(text: &[u8], draft: &mut Draft, read: &str, was: char, span: Range<usize>) {
    let mut bytes = [0; 4];
    if read == was.encode_utf8(&mut bytes) {
        draft.keep(text, span);
    } else {
        draft.put(read.as_bytes(), span);
    }
}

/// Small letters, in the form that most texts use.
fn folded(c: char) -> String {
    c.to_lowercase().nfkc().collect()
}

/// The one ASCII character that it is another form of.
fn compatible(c: char) -> Option<char> {
    let mut forms = std::iter::once(c).nfkc();
    forms.next().filter(|f| f.is_ascii() && forms.next().is_none())
}

/// A Latin letter beyond ASCII: one with an accent, a stroke or a hook.
fn is_latin(c: char) -> bool {
    matches!(u32::from(c), 0xc0..=0x24f | 0x1e00..=0x1eff)
}

/// The ASCII letter under an accent.
fn base(c: char) -> Option<char> {
    std::iter::once(c).filter(|c| is_latin(*c)).nfkd().next().filter(char::is_ascii_alphabetic)
}

/// How many letters with accents the rest of a word holds.
fn accents(rest: &[u8]) -> usize {
    let word = rest.utf8_chunks().next().map_or("", |c| c.valid());
    word.chars().take(16).take_while(|c| c.is_alphabetic()).filter(|c| base(*c).is_some()).count()
}

/// Takes no room, or only turns the direction.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff)
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff)
}

fn is_space(c: char) -> bool {
    matches!(
        u32::from(c),
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 | 0x2028 | 0x2029 | 0x85
    )
}

/// The character at `at`, and its length.
pub(super) fn char_at(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *text.get(at)?;
    let len = match first {
        ..0x80 => return Some((char::from(first), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let c = std::str::from_utf8(text.get(at..at + len)?).ok()?.chars().next()?;
    Some((c, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::views::{Wants, each};

    /// All readings.
    fn read(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each(text.as_bytes(), Wants::only(&[View::Unicode]), &mut |seen| {
            all.push(String::from_utf8_lossy(seen.bytes).into_owned());
            false
        });
        all
    }

    #[test]
    fn words_that_may_be_of_either_script_are_read_both_ways() {
        // Greek and Russian words, some of whose letters all look Latin, with spaces that do not break
        assert_eq!(
            read("say: \u{39c}\u{3b7}\u{3bd}\u{a0}\u{3c4}\u{3bf} \u{3c0}\u{3b5}\u{3b9}\u{3c2}"),
            [
                "say: Mnv to \u{3c0}\u{3b5}\u{3b9}\u{3c2}",
                "say: \u{3bc}\u{3b7}\u{3bd} \u{3c4}\u{3bf} \u{3c0}\u{3b5}\u{3b9}\u{3c2}"
            ]
        );
        // one letter is read as what the word before it is
        assert_eq!(
            read(
                "Note: \u{417}\u{430}\u{200b}\u{431}\u{443}\u{434}\u{44c} \u{43e} \u{432}\u{441}\u{435}\u{445}"
            ),
            ["Note: \u{437}\u{430}\u{431}\u{443}\u{434}\u{44c} \u{43e} \u{432}\u{441}\u{435}\u{445}"]
        );
        // among Latin words alone, nothing speaks for another script
        assert_eq!(read("say: \u{440}\u{430}\u{440}\u{435}r \u{430}\u{441}\u{435}"), ["say: paper ace"]);
    }

    #[test]
    fn letters_that_look_alike_are_known_beside_latin_ones_with_accents() {
        assert_eq!(read("h \u{111}\u{456} h\u{430}s\u{142}\u{3bf}"), ["h \u{111}i has\u{142}o"]);
        assert!(read("\u{435}\u{449}\u{451} h").is_empty());
        assert_eq!(read("\u{434}\u{430}\u{ff0c} \u{434}\u{430}"), ["\u{434}\u{430}, \u{434}\u{430}"]);
        assert!(read("\u{4f60}\u{ff0c}\u{597d}").is_empty(), "signs of Chinese are as wide as its letters");
    }
}
