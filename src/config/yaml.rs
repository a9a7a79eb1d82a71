//! The one module that knows YAML: text → typed value, text → tree with places, JSON → text.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Options, Spanned};
use std::fmt;

/// Where and why a YAML text is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {message}")]
pub struct YamlError {
    /// The file, or what the text is.
    pub source_name: String,
    /// From 1; 0: unknown.
    pub line: usize,
    /// From 1, in characters; 0: unknown.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Line and column, both from 1; 0: unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One value of a document, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub at: Spot,
    /// The value.
    pub value: Value,
}

/// What a document is made of. Keys may repeat: who walks the tree says so, with all else that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, `~`, `null`.
    Null,
    /// `true` or `false`; `yes`, `on` and the like are text.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// `[…]` or `- …` lines.
    List(Vec<Node>),
    /// `key: value`, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where.
    pub at: Spot,
    /// The key.
    pub text: String,
}

/// Reads one YAML document.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn parse<T: DeserializeOwned>(text: &str, source_name: &str) -> Result<T, YamlError> {
    serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::Error))
        .map_err(|e| error(&e, source_name))
}

/// Reads one YAML document as a tree with places. An empty document is an empty map.
///
/// # Errors
/// What makes it no YAML at all, aliases without bound included.
pub fn tree(text: &str, source_name: &str) -> Result<Node, YamlError> {
    let read: Option<Node> =
        serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::PassThrough))
            .map_err(|e| error(&e, source_name))?;
    let empty = || Node { at: Spot { line: 1, column: 1 }, value: Value::Map(Vec::new()) };
    Ok(read.filter(|n| n.value != Value::Null).unwrap_or_else(empty))
}

/// Writes a JSON value as YAML.
///
/// # Errors
/// Never for what `serde_json` can hold; the library's message otherwise.
pub fn print(value: &serde_json::Value) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|e| e.to_string())
}

/// A document of ours is small; what is not is an attack or an accident.
fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000, max_replay_stack_depth: 8 },
    }
}

fn error(e: &serde_saphyr::Error, source_name: &str) -> YamlError {
    let at = e.location().map(spot).unwrap_or_default();
    let whole = e.to_string();
    // the library repeats the place in its text
    let message = match whole.rsplit_once(" at line ") {
        Some((what, place)) if place.starts_with(|c: char| c.is_ascii_digit()) => what.to_owned(),
        _ => whole,
    };
    YamlError { source_name: source_name.to_owned(), line: at.line, column: at.column, message }
}

fn spot(l: Location) -> Spot {
    let n = |v: u64| usize::try_from(v).unwrap_or(0);
    Spot { line: n(l.line()), column: n(l.column()) }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(d)?;
        Ok(Self { at: spot(spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
                Value::deserialize(d)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(Value::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(Value::Int(v.into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(Value::Int(v.into()))
            }
            fn visit_i128<E>(self, v: i128) -> Result<Value, E> {
                Ok(Value::Int(v))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(Value::Float(v))
            }
            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(Value::Text(v.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Value::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    pairs.push((Key { at: spot(key.referenced), text: key.value }, map.next_value()?));
                }
                Ok(Value::Map(pairs))
            }
        }
        d.deserialize_any(Walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_knows_where_everything_stands() {
        let node = tree("a: 1\nb:\n  - x\n  - {c: yes, c: 0755}\nd: ~\n", "t").unwrap();
        let Value::Map(top) = node.value else { panic!("{node:?}") };
        assert_eq!((top[0].0.at, top[0].1.at), (Spot { line: 1, column: 1 }, Spot { line: 1, column: 4 }));
        assert_eq!(top[0].1.value, Value::Int(1));
        let Value::List(list) = &top[1].1.value else { panic!("{top:?}") };
        assert_eq!(list[0].at, Spot { line: 3, column: 5 });
        let Value::Map(inner) = &list[1].value else { panic!("{list:?}") };
        assert_eq!(inner[0].1.value, Value::Text("yes".into()), "yes is no boolean");
        assert_eq!(
            inner[1].0,
            Key { at: Spot { line: 4, column: 14 }, text: "c".into() },
            "repeated keys are kept"
        );
        assert_eq!(inner[1].1.value, Value::Text("0755".into()));
        assert_eq!(top[2].1.value, Value::Null);
    }

    #[test]
    fn an_empty_document_is_an_empty_map() {
        for text in ["", "# only a comment\n", "---\n", "~"] {
            assert_eq!(tree(text, "t").unwrap().value, Value::Map(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_has_a_place() {
        let e = tree("a: [1, 2\nb: 3\n", "conf.yaml").unwrap_err();
        assert!(e.line >= 1 && e.to_string().starts_with("conf.yaml:"), "{e}");
        assert!(!e.message.contains(" at line "), "{e}");
        assert!(tree("a: 1\n---\nb: 2\n", "t").is_err(), "two documents");
        assert!(
            tree("a: &x {b: 1}\nc: {<<: *x}\n", "t").is_err(),
            "merge keys hide where a value comes from"
        );
    }

    #[test]
    fn aliases_cannot_grow_without_bound() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let refs = vec![format!("*a{}", i - 1); 9].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
        }
        assert!(tree(&bomb, "t").is_err());
        assert!(tree(&format!("a: {}{}", "[".repeat(5000), "]".repeat(5000)), "t").is_err(), "depth");
    }
}
