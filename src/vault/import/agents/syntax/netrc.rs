//! netrc: words, each with the next for its value. A `macdef` goes on to the next empty line and is passed over.

use super::{Leaf, Wrong, line_of};
use std::ops::Range;
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, Wrong> {
    let mut found = Vec::new();
    let (mut host, mut login) = (String::new(), String::new());
    let mut at = 0;
    while let Some(word) = next(text, &mut at) {
        let wrong = |why: &str| (line_of(text, word.start), why.to_owned());
        match &text[word.clone()] {
            "default" => (host, login) = ("default".into(), String::new()),
            "macdef" => at = text[at..].find("\n\n").map_or(text.len(), |n| at + n),
            key @ ("machine" | "login" | "password" | "account") => {
                let range = next(text, &mut at).ok_or_else(|| wrong("a word is missing behind it"))?;
                let value = &text[range.clone()];
                match key {
                    "machine" => (host, login) = (value.to_owned(), String::new()),
                    "login" => value.clone_into(&mut login),
                    "password" => found.push(password(text, &host, &login, range)),
                    _ => {}
                }
            }
            _ => return Err(wrong("a word stands there that netrc does not know")),
        }
    }
    Ok(found)
}

fn password(text: &str, host: &str, login: &str, range: Range<usize>) -> Leaf {
    let raw = &text[range.clone()];
    let quoted = raw.len() > 1 && raw.starts_with('"') && raw.ends_with('"');
    let range = if quoted { range.start + 1..range.end - 1 } else { range };
    let plain = text[range.clone()].to_owned();
    let escaped = plain.contains('\\');
    let value = if quoted && escaped { plain.replace("\\\"", "\"").replace("\\\\", "\\") } else { plain };
    let line = line_of(text, range.start);
    Leaf {
        path: vec![host.to_owned(), login.to_owned()],
        value: Zeroizing::new(value),
        range: Some(range),
        line,
    }
}

/// The next word; comments are passed over.
fn next(text: &str, at: &mut usize) -> Option<Range<usize>> {
    loop {
        let rest = &text[*at..];
        let begin = *at + rest.len() - rest.trim_start().len();
        let rest = &text[begin..];
        let first = rest.chars().next()?;
        if first == '#' {
            *at = rest.find('\n').map_or(text.len(), |n| begin + n);
            continue;
        }
        let length = if first == '"' {
            // the closing quote is the first that no backslash escapes
            let close = rest.char_indices().skip(1).find(|(i, c)| *c == '"' && !rest[..*i].ends_with('\\'));
            close.map_or(rest.len(), |(i, _)| i + 1)
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        *at = begin + length;
        return Some(begin..*at);
    }
}
