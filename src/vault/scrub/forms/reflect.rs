//! The forms in which a server gives back what it was sent: whole encodings, nothing mixed, nothing wrapped.

use super::SHORT;
use super::encode::{BASE64, BASE64_URL, HEX, core};
use super::sample::{html, json};

/// The literal patterns of a value; equal ones may occur twice.
pub(in crate::vault::scrub) fn echoes(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut list = vec![("raw", value.to_vec())];
    if value.len() < SHORT {
        return list;
    }
    for upper in [true, false] {
        list.push(("percent", percent(value, upper, |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))));
        list.push((
            "percent",
            percent(value, upper, |b| b.is_ascii_alphanumeric() || b"-._*!'()~".contains(&b)),
        ));
        list.push(("percent", percent(value, upper, |b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b))));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let slashed = |c: char| if c.is_ascii() { json(c) } else { c.to_string() };
        list.push(("json", text.chars().map(slashed).collect::<String>().into_bytes()));
        let plain = |c: char| if c == '/' { c.to_string() } else { slashed(c) };
        list.push(("json", text.chars().map(plain).collect::<String>().into_bytes()));
        let go = |c: char| match c {
            '<' | '>' | '&' => format!("\\u{:04x}", u32::from(c)),
            c => plain(c),
        };
        list.push(("json", text.chars().map(go).collect::<String>().into_bytes()));
        list.push(("html", text.chars().map(html).collect::<String>().into_bytes()));
        let numeric = |c: char| match c {
            '"' => "&#34;".to_owned(),
            c => html(c),
        };
        list.push(("html", text.chars().map(numeric).collect::<String>().into_bytes()));
        let hexadecimal = |c: char| if c == '\'' { "&#x27;".to_owned() } else { html(c) };
        list.push(("html", text.chars().map(hexadecimal).collect::<String>().into_bytes()));
    }
    for before in 0..3 {
        list.push(("base64", core(value, before, BASE64).symbols.to_vec()));
        list.push(("base64", core(value, before, BASE64_URL).symbols.to_vec()));
    }
    let hex = core(value, 0, HEX).symbols;
    list.push(("hex", hex.to_ascii_uppercase()));
    list.push(("hex", hex.to_vec()));
    list
}

fn percent(value: &[u8], upper: bool, keep: impl Fn(u8) -> bool) -> Vec<u8> {
    let write = |&b: &u8| match (keep(b), upper) {
        (true, _) => vec![b],
        (false, true) => format!("%{b:02X}").into_bytes(),
        (false, false) => format!("%{b:02x}").into_bytes(),
    };
    value.iter().flat_map(write).collect()
}
