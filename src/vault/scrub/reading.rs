//! The ways in which the bytes at an offset can be read as one escaped character, besides as themselves.
//! Every reading is offered, because which one is meant cannot be known: `%41` is also the digits `41`.

use std::cell::Cell;

/// Longest spelling of one character that is looked at, in bytes.
pub(super) const LONGEST: usize = 48;
/// A character that is no byte, or none that a pattern can hold: separates.
pub(super) const OTHER: u16 = 0x100;
const UNKNOWN: Readings = Readings { at: usize::MAX, list: [(0, 0); 3], len: 0, open: false };
/// How often a percent sign may itself be percent-encoded.
const NESTED: usize = 3;

/// What was found at an offset.
#[derive(Clone, Copy, Default)]
pub(super) struct Readings {
    at: usize,
    /// Character and bytes.
    list: [(u16, u8); 3],
    len: u8,
    /// The text ends inside what may become an escape.
    pub(super) open: bool,
}

impl Readings {
    /// Pairs of character ([`OTHER`] if it is no byte) and the offset after it.
    pub(super) fn list(&self) -> impl Iterator<Item = (u16, usize)> {
        self.list[..usize::from(self.len)].iter().map(|&(code, len)| (code, self.at + usize::from(len)))
    }

    pub(super) fn is_none(&self) -> bool {
        self.len == 0 && !self.open
    }

    fn push(&mut self, (code, end): (u16, usize)) {
        let Ok(bytes) = u8::try_from(end - self.at) else { return };
        if usize::from(self.len) < self.list.len() && self.list().all(|known| known != (code, end)) {
            self.list[usize::from(self.len)] = (code, bytes);
            self.len += 1;
        }
    }

    fn add(&mut self, parsed: &Parsed) {
        match *parsed {
            Parsed::Is(code, end) => self.push((code, end)),
            Parsed::MayGoOn(code, end) => {
                self.push((code, end));
                self.open = true;
            }
            Parsed::Open => self.open = true,
            Parsed::Not => {}
        }
    }
}

/// A text whose escapes are looked up more than once: many beginnings end in the same ones.
pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    known: [Cell<Readings>; 16],
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, known: [const { Cell::new(UNKNOWN) }; 16] }
    }

    /// [`readings`] of the text.
    #[inline]
    pub(super) fn readings(&self, at: usize) -> Readings {
        let cell = &self.known[at % self.known.len()];
        let known = cell.get();
        if known.at == at {
            return known;
        }
        let found = readings(self.text, at);
        cell.set(found);
        found
    }
}

enum Parsed {
    Is(u16, usize),
    /// Complete if the text ends here, else perhaps longer.
    MayGoOn(u16, usize),
    Not,
    Open,
}

/// All escapes that begin at `at`, which must be inside the text.
pub(super) fn readings(text: &[u8], at: usize) -> Readings {
    let mut found = Readings { at, ..Readings::default() };
    let cut = text.len().min(at + LONGEST);
    let window = &text[..cut];
    match text[at] {
        b'%' => percent_readings(window, at, &mut found),
        b'\\' => found.add(&backslash(window, at + 1)),
        b'&' => found.add(&entity(window, at + 1)),
        b'0' => found.add(&hex_prefix(window, at + 1)),
        _ => {}
    }
    // What is longer than any escape can no longer become one.
    found.open &= cut == text.len();
    found
}

fn percent_readings(text: &[u8], at: usize, found: &mut Readings) {
    let deepest = percent(text, at, NESTED, found);
    // `%2541` is an `A` encoded twice, and also `%41` encoded once.
    percent(text, at, 0, found);
    if let Some((code, end)) = deepest {
        match code {
            0x5c => found.add(&backslash(text, end)),
            0x26 => found.add(&entity(text, end)),
            _ => {}
        }
    }
}

/// The reading with the most, but at most `nested`, levels of encoding.
fn percent(text: &[u8], at: usize, nested: usize, found: &mut Readings) -> Option<(u16, usize)> {
    for levels in (0..=nested).rev() {
        let mut i = at + 1;
        let mut fits = true;
        for &expected in b"2525252525"[..2 * levels].iter() {
            match text.get(i) {
                None => found.open = true,
                Some(&b) if b == expected => {
                    i += 1;
                    continue;
                }
                Some(_) => {}
            }
            fits = false;
            break;
        }
        if !fits {
            continue;
        }
        match (text.get(i).map(|&b| hex(b)), text.get(i + 1).map(|&b| hex(b))) {
            (Some(Some(high)), Some(Some(low))) => {
                found.push((u16::from(high << 4 | low), i + 2));
                return Some((u16::from(high << 4 | low), i + 2));
            }
            (None, _) | (Some(Some(_)), None) => found.open = true,
            _ => {}
        }
    }
    None
}

