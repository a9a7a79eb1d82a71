//! The vault's entries as accounts look them up: by name, and only those that may be used.

use super::error::Error;
use crate::base::secret::Secret;
use crate::vault::Held;

/// One generation's entries.
#[derive(Clone, Copy)]
pub struct Purse<'a>(pub &'a [Held]);

impl<'a> Purse<'a> {
    /// The entry, if it may be used.
    ///
    /// # Errors
    /// [`Error::NoEntry`], [`Error::Barred`].
    pub fn held(&self, name: &str) -> Result<&'a Held, Error> {
        let held = self.0.iter().find(|h| *h.name == *name).ok_or_else(|| Error::NoEntry(name.to_owned()))?;
        if held.barred.is_some() || held.value.is_empty() {
            return Err(Error::Barred(name.to_owned()));
        }
        Ok(held)
    }

    /// Its value.
    ///
    /// # Errors
    /// As [`Purse::held`].
    pub fn value(&self, name: &str) -> Result<&'a Secret, Error> {
        self.held(name).map(|h| &h.value)
    }
}
