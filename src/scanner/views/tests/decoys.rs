//! A secret among hundreds of texts that are encoded as deep is found, or the text says that not all of it was looked at.

use data_encoding::{BASE64, HEXLOWER};

use super::encode::gzip;
use super::*;

fn token() -> &'static str {
    let rule = SCANNER.rules().iter().find(|r| &*r.id == "github.token").unwrap();
    &rule.examples[0]
}

/// What a secret may be taken for.
fn noise(seed: &mut u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ ";
    (0..18 + lots(seed, 24)).map(|_| char::from(LETTERS[lots(seed, LETTERS.len())])).collect()
}

fn base64(text: &str) -> String {
    BASE64.encode(text.as_bytes())
}

fn hex(text: &str) -> String {
    HEXLOWER.encode(text.as_bytes())
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

type Way = fn(usize, &str) -> String;
type Written = fn(&[String]) -> String;

/// What all of a list's items are encoded by; the number of the item counts.
const WAYS: &[(&str, Way)] = &[
    ("base64 twice", |_, t| base64(&base64(t))),
    ("base64 twice, some backwards", |i, t| {
        if i % 3 == 1 { reversed(&base64(&base64(t))) } else { base64(&base64(t)) }
    }),
    ("backwards in base64, backwards", |_, t| reversed(&base64(&reversed(&base64(t))))),
    ("hex in base64", |_, t| base64(&hex(t))),
    ("base64 in hex", |_, t| hex(&base64(t))),
    ("gzip in base64", |_, t| BASE64.encode(&gzip(base64(t).as_bytes()))),
    ("base64 five times", |_, t| base64(&base64(&base64(&base64(&base64(t)))))),
    ("base64 nine times", |_, t| (0..9).fold(t.to_owned(), |t, _| base64(&t))),
    ("percent in base64", |_, t| base64(&t.bytes().map(|b| format!("%{b:02x}")).collect::<String>())),
];

/// How a list is written.
const LISTS: &[(&str, Written)] = &[
    ("JSON", |all| {
        let pairs: serde_json::Map<_, _> =
            all.iter().enumerate().map(|(i, v)| (format!("v{i}"), v.as_str().into())).collect();
        serde_json::Value::Object(pairs).to_string()
    }),
    ("lines", |all| all.join("\n\n")),
    ("form", |all| {
        let pairs = all.iter().enumerate();
        pairs
            .map(|(i, v)| format!("f{i}={}", v.replace('=', "%3D").replace('+', "%2B")))
            .collect::<Vec<_>>()
            .join("&")
    }),
];

/// The list, with the token in one place.
fn list(way: Way, write: Written, count: usize, at: usize) -> String {
    let mut seed = 7;
    let item = |i| if i == at { way(0, token()) } else { way(i, &noise(&mut seed)) };
    write(&(0..count).map(item).collect::<Vec<_>>())
}

/// What was found of the two, if any.
fn seen(text: &str) -> Option<&'static str> {
    let found = find(Direction::Request, text.as_bytes());
    let is = |id: &str| found.iter().any(|f| &*f.rule == id && f.confidence >= 80 && f.end <= text.len());
    if is("github.token") { Some("token") } else { is("engine.too_many_encodings").then_some("too many") }
}

#[test]
fn decoys_do_not_hide_a_secret() {
    let mut missed = Vec::new();
    for (name, way) in WAYS {
        for (form, write) in LISTS {
            let count = if full() { 1500 } else { 150 };
            for at in [0, count / 2, count - 1] {
                let text = list(*way, *write, count, at);
                if seen(&text).is_none() {
                    missed.push(format!("{name}, {form}, {at}: {} bytes", text.len()));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn five_hundred_decoys_as_deep_as_the_secret_are_all_looked_at() {
    for at in [0, 250, 499] {
        let text = list(WAYS[1].1, LISTS[0].1, 500, at);
        assert_eq!(seen(&text), Some("token"), "{at}");
    }
}

#[test]
fn more_than_is_looked_at_is_a_finding() {
    // each a text of its own, at several depths
    let text = list(WAYS[2].1, LISTS[0].1, 3000, 2999);
    assert_eq!(seen(&text), Some("too many"));
    let nine = WAYS[7].1(0, token());
    assert_eq!(seen(&nine), Some("too many"));
    // most of it is one byte over and over, which costs little; the rest is more than a text of this length may hold
    let pages: Vec<u8> = (0..4 << 20).map(|i: usize| (i / 7 % 251) as u8 % 96 + 32).collect();
    let bomb = BASE64.encode(&gzip(&[&pages[..], token().as_bytes()].concat()));
    assert_eq!(seen(&bomb), Some("too many"));
}

#[test]
fn empty_space_in_something_compressed_hides_nothing() {
    let wide = [&vec![0; 3 << 20][..], b"\n", token().as_bytes(), b"\n", &vec![0; 1 << 20]].concat();
    assert_eq!(seen(&BASE64.encode(&gzip(&wide))), Some("token"));
}

#[test]
fn base85_right_behind_base85_is_seen() {
    let ascii85 = ALL.iter().find(|(name, ..)| *name == "ascii85").unwrap().2;
    let (cut, filler) = (ascii85("Hello World!"), "A line about boats. ".repeat(300));
    let text = format!("{filler}{}{}", cut.trim_end_matches("~>"), ascii85(token()));
    let found = find(Direction::Request, text.as_bytes());
    assert!(found.iter().any(|f| &*f.rule == "github.token"), "{found:?}");
}
