//! Rule files: YAML to checked rules.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::plain;
use super::rule::Rule;
use super::validate::{Allowed, Validator};
use crate::config::yaml;
use crate::scanner::{Direction, Error, Family, Surface};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Family,
    /// What `{{name}}` in a pattern, or in a later part, stands for.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    rules: Vec<Raw>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::scanner) struct Raw {
    pub(in crate::scanner) id: String,
    pub(in crate::scanner) keywords: Vec<String>,
    /// This, or `value`.
    #[serde(default)]
    pub(in crate::scanner) pattern: String,
    /// What stands some way after a keyword.
    #[serde(default)]
    pub(in crate::scanner) value: String,
    pub(in crate::scanner) confidence: u8,
    pub(in crate::scanner) nearby: Option<u8>,
    pub(in crate::scanner) unverified: Option<u8>,
    #[serde(default)]
    pub(in crate::scanner) ignore_case: bool,
    #[serde(default)]
    pub(in crate::scanner) overrides: bool,
    pub(in crate::scanner) validator: Option<Validator>,
    pub(in crate::scanner) entropy: Option<f32>,
    pub(in crate::scanner) surfaces: Option<Vec<Surface>>,
    pub(in crate::scanner) direction: Option<Vec<Direction>>,
    #[serde(default)]
    pub(in crate::scanner) hosts: Vec<String>,
    #[serde(default)]
    pub(in crate::scanner) body_hosts: Vec<String>,
    #[serde(default)]
    pub(in crate::scanner) examples: Vec<String>,
    #[serde(default)]
    pub(in crate::scanner) counter_examples: Vec<String>,
    #[serde(default)]
    pub(in crate::scanner) references: Vec<String>,
    /// Two letters each; none: English, or no language at all.
    #[serde(default)]
    pub(in crate::scanner) languages: Vec<String>,
}

/// Reads rule files: `(name, YAML)` each. Trusted ones, those that our tests have read, are taken as
/// they are and without their examples.
///
/// # Errors
/// The first rule that cannot be used.
pub(in crate::scanner) fn read<'a>(
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
    trusted: bool,
) -> Result<Vec<Rule>, Error> {
    let allowed = Arc::new(Allowed::builtin()?);
    let (mut rules, mut ids) = (Vec::new(), HashSet::new());
    for (name, text) in sources {
        let file: File = if trusted { plain::parse(text, name)? } else { yaml::parse(text, name)? };
        for mut raw in file.rules {
            raw.pattern = whole(raw.pattern, &file.parts);
            raw.value = whole(raw.value, &file.parts);
            let id = raw.id.clone();
            let fault =
                |reason: String| Error::Rule { source_name: name.to_owned(), rule: id.clone(), reason };
            if !ids.insert(id.clone()) {
                return Err(fault("this id is taken".into()));
            }
            if !trusted {
                raw.check_examples().map_err(&fault)?;
            }
            let rule = Rule::compile(name, file.family, raw, &allowed).map_err(&fault)?;
            if !trusted {
                rule.check_pattern().map_err(fault)?;
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

impl Raw {
    fn check_examples(&self) -> Result<(), String> {
        if self.examples.is_empty() || self.counter_examples.is_empty() {
            return Err("needs at least one example and one counter-example".into());
        }
        Ok(())
    }
}

/// The pattern with its parts put in; parts may hold parts, a few levels deep.
fn whole(mut pattern: String, parts: &BTreeMap<String, String>) -> String {
    for _ in 0..4 {
        for (name, part) in parts {
            if pattern.contains("{{") {
                pattern = pattern.replace(&format!("{{{{{name}}}}}"), part);
            }
        }
    }
    pattern
}
