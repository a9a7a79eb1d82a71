//! Walks a text once for signs of anything encoded. Blocks of ordinary bytes are passed over without a branch; only in the
//! others is each byte looked at.

use std::ops::Range;

use super::signs::Signs;
use super::{View, Wants};
use super::{
    base85, entities, escapes, inflate, leet, markup, numbers, percent, quoted, shift, spaced, unicode,
    utf16, whitespace,
};

/// Bytes judged at once.
const BLOCK: usize = 128;
/// In any stretch of 23 bytes, eight begin at a multiple of this.
const STRIDE: usize = 16;
/// A shorter stretch holds nothing.
const TOKEN: usize = 20;

/// Looks for signs of what `wants` names.
pub(super) fn signs(text: &[u8], wants: Wants) -> Signs {
    let mut signs = Signs::new(wants);
    if wants.has(View::Whitespace) {
        walk::<true>(text, &mut signs);
    } else {
        walk::<false>(text, &mut signs);
    }
    if inflate::begins(text) {
        signs.note_compressed(0);
    }
    if utf16::begins(text) {
        signs.note_wide();
    }
    if wants.has(View::Caesar) && shift::is_opaque(text) {
        signs.note_opaque();
    }
    signs
}

/// `READ`: also for what only readers see through.
fn walk<const READ: bool>(text: &[u8], signs: &mut Signs) {
    let (mut at, mut free, mut looked) = (0, 0, 0);
    while at < text.len() {
        let end = text.len().min(at + BLOCK);
        if is_odd::<READ>(&text[at..end], &text[end.min(at + 1)..text.len().min(end + 1)]) {
            looked = look::<READ>(text, looked.max(at)..end, signs);
        }
        if has_run(&text[at..end]) {
            free = tokens(text, at..end, free, signs);
        }
        at = end;
    }
}

/// Does a byte of the block need a closer look? Compiles to a few vector instructions for each sixteen bytes.
#[inline(always)]
fn is_odd<const READ: bool>(block: &[u8], next: &[u8]) -> bool {
    let odd = |b: u8| {
        u8::from(b.cast_signed() < 10 && b != b'\n')
            | u8::from(b == b'%')
            | u8::from(b == b'&')
            | u8::from(b == b'\\')
            | u8::from(b == b'=')
            | u8::from(b.wrapping_sub(b'0') < 10)
    };
    let all = block.iter().fold(0, |all, b| all | odd(*b));
    let read = if READ {
        block.iter().zip(next).fold(0, |all, (b, n)| all | u8::from(*b == b'<') | u8::from(*b.max(n) <= b' '))
    } else {
        0
    };
    all | read != 0
}

const EACH: u64 = 0x0101_0101_0101_0101;
const TOP: u64 = 0x80 * EACH;

/// In eight bytes at once, the top bit of each that is `n` or more.
#[inline(always)]
fn at_least(bytes: u64, n: u8) -> u64 {
    (((bytes & !TOP) + u64::from(0x80 - n) * EACH) | bytes) & TOP
}

/// Eight bytes at a multiple of the stride: part of something long without a space, or of letters set apart?
#[inline(always)]
fn of_interest(bytes: u64) -> (bool, bool) {
    let (visible, letters) = (at_least(bytes, b'!'), at_least(bytes, b'0'));
    let quote = at_least(bytes ^ (u64::from(b'"') * EACH), 1);
    let apart = !letters & TOP;
    (visible & quote == TOP, matches!(apart.count_ones(), 4..=6))
}

#[inline(always)]
fn has_run(block: &[u8]) -> bool {
    block.chunks(STRIDE).any(|c| {
        c.first_chunk().is_some_and(|eight| {
            let (run, apart) = of_interest(u64::from_le_bytes(*eight));
            run | apart
        })
    })
}

/// Notes the tokens that lie in the block, from `free` on; returns where the last one ends.
fn tokens(text: &[u8], block: Range<usize>, mut free: usize, signs: &mut Signs) -> usize {
    for at in block.clone().step_by(STRIDE) {
        let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk).filter(|_| at >= free) else {
            continue;
        };
        let (run, apart) = of_interest(u64::from_le_bytes(*eight));
        if apart {
            spaced::sign(text, at, signs);
        }
        if run {
            let before = text[free..at].iter().rev().take_while(|b| in_token(**b)).count();
            let after = text[at..].iter().take_while(|b| in_token(**b)).count();
            free = at + after;
            let token = base85::marked(text, at - before..free, block.start.saturating_sub(BLOCK));
            free = token.end;
            if token.len() >= TOKEN {
                signs.note_token(token);
            }
        }
    }
    free
}

/// Visible ASCII, but not what ends a string.
fn in_token(b: u8) -> bool {
    b.is_ascii_graphic() && b != b'"'
}

/// Looks at every byte of `range`; returns from where on the next look begins.
fn look<const READ: bool>(text: &[u8], range: Range<usize>, signs: &mut Signs) -> usize {
    let mut at = range.start;
    while at < range.end {
        let (class, len) = (CLASS[usize::from(text[at])], text.len());
        if class == Class::Usual || !READ && class >= Class::Read {
            at += 1;
            continue;
        }
        at = match class {
            Class::Percent => percent::sign(text, at, signs),
            Class::Ampersand => entities::sign(text, at, signs),
            Class::Backslash => escapes::sign(text, at, signs),
            Class::Equals => quoted::sign(text, at, signs),
            Class::High => unicode::sign(text, at, signs),
            Class::Control => {
                inflate::sign(text, at, signs);
                at + 1
            }
            Class::Digit => {
                let next = numbers::sign(text, at, signs);
                if READ { leet::sign(text, at..next, signs) } else { next }
            }
            Class::Less => markup::sign(text, at, signs),
            Class::Space => whitespace::sign(text, at, signs),
            Class::Usual | Class::Read => at + 1,
        };
        debug_assert!(at <= len);
    }
    at
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Usual,
    Percent,
    Ampersand,
    Backslash,
    Equals,
    High,
    Control,
    Digit,
    /// From here on, only for readers.
    Read,
    Less,
    Space,
}

static CLASS: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let (mut classes, mut b) = ([Class::Usual; 256], 0);
    while b < 256 {
        classes[b] = match b as u8 {
            b'%' => Class::Percent,
            b'&' => Class::Ampersand,
            b'\\' => Class::Backslash,
            b'=' => Class::Equals,
            0x80.. => Class::High,
            b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b' ' => Class::Space,
            ..0x20 | 0x7f => Class::Control,
            b'0'..=b'9' => Class::Digit,
            b'<' => Class::Less,
            _ => Class::Usual,
        };
        b += 1;
    }
    classes
}
