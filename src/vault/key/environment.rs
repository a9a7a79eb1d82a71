//! The master key from the environment: what containers and service units give.

use super::{KeySource, MasterKey, Source};
use crate::vault::error::Error;
use std::fmt;

/// The variables that are read, in this order. None of them may reach a child process.
pub const VARIABLES: [&str; 2] = ["KATANA_VAULT_KEY", "HERMES_KATANA_VAULT_KEY"];

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Base64 of 32 bytes in one of [`VARIABLES`]; an empty variable counts as not set.
pub struct Environment(Lookup);

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        // what is no text is no key either, and has to be said rather than passed over
        Self::of(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    /// Any lookup, for tests.
    pub fn of(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Box::new(lookup))
    }

    fn set(&self) -> Option<(&'static str, zeroize::Zeroizing<String>)> {
        let value = |name| (self.0)(name).filter(|v| !v.trim().is_empty());
        VARIABLES.into_iter().find_map(|name| Some((name, value(name)?.into())))
    }
}

impl KeySource for Environment {
    fn source(&self) -> Source {
        Source::Environment(self.set().map_or(VARIABLES[0], |(name, _)| name))
    }

    fn load(&self) -> Result<Option<MasterKey>, Error> {
        let Some((name, text)) = self.set() else { return Ok(None) };
        MasterKey::from_base64(&text).map(Some).ok_or_else(|| Error::KeyUnusable {
            origin: Source::Environment(name).to_string(),
            why: "it is not the base64 of 32 bytes".into(),
        })
    }

    fn store(&self, _key: &MasterKey) -> Result<(), Error> {
        Err(Error::KeyMissing(format!("{} is not set, and a program cannot set it", VARIABLES[0])))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}
