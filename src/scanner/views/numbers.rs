//! Character codes in a list: decimal, octal, binary. Pairs of hexadecimal digits are found here too, and decoded elsewhere.

use std::ops::Range;

use super::escapes::Bytes;
use super::lattice::{Sink, add_plausible};
use super::map::Draft;
use super::signs::Signs;
use super::{View, hex, shift};

/// Fewer are no text.
const LEAST: usize = 8;
/// Nor are fewer, where they are large.
const FEW: usize = 6;
/// Between two numbers.
const GAP: usize = 4;

/// So many items alike are worth a closer look.
const ALIKE: usize = 4;

/// `range` is full of digits: are there lists? Returns where to go on.
pub(super) fn signs(text: &[u8], range: Range<usize>, signs: &mut Signs) -> usize {
    let (mut at, mut first, mut alike, mut last_gap) = (range.start, range.start, 0, &[][..]);
    // not from the middle of an item
    while at > 0 && at < range.end && text[at - 1].is_ascii_alphanumeric() && text[at].is_ascii_alphanumeric()
    {
        at += 1;
    }
    while at < range.end {
        let item = text[at..].iter().take(10).take_while(|b| b.is_ascii_alphanumeric()).count();
        let end = at + item;
        let gap = text[end..].iter().take(GAP + 1).take_while(|b| !b.is_ascii_alphanumeric()).count();
        let short = (2..=8).contains(&item) && (1..=GAP).contains(&gap);
        if !short || &text[end..end + gap] != last_gap {
            (alike, first) = (0, at);
        }
        (alike, last_gap) = (alike + 1, &text[end..end + gap]);
        at = end + gap.max(1);
        if short && alike == ALIKE {
            alike = 0;
            let begin = if text[first].is_ascii_alphanumeric() { first } else { first + 1 };
            at = at.max(sign(text, begin.min(text.len() - 1), signs));
        }
    }
    at
}

/// `at` begins an item. Returns where the list ends, or the item.
pub(super) fn sign(text: &[u8], at: usize, signs: &mut Signs) -> usize {
    let from = if matches!(text[at..], [b'0', b'x' | b'X', ..]) { at + 2 } else { at };
    let pairs = hex::sign(text, from, signs).unwrap_or(0);
    if let Some((list, _)) = lists(text, at).pop() {
        signs.note(View::Numbers, list.clone(), text.len());
        return list.end.max(pairs);
    }
    pairs.max(at + 1)
}

pub(super) fn decode(text: &[u8], window: Range<usize>, sink: &mut Sink) {
    let mut at = window.start;
    while at < window.end {
        let begins = text[at].is_ascii_digit() && (at == 0 || !text[at - 1].is_ascii_alphanumeric());
        let lists = if begins { lists(text, at) } else { Vec::new() };
        let end = lists.iter().map(|(list, _)| list.end).max().unwrap_or(at + 1);
        for (list, radix) in lists.into_iter().filter(|(list, _)| list.end == end) {
            decode_list(text, &list, radix, sink);
        }
        at = end;
    }
}

fn decode_list(text: &[u8], list: &Range<usize>, radix: u32, sink: &mut Sink) {
    let (mut draft, mut from) = (Draft::new(list.len() / 3), list.start);
    while from < list.end {
        let len = digits(text, from);
        let Some(c) = value(text[from..from + len].iter(), radix) else {
            draft.put(b"\0", from..from + len);
            from += len;
            from += text[from..list.end].iter().take_while(|b| !b.is_ascii_digit()).count();
            continue;
        };
        draft.put(Bytes::of(c).as_slice(), from..from + len);
        from += len;
        from += text[from..list.end].iter().take_while(|b| !b.is_ascii_digit()).count();
    }
    let (decoded, map) = draft.finish();
    let plain = decoded.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    if !plain && is_backwards(&text[list.clone()], radix) {
        return shift::decode(View::Reversed, text, list.clone(), sink);
    }
    add_plausible(sink, &[View::Numbers], decoded, map, list.len());
}

/// Is it a list of codes of plain text, read from its end?
fn is_backwards(list: &[u8], radix: u32) -> bool {
    let numbers = list.split(|b| !b.is_ascii_digit()).filter(|n| !n.is_empty());
    let mut turned = numbers.map(|n| value(n.iter().rev(), radix));
    turned.all(|c| c.is_some_and(|c| c.is_ascii_graphic() || c.is_ascii_whitespace()))
}

/// Numbers from `at` on, all with the same between them, and the bases they may be written in.
fn lists(text: &[u8], at: usize) -> Vec<(Range<usize>, u32)> {
    let first = digits(text, at);
    if !(2..=8).contains(&first) {
        return Vec::new();
    }
    let gap = text[at + first..].iter().take(GAP + 1).take_while(|b| !b.is_ascii_alphanumeric()).count();
    if gap == 0 || gap > GAP {
        return Vec::new();
    }
    let between = &text[at + first..at + first + gap];
    let mut codes = [2, 8, 10].map(|radix| Codes { radix, end: at, count: 0, goes_on: true });
    let mut from = at;
    while codes.iter().any(|c| c.goes_on) {
        let number = &text[from..from + digits(text, from)];
        codes.iter_mut().filter(|c| c.goes_on).for_each(|c| c.add(number, from));
        from += number.len();
        if text[from..].iter().zip(between).filter(|(a, b)| a == b).count() < gap {
            break;
        }
        from += gap;
    }
    let long = |c: &Codes| c.count >= LEAST || c.count >= FEW && c.end - at >= FEW * 5;
    codes.into_iter().filter(long).map(|c| (at..c.end, c.radix)).collect()
}

/// A list in one base, in the making.
struct Codes {
    radix: u32,
    end: usize,
    count: usize,
    goes_on: bool,
}

impl Codes {
    /// What stands at `from` goes on with it, or ends it.
    fn add(&mut self, number: &[u8], from: usize) {
        self.goes_on = is_code(number, self.radix);
        if self.goes_on {
            (self.end, self.count) = (from + number.len(), self.count + 1);
        }
    }
}

/// Of a character, in either direction.
fn is_code(digits: &[u8], radix: u32) -> bool {
    let short = matches!(digits.len(), 2 | 3);
    value(digits.iter(), radix).is_some() || short && value(digits.iter().rev(), radix).is_some()
}

fn digits(text: &[u8], at: usize) -> usize {
    text[at..].iter().take(9).take_while(|b| b.is_ascii_digit()).count()
}

/// The character a number stands for: a binary one has eight digits, an octal one two or three.
fn value<'a>(mut digits: impl ExactSizeIterator<Item = &'a u8>, radix: u32) -> Option<char> {
    let fits = match radix {
        2 => matches!(digits.len(), 7 | 8),
        8 => matches!(digits.len(), 2 | 3),
        _ => (1..=6).contains(&digits.len()),
    };
    let digit = |b: &u8| char::from(*b).to_digit(radix);
    let value = digits.try_fold(0, |all, b| Some(all * radix + digit(b)?)).filter(|_| fits)?;
    char::from_u32(value).filter(|c| (' '..='\u{10ffff}').contains(c) || matches!(c, '\n' | '\r' | '\t'))
}
