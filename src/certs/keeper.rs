//! How the authority's private key lies on disk: in clear, or sealed by somebody who holds a key of their own. Who that is,
//! is not known here.

use crate::base::secret::Secret;

/// The first line of a key file that is sealed.
pub const SEALED: &str = "-----BEGIN KATANA SEALED KEY-----";

/// Seals and opens the authority's key.
pub trait Keeper: Send + Sync {
    /// Is a key that is written to be sealed?
    fn seals(&self) -> bool;

    /// The key file's whole text for this key (PKCS#8, PEM), bound to the certificate with this fingerprint.
    ///
    /// # Errors
    /// Why it cannot be sealed now.
    fn seal(&self, key: &Secret, fingerprint: &str) -> Result<String, Refused>;

    /// The key again.
    ///
    /// # Errors
    /// Why it does not open.
    fn open(&self, file: &str, fingerprint: &str) -> Result<Secret, Refused>;
}

/// Why a key was neither sealed nor opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The keeper's own stable short name.
    pub code: &'static str,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

/// Writes keys in clear, and cannot open a sealed one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clear;

impl Keeper for Clear {
    fn seals(&self) -> bool {
        false
    }

    fn seal(&self, _key: &Secret, _fingerprint: &str) -> Result<String, Refused> {
        Err(no_vault())
    }

    fn open(&self, _file: &str, _fingerprint: &str) -> Result<Secret, Refused> {
        Err(no_vault())
    }
}

fn no_vault() -> Refused {
    Refused {
        code: "ca_key_sealed",
        why: "no vault is at hand".into(),
        remedy: "use the command with the vault that sealed it".into(),
    }
}
