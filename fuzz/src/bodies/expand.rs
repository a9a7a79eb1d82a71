//! Short recipes for texts that no chance would make: bytes stand for themselves, but some put a rule's example in, or wrap what
//! there is so far in an encoding.

use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER};
use katana::scanner::{Scanner, commands};
use std::io::Write;
use std::sync::LazyLock;

/// No text is made longer.
const LONGEST: usize = 64 << 10;

/// Every rule's examples and counter-examples.
static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let rules = Scanner::catalogue().expect("the rules are tested");
    let commands = commands::Rules::catalogue().expect("the rules are tested");
    let rules = rules.into_iter().flat_map(|r| [r.examples, r.counter_examples]);
    rules.chain(commands.into_iter().flat_map(|r| [r.examples, r.counter_examples])).flatten().collect()
});

/// The text of a recipe: `0xfe` and two bytes are an example, `0xff` and one wrap what was written.
pub(super) fn expand(mut recipe: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < LONGEST {
        match recipe {
            [] => break,
            [0xfe, high, low, rest @ ..] => {
                let number = usize::from(u16::from_be_bytes([*high, *low]));
                text.extend_from_slice(EXAMPLES[number % EXAMPLES.len()].as_bytes());
                recipe = rest;
            }
            [0xff, how, rest @ ..] => {
                text = wrapped(&text, *how);
                recipe = rest;
            }
            [byte, rest @ ..] => {
                text.push(*byte);
                recipe = rest;
            }
        }
    }
    text.truncate(LONGEST);
    text
}

fn wrapped(text: &[u8], how: u8) -> Vec<u8> {
    let each = |write: &dyn Fn(u8) -> String| text.iter().map(|b| write(*b)).collect::<String>().into_bytes();
    match how % 14 {
        0 => BASE64.encode(text).into_bytes(),
        1 => BASE64URL_NOPAD.encode(text).into_bytes(),
        2 => BASE32.encode(text).into_bytes(),
        3 => HEXLOWER.encode(text).into_bytes(),
        4 => each(&|b| format!("%{b:02X}")),
        5 => each(&|b| format!("\\x{b:02x}")),
        6 => String::from_utf8_lossy(text)
            .encode_utf16()
            .map(|u| format!("\\u{u:04x}"))
            .collect::<String>()
            .into_bytes(),
        7 => each(&|b| format!("&#{b};")),
        8 => each(&|b| format!("{b:02x} ")),
        9 => text.iter().rev().copied().collect(),
        10 => text.iter().map(|b| rot13(*b)).collect(),
        11 => gzip(text),
        12 => serde_json::to_vec(&String::from_utf8_lossy(text)).unwrap_or_default(),
        _ => [&b"{\"messages\":[{\"role\":\"tool\",\"content\":"[..], text, b"}]}"].concat(),
    }
}

fn rot13(byte: u8) -> u8 {
    let base = if byte.is_ascii_uppercase() { b'A' } else { b'a' };
    if byte.is_ascii_alphabetic() { (byte - base + 13) % 26 + base } else { byte }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _whole = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