/// One byte as a decoder of percent-encoding would hand it on, or the text's end (`None`).
fn unit(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let &byte = text.get(at)?;
    if byte != b'%' {
        return Some((byte, at + 1));
    }
    let mut found = Readings { at, ..Readings::default() };
    match percent(text, at, NESTED, &mut found) {
        Some((code, end)) => Some((u8::try_from(code).unwrap_or(byte), end)),
        None if found.open => None,
        None => Some((byte, at + 1)),
    }
}

/// What follows a backslash.
fn backslash(text: &[u8], at: usize) -> Parsed {
    let Some((byte, next)) = unit(text, at) else { return Parsed::Open };
    match byte {
        b'u' => match unit(text, next) {
            None => Parsed::Open,
            Some((b'{', inner)) => closed(number(text, inner, 16, 1, 6), text, b'}'),
            Some(_) => number(text, next, 16, 4, 4),
        },
        b'U' => number(text, next, 16, 8, 8),
        b'x' | b'X' => number(text, next, 16, 2, 2),
        b'0'..=b'3' => number(text, at, 8, 1, 3),
        b'4'..=b'7' => number(text, at, 8, 1, 2),
        b'n' => Parsed::Is(0x0a, next),
        b'r' => Parsed::Is(0x0d, next),
        b't' => Parsed::Is(0x09, next),
        b'b' | b'f' | b'v' | b'a' | b'e' => Parsed::Is(OTHER, next),
        // Only these are read by what they stand for; any other character stands for itself already.
        _ => Parsed::Not,
    }
}

/// What follows an ampersand.
fn entity(text: &[u8], at: usize) -> Parsed {
    match unit(text, at) {
        None => Parsed::Open,
        Some((b'#', next)) => match unit(text, next) {
            None => Parsed::Open,
            Some((b'x' | b'X', digits)) => ended(number(text, digits, 16, 1, 8), text),
            Some(_) => ended(number(text, next, 10, 1, 9), text),
        },
        Some(_) => named(text, at),
    }
}

/// `&name;`: no name stands for a letter or digit, so that it ends with `;` is all that matters for most.
fn named(text: &[u8], at: usize) -> Parsed {
    let mut name = [0_u8; 16];
    let mut i = at;
    for len in 0..name.len() {
        match unit(text, i) {
            None => return Parsed::Open,
            Some((b';', end)) if len >= 2 => {
                let code = match &name[..len] {
                    b"amp" => 0x26,
                    b"lt" => 0x3c,
                    b"gt" => 0x3e,
                    b"quot" => 0x22,
                    b"apos" => 0x27,
                    _ => OTHER,
                };
                return Parsed::Is(code, end);
            }
            Some((b, next)) if b.is_ascii_alphabetic() => {
                name[len] = b;
                i = next;
            }
            Some(_) => return Parsed::Not,
        }
    }
    Parsed::Not
}

/// `0x` before a hex digit separates bytes of a dump.
fn hex_prefix(text: &[u8], at: usize) -> Parsed {
    match (text.get(at), text.get(at + 1)) {
        (None, _) | (Some(b'x' | b'X'), None) => Parsed::Open,
        (Some(b'x' | b'X'), Some(&b)) if hex(b).is_some() => Parsed::Is(OTHER, at + 1),
        _ => Parsed::Not,
    }
}

/// As many digits as there are, `least..=most`.
fn number(text: &[u8], at: usize, radix: u32, least: usize, most: usize) -> Parsed {
    let (mut value, mut i, mut digits) = (0_u32, at, 0);
    while digits < most {
        let Some((byte, next)) = unit(text, i) else {
            return if digits < least { Parsed::Open } else { Parsed::MayGoOn(code_of(value), i) };
        };
        let Some(digit) = char::from(byte).to_digit(radix) else { break };
        value = value.saturating_mul(radix).saturating_add(digit);
        i = next;
        digits += 1;
    }
    if digits < least {
        return Parsed::Not;
    }
    Parsed::Is(code_of(value), i)
}

fn code_of(value: u32) -> u16 {
    u16::try_from(value).map_or(OTHER, |v| v.min(OTHER))
}

/// With the closing character that must follow.
fn closed(parsed: Parsed, text: &[u8], close: u8) -> Parsed {
    match parsed {
        Parsed::Is(code, at) => match unit(text, at) {
            None => Parsed::Open,
            Some((b, end)) if b == close => Parsed::Is(code, end),
            Some(_) => Parsed::Not,
        },
        Parsed::MayGoOn(..) => Parsed::Open,
        other => other,
    }
}

/// With the semicolon that may follow.
fn ended(parsed: Parsed, text: &[u8]) -> Parsed {
    match parsed {
        Parsed::Is(code, at) => match unit(text, at) {
            None => Parsed::MayGoOn(code, at),
            Some((b';', end)) => Parsed::Is(code, end),
            Some(_) => Parsed::Is(code, at),
        },
        other => other,
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}
