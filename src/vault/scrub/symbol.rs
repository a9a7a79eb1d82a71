//! Byte classes: what counts as a character of a value, what separates characters, what may open an escape.

/// Bits of one symbol in a rolling window.
pub(super) const BITS: u32 = 6;
/// Set in a class whose byte may open an escape.
pub(super) const OPENS: u16 = 1 << 15;
const SHIFT_AT: u32 = 8;

/// For every byte: symbol (0 for separators, 1..=36 for letters and digits, case folded), the shift that it
/// moves a window by, and [`OPENS`].
pub(super) static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0_u16; 256];
    let mut b = 0_usize;
    while b < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "b < 256")]
        let byte = b as u8;
        let symbol = match byte {
            b'0'..=b'9' => byte - b'0' + 1,
            b'a'..=b'z' => byte - b'a' + 11,
            b'A'..=b'Z' => byte - b'A' + 11,
            _ => 0,
        };
        if symbol != 0 {
            table[b] = symbol as u16 | (BITS as u16) << SHIFT_AT;
        }
        // An `x` after a `0` makes the two of them a separator between hex digits.
        if matches!(byte, b'%' | b'\\' | b'&' | b'x' | b'X') {
            table[b] |= OPENS;
        }
        b += 1;
    }
    table
}

/// The symbol of a class; 0 for a separator.
pub(super) const fn symbol(class: u16) -> u64 {
    (class & 0x3f) as u64
}

/// Appends a byte of this class to a window.
pub(super) const fn roll(window: u64, class: u16) -> u64 {
    (window << ((class >> SHIFT_AT) & 0xf)) | symbol(class)
}

/// Can it stand in base64 of either alphabet (a superset of base32 and hex)?
pub(super) const fn in_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
