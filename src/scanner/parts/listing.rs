//! What a tool's entry in a listing says, as one number: the same whatever the order of its keys and the white space between
//! them.

use super::string::unescape;
use super::tape::{Item, Kind, Tape};
use sha2::{Digest, Sha256};

/// The digest of an entry: of every value and the keys it stands under, but the tool's name.
#[must_use]
pub fn digest(entry: &[u8]) -> [u8; 32] {
    let mut tape = Tape::default();
    tape.read(entry);
    let mut leaves = Vec::new();
    for root in tape.roots(entry) {
        leaf(root, [0; 32], &mut leaves);
    }
    leaves.sort_unstable();
    let mut all = Sha256::new();
    leaves.iter().for_each(|l| all.update(l));
    all.finalize().into()
}

fn leaf(item: Item<'_>, under: [u8; 32], out: &mut Vec<[u8; 32]>) {
    match item.kind() {
        Kind::Object => {
            for (key, value) in item.fields() {
                leaf(value, hashed(&under, b'{', key), out);
            }
        }
        Kind::Array => item.items().for_each(|value| leaf(value, under, out)),
        _ => out.push(hashed(&under, b'=', item)),
    }
}

fn hashed(under: &[u8; 32], how: u8, item: Item<'_>) -> [u8; 32] {
    let mut said = Vec::with_capacity(item.raw().len());
    unescape(item.raw(), &mut said);
    Sha256::new().chain_update(under).chain_update([how]).chain_update(&said).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_spelling_do_not_matter_and_words_do() {
        let a = digest(br#"{"name":"add","description":"Adds.","inputSchema":{"a":{"type":"int"},"required":["a","b"]}}"#);
        let b = digest(br#"{ "inputSchema": {"required":["b","a"], "a":{"type":"int"}}, "description":"\u0041dds.", "name":"add" }"#);
        let c = digest(br#"{"name":"add","description":"Adds. ","inputSchema":{"a":{"type":"int"},"required":["a","b"]}}"#);
        let d = digest(br#"{"name":"add","description":"Adds.","inputSchema":{"b":{"type":"int"},"required":["a","b"]}}"#);
        assert_eq!(a, b);
        assert!(a != c && a != d);
    }
}
