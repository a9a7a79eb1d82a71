//! What a rule says of itself, for a person to read.

use super::Rule;

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What a match begins with, or what stands beside a value.
    pub keywords: Vec<String>,
    /// What a match, or the value beside a keyword, looks like.
    pub pattern: String,
    /// Is the pattern that of a value some way behind a keyword?
    pub beside: bool,
    /// The hosts that such a secret is meant for.
    pub hosts: Vec<String>,
    /// Those among them that take it in a body.
    pub body_hosts: Vec<String>,
    /// Where it is looked for.
    pub surfaces: Vec<String>,
    /// Which way: `request`, `response`.
    pub directions: Vec<String>,
}

impl Rule {
    /// What there is to say of it beyond its public fields.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let hosts = |all: &[crate::base::glob::HostPattern]| all.iter().map(ToString::to_string).collect();
        Facts {
            keywords: self.keywords.clone(),
            pattern: self.pattern.clone(),
            beside: self.context.is_some(),
            hosts: hosts(&self.hosts),
            body_hosts: hosts(&self.body_hosts),
            surfaces: self.surfaces.iter().map(ToString::to_string).collect(),
            directions: self.direction.iter().map(|d| format!("{d:?}").to_lowercase()).collect(),
        }
    }
}
