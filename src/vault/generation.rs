//! What the request path knows of the vault at one moment: the values, the automaton that finds them, and where they belong.
//! Built whole, swapped whole, never changed.

use super::credentials::Bindings;
use super::error::Error;
use super::held::Held;
use super::providers::Providers;
use super::scrub::{Echo, Matcher, Needle};
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
        // what is not known cannot be looked for
        let known = held.iter().zip(0..).filter(|(h, _)| !h.value.is_empty());
        let needles =
            known.map(|(h, secret)| Needle { secret, value: h.value.expose(), placeholder: &h.placeholder });
        let needles: Vec<Needle<'_>> = needles.collect();
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
        let compile = || Echo::compile(&[(secret.value.expose(), &secret.placeholder)]);
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
        let bound = generation.bindings.find(&host, 443, "GET", "/").unwrap().held.unwrap();
        assert_eq!(&*generation.held[bound].name, "OPENAI_API_KEY");
        assert_eq!(generation.number, 3);
        assert!(!generation.matcher.is_empty());
        let mut hits = Vec::new();
        generation.matcher.scan(b"see: the-value-of-OPENAI_API_KEY.", &mut hits);
        assert!(hits.iter().all(|h| usize::try_from(h.secret).unwrap() == bound) && !hits.is_empty());
        let empty = Generation::empty(0, &providers, &[]).unwrap();
        assert!(empty.matcher.is_empty() && empty.held.is_empty());
        assert_eq!(empty.bindings.find(&host, 443, "GET", "/").unwrap().held, None);
    }
}
