//! Says whether what has a secret's shape is one: checksums, randomness, and what documentation puts in a secret's place.

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::Error;
use crate::config::yaml;

const ALLOWED: &str = include_str!("../../config/rules/allow.yaml");
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// No random value has as many equal characters in a row.
const MASK_RUN: usize = 6;

/// A check that a rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Validator {
    /// The digits have a Luhn check digit.
    Luhn,
    /// The last six characters are the base-62 CRC-32 of the thirty before them (GitHub, npm).
    GithubCrc32,
    /// The first segment is base64url of a JSON object that names an algorithm.
    Jwt,
    /// Letters and digits both, as generated values have.
    Mixed,
}

impl Validator {
    /// Does it hold by chance hardly ever?
    pub(super) fn is_checksum(self) -> bool {
        self != Validator::Mixed
    }

    pub(super) fn accepts(self, value: &[u8]) -> bool {
        match self {
            Validator::Luhn => luhn(value),
            Validator::GithubCrc32 => github_crc32(value),
            Validator::Jwt => jwt(value),
            Validator::Mixed => {
                value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
            }
        }
    }
}

/// Values that are known not to be secrets.
#[derive(Debug)]
pub(super) struct Allowed {
    /// Anywhere in a match, whatever the case.
    fragments: AhoCorasick,
    /// A whole value.
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    fragments: Vec<String>,
    values: Vec<String>,
}

impl Allowed {
    pub(super) fn builtin() -> Result<Allowed, Error> {
        let source_name = "config/rules/allow.yaml";
        let Raw { fragments, values } = yaml::parse(ALLOWED, source_name)?;
        let fault = |e: aho_corasick::BuildError| Error::Rule {
            source_name: source_name.into(),
            rule: "fragments".into(),
            reason: e.to_string(),
        };
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(fragments).map_err(fault)?;
        Ok(Allowed { fragments: search, values })
    }

    /// Is this what one writes where a secret would stand? `value` is the part of `matched` that would be secret.
    pub(super) fn is_made_up(&self, matched: &[u8], value: &[u8]) -> bool {
        longest_run(value) >= MASK_RUN
            || self.values.iter().any(|v| v.as_bytes() == value)
            || self.fragments.is_match(matched)
    }
}

/// Shannon entropy, bits per byte. A random value of n characters has at most log2(n).
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    for b in value {
        counts[usize::from(*b)] = counts[usize::from(*b)].saturating_add(1);
    }
    let total = f32::from(u16::try_from(value.len()).unwrap_or(u16::MAX));
    let share = |n: &u16| f32::from(*n) / total;
    -counts.iter().filter(|n| **n > 0).map(|n| share(n) * share(n).log2()).sum::<f32>()
}

fn longest_run(value: &[u8]) -> usize {
    value.chunk_by(|a, b| a == b).map(<[u8]>::len).max().unwrap_or(0)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part))
}

fn luhn(value: &[u8]) -> bool {
    let digits = || value.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0'));
    let doubled = |d: u32| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits().rev().enumerate().map(|(i, d)| if i % 2 == 1 { doubled(d) } else { d }).sum();
    digits().count() >= 12 && sum.is_multiple_of(10)
}

fn github_crc32(value: &[u8]) -> bool {
    let Some((body, check)) = value.split_last_chunk::<6>() else { return false };
    let Some((_, payload)) = body.split_last_chunk::<30>() else { return false };
    let mut rest = crc32(payload);
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    expected == *check
}

/// CRC-32 as in zip and Ethernet, bit by bit: thirty bytes, seldom.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

fn jwt(value: &[u8]) -> bool {
    let header = value.split(|b| *b == b'.').next().unwrap_or_default();
    data_encoding::BASE64URL_NOPAD
        .decode(header)
        .is_ok_and(|json| json.starts_with(b"{") && contains(&json, b"\"alg\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(luhn(b"4539 1488 0343 6467") && !luhn(b"4539 1488 0343 6468") && !luhn(b"0"));
        assert!(!github_crc32(b"ghp_short") && !github_crc32(&[b'a'; 40]));
    }

    #[test]
    fn entropy_is_in_bits_per_byte() {
        assert!(entropy(b"aaaaaaaa") < 0.01);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 0.01);
        assert!(entropy(b"").is_finite());
    }

    #[test]
    fn masks_are_no_secrets() {
        let allowed = Allowed::builtin().unwrap();
        assert!(allowed.is_made_up(b"sk-proj-xxxxxxxxxxxx", b"sk-proj-xxxxxxxxxxxx"));
        assert!(allowed.is_made_up(b"key=YOUR_API_KEY_HERE", b"YOUR_API_KEY_HERE"));
        assert!(!allowed.is_made_up(b"key=q8Fz2Lw0Vb", b"q8Fz2Lw0Vb"));
    }
}
