//! The provider table, `config/providers.yaml`: which secret a provider takes, on which hosts, in which header, and the
//! grammar of its keys. Data only; which binding applies to a request is `credentials`' business.

use super::error::Error;
use super::placeholder::{Alphabet, Grammar};
use crate::base::glob::HostPattern;
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
    /// Where its key goes, on port 443.
    pub hosts: Vec<ProviderHost>,
    /// Where it stands in a request.
    pub slot: Slot,
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
        let checked = raw.providers.into_iter().map(|raw| {
            let wrong = |why: &str| Error::Providers(format!("{source}: provider {}: {why}", raw.name));
            if !names.insert(raw.name.clone()) {
                return Err(wrong("is there twice"));
            }
            raw.check().map_err(|why| wrong(&why))
        });
        checked.collect::<Result<Vec<_>, _>>().map(Self)
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
        match self.0.iter().find(|p| &*p.secret == secret) {
            Some(provider) => provider.grammar.make(),
            None => Grammar::unknown().make(),
        }
    }
}

impl<'a> IntoIterator for &'a Providers {
    type Item = &'a Provider;
    type IntoIter = std::slice::Iter<'a, Provider>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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
    hosts: Vec<String>,
    header: Option<String>,
    scheme: Option<String>,
    placeholder: RawGrammar,
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

impl RawProvider {
    fn check(&self) -> Result<Provider, String> {
        let g = &self.placeholder;
        let grammar = Grammar::new(&g.prefix, g.random, g.alphabet, &g.suffix)
            .ok_or("its placeholders would be guessable, or have characters that keys do not have")?;
        super::value::Name::parse(&self.secret).map_err(|e| e.to_string())?;
        if self.hosts.is_empty() {
            return Err("has no hosts".into());
        }
        let hosts = self.hosts.iter().map(|h| host(h)).collect::<Result<_, _>>()?;
        let name = self.header.as_deref().unwrap_or("authorization").to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err("its header is no header name".into());
        }
        let bearer = (name == "authorization").then(|| "Bearer".to_owned());
        let scheme = self.scheme.clone().or(bearer);
        Ok(Provider {
            name: self.name.as_str().into(),
            secret: self.secret.as_str().into(),
            hosts,
            slot: Slot::Header { name, scheme },
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
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_has_the_twelve() {
        let table = Providers::builtin().unwrap();
        let names: Vec<&str> = table.iter().map(|p| &*p.name).collect();
        assert_eq!(
            names,
            [
                "openai",
                "anthropic",
                "google",
                "groq",
                "together",
                "openrouter",
                "vercel",
                "deepseek",
                "mistral",
                "cohere",
                "replicate",
                "huggingface",
            ]
        );
        for p in &table {
            let usual = format!("{}_API_KEY", p.name.to_ascii_uppercase());
            let want = if &*p.name == "replicate" { "REPLICATE_API_TOKEN" } else { &usual };
            assert_eq!(&*p.secret, want);
            let slot = match &*p.name {
                "anthropic" => Slot::Header { name: "x-api-key".into(), scheme: None },
                "google" => Slot::Header { name: "x-goog-api-key".into(), scheme: None },
                _ => Slot::Header { name: "authorization".into(), scheme: Some("Bearer".into()) },
            };
            assert_eq!(p.slot, slot, "{}", p.name);
        }
    }

    #[test]
    fn every_host_of_the_twelve() {
        let table = Providers::builtin().unwrap();
        let hosts: Vec<String> = table.iter().flat_map(|p| &p.hosts).map(ToString::to_string).collect();
        assert_eq!(
            hosts.join(" "),
            "api.openai.com api.anthropic.com generativelanguage.googleapis.com aiplatform.googleapis.com \
             *-aiplatform.googleapis.com api.groq.com api.together.xyz api.together.ai openrouter.ai api.vercel.com \
             sdk.vercel.ai api.deepseek.com api.mistral.ai api.cohere.ai api.cohere.com api.replicate.com \
             api-inference.huggingface.co huggingface.co"
        );
    }

    #[test]
    fn placeholders_look_like_the_providers_keys() {
        let table = Providers::builtin().unwrap();
        for (secret, prefix, length) in [
            ("OPENAI_API_KEY", "sk-proj-", 164),
            ("ANTHROPIC_API_KEY", "sk-ant-api03-", 108),
            ("GOOGLE_API_KEY", "AIza", 39),
            ("GROQ_API_KEY", "gsk_", 56),
            ("TOGETHER_API_KEY", "", 64),
            ("OPENROUTER_API_KEY", "sk-or-v1-", 73),
            ("VERCEL_API_KEY", "", 24),
            ("DEEPSEEK_API_KEY", "sk-", 35),
            ("MISTRAL_API_KEY", "", 32),
            ("COHERE_API_KEY", "", 40),
            ("REPLICATE_API_TOKEN", "r8_", 40),
            ("HUGGINGFACE_API_KEY", "hf_", 37),
            ("WHATEVER", "katana_", 39),
        ] {
            let p = table.placeholder(secret).unwrap();
            assert!(p.starts_with(prefix) && p.len() == length, "{secret}: {p}");
            assert!(p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{p}");
            assert_ne!(p, table.placeholder(secret).unwrap());
        }
    }

    #[test]
    fn a_broken_table_says_where() {
        let with = |line: &str| {
            let text = format!(
                "providers:\n  - name: x\n    secret: X\n    hosts: [x.com]\n{line}    \
                 placeholder: {{ random: 32, alphabet: base62 }}\n"
            );
            Providers::parse(&text, "t").map(drop).map_err(|e| e.to_string())
        };
        assert_eq!(with(""), Ok(()));
        for (line, word) in [
            ("    colour: red\n", "colour"),
            ("    header: \"a b\"\n", "provider x: its header"),
            ("    secret: \"a b\"\n", "secret"),
        ] {
            let e = with(line).unwrap_err();
            assert!(e.contains(word), "{e}");
        }
        for bad in ["*", "*-com", "1.2.3", "a b", "*.*.x"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
