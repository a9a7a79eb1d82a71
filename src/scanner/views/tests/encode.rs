//! Encoders for the tests, written apart from the decoders.

use std::io::Write;

use data_encoding::{BASE32, BASE64, BASE64_NOPAD, BASE64URL, HEXLOWER, HEXUPPER};

/// Does it leave what it encodes as it was for any reader, or only for one who reads past the letters?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keeps {
    Bytes,
    /// Letters are replaced: of no use to a credential.
    Sense,
}

pub(super) type Encoder = (&'static str, Keeps, fn(&str) -> String);

use Keeps::{Bytes, Sense};

pub(super) const ALL: &[Encoder] = &[
    ("percent", Bytes, |t| each(t, |b| format!("%{b:02X}"))),
    ("percent-some", Bytes, |t| {
        each(t, |b| {
            if b.is_ascii_alphanumeric() && b % 3 != 0 { (b as char).into() } else { format!("%{b:02x}") }
        })
    }),
    ("base64", Bytes, |t| BASE64.encode(t.as_bytes())),
    ("base64url", Bytes, |t| BASE64URL.encode(t.as_bytes())),
    ("base64-nopad", Bytes, |t| BASE64_NOPAD.encode(t.as_bytes())),
    ("base64-wrapped", Bytes, |t| wrap(&BASE64.encode(t.as_bytes()), 64, "\n")),
    ("base64-crlf", Bytes, |t| wrap(&BASE64.encode(t.as_bytes()), 76, "\r\n")),
    ("base64-inside", Bytes, |t| format!("x9Kq2{}7bVw", BASE64_NOPAD.encode(t.as_bytes()))),
    ("base32", Bytes, |t| BASE32.encode(t.as_bytes())),
    ("base58", Bytes, |t| base58(t.as_bytes())),
    ("ascii85", Bytes, |t| format!("<~{}~>", base85(t.as_bytes(), |d| b'!' + d))),
    ("z85", Bytes, |t| base85(t.as_bytes(), |d| Z85[usize::from(d)])),
    ("rfc1924", Bytes, |t| base85(t.as_bytes(), |d| RFC1924[usize::from(d)])),
    ("hex", Bytes, |t| HEXLOWER.encode(t.as_bytes())),
    ("HEX", Bytes, |t| HEXUPPER.encode(t.as_bytes())),
    ("hex-space", Bytes, |t| pairs(t, " ")),
    ("hex-colon", Bytes, |t| pairs(t, ":")),
    ("hex-dash", Bytes, |t| pairs(t, "-")),
    ("hex-0x", Bytes, |t| format!("0x{}", pairs(t, ", 0x"))),
    ("x-escapes", Bytes, |t| each(t, |b| format!("\\x{b:02x}"))),
    ("u-escapes", Bytes, |t| t.encode_utf16().map(|u| format!("\\u{u:04x}")).collect()),
    ("u-braces", Bytes, |t| t.chars().map(|c| format!("\\u{{{:x}}}", c as u32)).collect()),
    ("octal", Bytes, |t| each(t, |b| format!("\\{b:03o}"))),
    ("entities", Bytes, |t| t.chars().map(|c| format!("&#{};", c as u32)).collect()),
    ("entities-hex", Bytes, |t| t.chars().map(|c| format!("&#x{:x};", c as u32)).collect()),
    ("decimal", Bytes, |t| t.chars().map(|c| (c as u32).to_string()).collect::<Vec<_>>().join(",")),
    ("quoted-printable", Bytes, |t| wrap(&each(t, |b| format!("={b:02X}")), 72, "=\r\n")),
    ("rot13", Bytes, |t| caesar(t, 13)),
    ("caesar", Bytes, |t| caesar(t, 7)),
    ("reversed", Bytes, |t| t.chars().rev().collect()),
    ("gzip", Bytes, |t| BASE64.encode(&gzip(t.as_bytes()))),
    ("zlib", Bytes, |t| BASE64.encode(&zlib(t.as_bytes()))),
    ("utf16", Bytes, |t| BASE64.encode(&t.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())),
    ("json", Bytes, |t| serde_json::json!({ "a": [{ "text": t }] }).to_string()),
    ("form", Bytes, |t| {
        format!(
            "a=1&text={}",
            each(t, |b| if b.is_ascii_alphanumeric() {
                (b as char).into()
            } else if b == b' ' {
                "+".into()
            } else {
                format!("%{b:02X}")
            })
        )
    }),
    ("multipart", Bytes, |t| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            wrap(&BASE64.encode(t.as_bytes()), 76, "\r\n")
        )
    }),
    ("zero-width", Bytes, |t| {
        t.chars().map(|c| if c.is_ascii_graphic() { format!("{c}\u{200b}") } else { c.into() }).collect()
    }),
    ("tags", Bytes, |t| {
        t.chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' { char::from_u32(c as u32 + 0xe0000).unwrap() } else { c }
            })
            .collect()
    }),
    ("full-width", Bytes, |t| {
        t.chars()
            .map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c })
            .collect()
    }),
    ("mathematical", Bytes, |t| t.chars().map(mathematical).collect()),
    ("bidi", Bytes, |t| {
        format!(
            "\u{202e}{}\u{202c}",
            t.chars().map(|c| if c == ' ' { "\u{2067} ".into() } else { c.to_string() }).collect::<String>()
        )
    }),
    ("spaced", Bytes, |t| spaced(t)),
    ("lookalikes", Sense, |t| t.chars().map(lookalike).collect()),
    ("leet", Sense, |t| t.chars().map(leet).collect()),
    ("double-space", Sense, |t| t.replace(' ', "  ")),
    ("tab", Sense, |t| t.replace(' ', "\t")),
    ("no-break", Sense, |t| t.replace(' ', "\u{a0}")),
    ("markup", Sense, |t| t.replace(' ', "</b> <i class=\"x\">")),
];

