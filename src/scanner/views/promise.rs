//! Tells, from a few of its characters and without writing anything, whether a long word may be something encoded.

use super::plausible::{LEAST, is_container, is_korean, is_letter, is_utf16};
use super::{View, Wants, base32, base64, hex, shift};

/// Bytes that a look at the beginning decodes.
const LOOK: usize = 24;
/// In long runs of base64, groups are looked at so far apart.
const STRIDE: usize = 20;
/// Something else may stand before it.
const INSIDE: usize = 8;
/// So many groups that are text, one behind the other, are not chance.
const GROUPS: usize = 4;
/// Further on, nothing is looked for.
const FAR: usize = 1 << 20;
/// What a word is made of shows in as many characters.
const MADE: usize = 96;

/// What a word is made of.
#[derive(Default)]
pub(super) struct Makeup {
    pub(super) upper: usize,
    pub(super) lower: usize,
    pub(super) digits: usize,
    pub(super) signs: usize,
    pub(super) beyond_f: bool,
    /// `0`, `1`, `8`, `9`: no base32.
    beyond_32: bool,
}

impl Makeup {
    /// Of the beginning, where it is long.
    pub(super) fn of(word: &[u8]) -> Makeup {
        let mut sums = [0_u8; 6];
        for b in &word[..word.len().min(MADE)] {
            let sorts = SORTS[usize::from(*b)];
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum += sorts >> i & 1;
            }
        }
        let [upper, lower, digits, signs, beyond_f, beyond_32] = sums.map(usize::from);
        Makeup { upper, lower, digits, signs, beyond_f: beyond_f > 0, beyond_32: beyond_32 > 0 }
    }

    pub(super) fn looks_random(&self) -> bool {
        self.digits >= 2
            && (self.upper >= 2 && self.lower >= 2 || self.upper + self.lower >= 8 && self.signs == 0)
    }

    pub(super) fn one_case(&self) -> bool {
        self.upper == 0 || self.lower == 0
    }
}

/// A bit for each sort of character, as in `Makeup`.
static SORTS: [u8; 256] = {
    let (mut sorts, mut b) = ([0; 256], 0);
    while b < 256 {
        let c = b as u8;
        sorts[b] = match c {
            b'A'..=b'Z' => 1,
            b'a'..=b'z' => 2,
            b'0'..=b'9' => 4,
            _ => 8,
        } | if c.is_ascii_hexdigit() { 0 } else { 16 }
            | if matches!(c, b'0' | b'1' | b'8' | b'9') { 32 } else { 0 };
        b += 1;
    }
    sorts
};

/// May the word be something encoded, also backwards or by ROT13, as far as those are wanted?
pub(super) fn may_hold(word: &[u8], wants: Wants) -> bool {
    let made = Makeup::of(word);
    if promises_as(word, &made) {
        return true;
    }
    if !made.looks_random() {
        return false;
    }
    if wants.has(View::Base58) && may_be_base58(word, &made) {
        return true;
    }
    let (mut other, len) = ([0; MADE], word.len().min(MADE));
    if wants.has(View::Reversed) {
        for (to, b) in other.iter_mut().zip(word.iter().rev()) {
            *to = *b;
        }
        if promises_as(&other[..len], &made) {
            return true;
        }
    }
    if wants.has(View::Rot13) {
        for (to, b) in other.iter_mut().zip(word) {
            *to = shift::turned(*b, 13);
        }
        return promises(&other[..len]);
    }
    false
}

/// May some alphabet give something?
pub(super) fn promises(word: &[u8]) -> bool {
    let word = &word[word.iter().take_while(|b| **b == b'=').count()..];
    promises_as(word, &Makeup::of(word))
}

fn promises_as(word: &[u8], made: &Makeup) -> bool {
    if !made.beyond_f && (word.len() <= MADE || word.iter().all(u8::is_ascii_hexdigit)) {
        return made.digits > 0 && word.len() >= hex::LEAST && promises_hex(word);
    }
    made.digits > 0 && promises_mixed_hex(word)
        || made.one_case()
            && made.signs == 0
            && !made.beyond_32
            && (made.digits > 0 || made.lower == 0)
            && promises_base32(word)
        || (!made.one_case() || word.len() >= 40) && promises_base64(word)
}

/// Short, and of no word: nothing else tells.
fn may_be_base58(word: &[u8], made: &Makeup) -> bool {
    made.signs == 0
        && made.upper >= 3
        && made.lower >= 3
        && word.len() >= 20
        && !word.iter().any(|b| matches!(b, b'0' | b'O' | b'I' | b'l'))
}

/// Among other characters.
fn promises_mixed_hex(word: &[u8]) -> bool {
    let word = &word[..word.len().min(FAR)];
    // any run of that length has a digit at one of these places, and a neighbour
    let near =
        |at: usize| word[at].is_ascii_hexdigit() && word.get(at + 1).is_some_and(u8::is_ascii_hexdigit);
    if !(hex::LEAST / 2..word.len()).step_by(hex::LEAST / 2).any(near) {
        return false;
    }
    let run = hex::longest(word);
    run.len() >= hex::LEAST && promises_hex(&word[run])
}

