//! The master key under a passphrase: `vault.kdf` holds it sealed with a key that Argon2id makes of passphrase and salt.
//! The master key itself stays the random one it was, so that it can be moved, rotated and recovered like any other.

use super::Source;
use super::file::there;
use super::master::{LENGTH, Locked};
use super::record::Shelf;
use super::words::{self, Words};
use crate::base::atomic;
use crate::base::id::random;
use crate::base::secret::Secret;
use crate::vault::error::Error;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const NONCE: usize = 12;
const SALT: usize = 16;
/// What a new file is made with: 64 MiB, three passes, one lane. About a fifth of a second.
const USUAL: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
/// A file that asks for more is not obeyed: whoever can write it could make every command hang.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };
/// How often a person may mistype.
const TRIES: usize = 3;

/// What Argon2id is to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// `vault.kdf`.
#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    kdf: String,
    #[serde(flatten)]
    cost: Cost,
    /// base64 of 16 random bytes.
    salt: String,
    /// base64 of nonce, sealed text, tag.
    sealed: String,
}

/// The file, and where the passphrase comes from.
#[derive(Debug)]
pub struct Passphrase {
    file: PathBuf,
    words: Words,
    cost: Cost,
}

/// A key made of a passphrase, and what to remember it by.
struct Made {
    mark: [u8; 32],
    key: Locked,
}

/// Argon2id is dear on purpose; a process that opens the vault again with the same passphrase and salt need not pay twice.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
const REMEMBERED: usize = 4;

impl Passphrase {
    /// The file at this path, which need not be there, with the passphrase as [`Words`] give it.
    #[must_use]
    pub fn at(file: &Path, words: Words) -> Self {
        Self { file: file.to_owned(), words, cost: USUAL }
    }

    /// Is there a file? Then a key is sealed in it.
    #[must_use]
    pub fn there(&self) -> bool {
        there(&self.file)
    }

    /// What Argon2id spends on this file; `None`: there is none that could be read.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.parsed().ok().flatten().map(|f| f.cost)
    }

    /// Another passphrase over the same key, in one step.
    ///
    /// # Errors
    /// [`Error::PassphraseWrong`] for the present one; [`Error::BadPassphrase`] for the new one.
    pub fn change(&self, new: &Secret) -> Result<(), Error> {
        let text = self.read()?.ok_or_else(|| Error::NoVault(self.file.clone()))?;
        words::acceptable(new)?;
        self.seal(&text, new, random().map_err(|e| super::no_randomness(&e))?, self.cost)
    }

    fn parsed(&self) -> Result<Option<File>, Error> {
        let bytes = match atomic::read_private(&self.file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&self.file, &e)),
        };
        let file: File =
            serde_json::from_slice(&bytes).map_err(|_| self.unusable("it is not what katana writes"))?;
        let (c, most) = (file.cost, MOST);
        if file.version != 1 || file.kdf != "argon2id" {
            return Err(self.unusable("it is of a version or kind that this program does not know"));
        }
        if c.memory_kib > most.memory_kib || c.passes > most.passes || c.lanes > most.lanes {
            return Err(self.unusable("it asks for more memory or time than any katana writes"));
        }
        Ok(Some(file))
    }

    fn unusable(&self, why: &str) -> Error {
        Error::KeyUnusable { origin: self.name().to_string(), why: why.to_owned() }
    }

    /// The text in a file, with this passphrase; `None`: it is not the one.
    fn unseal(&self, file: &File, passphrase: &Secret) -> Result<Option<Zeroizing<String>>, Error> {
        let broken = || self.unusable("its salt or its sealed text is broken");
        let decode = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| broken());
        let salt: [u8; SALT] = decode(&file.salt)?.try_into().map_err(|_| broken())?;
        let sealed = decode(&file.sealed)?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(broken)?;
        let aad = associated(file.cost, &salt);
        let plain = self.with_key(passphrase, salt, file.cost, |cipher| {
            cipher.decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: &aad }).ok()
        })?;
        let Some(plain) = plain.map(Zeroizing::new) else { return Ok(None) };
        let text = std::str::from_utf8(&plain).map_err(|_| broken())?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    fn seal(&self, text: &str, passphrase: &Secret, salt: [u8; SALT], cost: Cost) -> Result<(), Error> {
        let nonce = random::<NONCE>().map_err(|e| super::no_randomness(&e))?;
        let aad = associated(cost, &salt);
        let sealed = self
            .with_key(passphrase, salt, cost, |cipher| {
                cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg: text.as_bytes(), aad: &aad }).ok()
            })?
            .ok_or_else(|| self.unusable("it could not be sealed"))?;
        let file = File {
            version: 1,
            kdf: "argon2id".into(),
            cost,
            salt: BASE64.encode(&salt),
            sealed: BASE64.encode(&[&nonce[..], &sealed].concat()),
        };
        let mut bytes =
            serde_json::to_vec_pretty(&file).map_err(|_| self.unusable("it could not be written"))?;
        bytes.push(b'\n');
        if let Some(dir) = self.file.parent().filter(|d| !d.as_os_str().is_empty()) {
            atomic::private_dir(dir).map_err(|e| Error::io(dir, &e))?;
        }
        atomic::write(&self.file, &bytes, 0o600).map_err(|e| Error::io(&self.file, &e))
    }

    fn with_key<T>(
        &self,
        passphrase: &Secret,
        salt: [u8; SALT],
        cost: Cost,
        work: impl FnOnce(&Aes256Gcm) -> T,
    ) -> Result<T, Error> {
        let mark = mark(passphrase, &salt, cost);
        let mut made = MADE.lock();
        if !made.iter().any(|m| m.mark == mark) {
            let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(LENGTH))
                .map_err(|e| self.unusable(&e.to_string()))?;
            let mut key = Zeroizing::new([0; LENGTH]);
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(passphrase.expose(), &salt, &mut key[..])
                .map_err(|e| self.unusable(&e.to_string()))?;
            if made.len() == REMEMBERED {
                made.remove(0);
            }
            made.push(Made { mark, key: Locked::new(&key) });
        }
        let key = made.iter().find(|m| m.mark == mark).ok_or_else(|| self.unusable("no key was made"))?;
        Ok(work(&Aes256Gcm::new(key.key.bytes().into())))
    }
}

