//! Text as features: hashes of words, of words that stand together, and of four symbols in a row. One pass, nothing allocated.
//! What a feature counts for is the model's business.

/// What the walk over a text calls, in the order of the text.
pub trait Sink {
    /// A feature of the word that is being read; is it `new`, or was it there just before? Then it does not count again. Returns what
    /// it counts.
    fn feature(&mut self, hash: u32, new: bool) -> i32;
    /// The word ends before this byte; all that its features and the signs before it counted.
    fn word(&mut self, end: usize, sum: i32);
}

const SPACE: u16 = b' ' as u16;
/// A word hashes to this before its first symbol.
const SEED: u32 = 0x811c_9dc5;
/// Symbols of a word that count. Longer ones are data, not words.
const LONGEST: u32 = 24;

/// Features that are remembered, so as not to count again.
const RECENT: usize = 512;

/// Kinds of features; each is hashed apart.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Kind {
    Word = 0x9e37_79b1,
    Pair = 0x85eb_ca6b,
    Triple = 0xc2b2_ae35,
    Gap = 0x27d4_eb2f,
}

/// Spreads a hash over all its bits.
#[inline]
fn mixed(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash ^ (hash >> 13)
}

/// Reads `text` and tells `sink`.
#[inline]
pub fn walk(text: &[u8], sink: &mut impl Sink) {
    let mut reader = Reader {
        sink,
        window: u64::from(SPACE),
        word: SEED,
        length: 0,
        before: [0; 2],
        seen: [0; RECENT],
        sum: 0,
    };
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let (symbol, next) = match CLASSES[usize::from(byte)] {
            Class::Letter | Class::Digit => {
                at = reader.letters(text, at);
                if text.get(at) == Some(&b' ') {
                    reader.sign(SPACE, at);
                    at += 1;
                }
                continue;
            }
            Class::Space => (SPACE, at + 1),
            Class::Sign if byte != b'\\' || escaped(text, at).is_none() => sign(text, at),
            Class::Sign | Class::Wide => {
                let (point, next) = escaped(text, at).unwrap_or_else(|| decoded(text, at));
                let symbol = folded(point);
                if stands_alone(point) {
                    reader.end(at);
                    reader.letter(symbol);
                    reader.end(next);
                } else if is_sign(point) {
                    reader.sign(symbol, at);
                } else {
                    reader.letter(symbol);
                }
                at = next;
                continue;
            }
        };
        reader.sign(symbol, at);
        at = next;
    }
    reader.sign(SPACE, text.len());
}

struct Reader<'a, S> {
    sink: &'a mut S,
    /// The last four symbols, sixteen bits each.
    window: u64,
    word: u32,
    length: u32,
    /// Hashes of the words before, the nearest first.
    before: [u32; 2],
    /// Features lately told.
    seen: [u32; RECENT],
    /// What the features since the last word count.
    sum: i32,
}

impl<S: Sink> Reader<'_, S> {
    /// As many letters and digits as follow each other; returns where they end. All that changes with each of them is kept at hand.
    #[inline(always)]
    fn letters(&mut self, text: &[u8], mut at: usize) -> usize {
        let Self { mut window, mut word, mut length, mut sum, .. } = *self;
        while let Some(symbol) = text.get(at).map(|b| LETTERS[usize::from(*b)]).filter(|s| *s != 0) {
            at += 1;
            length += 1;
            if length <= LONGEST {
                word = (word.rotate_left(5) ^ u32::from(symbol)).wrapping_mul(0x0100_0193);
                window = window << 16 | u64::from(symbol);
                sum += self.seen(gram(window));
            }
        }
        (self.window, self.word, self.length, self.sum) = (window, word, length, sum);
        at
    }

    #[inline(always)]
    fn letter(&mut self, symbol: u16) {
        self.length += 1;
        if self.length <= LONGEST {
            self.word = (self.word.rotate_left(5) ^ u32::from(symbol)).wrapping_mul(0x0100_0193);
            self.gram(symbol);
        }
    }

    #[inline(always)]
    fn gram(&mut self, symbol: u16) {
        self.window = self.window << 16 | u64::from(symbol);
        self.feature(gram(self.window));
    }

    #[inline(always)]
    fn feature(&mut self, hash: u32) {
        self.sum += self.seen(hash);
    }

    /// What a feature counts.
    #[inline(always)]
    fn seen(&mut self, hash: u32) -> i32 {
        let slot = &mut self.seen[(hash >> 7) as usize % RECENT];
        let new = *slot != hash;
        *slot = hash;
        self.sink.feature(hash, new)
    }

    #[inline(always)]
    fn sign(&mut self, symbol: u16, at: usize) {
        self.end(at);
        // white space is one space, however much of it there is
        if symbol != SPACE || self.window as u16 != SPACE {
            self.gram(symbol);
        }
    }

    #[inline(always)]
    fn end(&mut self, at: usize) {
        if self.length == 0 {
            return;
        }
        let word = if self.length <= LONGEST { self.word } else { Kind::Word as u32 };
        let [one, two] = self.before;
        self.feature(mixed(word ^ Kind::Word as u32));
        let pair = mixed(word ^ one.wrapping_mul(Kind::Pair as u32));
        self.feature(pair);
        self.feature(mixed(pair ^ two.wrapping_mul(Kind::Triple as u32)));
        self.feature(mixed(word ^ two.wrapping_mul(Kind::Gap as u32)));
        self.sink.word(at, self.sum);
        self.sum = 0;
        self.before = [word, one];
        self.word = SEED;
        self.length = 0;
    }
}

