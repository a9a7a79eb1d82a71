//! Says whether a secret can still be read out of some bytes, by undoing everything naively, again and again.
//! Slow and simple on purpose: it shares no code and no idea with the scrubber it judges.

use super::codec;
use super::forms::{B32, STD, URL};
use std::collections::HashSet;

/// How many decoders may stand behind one another.
const DEPTH: usize = 3;

/// How the secret can be read out of the bytes: the decoders in order; `None` if it cannot.
pub(crate) fn reads(bytes: &[u8], secret: &str) -> Option<String> {
    let wanted = secret.to_ascii_lowercase().into_bytes();
    let mut seen = HashSet::new();
    let mut layer = vec![(String::from("raw"), bytes.to_vec())];
    for _ in 0..=DEPTH {
        let mut next = Vec::new();
        for (how, text) in layer {
            if contains(&text.to_ascii_lowercase(), &wanted) {
                return Some(how);
            }
            for (name, reading) in readings(&text) {
                if reading.len() >= wanted.len() && seen.insert(reading.clone()) {
                    next.push((format!("{how} > {name}"), reading));
                }
            }
        }
        layer = next;
    }
    None
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

/// Every way to read the bytes once.
fn readings(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("reversed", text.iter().rev().copied().collect()),
        ("percent", escaped(text, b"%", 2, 16)),
        ("json", escaped(text, b"\\u", 4, 16)),
        ("hex escape", escaped(text, b"\\x", 2, 16)),
        ("html", html(text)),
        ("joined", text.iter().filter(|b| b.is_ascii_alphanumeric()).copied().collect()),
        ("joined by case", text.iter().filter(|b| !b" -._:/,;|\t\r\n".contains(b)).copied().collect()),
    ];
    for coding in codec::CODINGS {
        all.extend(codec::decode(coding, text).map(|t| ("content coding", t)));
    }
    let upper = text.to_ascii_uppercase();
    runs(text, 6, STD, "base64", &mut all);
    runs(text, 6, URL, "base64url", &mut all);
    runs(&upper, 5, B32, "base32", &mut all);
    runs(&upper, 4, b"0123456789ABCDEF", "hex", &mut all);
    all
}

/// Replaces `prefix` + `digits` digits by the byte they name.
fn escaped(text: &[u8], prefix: &[u8], digits: usize, radix: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let named = text[at..].strip_prefix(prefix).and_then(|rest| rest.get(..digits)).and_then(|d| {
            u32::from_str_radix(std::str::from_utf8(d).ok()?, radix).ok().and_then(|n| u8::try_from(n).ok())
        });
        match named {
            Some(byte) => {
                out.push(byte);
                at += prefix.len() + digits;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// Numeric character references.
fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let end = rest.iter().take(12).position(|b| *b == b';');
        let named = end.filter(|_| rest.starts_with(b"&#")).and_then(|end| {
            let inner = std::str::from_utf8(&rest[2..end]).ok()?;
            let hex = inner.strip_prefix(['x', 'X']);
            hex.map_or_else(|| inner.parse::<u8>().ok(), |h| u8::from_str_radix(h, 16).ok())
        });
        match (named, end) {
            (Some(byte), Some(end)) => {
                out.push(byte);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

/// Every run of an alphabet's letters, decoded at every offset within a group.
fn runs(text: &[u8], width: usize, table: &[u8], name: &'static str, out: &mut Vec<(&'static str, Vec<u8>)>) {
    let value = |b: &u8| table.iter().position(|t| t == b);
    for run in text.split(|b| value(b).is_none()).filter(|r| r.len() * width >= 64) {
        for offset in 0..8 {
            let (mut bits, mut count, mut bytes) = (0_usize, 0, Vec::new());
            for n in run.iter().skip(offset).filter_map(value) {
                bits = (bits << width | n) & 0xffff;
                count += width;
                if count >= 8 {
                    count -= 8;
                    bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
                }
            }
            out.push((name, bytes));
        }
    }
}

#[test]
fn the_oracle_reads_every_form_and_imagines_none() {
    let secret = "Zq7mN2xK9vLpW4tRb8Yc";
    for (name, form) in super::forms::forms(secret) {
        let text = [b"before ", &form[..], b" after"].concat();
        assert!(reads(&text, secret).is_some(), "{name}");
        assert!(reads(&codec::encode("gzip", &text), secret).is_some(), "{name} in gzip");
        assert!(reads(&text, "Hj3kP8sD1fGhT6yUe5Ra").is_none(), "{name}");
    }
}
