//! The interception authority's private key, sealed by the vault: under a key of its own, which is an entry of the vault that
//! nobody names, binds or sees. So whatever the vault goes through (a new master key, another source), the file stays readable.

use super::change::Meta;
use super::error::Error;
use super::key::no_randomness;
use super::store::Vault;
use super::value::Name;
use crate::base::id::random;
use crate::base::secret::Secret;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::BASE64;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The entry that holds the sealing key: base64 of 32 random bytes.
pub const ENTRY: &str = "katana.ca-key";

const BEGIN: &str = "-----BEGIN KATANA SEALED KEY-----\n";
const END: &str = "-----END KATANA SEALED KEY-----\n";
const VERSION: u8 = 1;
const NONCE: usize = 12;
const INFO: &[u8] = b"katana-ca-key v1";

impl Vault {
    /// The text of a sealed key file, bound to the certificate with this fingerprint. Makes the sealing key at the first
    /// call; callers take turns (the authority's lock).
    ///
    /// # Errors
    /// As [`Vault::set`].
    pub fn seal_ca_key(&self, key: &Secret, fingerprint: &str) -> Result<String, Error> {
        let cipher = match self.ca_cipher() {
            Err(Error::NoEntry(_)) => {
                let fresh = Zeroizing::new(random::<32>().map_err(|e| no_randomness(&e))?);
                self.set(&Name::internal(ENTRY), &Secret::from(BASE64.encode(&*fresh)), Meta::default())?;
                self.ca_cipher()?
            }
            other => other?,
        };
        let nonce = random::<NONCE>().map_err(|e| no_randomness(&e))?;
        let sealed = cipher
            .encrypt(Nonce::from_slice(&nonce), Payload { msg: key.expose(), aad: &associated(fingerprint) })
            .map_err(|_| Error::BadValue("cannot be encrypted"))?;
        let body = BASE64.encode(&[&[VERSION][..], &nonce, &sealed].concat());
        let lines: String =
            body.as_bytes().chunks(64).map(|l| format!("{}\n", String::from_utf8_lossy(l))).collect();
        Ok(format!("{BEGIN}{lines}{END}"))
    }

    /// The key in such a text.
    ///
    /// # Errors
    /// [`Error::Tampered`] when anything differs from what was sealed, [`Error::NoEntry`] when this vault never sealed one,
    /// and as [`Vault::get`].
    pub fn open_ca_key(&self, text: &str, fingerprint: &str) -> Result<Secret, Error> {
        let broken = || Error::Tampered("the sealed key of the authority does not open".into());
        let body = text.strip_prefix(BEGIN).and_then(|t| t.strip_suffix(END)).ok_or_else(broken)?;
        let bytes = BASE64.decode(body.replace('\n', "").as_bytes()).map_err(|_| broken())?;
        let (version, rest) = bytes.split_first().ok_or_else(broken)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or_else(broken)?;
        if *version != VERSION {
            return Err(broken());
        }
        let cipher = self.ca_cipher()?;
        let plain = cipher
            .decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: &associated(fingerprint) })
            .map_err(|_| broken())?;
        Ok(Secret::new(plain))
    }

    fn ca_cipher(&self) -> Result<Aes256Gcm, Error> {
        let kept = self.get(&Name::internal(ENTRY))?;
        let broken = || Error::Tampered(format!("the entry {ENTRY} holds no key"));
        let input = Zeroizing::new(BASE64.decode(kept.expose()).map_err(|_| broken())?);
        if input.len() != 32 {
            return Err(broken());
        }
        let mut key = Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(None, &input).expand(INFO, &mut *key).map_err(|_| broken())?;
        Ok(Aes256Gcm::new((&*key).into()))
    }
}

/// `katana-ca-key v1` NUL, then the certificate's fingerprint in 64 hex digits.
fn associated(fingerprint: &str) -> Vec<u8> {
    [INFO, b"\0", fingerprint.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::paths::Paths;
    use crate::config;
    use crate::vault::{Place, place};

    fn home() -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().to_owned();
        let paths = Paths::from_lookup(&|k| (k == "STATE_DIRECTORY").then(|| state.clone()));
        let file = config::Vault { key_source: config::KeySource::File, ..config::Config::default().vault };
        (dir, place(&paths, &file))
    }

    #[test]
    fn a_key_opens_for_its_certificate_in_its_vault_and_nowhere_else() {
        let ((_a, here), (_b, there)) = (home(), home());
        let (vault, other) = (Vault::open(&here).unwrap(), Vault::open(&there).unwrap());
        let key = Secret::from("-----BEGIN PRIVATE KEY-----\nMIG\n");
        let text = vault.seal_ca_key(&key, "ab12").unwrap();
        assert!(text.starts_with(BEGIN) && text.ends_with(END) && !text.contains("MIG"), "{text}");
        assert_eq!(Vault::open(&here).unwrap().open_ca_key(&text, "ab12").unwrap(), key);
        assert_eq!(vault.open_ca_key(&text, "ab13").unwrap_err().code(), "vault_tampered");
        assert_eq!(other.open_ca_key(&text, "ab12").unwrap_err().code(), "vault_no_entry");
        other.seal_ca_key(&key, "ab12").unwrap();
        assert_eq!(other.open_ca_key(&text, "ab12").unwrap_err().code(), "vault_tampered");
        let body = text.len() - BEGIN.len() - END.len();
        for at in (0..body).step_by(7) {
            let mut bytes = text.clone().into_bytes();
            let b = &mut bytes[BEGIN.len() + at];
            *b = if *b == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(vault.open_ca_key(&changed, "ab12").is_err(), "{at}");
        }
        for junk in ["", BEGIN, &format!("{BEGIN}{END}"), &format!("{BEGIN}AA==\n{END}")] {
            assert!(vault.open_ca_key(junk, "ab12").is_err());
        }
        assert_eq!(vault.seal_ca_key(&key, "cd").map(|_| ()), Ok(()), "the sealing key stays");
        assert_eq!(vault.open_ca_key(&text, "ab12").unwrap(), key);
    }

    #[test]
    fn the_sealing_key_is_nobodys_secret() {
        let (_dir, here) = home();
        let vault = Vault::open(&here).unwrap();
        vault.seal_ca_key(&Secret::from("key"), "ab").unwrap();
        assert!(vault.hold().unwrap().is_empty(), "it is never put in, nor handed to a child");
        assert!(Name::parse(ENTRY).is_err(), "and no command can name it");
        assert_eq!(vault.verify().unwrap().entries, 1);
        std::fs::write(&here.lock_sentinel, "").unwrap();
        assert_eq!(Vault::open(&here).unwrap_err().code(), "vault_locked");
    }
}
