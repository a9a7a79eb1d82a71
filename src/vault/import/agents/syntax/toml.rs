//! TOML, by `toml_edit`, which keeps the place of every value.

use super::{Leaf, Wrong, line_of};
use toml_edit::{Document, Item, Value};
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, Wrong> {
    // its message quotes the text, so only the line is passed on
    let document = Document::parse(text)
        .map_err(|e| (e.span().map_or(0, |s| line_of(text, s.start)), "it is no TOML there".to_owned()))?;
    let mut found = Vec::new();
    walk(text, document.as_item(), &mut Vec::new(), &mut found);
    Ok(found)
}

fn walk(text: &str, item: &Item, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    if let Some(table) = item.as_table_like() {
        for (key, item) in table.iter() {
            path.push(key.to_owned());
            walk(text, item, path, found);
            path.pop();
        }
    }
    if let Some(tables) = item.as_array_of_tables() {
        for (index, table) in tables.iter().enumerate() {
            path.push(index.to_string());
            for (key, item) in table {
                path.push(key.to_owned());
                walk(text, item, path, found);
                path.pop();
            }
            path.pop();
        }
    }
    if let Some(value) = item.as_value() {
        leaf(text, value, path, found);
    }
}

fn leaf(text: &str, value: &Value, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    if let Some(list) = value.as_array() {
        for (index, value) in list.iter().enumerate() {
            path.push(index.to_string());
            leaf(text, value, path, found);
            path.pop();
        }
    }
    let (Some(value), Some(span)) = (value.as_str(), value.span()) else { return };
    let inner = span.start + 1..span.end.saturating_sub(1);
    // written with escapes or over several lines, it is another text than its bytes
    let range = (text.get(inner.clone()) == Some(value)).then_some(inner);
    let line = line_of(text, span.start);
    found.push(Leaf { path: path.clone(), value: Zeroizing::new(value.to_owned()), range, line });
}
