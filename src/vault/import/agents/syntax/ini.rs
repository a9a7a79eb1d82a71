//! `[section]` and `key = value` or `key: value`, as AWS, npm, pip and PyPI's tools write them. Indented lines go on with
//! the key above; whole lines after `#` or `;` are comments. Nothing is ever wrong with such a file.

use super::Leaf;
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut key = String::new();
    let mut at = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let begin = at;
        at += whole.len();
        let line = whole.trim_end();
        let text = line.trim_start_matches('\u{feff}').trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
            name.0.trim().clone_into(&mut section);
            key.clear();
            continue;
        }
        let value = if line.starts_with([' ', '\t']) && !key.is_empty() {
            text
        } else {
            // npm's keys have colons in them, so the first = divides where there is one
            let Some((name, value)) = text.split_once('=').or_else(|| text.split_once(':')) else { continue };
            name.trim().clone_into(&mut key);
            value.trim_start()
        };
        let start = begin + indent + (text.len() - value.len());
        let quote = value
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\'') && value.len() > 1 && value.ends_with(*c));
        let inner = quote.map_or(value, |_| &value[1..value.len() - 1]);
        let start = start + usize::from(quote.is_some());
        found.push(Leaf {
            path: vec![section.clone(), key.clone()],
            value: Zeroizing::new(inner.to_owned()),
            range: Some(start..start + inner.len()),
            line: number + 1,
        });
    }
    found
}
