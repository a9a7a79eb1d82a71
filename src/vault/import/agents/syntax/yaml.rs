//! YAML, by the program's own reader: it gives the place where each value begins; the rest is looked at here.

use super::{Leaf, Wrong};
use crate::config::yaml::{self, Node, Spot, Value};
use std::ops::Range;
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, Wrong> {
    // the reader's message may quote the text, so only the line is passed on
    let tree = yaml::tree(text, "")
        .map_err(|e| (e.line, "it is no YAML there, or of a kind that is not read".into()))?;
    let mut found = Vec::new();
    walk(text, tree, &mut Vec::new(), &mut found);
    Ok(found)
}

fn walk(text: &str, node: Node, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    let mut down = |key: String, node: Node| {
        path.push(key);
        walk(text, node, path, found);
        path.pop();
    };
    match node.value {
        Value::Map(map) => map.into_iter().for_each(|(key, node)| down(key.text, node)),
        Value::List(list) => list.into_iter().enumerate().for_each(|(i, node)| down(i.to_string(), node)),
        Value::Text(value) => {
            let value = Zeroizing::new(value);
            let range = stands(text, node.at, &value);
            found.push(Leaf { path: path.clone(), value, range, line: node.at.line });
        }
        _ => {}
    }
}

/// Where the text stands, if it is written plainly: bare or quoted, without escapes, on one line.
fn stands(text: &str, at: Spot, value: &str) -> Option<Range<usize>> {
    let line: usize = text.split_inclusive('\n').take(at.line.checked_sub(1)?).map(str::len).sum();
    let rest = &text[line..];
    let column = rest.char_indices().nth(at.column.checked_sub(1)?)?.0;
    let here = &rest[column..];
    let quote = here.chars().next().filter(|c| matches!(c, '"' | '\''));
    let begin = line + column + quote.map_or(0, char::len_utf8);
    let behind = text.get(begin..)?.strip_prefix(value)?;
    let ends = match quote {
        Some(quote) => behind.starts_with(quote),
        None => behind.is_empty() || behind.starts_with(['\r', '\n', ' ', ',', '}', ']']),
    };
    ends.then(|| begin..begin + value.len())
}
