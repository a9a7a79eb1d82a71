//! Hosts in addresses that are not what they seem: letters of several scripts in one name, look-alikes of well-known names, in
//! letters or in punycode, and a well-known name where only a user's name stands.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Found;
use crate::scanner::views::latin_letter;

/// No host and user name together is longer.
const AUTHORITY: usize = 255;
/// What look-alikes are made of.
const KNOWN: &[&str] = &[
    "adobe",
    "airbnb",
    "alibaba",
    "aliexpress",
    "amazon",
    "anthropic",
    "apple",
    "atlassian",
    "azure",
    "binance",
    "bitbucket",
    "blockchain",
    "chase",
    "chatgpt",
    "claude",
    "cloudflare",
    "coinbase",
    "crates",
    "discord",
    "docker",
    "dropbox",
    "ebay",
    "facebook",
    "github",
    "gitlab",
    "google",
    "gmail",
    "huggingface",
    "icloud",
    "instagram",
    "kraken",
    "linkedin",
    "metamask",
    "microsoft",
    "mozilla",
    "netflix",
    "npmjs",
    "office",
    "openai",
    "opensea",
    "oracle",
    "outlook",
    "paypal",
    "pypi",
    "reddit",
    "revolut",
    "slack",
    "spotify",
    "stripe",
    "telegram",
    "tiktok",
    "twitter",
    "vercel",
    "whatsapp",
    "wikipedia",
    "yahoo",
    "youtube",
    "zoom",
];
/// What a user's name does not end in, and a host's does.
const ENDINGS: &[&[u8]] = &[b".com", b".org", b".net", b".io", b".dev", b".gov", b".edu", b".ai"];

/// Before every address. Made once: texts are many and short.
static SIGN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"://"));

pub(super) fn find(text: &[u8], found: &mut Found<'_>) -> usize {
    // the sign itself may be cut
    let begun = [&b"://"[..], b":/", b":"].iter().find(|s| text.ends_with(s)).map_or(0, |s| s.len());
    let mut hold = text.len() - begun;
    for at in SIGN.find_iter(text) {
        let start = at + 3;
        let rest = &text[start..text.len().min(start + AUTHORITY)];
        let Some(len) = rest.iter().position(|b| ends(*b)) else {
            hold = hold.min(at);
            continue;
        };
        authority(&rest[..len], start, found);
    }
    hold
}

fn ends(b: u8) -> bool {
    b.is_ascii_control() || b" /?#\\\"'<>()[]{}|,;`*!$&=".contains(&b)
}

fn authority(authority: &[u8], start: usize, found: &mut Found<'_>) {
    let (user, host) = match authority.iter().rposition(|b| *b == b'@') {
        Some(at) => (&authority[..at], &authority[at + 1..]),
        None => (&authority[..0], authority),
    };
    let span = start..start + authority.len();
    let name = user.split(|b| *b == b':').next().unwrap_or_default().to_ascii_lowercase();
    if host.contains(&b'.') && ENDINGS.iter().any(|e| name.ends_with(e)) && !host.ends_with(&name) {
        found.add("content.userinfo_host", span.clone());
    }
    let odd = !host.is_ascii() || host.windows(4).any(|w| w.eq_ignore_ascii_case(b"xn--"));
    let Some(host) = Some(host).filter(|_| odd).and_then(|h| std::str::from_utf8(h).ok()) else { return };
    let host = host.split(':').next().unwrap_or_default();
    let labels: Vec<String> = host.split('.').map(label).collect();
    if labels.iter().any(|l| is_lookalike(l)) {
        found.add("unicode.lookalike_host", span);
    } else if labels.iter().any(|l| is_mixed(l)) {
        found.add("unicode.mixed_script_host", span);
    }
}

/// As it is shown.
fn label(label: &str) -> String {
    let lower = label.to_lowercase();
    lower.strip_prefix("xn--").and_then(unfold).unwrap_or(lower)
}

fn is_lookalike(label: &str) -> bool {
    if label.is_ascii() {
        return false;
    }
    let shown: String = label.chars().map(|c| plain(c).to_ascii_lowercase()).collect();
    shown.is_ascii() && shown.split('-').any(|word| KNOWN.contains(&word))
}

/// Without what makes it another letter.
fn plain(c: char) -> char {
    use unicode_normalization::UnicodeNormalization;
    latin_letter(c).or_else(|| Some(c).filter(|c| !c.is_ascii()).and_then(|c| c.nfd().next())).unwrap_or(c)
}

/// Latin letters among those of a script with look-alikes of them?
fn is_mixed(label: &str) -> bool {
    let latin = label.chars().any(|c| c.is_ascii_alphabetic());
    // Greek, Cyrillic, Armenian, Cherokee
    let other = |c: char| matches!(u32::from(c), 0x370..=0x58f | 0x13a0..=0x13ff | 0xab70..=0xabbf);
    latin && label.chars().any(other)
}

/// Punycode (RFC 3492), without its prefix.
fn unfold(label: &str) -> Option<String> {
    let (basic, rest) = label.rsplit_once('-').unwrap_or(("", label));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, 36_u32);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let len = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(at - before, len, before == 0);
        code = code.checked_add(at / len)?;
        at %= len;
        out.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(out.into_iter().collect())
}

fn adapt(delta: u32, len: u32, first: bool) -> u32 {
    let mut delta = delta / if first { 700 } else { 2 };
    delta += delta / len;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}
