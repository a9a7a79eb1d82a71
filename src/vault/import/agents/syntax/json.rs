//! JSON: `serde_json` says whether it is any, and a walk over what is known to be right says where each text stands.

use super::{Leaf, Wrong, line_of};
use zeroize::Zeroizing;

pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, Wrong> {
    let body = text.trim_start_matches('\u{feff}');
    // its message may quote the text, so only the line is passed on
    serde_json::from_str::<serde::de::IgnoredAny>(body)
        .map_err(|e| (e.line(), "it is no JSON there".into()))?;
    let mut walk = Walk { text, at: text.len() - body.len(), path: Vec::new(), found: Vec::new() };
    walk.value();
    Ok(walk.found)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    path: Vec<String>,
    found: Vec<Leaf>,
}

impl Walk<'_> {
    fn peek(&mut self) -> u8 {
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn value(&mut self) {
        match self.peek() {
            b'{' => self.object(),
            b'[' => self.list(),
            b'"' => {
                let begin = self.at;
                let value = Zeroizing::new(self.string());
                let (range, line) = (begin + 1..self.at - 1, line_of(self.text, begin));
                self.found.push(Leaf { path: self.path.clone(), value, range: Some(range), line });
            }
            // a number or a word
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
    }

    fn object(&mut self) {
        self.at += 1;
        while self.peek() == b'"' {
            let key = self.string();
            self.path.push(key);
            // the colon
            self.peek();
            self.at += 1;
            self.value();
            self.path.pop();
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn list(&mut self) {
        self.at += 1;
        let mut index = 0;
        while !matches!(self.peek(), b']' | 0) {
            self.path.push(index.to_string());
            self.value();
            self.path.pop();
            index += 1;
            if self.peek() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// From the opening to behind the closing quote.
    fn string(&mut self) -> String {
        let begin = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(b) = bytes.get(self.at) {
            self.at += match b {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        self.at = (self.at + 1).min(bytes.len());
        self.text.get(begin..self.at).and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
    }
}