/// The hash of four symbols in a row.
#[inline(always)]
fn gram(window: u64) -> u32 {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// The symbols of letters and digits; 0 is none.
const LETTERS: [u16; 256] = {
    let (mut letters, mut b) = ([0; 256], 0);
    while b < 256 {
        letters[b] = match b as u8 {
            b'0'..=b'9' => b'0' as u16,
            letter if letter.is_ascii_alphabetic() => (letter | 0x20) as u16,
            _ => 0,
        };
        b += 1;
    }
    letters
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Space,
    Sign,
    Wide,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Sign; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() {
            classes[byte] = Class::Letter;
        } else if b.is_ascii_digit() {
            classes[byte] = Class::Digit;
        } else if b <= b' ' || b == 0x7f {
            classes[byte] = Class::Space;
        } else if b >= 0x80 {
            classes[byte] = Class::Wide;
        }
        byte += 1;
    }
    classes
};

/// A sign of ASCII. What JSON writes with a backslash and short HTML tags are spaces.
#[inline]
fn sign(text: &[u8], at: usize) -> (u16, usize) {
    let byte = text[at];
    match (byte, text.get(at + 1)) {
        (b'\\', Some(b'n' | b'r' | b't' | b'"' | b'/' | b'\\')) => (SPACE, at + 2),
        (b'<', Some(b'/' | b'a'..=b'z' | b'A'..=b'Z')) => {
            let name =
                text[at + 1..].iter().take(10).position(|b| !(b.is_ascii_alphanumeric() || *b == b'/'));
            match name {
                Some(length) if text[at + 1 + length] == b'>' => (SPACE, at + length + 2),
                _ => (u16::from(byte), at + 1),
            }
        }
        _ => (u16::from(byte), at + 1),
    }
}

/// A character beyond ASCII as JSON may write it: `\\uXXXX`.
#[inline]
fn escaped(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let [b'\\', b'u', digits @ ..] = text[at..].first_chunk::<6>()? else { return None };
    let digit = |point: u32, byte: &u8| Some(point << 4 | char::from(*byte).to_digit(16)?);
    let point = digits.iter().try_fold(0, digit)?;
    (point >= 0x80).then_some((point, at + 6))
}

/// The code point at `at` and where the next one begins. A stray byte stands for itself.
#[inline]
fn decoded(text: &[u8], at: usize) -> (u32, usize) {
    let byte = u32::from(text[at]);
    let tail = |i: usize| text.get(at + i).filter(|b| **b & 0xc0 == 0x80).map(|b| u32::from(*b & 0x3f));
    let found = match byte {
        0xc2..=0xdf => tail(1).map(|a| ((byte & 0x1f) << 6 | a, 2)),
        0xe0..=0xef => tail(1).zip(tail(2)).map(|(a, b)| ((byte & 0xf) << 12 | a << 6 | b, 3)),
        0xf0..=0xf4 => {
            tail(1).zip(tail(2)).zip(tail(3)).map(|((a, b), c)| ((byte & 7) << 18 | a << 12 | b << 6 | c, 4))
        }
        _ => None,
    };
    found.map_or((byte, at + 1), |(point, length)| (point, at + length))
}

/// Small letters for capitals of Latin, Greek and Cyrillic; beyond the first plane, what is left in sixteen bits.
#[inline]
fn folded(point: u32) -> u16 {
    let small = match point {
        0xc0..=0xde | 0x391..=0x3a9 | 0x410..=0x42f => point + 0x20,
        0x400..=0x40f => point + 0x50,
        0x100..=0x12f | 0x14a..=0x177 | 0x1e00..=0x1eff => point | 1,
        _ => point,
    };
    (small ^ (small >> 16)) as u16
}

/// Scripts that put no spaces between words: every character is a word of its own.
#[inline]
fn stands_alone(point: u32) -> bool {
    matches!(point, 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x9fff | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0x1_f000..=0x3_ffff)
}

/// Punctuation beyond ASCII.
#[inline]
fn is_sign(point: u32) -> bool {
    matches!(point, 0x80..=0xbf | 0x2000..=0x2bff | 0x3000..=0x303f | 0xff00..=0xff0f | 0xff1a..=0xff1f | 0xfe00..=0xfeff | 0xfff0..=0xffff | 0x964 | 0x965)
}
