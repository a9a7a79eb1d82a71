//! Characters that are not seen: tag characters and variation selectors that spell a message, zero-width characters that
//! carry bits, direction overrides that show code in another order than it runs (Trojan Source).

use super::Found;

/// So many tag characters, or variation selectors, in a row are no emoji.
const SPELLS: usize = 4;
/// So many zero-width characters in a row, of more than one kind, are no typography.
const BITS: usize = 8;
/// No line is looked at further.
const LINE: usize = 240;
/// A flag of a region is a black flag and up to so many tags.
const FLAG: &[u8] = "🏴".as_bytes();
const FLAG_TAGS: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Tag,
    Selector,
    Zero,
}

/// Characters without a look, in a row.
#[derive(Default)]
struct Run {
    tags: usize,
    selectors: usize,
    zeros: usize,
    kinds: Vec<[u8; 3]>,
}

pub(super) fn find(text: &[u8], found: &mut Found<'_>) -> usize {
    // what follows a flag is read with it
    let flag = |at: usize| if text[..at].ends_with(FLAG) { at - FLAG.len() } else { at };
    let (mut hold, mut after) = (flag(text.len()), 0);
    for at in memchr::memchr3_iter(0xe2, 0xef, 0xf3, text) {
        if at < after {
            continue;
        }
        if unseen(&text[at..]).is_some() {
            after = run(text, at, found);
            if after + 4 > text.len() {
                hold = hold.min(flag(at));
            }
        } else if is_override(&text[at..]) {
            direction(text, at, found);
            let line = &text[at..text.len().min(at + LINE)];
            if line.len() < LINE && !line.contains(&b'\n') {
                hold = hold.min(at);
            }
        } else if text.len() - at < 4 {
            hold = hold.min(at);
        }
    }
    hold
}

/// The kind of the character at the beginning, and its length.
fn unseen(text: &[u8]) -> Option<(Unseen, usize)> {
    match text {
        [0xf3, 0xa0, 0x80 | 0x81, _, ..] => Some((Unseen::Tag, 4)),
        [0xf3, 0xa0, 0x84..=0x87, _, ..] => Some((Unseen::Selector, 4)),
        [0xef, 0xb8, 0x80..=0x8f, ..] => Some((Unseen::Selector, 3)),
        // zero-width space and joiners, word joiner and invisible operators, byte order mark
        [0xe2, 0x80, 0x8b..=0x8d, ..] | [0xe2, 0x81, 0xa0..=0xa4, ..] | [0xef, 0xbb, 0xbf, ..] => {
            Some((Unseen::Zero, 3))
        }
        _ => None,
    }
}

/// Judges the run that begins at `start`; returns its end.
fn run(text: &[u8], start: usize, found: &mut Found<'_>) -> usize {
    let (mut run, mut at) = (Run::default(), start);
    while let Some((kind, len)) = text.get(at..).and_then(unseen) {
        match kind {
            Unseen::Tag => run.tags += 1,
            Unseen::Selector => run.selectors += 1,
            Unseen::Zero => {
                run.zeros += 1;
                let zero = [text[at], text[at + 1], text[at + 2]];
                if run.kinds.len() < 3 && !run.kinds.contains(&zero) {
                    run.kinds.push(zero);
                }
            }
        }
        at += len;
    }
    let flag = text[..start].ends_with(FLAG) && run.tags <= FLAG_TAGS;
    if run.tags >= SPELLS && !flag {
        found.add("unicode.tag_characters", start..at);
    } else if run.selectors >= SPELLS {
        found.add("unicode.variation_selectors", start..at);
    } else if run.zeros >= BITS && run.kinds.len() > 1 {
        found.add("unicode.zero_width_bits", start..at);
    }
    at
}

/// Left-to-right and right-to-left override.
fn is_override(text: &[u8]) -> bool {
    matches!(text, [0xe2, 0x80, 0xad | 0xae, ..])
}

/// An override, and what stands behind it on its line. With an isolate as well it is made to reorder code; before Latin letters
/// it at least shows them backwards.
fn direction(text: &[u8], at: usize, found: &mut Found<'_>) {
    let line = &text[at..text.len().min(at + LINE)];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    if std::str::from_utf8(line).is_err() && line.len() < LINE - 4 {
        return;
    }
    // in front of code: tables of characters have isolates too
    let code = |b: &[u8]| {
        let letters = b.iter().take(6).skip_while(|b| b.is_ascii_punctuation() || **b == b' ');
        letters.take_while(|b| b.is_ascii_alphabetic()).count() >= 2
    };
    let isolate = |w: &[u8]| matches!(w, [0xe2, 0x81, 0xa6..=0xa8, rest @ ..] if code(rest));
    let end = line.windows(3).position(|w| w == [0xe2, 0x80, 0xac]).unwrap_or(line.len());
    let letters = line[3..end.max(3)].iter().filter(|b| b.is_ascii_alphabetic()).count();
    if letters >= 2 && (0..line.len()).any(|at| isolate(&line[at..])) {
        found.add("unicode.trojan_source", at..at + line.len());
    } else if letters >= 2 {
        found.add("unicode.bidi_override", at..at + end);
    }
}