/// At either step.
fn promises_hex(digits: &[u8]) -> bool {
    [0, 1].iter().any(|skip| {
        let (mut start, mut len) = ([0; LOOK], 0);
        for pair in digits[*skip..].as_chunks::<2>().0.iter().take(LOOK) {
            start[len] = hex::byte(*pair).unwrap_or(0);
            len += 1;
            if len == 4 && is_noise(start.first_chunk()) {
                return false;
            }
        }
        is_promising(&start[..len], digits.len() / 2)
    })
}

fn promises_base32(word: &[u8]) -> bool {
    (0..word.len().min(8)).any(|skip| {
        let (run, mut start, mut len) = (&word[skip..], [0; LOOK + 1], 0);
        for (to, chars) in start.as_chunks_mut::<5>().0.iter_mut().zip(run.chunks(8)) {
            let Some(five) = base32::group(chars) else { return false };
            to.copy_from_slice(&five.to_be_bytes()[3..]);
            len += chars.len() * 5 / 8;
            if len < 6 && is_noise(to.first_chunk()) {
                return false;
            }
        }
        is_promising(&start[..len], run.len() * 5 / 8)
    })
}

fn promises_base64(word: &[u8]) -> bool {
    begins_base64(word) || has_text(&word[..word.len().min(FAR)]) || has_letters(word)
}

/// A little further on, at any step: text of another script?
fn has_letters(word: &[u8]) -> bool {
    let Some(run) = word.get(INSIDE..) else { return false };
    (0..4).any(|step| {
        let (mut some, mut len) = ([0; LOOK], 0);
        for chars in run.get(step..).unwrap_or_default().as_chunks::<4>().0.iter().take(LOOK / 3) {
            let three = base64::group(chars).unwrap_or(0).to_be_bytes();
            some[len..len + 3].copy_from_slice(&three[1..]);
            len += 3;
            if three[1..].iter().any(|b| *b < b' ' || *b == 0x7f) {
                return false;
            }
        }
        // from the beginning of a character on
        let from = some[..len].iter().take(3).take_while(|b| **b & 0xc0 == 0x80).count();
        let valid = std::str::from_utf8(&some[from..len]).map_or_else(|e| e.error_len().is_none(), |_| true);
        valid && len >= LOOK / 2
    })
}

fn begins_base64(word: &[u8]) -> bool {
    let (mut start, mut len) = ([0; LOOK], 0);
    for chars in word.chunks(4).take(LOOK / 3) {
        let Some(three) = base64::group(chars) else { return false };
        start[len..len + 3].copy_from_slice(&three.to_be_bytes()[1..]);
        len += chars.len() * 3 / 4;
        if len == 6 && is_noise(start.first_chunk()) {
            return false;
        }
    }
    is_promising(&start[..len], word.len() * 3 / 4)
}

/// Is there text somewhere in a run of base64, at any of its four steps?
fn has_text(run: &[u8]) -> bool {
    let clear = |at: usize| run.get(at..at + 4).is_some_and(base64::is_text);
    let mut at = 0;
    while let Some(seven) = run.get(at..).and_then(<[u8]>::first_chunk::<7>) {
        let steps = base64::steps(*seven);
        for step in (0..4).filter(|s| steps >> s & 1 == 1) {
            let at = at + step;
            if clear(at) {
                let back = (1..GROUPS).take_while(|i| at >= 4 * i && clear(at - 4 * i)).count();
                let on = (1..GROUPS).take_while(|i| clear(at + 4 * i)).count();
                if back + on + 1 >= GROUPS {
                    return true;
                }
            }
        }
        at += STRIDE;
    }
    false
}

/// Four bytes that begin nothing.
pub(super) fn is_noise(first: Option<&[u8; 4]>) -> bool {
    let Some(four @ [a, b, ..]) = first else { return false };
    let odd = four.iter().any(|b| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r') || *b == 0x7f);
    let known = is_container(four)
        || matches!(
            four,
            [0x89, b'P', b'N', b'G'] | [0xff, 0xd8, 0xff, _] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]
        );
    let unit = |p: &[u8; 2]| u16::from_le_bytes(*p);
    let letters = four.as_chunks::<2>().0.iter().all(|p| is_letter(unit(p)) || is_korean(unit(p)));
    let wide = letters || *a == 0 || *b == 0 || (0x03..0x30).contains(b);
    !known
        && (odd && !wide
            || !odd
                && !letters
                && std::str::from_utf8(four)
                    .is_err_and(|e| e.error_len().is_some() || e.valid_up_to() + 3 < 4))
}

/// The first bytes: text, or something that holds text? `all`: how many there are.
fn is_promising(start: &[u8], all: usize) -> bool {
    if is_container(start) || is_utf16(start) {
        return true;
    }
    let odd =
        start.iter().filter(|b| **b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r') || **b == 0x7f).count();
    start.len() >= LEAST
        && odd * 16 <= start.len()
        && match std::str::from_utf8(start) {
            Ok(_) => true,
            Err(e) => e.error_len().is_none() && start.len() < all,
        }
}
