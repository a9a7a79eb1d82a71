//! What is wrong with a configuration: every problem at once, each with its place, the offending text and what to write instead.

use super::yaml::Spot;
use serde_json::{Value, json};
use std::fmt;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// The file as it was named.
        name: String,
        /// Line and column.
        at: Spot,
    },
    /// In an environment variable, by name.
    Env(String),
}

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The key, dotted; empty: the file as a whole.
    pub key: String,
    /// The offending text; `None` where there is none, or where it may be a secret.
    pub found: Option<String>,
    /// What is wrong with it.
    pub what: String,
    /// What to write instead.
    pub instead: String,
}

/// Everything wrong with one configuration, in the order of the file. Never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The stable short name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "config_invalid"
    }

    /// A list of `{file, line, column, env, key, found, what, instead}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.iter().map(Problem::to_json).collect()
    }
}

impl Problem {
    fn to_json(&self) -> Value {
        let (file, at, env) = match &self.place {
            Place::File { name, at } => (Some(name), Some(*at), None),
            Place::Env(name) => (None, None, Some(name)),
        };
        let known = |n: Option<usize>| n.filter(|n| *n != 0);
        json!({
            "file": file, "line": known(at.map(|a| a.line)), "column": known(at.map(|a| a.column)), "env": env,
            "key": self.key, "found": self.found, "what": self.what, "instead": self.instead,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, at } if at.line == 0 => f.write_str(name),
            Self::File { name, at } => write!(f, "{name}:{}:{}", at.line, at.column),
            Self::Env(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        if let Some(found) = &self.found {
            write!(f, "`{found}` ")?;
        }
        write!(f, "{}\n    → {}", self.what, self.instead)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(p: Problem) -> Self {
        Self(vec![p])
    }
}

/// Text fit for a message: on one line, without control characters, not endless.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut out: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}

/// The closest of `known` to what was written, if it is close enough to have been meant.
pub(super) fn meant<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    let most = 1 + written.len() / 4;
    known.into_iter().map(|k| (distance(&written, k), k)).filter(|(d, _)| *d <= most).min().map(|(_, k)| k)
}

/// Edits (insert, delete, replace, swap of neighbours) from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let mut best = (last[j] + usize::from(a[i] != b[j])).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_meant_and_distant_ones_are_not() {
        let known = ["listen", "mode", "on_secret", "limits"];
        assert_eq!(meant("listen", known), Some("listen"));
        assert_eq!(meant("On-Secret", known), Some("on_secret"));
        assert_eq!(meant("limit", known), Some("limits"));
        assert_eq!(meant("zzz", known), None);
        assert_eq!(distance("ab", "ba"), 1);
    }

    #[test]
    fn what_is_shown_stays_on_one_line() {
        assert_eq!(shown("a\nb\x1b[31m"), "a\\nb\\u{1b}[31m");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), 81);
    }
}
