//! One sample of every form that is guaranteed to be found for a value, for tests that put each on the wire.

use super::encode::rot13;
use super::{SHORT, SKELETON, letters};
use data_encoding::{BASE32, BASE32_NOPAD, BASE32HEX, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

type Samples = Vec<(&'static str, Vec<u8>)>;

/// One representative encoding of each form that the matcher finds for this value, by name.
#[must_use]
pub fn forms(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut list: Samples = vec![("raw", value.to_vec()), ("percent", each(value, |b| format!("%{b:02X}")))];
    if value.len() < SHORT {
        return list;
    }
    escapes(value, &mut list);
    encodings(value, &mut list);
    if letters(value) >= SKELETON {
        loose(value, &mut list);
    }
    list
}

fn each(value: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    value.iter().flat_map(|&b| write(b).into_bytes()).collect()
}

fn text(value: &[u8], write: impl Fn(char) -> String) -> Option<Vec<u8>> {
    // Escapes by code point spell the same bytes only for ASCII.
    value.is_ascii().then(|| value.iter().flat_map(|&b| write(char::from(b)).into_bytes()).collect())
}

fn escapes(value: &[u8], list: &mut Samples) {
    list.push(("percent-lower", each(value, |b| format!("%{b:02x}"))));
    list.push(("percent-double", each(value, |b| format!("%25{b:02X}"))));
    list.push(("percent-triple", each(value, |b| format!("%2525{b:02x}"))));
    let some = value.iter().enumerate().flat_map(|(i, &b)| match i % 3 {
        0 => format!("%{b:02x}").into_bytes(),
        _ => vec![b],
    });
    list.push(("percent-some", some.collect()));
    list.push(("x-escape", each(value, |b| format!("\\x{b:02x}"))));
    list.push(("octal-escape", each(value, |b| format!("\\{b:03o}"))));
    let by_code_point = [
        ("json-unicode", text(value, |c| format!("\\u{:04x}", u32::from(c)))),
        ("json-unicode-upper", text(value, |c| format!("\\u{:04X}", u32::from(c)))),
        ("braced-unicode", text(value, |c| format!("\\u{{{:x}}}", u32::from(c)))),
        ("json-escaped", text(value, json)),
        ("html-decimal", text(value, |c| format!("&#{};", u32::from(c)))),
        ("html-hex", text(value, |c| format!("&#x{:X};", u32::from(c)))),
        ("html-padded", text(value, |c| format!("&#{:07};", u32::from(c)))),
        ("html-named", text(value, html)),
    ];
    list.extend(by_code_point.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))));
    if value.is_ascii() {
        let mixed = value.iter().enumerate().map(|(i, &b)| match i % 6 {
            0 => format!("%{b:02x}"),
            1 => format!("\\u{b:04X}"),
            2 => format!("&#{b};"),
            3 => format!("\\x{b:02X}"),
            4 => format!("%25{b:02x}"),
            _ => format!("\\{b:03o}"),
        });
        list.push(("mixed-escapes", mixed.collect::<String>().into_bytes()));
    }
}

/// As JSON writes it, the optional `\/` included.
pub(super) fn json(c: char) -> String {
    match c {
        '"' | '\\' | '/' => format!("\\{c}"),
        c if c.is_ascii_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// As HTML writes it.
pub(super) fn html(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c => c.to_string(),
    }
}

fn encodings(value: &[u8], list: &mut Samples) {
    let among = |before: &[u8], after: &[u8]| [before, value, after].concat();
    list.push(("base64", BASE64.encode(value).into_bytes()));
    list.push(("base64-after-1", BASE64.encode(&among(b"x", b"")).into_bytes()));
    list.push(("base64-after-2", BASE64.encode(&among(b"xy", b"z")).into_bytes()));
    list.push(("base64-url", BASE64URL_NOPAD.encode(value).into_bytes()));
    list.push(("base64-url-after-1", BASE64URL_NOPAD.encode(&among(b"\xff", b"\xff")).into_bytes()));
    list.push(("base32", BASE32.encode(value).into_bytes()));
    list.push(("base32-lower", BASE32_NOPAD.encode(value).to_ascii_lowercase().into_bytes()));
    list.push(("base32-after-1", BASE32.encode(&among(b"x", b"")).into_bytes()));
    list.push(("base32-after-2", BASE32.encode(&among(b"xy", b"")).into_bytes()));
    list.push(("base32-after-3", BASE32.encode(&among(b"xyz", b"q")).into_bytes()));
    list.push(("base32-after-4", BASE32.encode(&among(b"wxyz", b"")).into_bytes()));
    list.push(("base32hex", BASE32HEX.encode(value).into_bytes()));
    list.push(("hex", HEXLOWER.encode(value).into_bytes()));
    list.push(("hex-upper", HEXUPPER.encode(value).into_bytes()));
    list.push(("hex-colon", joined(value, ":")));
    list.push(("hex-dash", joined(value, "-")));
    list.push(("hex-space", joined(value, " ")));
    list.push(("hex-0x", each(value, |b| format!("0x{b:02x}, "))));
    list.push(("hex-0x-bare", each(value, |b| format!("0x{b:02X}"))));
    list.push(("hex-reversed", HEXLOWER.encode(value).bytes().rev().collect()));
    // Line-wrapping is a separation, and what has too few letters and digits is found only unseparated.
    if letters(BASE64.encode(value).as_bytes()) >= super::UNLIKELY + 2 {
        list.push(("base64-lines", wrapped(value, "\n")));
        list.push(("base64-crlf", wrapped(value, "\r\n")));
        list.push(("base64-json-lines", wrapped(value, "\\n")));
        list.push(("base64-reversed", BASE64.encode(value).bytes().rev().collect()));
    }
}

fn joined(value: &[u8], separator: &str) -> Vec<u8> {
    value.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(separator).into_bytes()
}

fn wrapped(value: &[u8], end: &str) -> Vec<u8> {
    BASE64.encode(value).as_bytes().chunks(7).collect::<Vec<_>>().join(end.as_bytes())
}

fn loose(value: &[u8], list: &mut Samples) {
    list.push(("lower", value.to_ascii_lowercase()));
    list.push(("upper", value.to_ascii_uppercase()));
    let mixed =
        |(i, b): (usize, &u8)| if i % 2 == 0 { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() };
    list.push(("mixed-case", value.iter().enumerate().map(mixed).collect()));
    list.push(("reversed", value.iter().rev().copied().collect()));
    list.push(("rot13", rot13(value).to_vec()));
    list.push(("utf-16le", value.iter().flat_map(|&b| [b, 0]).collect()));
    list.push(("utf-16be", value.iter().flat_map(|&b| [0, b]).collect()));
    let separators: [(&str, &[u8]); 9] = [
        ("split-space", b" "),
        ("split-dot", b"."),
        ("split-newline", b"\n"),
        ("split-json-newline", b"\\n"),
        ("split-zero-width", "\u{200b}".as_bytes()),
        ("split-json-zero-width", b"\\u200b"),
        ("split-concatenation", b"\" + \""),
        ("split-escaped-concatenation", b"\\\" + \\\""),
        ("split-percent", b"%20"),
    ];
    for (name, separator) in separators {
        let parts: Vec<&[u8]> = value.chunks(1).collect();
        list.push((name, parts.join(separator)));
    }
    list.push(("split-16", value.chunks(3).collect::<Vec<_>>().join(&b"~!@*(){}[]|;:,.?"[..])));
}
