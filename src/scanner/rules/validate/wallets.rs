//! Checksums of keys to money, and of their relatives.

use sha2::{Digest, Sha256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// A phrase has so many words; what follows it may be words as well.
const PHRASES: [usize; 5] = [24, 21, 18, 15, 12];
/// The longest word of the list.
const LONGEST_WORD: usize = 8;

/// Words parted by anything else.
pub(in crate::scanner) fn bip39(value: &[u8]) -> bool {
    let words = || value.split(|b| !b.is_ascii_alphabetic()).filter(|w| !w.is_empty());
    let numbers: Vec<u16> = words().map_while(number).take(PHRASES[0]).collect();
    PHRASES.into_iter().filter_map(|n| numbers.get(..n)).any(agrees)
}

/// Is the first word one of the list?
pub(in crate::scanner) fn bip39_begins(value: &[u8]) -> bool {
    value.split(|b| !b.is_ascii_alphabetic()).next().is_some_and(|word| number(word).is_some())
}

/// The number of a word in the list.
fn number(word: &[u8]) -> Option<u16> {
    let mut lower = [0; LONGEST_WORD];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let list = bip39::Language::English.word_list();
    list.binary_search_by(|known| known.as_bytes().cmp(lower)).ok().and_then(|n| u16::try_from(n).ok())
}

/// Eleven bits a word; the last bits, one for every three words, are the first of the digest of those before.
fn agrees(numbers: &[u16]) -> bool {
    let bit = |i: usize| numbers[i / 11] >> (10 - i % 11) & 1;
    let entropy = numbers.len() * 32 / 3;
    let mut bytes = [0_u8; 33];
    for i in 0..numbers.len() * 11 {
        bytes[i / 8] |= u8::try_from(bit(i) << (7 - i % 8)).unwrap_or_default();
    }
    let checked = numbers.len() / 3;
    let digest = Sha256::digest(&bytes[..entropy / 8]);
    (digest[0] ^ bytes[entropy / 8]) >> (8 - checked) == 0
}

pub(in crate::scanner) fn base58check(value: &[u8]) -> bool {
    let Some(bytes) = base58(value) else { return false };
    let Some((payload, check)) = bytes.split_last_chunk::<4>() else { return false };
    Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

fn base58(value: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for c in value {
        let mut carry = BASE58.iter().position(|b| b == c)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xff).unwrap_or_default();
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(u8::try_from(carry & 0xff).unwrap_or_default());
            carry >>= 8;
        }
    }
    bytes.extend(value.iter().take_while(|c| **c == b'1').map(|_| 0));
    bytes.reverse();
    Some(bytes)
}

pub(in crate::scanner) fn bech32(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let Some(one) = lower.iter().rposition(|b| *b == b'1') else { return false };
    let (name, data) = (&lower[..one], &lower[one + 1..]);
    let high = name.iter().map(|b| u32::from(b >> 5));
    let low = name.iter().map(|b| u32::from(b & 31));
    let mut sum = 1;
    for v in high.chain([0]).chain(low) {
        sum = polymod(sum, v);
    }
    for c in data {
        let Some(v) = BECH32.iter().position(|b| b == c) else { return false };
        sum = polymod(sum, u32::try_from(v).unwrap_or_default());
    }
    sum == 1
}

fn polymod(sum: u32, value: u32) -> u32 {
    let top = sum >> 25;
    let next = (sum & 0x01ff_ffff) << 5 ^ value;
    GENERATOR.iter().enumerate().fold(next, |n, (i, g)| if top >> i & 1 == 1 { n ^ g } else { n })
}

/// Version, 32 bytes, CRC-16/XMODEM.
pub(in crate::scanner) fn stellar(value: &[u8]) -> bool {
    let Ok(bytes) = data_encoding::BASE32_NOPAD.decode(value) else { return false };
    let Some((payload, check)) = bytes.split_last_chunk::<2>() else { return false };
    let crc = payload.iter().fold(0_u16, |crc, b| {
        (0..8).fold(crc ^ u16::from(*b) << 8, |c, _| if c >> 15 == 1 { c << 1 ^ 0x1021 } else { c << 1 })
    });
    crc.to_le_bytes() == *check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // BIP-39 and BIP-173 name these themselves; the WIF key is that of the number 1
        let phrase =
            ["legal winner thank year wave sausage ", "worth useful legal winner thank yellow"].concat();
        assert!(bip39(phrase.as_bytes()) && bip39([&phrase, " and then"].concat().as_bytes()));
        assert!(!bip39(phrase.replace("yellow", "zebra").as_bytes()) && !bip39(b"legal winner thank"));
        let wif = ["KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjg", "d9M7rFU73sVHnoWn"].concat();
        assert!(base58check(wif.as_bytes()) && !base58check(wif.replace('Q', "R").as_bytes()));
        assert!(!base58check(b"0OIl") && !base58check(b"11"));
        assert!(bech32(b"A12UEL5L") && !bech32(b"A12UEL5M") && !bech32(b"nothing"));
        assert!(!stellar(b"SAAA"));
    }
}