fn each(text: &str, one: impl Fn(u8) -> String) -> String {
    text.bytes().map(one).collect()
}

fn pairs(text: &str, between: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(between)
}

fn wrap(text: &str, width: usize, between: &str) -> String {
    text.as_bytes().chunks(width).map(|c| std::str::from_utf8(c).unwrap()).collect::<Vec<_>>().join(between)
}

fn caesar(text: &str, by: u8) -> String {
    let turn = |c: char, base: u8| char::from(base + (c as u8 - base + by) % 26);
    text.chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                turn(c, b'a')
            } else if c.is_ascii_uppercase() {
                turn(c, b'A')
            } else {
                c
            }
        })
        .collect()
}

const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const RFC1924: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

fn base85(bytes: &[u8], digit: impl Fn(u8) -> u8) -> String {
    let mut out = String::new();
    for group in bytes.chunks(4) {
        let mut four = [0; 4];
        four[..group.len()].copy_from_slice(group);
        let value = u32::from_be_bytes(four);
        let digits = (0..5).map(|i| (value / 85_u32.pow(4 - i) % 85) as u8);
        out.extend(digits.take(group.len() + 1).map(|d| char::from(digit(d))));
    }
    out
}

fn base58(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u32> = Vec::new();
    for b in bytes {
        let mut carry = u32::from(*b);
        for d in &mut digits {
            carry += *d << 8;
            *d = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    std::iter::repeat_n('1', zeros)
        .chain(digits.iter().rev().map(|d| char::from(ALPHABET[*d as usize])))
        .collect()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn mathematical(c: char) -> char {
    let from = |first: u32, base: char| char::from_u32(first + (c as u32 - base as u32)).unwrap();
    match c {
        'a'..='z' => from(0x1d41a, 'a'),
        'A'..='Z' => from(0x1d400, 'A'),
        '0'..='9' => from(0x1d7ce, '0'),
        _ => c,
    }
}

fn spaced(text: &str) -> String {
    text.chars()
        .map(|c| if c == ' ' { "  ".into() } else { format!("{c} ") })
        .collect::<String>()
        .trim_end()
        .into()
}

fn lookalike(c: char) -> char {
    match c {
        'a' => 'а',
        'e' => 'е',
        'o' => 'ο',
        'p' => 'р',
        'i' => 'і',
        _ => c,
    }
}

fn leet(c: char) -> char {
    match c {
        'a' => '4',
        'e' => '3',
        'i' => '1',
        'o' => '0',
        's' => '5',
        _ => c,
    }
}
