//! What the request path knows of the vault at one moment: the values, the automaton that finds them, and where they belong.
//! Built whole, swapped whole, never changed.

use super::credentials::Bindings;
use super::error::Error;
use super::held::Held;
use super::parts::parts;
use super::providers::Providers;
use super::scrub::{Echo, Matcher, Needle};
use crate::base::secret::Secret;
use crate::config::Credential;
use std::sync::OnceLock;

/// One generation of the vault, ready for traffic.
#[derive(Debug)]
pub struct Generation {
    /// Which one; the caller counts.
    pub number: u64,
    /// Every secret; bindings and hits name them by index.
    pub held: Box<[Held]>,
    /// Finds every derived form of every value, and every placeholder.
    pub matcher: Matcher,
    /// Which of them belongs where.
    pub bindings: Bindings,
    /// The vault cannot be read, and why, by its stable short name: nothing can be scrubbed or put in.
    pub sealed: Option<&'static str>,
    /// Per secret, what finds its echo in an answer; compiled when it is first put in.
    echoes: Box<[OnceLock<Echo>]>,
}

impl Generation {
    /// Compiles what [`super::Vault::hold`] returned.
    ///
    /// # Errors
    /// [`Error::Matcher`] when the values cannot be compiled: nothing may pass unscrubbed then.
    pub fn build(
        number: u64,
        held: Vec<Held>,
        providers: &Providers,
        credentials: &[Credential],
    ) -> Result<Self, Error> {
        let inner: Vec<Vec<Secret>> = held.iter().map(parts_of).collect();
        let needles: Vec<Needle<'_>> = held
            .iter()
            .zip(&inner)
            .zip(0..)
            .flat_map(|((h, parts), secret)| needles(h, parts, secret))
            .collect();
        let matcher = Matcher::compile(&needles).map_err(|e| Error::Matcher(e.to_string()))?;
        let bindings = Bindings::build(&held, providers, credentials);
        let echoes = held.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { number, held: held.into(), matcher, bindings, sealed: None, echoes })
    }

    /// What stands for a vault that cannot be read: no secrets, and the reason.
    ///
    /// # Errors
    /// As [`Generation::build`].
    pub fn sealed(
        number: u64,
        code: &'static str,
        providers: &Providers,
        credentials: &[Credential],
    ) -> Result<Self, Error> {
        Ok(Self { sealed: Some(code), ..Self::empty(number, providers, credentials)? })
    }

    /// What finds the echo of this secret in an answer.
    #[must_use]
    pub fn echo(&self, held: usize) -> Option<&Echo> {
        let secret = self.held.get(held)?;
        let values = std::iter::once(&secret.value).chain(&secret.older);
        let values: Vec<(&[u8], &str)> = values.map(|v| (v.expose(), &*secret.placeholder)).collect();
        let compile = || Echo::compile(&values);
        Some(self.echoes.get(held)?.get_or_init(compile))
    }

    /// A generation without secrets: what there is before the first `set`.
    ///
    /// # Errors
    /// As [`Generation::build`].
    pub fn empty(number: u64, providers: &Providers, credentials: &[Credential]) -> Result<Self, Error> {
        Self::build(number, Vec::new(), providers, credentials)
    }
}

/// What of a document would give its secret away beside its whole.
fn parts_of(held: &Held) -> Vec<Secret> {
    if held.document { parts(held.value.expose()) } else { Vec::new() }
}

/// Everything to be found of one secret: its value with its placeholder, the values it had, its other placeholders, and
/// the parts of a document.
fn needles<'a>(held: &'a Held, parts: &'a [Secret], secret: u32) -> Vec<Needle<'a>> {
    // a secret whose backend did not give it has no value, and a placeholder all the same
    let placeholder = if held.value.is_empty() && held.barred.is_none() { "" } else { &*held.placeholder };
    let mut all = vec![Needle { secret, value: held.value.expose(), placeholder, mark: 0 }];
    let values = held.older.iter().chain(parts).filter(|v| !v.is_empty());
    all.extend(values.map(|v| Needle { secret, value: v.expose(), placeholder: "", mark: 0 }));
    let aliases = held.aliases.iter().zip(1..).filter(|(a, _)| !a.placeholder.is_empty());
    all.extend(aliases.map(|(a, mark)| Needle { secret, value: b"", placeholder: &a.placeholder, mark }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::host::Host;
    use crate::base::secret::Secret;

    #[test]
    fn hits_and_bindings_name_the_same_secret() {
        let held = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"].map(|name| {
            Held::new(name, Secret::from(format!("the-value-of-{name}")), format!("placeholder-of-{name}"))
        });
        let providers = Providers::builtin().unwrap();
        let generation = Generation::build(3, held.to_vec(), &providers, &[]).unwrap();
        let host = Host::parse("api.openai.com").unwrap();
        let bound = generation.bindings.all(&host, 443, "GET", "/")[0].held.unwrap();
        assert_eq!(&*generation.held[bound].name, "OPENAI_API_KEY");
        assert_eq!(generation.number, 3);
        assert!(!generation.matcher.is_empty());
        let mut hits = Vec::new();
        generation.matcher.scan(b"see: the-value-of-OPENAI_API_KEY.", &mut hits);
        assert!(hits.iter().all(|h| usize::try_from(h.secret).unwrap() == bound) && !hits.is_empty());
        let empty = Generation::empty(0, &providers, &[]).unwrap();
        assert!(empty.matcher.is_empty() && empty.held.is_empty());
        assert_eq!(empty.bindings.all(&host, 443, "GET", "/")[0].held, None);
    }
}
