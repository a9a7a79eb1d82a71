//! Reading a policy's tree: each value asked for by kind, every problem kept with its place.

use crate::config::yaml::{Key, Node, Spot, Value};
use crate::config::{Place, Problem};

/// What is wrong so far, with one source.
pub(super) struct Reader<'a> {
    pub source: &'a str,
    pub problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Notes a problem.
    pub(super) fn wrong(
        &mut self,
        node: &Node,
        key: &str,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let found = match &node.value {
            Value::Text(t) => Some(t.chars().take(80).flat_map(char::escape_debug).collect()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Int(n) => Some(n.to_string()),
            Value::Float(n) => Some(n.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        };
        self.wrong_at(node.at, key, found, what, instead);
    }

    pub(super) fn wrong_at(
        &mut self,
        at: Spot,
        key: &str,
        found: Option<String>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let place = Place::File { name: self.source.to_owned(), at };
        let (key, what, instead) = (key.to_owned(), what.into(), instead.into());
        self.problems.push(Problem { place, key, found, what, instead });
    }

    /// A section in which no key is unknown and none stands twice.
    pub(super) fn section<'n>(&mut self, node: &'n Node, path: &str, known: &[&str]) -> Option<Section<'n>> {
        let Value::Map(pairs) = &node.value else {
            self.wrong(node, path, "is not a section", "write `key: value` lines");
            return None;
        };
        for (i, (key, _)) in pairs.iter().enumerate() {
            let found = Some(key.text.chars().take(80).flat_map(char::escape_debug).collect());
            if !known.contains(&key.text.as_str()) {
                let instead = format!("write one of {}", known.join(", "));
                self.wrong_at(key.at, path, found, "is not a field", instead);
            } else if pairs[..i].iter().any(|(k, _)| k.text == key.text) {
                self.wrong_at(key.at, path, found, "stands twice", "keep one of them");
            }
        }
        Some(Section { pairs })
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        if let Value::Text(t) = &node.value {
            return Some(t);
        }
        self.wrong(node, path, "is not text", "put it in quotes if it is meant as text");
        None
    }

    pub(super) fn switch(&mut self, node: &Node, path: &str) -> Option<bool> {
        if let Value::Bool(b) = node.value {
            return Some(b);
        }
        self.wrong(node, path, "is neither true nor false", "write true or false, without quotes");
        None
    }

    pub(super) fn number(&mut self, node: &Node, path: &str, most: u32) -> Option<u32> {
        let n = match node.value {
            Value::Int(n) => u32::try_from(n).ok().filter(|n| *n <= most),
            _ => None,
        };
        if n.is_none() {
            self.wrong(node, path, "is not a number in range", format!("write a number from 0 to {most}"));
        }
        n
    }

    pub(super) fn choice<T: Copy>(&mut self, node: &Node, path: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, path)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(node, path, "is not one of the choices", format!("write one of {}", all.join(", ")));
        }
        found
    }

    /// A list, or one item for a list of one.
    pub(super) fn items<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Node] {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                self.wrong(
                    node,
                    path,
                    "is empty, which would match nothing",
                    "name one, or leave the field out",
                );
                &[]
            }
            Value::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }
}

/// One section's pairs.
pub(super) struct Section<'n> {
    pub pairs: &'n [(Key, Node)],
}

impl<'n> Section<'n> {
    pub(super) fn find(&self, key: &str) -> Option<&'n Node> {
        self.pairs.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }
}
