//! Says whether what has a secret's shape is one: checksums, randomness, and what documentation puts in a secret's place.

mod checksums;
mod decoded;
mod generated;
mod numbers;
mod wallets;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::plain;
use crate::scanner::Error;

const ALLOWED: &str = include_str!("../../../../config/rules/allow.yaml");
/// No random value has as many equal characters in a row.
const MASK_RUN: usize = 6;

/// A check that a rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::scanner) enum Validator {
    /// Digits of a card: brand, length and Luhn check digit agree.
    Card,
    /// Country, length and mod-97 of an international bank account number agree.
    Iban,
    /// The last six characters are the base-62 CRC-32 of the thirty before them (GitHub, npm).
    GithubCrc32,
    /// The last eight characters are the CRC-32 of what stands before them (Grafana).
    GrafanaCrc32,
    /// Words of the BIP-39 list with their checksum.
    Bip39,
    /// Base58 with four bytes of double SHA-256 (Bitcoin keys).
    Base58check,
    /// The checksum of BIP-173 (age, Nostr).
    Bech32,
    /// Base32 with a CRC-16 (Stellar).
    Stellar,
    /// The first segment is base64url of a JSON object that names an algorithm.
    Jwt,
    /// Base64 of a JSON object.
    Json,
    /// Base64 of `name:password`.
    Basic,
    /// The first segment is base64 of a number (Discord).
    Snowflake,
    /// A macaroon of the Python index.
    Macaroon,
    /// Base32 that holds an account number of twelve digits (AWS).
    AwsKeyId,
    /// Letters and digits both, as generated values have.
    Mixed,
    /// Letters and digits both, and no words joined by marks.
    Generated,
    /// Small letters, capitals and digits.
    AllCases,
}

impl Validator {
    pub(in crate::scanner) fn accepts(self, value: &[u8]) -> bool {
        match self {
            Validator::Card => numbers::card(value),
            Validator::Iban => numbers::iban(value),
            Validator::GithubCrc32 => checksums::github_crc32(value),
            Validator::GrafanaCrc32 => checksums::grafana_crc32(value),
            Validator::Bip39 => wallets::bip39(value),
            Validator::Base58check => wallets::base58check(value),
            Validator::Bech32 => wallets::bech32(value),
            Validator::Stellar => wallets::stellar(value),
            Validator::Jwt => decoded::jwt(value),
            Validator::Json => decoded::json(value),
            Validator::Basic => decoded::basic(value),
            Validator::Snowflake => decoded::snowflake(value),
            Validator::Macaroon => decoded::macaroon(value),
            Validator::AwsKeyId => decoded::aws_key_id(value),
            Validator::Mixed => has(value, u8::is_ascii_digit) && has(value, u8::is_ascii_alphabetic),
            Validator::Generated => generated::generated(value),
            Validator::AllCases => {
                has(value, u8::is_ascii_digit)
                    && has(value, u8::is_ascii_lowercase)
                    && has(value, u8::is_ascii_uppercase)
            }
        }
    }

    /// Not if the beginning of a value says already that it would refuse it.
    pub(in crate::scanner) fn may_begin(self, value: &[u8]) -> bool {
        self != Validator::Bip39 || wallets::bip39_begins(value)
    }

    /// Does it only ask for characters somewhere in the value?
    pub(in crate::scanner) fn wants_characters(self) -> bool {
        matches!(self, Validator::Mixed | Validator::AllCases)
    }

    /// Does chance pass the check less than once in sixty thousand?
    pub(in crate::scanner) fn is_checksum(self) -> bool {
        use Validator::{Base58check, Bech32, GithubCrc32, GrafanaCrc32, Macaroon, Stellar};
        matches!(self, GithubCrc32 | GrafanaCrc32 | Base58check | Bech32 | Macaroon | Stellar)
    }
}

fn has(value: &[u8], kind: impl Fn(&u8) -> bool) -> bool {
    value.iter().any(kind)
}

/// Values that are known not to be secrets.
#[derive(Debug)]
pub(in crate::scanner) struct Allowed {
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
    pub(in crate::scanner) fn builtin() -> Result<Allowed, Error> {
        let source_name = "config/rules/allow.yaml";
        let Raw { fragments, values } = plain::parse(ALLOWED, source_name)?;
        let fault = |e: aho_corasick::BuildError| Error::Rule {
            source_name: source_name.into(),
            rule: "fragments".into(),
            reason: e.to_string(),
        };
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(fragments).map_err(fault)?;
        Ok(Allowed { fragments: search, values })
    }

    /// Is this what one writes where a secret would stand? `value` is the part of `matched` that would be secret.
    pub(in crate::scanner) fn is_made_up(&self, matched: &[u8], value: &[u8]) -> bool {
        // published numbers are written with gaps and without
        let close: Vec<u8> = value.iter().copied().filter(|b| *b != b' ' && *b != b'-').collect();
        longest_run(&close) >= MASK_RUN
            || self.values.iter().any(|v| v.as_bytes() == value || v.as_bytes() == close)
            || self.fragments.is_match(matched)
    }
}

/// Shannon entropy, bits per byte. A random value of n characters has at most log2(n).
pub(in crate::scanner) fn entropy(value: &[u8]) -> f32 {
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

#[cfg(test)]
mod tests {
    use super::*;

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
