//! The forms in which a secret could leave, made by plain encoders of the tests' own.

/// One form: what it is called and the bytes.
pub(crate) type Form = (String, Vec<u8>);

/// Every derived form the contract lists, of one value.
pub(crate) fn forms(value: &str) -> Vec<Form> {
    let raw = value.as_bytes();
    let mut all: Vec<Form> = vec![
        ("raw".into(), raw.to_vec()),
        ("upper".into(), value.to_ascii_uppercase().into_bytes()),
        ("lower".into(), value.to_ascii_lowercase().into_bytes()),
        ("reversed".into(), raw.iter().rev().copied().collect()),
        ("percent".into(), each(raw, |b| format!("%{b:02X}"))),
        ("percent-lower".into(), each(raw, |b| format!("%{b:02x}"))),
        ("percent-twice".into(), each(raw, |b| format!("%25{b:02X}"))),
        ("hex".into(), each(raw, |b| format!("{b:02x}"))),
        ("hex-upper".into(), each(raw, |b| format!("{b:02X}"))),
        ("json".into(), each(raw, |b| format!("\\u{b:04x}"))),
        ("json-upper".into(), each(raw, |b| format!("\\u{b:04X}"))),
        ("hex-escape".into(), each(raw, |b| format!("\\x{b:02x}"))),
        ("html-decimal".into(), each(raw, |b| format!("&#{b};"))),
        ("html-hex".into(), each(raw, |b| format!("&#x{b:x};"))),
    ];
    let mut other = 0;
    let half = each(raw, |b| {
        other += 1;
        if other % 2 == 0 { format!("%{b:02X}") } else { char::from(b).to_string() }
    });
    all.push(("percent-half".into(), half));
    for separator in ["-", ".", "_", " ", ":"] {
        let spread: Vec<String> = value.chars().map(String::from).collect();
        all.push((format!("split{separator}"), spread.join(separator).into_bytes()));
    }
    for shift in 0..3 {
        let text = [&b"xy"[..shift], raw].concat();
        for (name, table) in [("base64", STD), ("base64url", URL)] {
            let padded = bits(&text, 6, table, 4);
            all.push((format!("{name}+{shift}"), padded.clone().into_bytes()));
            all.push((format!("{name}+{shift}-bare"), padded.trim_end_matches('=').into()));
        }
    }
    for shift in 0..5 {
        let padded = bits(&[&b"wxyz"[..shift], raw].concat(), 5, B32, 8);
        all.push((format!("base32+{shift}"), padded.clone().into_bytes()));
        all.push((format!("base32+{shift}-lower"), padded.trim_end_matches('=').to_lowercase().into_bytes()));
    }
    all
}

pub(crate) const STD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
pub(crate) const B32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn each(bytes: &[u8], mut f: impl FnMut(u8) -> String) -> Vec<u8> {
    bytes.iter().map(|b| f(*b)).collect::<String>().into_bytes()
}

/// `width` bits to a letter, padded to groups of `group` letters.
pub(crate) fn bits(bytes: &[u8], width: usize, table: &[u8], group: usize) -> String {
    let all: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let letter = |c: &[u8]| {
        let n = (0..width).fold(0, |n, i| n << 1 | usize::from(c.get(i).copied().unwrap_or(0)));
        char::from(table[n])
    };
    let mut text: String = all.chunks(width).map(letter).collect();
    while !text.len().is_multiple_of(group) {
        text.push('=');
    }
    text
}

/// Standard base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    bits(bytes, 6, STD, 4)
}

#[test]
fn the_encoders_agree_with_the_standards() {
    assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    assert_eq!(base64(b"fooba"), "Zm9vYmE=");
    assert_eq!(bits(b"foobar", 5, B32, 8), "MZXW6YTBOI======");
    assert!(forms("Ab1").iter().any(|(n, b)| n == "percent" && b == b"%41%62%31"));
}
