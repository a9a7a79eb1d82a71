//! The ways in which programs write their settings, each read into the same thing: values with the path to them and the
//! place where they stand.

pub(super) mod git;
mod ini;
mod json;
mod netrc;
mod toml;
mod yaml;

use std::ops::Range;
use zeroize::Zeroizing;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// `[section]` and `key = value`.
    Ini,
    /// `machine … login … password …`: path is the host and the login.
    Netrc,
    /// One URL a line, with user and password: path is the host and the user.
    Git,
    /// The value and nothing else.
    Bare,
    /// `.env`; read elsewhere.
    Env,
}

/// One text in a file.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Keys from the outside in; a list's index counts as one.
    pub(super) path: Vec<String>,
    /// As the program reads it.
    pub(super) value: Zeroizing<String>,
    /// Its bytes, without quotes; `None`: it is written so that it cannot be replaced by other text.
    pub(super) range: Option<Range<usize>>,
    /// Line, from 1.
    pub(super) line: usize,
}

/// Line, from 1, or 0; and what is wrong.
pub(super) type Wrong = (usize, String);

/// Every text in it.
pub(super) fn leaves(text: &str, syntax: Syntax) -> Result<Vec<Leaf>, Wrong> {
    match syntax {
        Syntax::Json => json::leaves(text),
        Syntax::Yaml => yaml::leaves(text),
        Syntax::Toml => toml::leaves(text),
        Syntax::Ini => Ok(ini::leaves(text)),
        Syntax::Netrc => netrc::leaves(text),
        Syntax::Git => Ok(git::leaves(text)),
        Syntax::Bare => Ok(bare(text)),
        Syntax::Env => Ok(Vec::new()),
    }
}

fn bare(text: &str) -> Vec<Leaf> {
    let value = text.trim();
    let begin = text.len() - text.trim_start().len();
    let leaf = Leaf {
        path: Vec::new(),
        value: Zeroizing::new(value.to_owned()),
        range: Some(begin..begin + value.len()),
        line: line_of(text, begin),
    };
    if value.is_empty() { Vec::new() } else { vec![leaf] }
}

fn line_of(text: &str, at: usize) -> usize {
    crate::vault::import::source::line_of(text.as_bytes(), at)
}

#[cfg(test)]
mod tests;
