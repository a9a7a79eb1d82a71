//! Which letters a text has, and what they could be once moved along the alphabet: a notation that needs only few of them is
//! known by those that are missing.

/// Bytes of one notation or another have so many digits among a hundred characters.
const DIGITS: usize = 25;

/// A bit for each letter that occurs, `a` in the lowest.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    upper: u32,
    lower: u32,
}

impl Letters {
    pub(super) fn of(text: &[u8]) -> Letters {
        let (mut upper, mut lower) = (0, 0);
        for b in text {
            match b {
                b'A'..=b'Z' => upper |= bit(*b),
                b'a'..=b'z' => lower |= bit(b | 0x20),
                _ => {}
            }
        }
        Letters { upper, lower }
    }

    fn moved(self, by: u8) -> Letters {
        Letters { upper: turned(self.upper, by), lower: turned(self.lower, by) }
    }

    /// By which numbers the text would have to be moved to be bytes in hexadecimal digits, however marked and set apart; none
    /// if it is that already.
    pub(super) fn codes(self) -> u32 {
        let fits = |by: u8| {
            let Letters { upper, lower } = self.moved(by);
            (upper | lower) & !CODES == 0
        };
        if fits(0) { 0 } else { (1..26).filter(|by| fits(*by)).fold(0, |all, by| all | 1 << by) }
    }

    /// Moved by so much, could a text without anything but letters and digits be base58?
    pub(super) fn may_be_base58(self, by: u8) -> bool {
        let Letters { upper, lower } = self.moved(by);
        upper & (bit(b'I') | bit(b'O')) == 0 && lower & bit(b'l') == 0
    }

    /// And one between its marks Ascii85?
    pub(super) fn may_be_ascii85(self, by: u8) -> bool {
        self.moved(by).lower & (bit(b'v') | bit(b'w') | bit(b'x') | bit(b'y')) == 0
    }
}

/// The same where each number is marked, by the letter that must be an `x` or a `u`; none if nothing marks them.
pub(super) fn marked_codes(piece: &[u8]) -> Option<u32> {
    let marked = |three: &[u8]| match three {
        [b'&', b'#', letter] | [_, b'\\', letter] | [b',' | b' ', b'0', letter] => {
            letter.is_ascii_alphabetic().then_some(letter | 0x20)
        }
        _ => None,
    };
    let letter = piece.windows(3).find_map(marked)?;
    let by = |mark: u8| 1 << ((mark + 26 - letter) % 26);
    Some((by(b'x') | by(b'u')) & !1).filter(|_| !b"xu".contains(&letter)).or(Some(0))
}

/// The digits beyond nine, and what marks a character's number: `\x6b`, `\u006b`, `&#x6b;`.
const CODES: u32 = 0b11_1111 | bit(b'u') | bit(b'x');

const fn bit(letter: u8) -> u32 {
    1 << ((letter | 0x20) - b'a')
}

/// Each letter moved by so much.
fn turned(set: u32, by: u8) -> u32 {
    (set << by | set >> (26 - by)) & ((1 << 26) - 1)
}

/// Digits, and hardly more letters: numbers of bytes, as `%6b`, `\x6b`, `&#x6b;` and `6b` are?
pub(super) fn are_codes(piece: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| piece.iter().filter(|b| is(b)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    digits * 100 >= piece.len() * DIGITS && digits * 3 >= letters * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::views::shift::moved;

    #[test]
    fn notations_are_known_by_the_letters_they_lack() {
        for text in [&b"%6b%6c%6f%41"[..], b"\\x6b\\x32\\x6f", b"&#x61;&#x6c;", b"6B6C6F6A"] {
            assert!(are_codes(text) && Letters::of(text).codes() == 0);
            for by in 1..26 {
                let back = Letters::of(&moved(text, 26 - by)).codes();
                assert!(back == 0 || back >> by & 1 == 1, "{by}: {back:b}");
            }
        }
        assert_eq!(Letters::of(b"&#k34;&#k36;").codes().count_ones(), 8);
        for text in [&b"&#k34;&#k36;"[..], b"\\k34\\k36", b"0k34, 0k36"] {
            assert_eq!(marked_codes(text), Some(1 << 13 | 1 << 10), "by 13 it is an x, by 10 a u");
        }
        assert_eq!((marked_codes(b"&#x34;"), marked_codes(b"3k 34 35")), (Some(0), None));
        assert_eq!(Letters::of(b"the quick brown fox jumps over a lazy dog").codes(), 0);
        assert!(!are_codes(b"the 3 quick foxes"));
    }

    #[test]
    fn base58_has_no_letters_that_look_like_digits_and_ascii85_ends_before_v() {
        let letters = Letters::of(b"zxN");
        assert!(letters.may_be_base58(0) && !letters.may_be_base58(12) && !letters.may_be_base58(1));
        assert!(!letters.may_be_ascii85(0) && letters.may_be_ascii85(3));
    }
}
