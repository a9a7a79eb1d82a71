//! Encodings of a value that stands anywhere in a longer text: only the symbols that the value alone decides.

use zeroize::Zeroizing;

/// A power-of-two alphabet: its symbols, and the bits in one.
pub(in crate::vault::scrub) type Alphabet = (&'static [u8], usize);

pub(in crate::vault::scrub) const HEX: Alphabet = (b"0123456789abcdef", 4);
pub(in crate::vault::scrub) const BASE32: Alphabet = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5);
pub(in crate::vault::scrub) const BASE32_HEX: Alphabet = (b"0123456789ABCDEFGHIJKLMNOPQRSTUV", 5);
pub(in crate::vault::scrub) const BASE64: Alphabet =
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6);
pub(in crate::vault::scrub) const BASE64_URL: Alphabet =
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6);

/// What an encoder writes for a value wherever it stands.
pub(in crate::vault::scrub) struct Core {
    pub(in crate::vault::scrub) symbols: Zeroizing<Vec<u8>>,
    /// The symbol before shares bits with what precedes the value.
    pub(in crate::vault::scrub) lead: bool,
    /// The symbol after shares bits with what follows it.
    pub(in crate::vault::scrub) tail: bool,
}

/// The symbols that encode nothing but `value`, when `before` bytes of something else precede it.
pub(in crate::vault::scrub) fn core(value: &[u8], before: usize, (alphabet, bits): Alphabet) -> Core {
    let (from, to) = (before * 8, (before + value.len()) * 8);
    let bit = |at: usize| usize::from(value[(at - from) / 8] >> (7 - at % 8) & 1);
    let symbols = (from.div_ceil(bits)..to / bits)
        .map(|n| alphabet[(n * bits..(n + 1) * bits).fold(0, |index, at| index << 1 | bit(at))])
        .collect();
    Core { symbols: Zeroizing::new(symbols), lead: from % bits != 0, tail: to % bits != 0 }
}

/// Letters moved by thirteen.
pub(in crate::vault::scrub) fn rot13(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let rotate = |b: &u8| match b {
        b'a'..=b'z' => (b - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (b - b'A' + 13) % 26 + b'A',
        _ => *b,
    };
    Zeroizing::new(value.iter().map(rotate).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE32 as STD32, BASE64 as STD64, HEXLOWER};

    #[test]
    fn a_core_is_inside_the_full_encoding_at_every_alignment() {
        let value = b"sk-live_51Hx\xff\x00Z";
        for before in 0..5 {
            let mut text = vec![0xA5; before];
            text.extend_from_slice(value);
            text.extend_from_slice(b"tail");
            let pairs =
                [(STD64.encode(&text), BASE64), (STD32.encode(&text), BASE32), (HEXLOWER.encode(&text), HEX)];
            for (full, alphabet) in pairs {
                let found = core(value, before, alphabet);
                let full = full.as_bytes();
                let count = full.windows(found.symbols.len()).filter(|w| *w == &found.symbols[..]).count();
                assert_eq!(count, 1, "{before} bytes before, {} bits", alphabet.1);
            }
        }
    }
}
