//! A slot in a JSON body: finds the string a pointer leads to, as bytes of the text, so that nothing else of it changes.

use super::body::Found;
use crate::base::secret::Secret;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The string at `pointer` (RFC 6901). A key that is there twice on the way leads nowhere for sure.
pub(super) fn find(text: &[u8], pointer: &str) -> Found {
    let Ok(text) = std::str::from_utf8(text) else { return Found::Unclear };
    let Ok(mut at) = serde_json::from_str::<&RawValue>(text) else { return Found::Unclear };
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        at = match step(at, &key) {
            Ok(Some(next)) => next,
            Ok(None) => return Found::Nothing,
            Err(Twice) => return Found::Unclear,
        };
    }
    let raw = at.get();
    let start = raw.as_ptr().addr() - text.as_ptr().addr();
    match serde_json::from_str::<String>(raw) {
        Ok(value) if value.is_empty() => Found::Nothing,
        Ok(value) => Found::One { span: start..start + raw.len(), value: Secret::from(value) },
        // a number, a list: whatever it is, nobody put a placeholder there
        Err(_) => Found::Nothing,
    }
}

/// The value as a JSON string, quotes and all.
pub(super) fn written(value: &Secret) -> Result<Box<[u8]>, &'static str> {
    let text = std::str::from_utf8(value.expose()).map_err(|_| "the value is not UTF-8")?;
    let quoted = serde_json::to_string(text).map_err(|_| "the value is no JSON string")?;
    Ok(quoted.into_bytes().into())
}

/// A key that is there more than once: which of them counts is the reader's choice.
struct Twice;

fn step<'a>(at: &'a RawValue, key: &str) -> Result<Option<&'a RawValue>, Twice> {
    match at.get().as_bytes().first() {
        Some(b'{') => {
            let Ok(Members(all)) = serde_json::from_str::<Members<'a>>(at.get()) else { return Ok(None) };
            let mut own = all.into_iter().filter(|(k, _)| k == key).map(|(_, v)| v);
            match (own.next(), own.next()) {
                (first, None) => Ok(first),
                _ => Err(Twice),
            }
        }
        Some(b'[') => {
            let index = key.parse::<usize>().ok().filter(|n| n.to_string() == key);
            let all = serde_json::from_str::<Vec<&'a RawValue>>(at.get()).unwrap_or_default();
            Ok(index.and_then(|i| all.get(i).copied()))
        }
        _ => Ok(None),
    }
}

/// The members of an object in their order, equal keys kept apart.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(Reader).map(Members)
    }
}