/// Parameters and salt belong to what is sealed: a file in which they were changed does not open.
fn associated(cost: Cost, salt: &[u8; SALT]) -> Vec<u8> {
    let numbers = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes);
    [b"katana vault passphrase v1\0".as_slice(), numbers.as_flattened(), salt].concat()
}

fn mark(passphrase: &Secret, salt: &[u8; SALT], cost: Cost) -> [u8; 32] {
    Sha256::new().chain_update(associated(cost, salt)).chain_update(passphrase.expose()).finalize().into()
}

impl Shelf for Passphrase {
    fn name(&self) -> Source {
        Source::Passphrase(self.file.clone())
    }

    fn read(&self) -> Result<Option<Zeroizing<String>>, Error> {
        let Some(file) = self.parsed()? else { return Ok(None) };
        for attempt in 0..TRIES {
            let given = self.words.present(&self.file, attempt > 0)?;
            if let Some(text) = self.unseal(&file, &given.passphrase)? {
                self.words.good(&given.passphrase);
                return Ok(Some(text));
            }
            if !given.asked {
                break;
            }
        }
        Err(Error::PassphraseWrong(self.file.clone()))
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        let Some(file) = self.parsed()? else {
            let new = self.words.chosen(&self.file)?;
            self.seal(text, &new, random().map_err(|e| super::no_randomness(&e))?, self.cost)?;
            self.words.good(&new);
            return Ok(());
        };
        // over the present one only with the present passphrase: nobody is locked out by a slip
        self.read()?;
        let given = self.words.present(&self.file, false)?;
        let salt = BASE64.decode(file.salt.as_bytes()).ok().and_then(|s| s.try_into().ok());
        let salt = salt.ok_or_else(|| self.unusable("its salt is broken"))?;
        self.seal(text, &given.passphrase, salt, file.cost)
    }

    fn erase(&self) -> Result<(), Error> {
        atomic::remove(&self.file).map_err(|e| Error::io(&self.file, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::key::{KeySource, MasterKey};

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn with(file: &Path, passphrase: &str) -> Passphrase {
        Passphrase { cost: CHEAP, ..Passphrase::at(file, Words::fixed(Secret::from(passphrase))) }
    }

    #[test]
    fn only_the_passphrase_opens_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vault.kdf");
        let (right, wrong) =
            (with(&file, "six random words or more"), with(&file, "six random words or mora"));
        assert!(right.load().unwrap().is_none() && !right.there() && right.cost().is_none());
        let [one, two] = [(); 2].map(|()| MasterKey::generate().unwrap());
        right.store(&one).unwrap();
        assert!(right.load().unwrap().unwrap().same(&one));
        assert_eq!(right.cost(), Some(CHEAP));
        assert_eq!(wrong.load().unwrap_err().code(), "vault_passphrase_wrong");
        assert_eq!(
            wrong.store(&two).unwrap_err().code(),
            "vault_passphrase_wrong",
            "and nothing is written over"
        );
        right.stage(&two).unwrap();
        right.promote().unwrap();
        right.remember(Path::new("/v")).unwrap();
        assert!(right.load().unwrap().unwrap().same(&two) && right.remembers(Path::new("/v")));
        right.change(&Secret::from("another one of some length")).unwrap();
        assert_eq!(right.load().unwrap_err().code(), "vault_passphrase_wrong");
        assert!(with(&file, "another one of some length").load().unwrap().unwrap().same(&two));
        assert_eq!(
            with(&dir.path().join("new"), "short").store(&one).unwrap_err().code(),
            "vault_bad_passphrase"
        );
    }

    #[test]
    fn a_file_that_was_changed_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vault.kdf");
        let source = with(&file, "six random words or more");
        source.store(&MasterKey::generate().unwrap()).unwrap();
        let good = std::fs::read_to_string(&file).unwrap();
        for (from, to, code) in [
            ("\"memory_kib\": 64", "\"memory_kib\": 65", "vault_passphrase_wrong"),
            ("\"passes\": 1", "\"passes\": 2", "vault_passphrase_wrong"),
            ("\"memory_kib\": 64", "\"memory_kib\": 4000000", "vault_key_unusable"),
            ("\"version\": 1", "\"version\": 2", "vault_key_unusable"),
            ("argon2id", "argon2d", "vault_key_unusable"),
            ("\"sealed\"", "\"unsealed\"", "vault_key_unusable"),
        ] {
            let changed = good.replace(from, to);
            assert_ne!(changed, good, "{from}");
            atomic::write(&file, changed.as_bytes(), 0o600).unwrap();
            assert_eq!(source.load().unwrap_err().code(), code, "{to}");
        }
        atomic::write(&file, good.as_bytes(), 0o644).unwrap();
        assert_eq!(source.load().unwrap_err().code(), "vault_not_private");
    }
}
