//! The provider table, `config/providers.yaml`: which secret a provider takes, on which hosts, in which slots, and the
//! grammar of its keys. Data only; which binding applies to a request is `credentials`' business.

use super::error::Error;
use super::placeholder::{Alphabet, Grammar};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use crate::config::Slot;
use crate::config::yaml;
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The file as it is built in.
const BUILTIN: &str = include_str!("../../config/providers.yaml");

/// Every provider, in the order of the file.
#[derive(Clone, Debug)]
pub struct Providers(Vec<Provider>);

/// One provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its short name.
    pub name: Arc<str>,
    /// The vault entry's name.
    pub secret: Arc<str>,
    /// Other names that its clients know the same key by.
    pub also: Vec<Arc<str>>,
    /// Where its key goes, on port 443.
    pub hosts: Vec<ProviderHost>,
    /// Where it may stand in a request; the first is the one that is filled. Never empty.
    pub slots: Vec<Slot>,
    /// Methods, upper case; empty: all.
    pub methods: Vec<String>,
    /// Paths; empty: all.
    pub paths: Vec<Glob>,
    /// Is an empty slot filled? Not where the host serves those without a key as well.
    pub fill: bool,
    grammar: Grammar,
}

/// A host of a provider: a pattern as in the configuration, or one that only this table has.
#[derive(Clone, PartialEq, Eq)]
pub enum ProviderHost {
    /// `name` or `*.suffix`.
    Pattern(HostPattern),
    /// `*-suffix`: holds `-suffix`; matches names whose first label goes on before it, as regional endpoints do.
    Dashed(Box<str>),
}

impl Providers {
    /// The built-in table.
    ///
    /// # Errors
    /// [`Error::Providers`], which the tests rule out.
    pub fn builtin() -> Result<Self, Error> {
        Self::parse(BUILTIN, "config/providers.yaml")
    }

    /// A table from text.
    ///
    /// # Errors
    /// [`Error::Providers`] with the place, or the provider's name, and what is wrong.
    pub fn parse(text: &str, source: &str) -> Result<Self, Error> {
        let raw: RawTable = yaml::parse(text, source)?;
        let mut names = HashSet::new();
        let mut all: Vec<Provider> = Vec::new();
        for raw in raw.providers {
            let wrong = |why: &str| Error::Providers(format!("{source}: provider {}: {why}", raw.name));
            if !names.insert(raw.name.clone()) {
                return Err(wrong("is there twice"));
            }
            let known = all.iter().find(|p| *p.secret == *raw.secret).map(|p| p.grammar.clone());
            all.push(raw.check(known).map_err(|why| wrong(&why))?);
        }
        Ok(Self(all))
    }

    /// Every provider.
    pub fn iter(&self) -> std::slice::Iter<'_, Provider> {
        self.0.iter()
    }

    /// A new placeholder for the secret of this name: in its provider's grammar, or `katana_…`.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn placeholder(&self, secret: &str) -> Result<String, Error> {
        self.grammar(secret).make()
    }

    /// The first slot of the secret of this name, if a provider has it.
    #[must_use]
    pub fn slot(&self, secret: &str) -> Option<&Slot> {
        self.0.iter().find(|p| p.names().any(|n| &**n == secret)).and_then(|p| p.slots.first())
    }

    /// The grammar of the placeholders of the secret of this name.
    #[must_use]
    pub fn grammar(&self, secret: &str) -> Grammar {
        let own = self.0.iter().find(|p| p.names().any(|n| &**n == secret));
        own.map_or_else(Grammar::unknown, |p| p.grammar.clone())
    }
}

impl<'a> IntoIterator for &'a Providers {
    type Item = &'a Provider;
    type IntoIter = std::slice::Iter<'a, Provider>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Provider {
    /// Every name that the vault entry may have, the usual one first.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        std::iter::once(&self.secret).chain(&self.also)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    providers: Vec<RawProvider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: String,
    secret: String,
    #[serde(default)]
    also: Vec<String>,
    hosts: Vec<String>,
    #[serde(default)]
    slots: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    fill: Fill,
    placeholder: Option<RawGrammar>,
}

/// What becomes of an empty slot.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fill {
    /// It is filled.
    #[default]
    Absent,
    /// It stays empty.
    Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrammar {
    #[serde(default)]
    prefix: String,
    random: usize,
    alphabet: Alphabet,
    #[serde(default)]
    suffix: String,
}

/// Where a key stands if a provider does not say.
const USUAL: &str = "header:Authorization:Bearer";

impl RawProvider {
    /// `known`: the grammar that an earlier provider has for the same secret.
    fn check(&self, known: Option<Grammar>) -> Result<Provider, String> {
        let own = self.placeholder.as_ref().map(|g| {
            Grammar::new(&g.prefix, g.random, g.alphabet, &g.suffix)
                .ok_or("its placeholders would be guessable, or have characters that keys do not have")
        });
        let grammar = match (own.transpose()?, known) {
            (Some(_), Some(_)) => return Err("gives a grammar to a secret that has one already".into()),
            (Some(grammar), None) | (None, Some(grammar)) => grammar,
            (None, None) => return Err("has no placeholder".into()),
        };
        for name in std::iter::once(&self.secret).chain(&self.also) {
            super::value::Name::parse(name).map_err(|e| e.to_string())?;
        }
        if self.hosts.is_empty() {
            return Err("has no hosts".into());
        }
        let hosts = self.hosts.iter().map(|h| host(h)).collect::<Result<_, _>>()?;
        let slot = |text: &str| text.parse::<Slot>().map_err(|e| format!("its slot {text} {e}"));
        let mut slots = self.slots.iter().map(|s| slot(s)).collect::<Result<Vec<_>, _>>()?;
        if slots.is_empty() {
            slots.push(slot(USUAL)?);
        }
        if let Some(bad) = self.methods.iter().find(|m| !m.bytes().all(|b| b.is_ascii_uppercase())) {
            return Err(format!("its method {bad} is none"));
        }
        if let Some(bad) = self.paths.iter().find(|p| !p.starts_with('/')) {
            return Err(format!("its path {bad} does not begin with a slash"));
        }
        Ok(Provider {
            name: self.name.as_str().into(),
            secret: self.secret.as_str().into(),
            also: self.also.iter().map(|n| n.as_str().into()).collect(),
            hosts,
            slots,
            methods: self.methods.clone(),
            paths: self.paths.iter().map(|p| Glob::new(p)).collect(),
            fill: self.fill == Fill::Absent,
            grammar,
        })
    }
}

fn host(text: &str) -> Result<ProviderHost, String> {
    let wrong = |e: crate::base::host::HostError| format!("{text}: {e}");
    match text.strip_prefix("*-") {
        Some(rest) => match Host::parse(rest).map_err(wrong)? {
            Host::Name(n) if n.contains('.') => Ok(ProviderHost::Dashed(format!("-{n}").into())),
            _ => Err(format!("{text}: needs a domain behind *-")),
        },
        None => match HostPattern::parse(text).map_err(wrong)? {
            HostPattern::Any => Err("a provider cannot be everywhere".into()),
            pattern => Ok(ProviderHost::Pattern(pattern)),
        },
    }
}

impl fmt::Display for ProviderHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(p) => p.fmt(f),
            Self::Dashed(suffix) => write!(f, "*{suffix}"),
        }
    }
}

impl fmt::Debug for ProviderHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
