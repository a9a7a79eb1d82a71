//! The vault files of hermes-katana, versions 1 to 3. The signature is checked before any entry is believed, and one entry
//! that does not open fails the whole file. The expiry file beside it is read, but nothing has ever vouched for it.

use super::{Class, Error, Find, Origin, Reading, SourceFile};
use crate::base::clock::Timestamp;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::vault::key::{KeySource, MasterKey, OsKeyring};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::{BASE64, HEXLOWER};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"HKV3";
const NONCE: usize = 12;
const ASIDE: &str = "vault.hermes-katana.json";
const EXPIRY: &str = "vault_expiry.json";
const JOURNAL: &str = "vault.rotation_journal";

/// The key of an ancestor's vault, and where it came from.
#[derive(Debug)]
pub struct AncestorKey {
    key: MasterKey,
    origin: String,
}

impl AncestorKey {
    /// From base64 of 32 bytes.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn parse(text: &str, origin: impl Into<String>) -> Result<Self, Error> {
        let origin = origin.into();
        match MasterKey::from_base64(text.trim()) {
            Some(key) => Ok(Self { key, origin }),
            None => Err(Error::Key(format!("{origin} does not hold the base64 of 32 bytes"))),
        }
    }
}

/// The key from the ancestor's own entry in the OS keyring; `None`: there is none.
///
/// # Errors
/// [`Error::Key`] when the keyring cannot be asked, or holds something else.
pub fn key_from_keyring() -> Result<Option<AncestorKey>, Error> {
    let keyring = OsKeyring::entry("hermes-katana-vault", "master-key".into(), Duration::from_secs(60));
    let key = keyring.load().map_err(|e| Error::Key(e.to_string()))?;
    Ok(key.map(|key| AncestorKey { key, origin: "the OS keyring (hermes-katana-vault)".into() }))
}

/// Where the ancestor's vault lies: at katana's own path, or where an import has laid it aside.
#[must_use]
pub fn ancestor_place(paths: &Paths) -> PathBuf {
    let own = paths.vault();
    let aside = own.with_file_name(ASIDE);
    let version = std::fs::read(&own).ok().and_then(|b| serde_json::from_slice::<Value>(&b).ok());
    let ours = version.is_none_or(|v| v["version"].as_u64().is_none_or(|n| n > 3));
    if ours && aside.exists() { aside } else { own }
}

/// Lays the ancestor's file aside if it lies where katana's own vault will; returns where it lies then.
///
/// # Errors
/// The operating system's; [`Error::Unsafe`] when that name is taken already.
pub fn set_aside(file: &Path, paths: &Paths) -> Result<Option<PathBuf>, Error> {
    if file != paths.vault() {
        return Ok(None);
    }
    let aside = file.with_file_name(ASIDE);
    if aside.exists() {
        let why = format!("{} is in its way", aside.display());
        return Err(Error::Unsafe { path: file.to_owned(), why });
    }
    std::fs::rename(file, &aside).map_err(|e| Error::io(file, &e))?;
    Ok(Some(aside))
}

/// Is it a vault of the ancestor's at all? Asked before anybody is asked for its key.
///
/// # Errors
/// [`Error::Unverified`] when it is none; a file that is not safe to read.
pub fn is_ancestors(path: &Path) -> Result<(), Error> {
    parsed(&SourceFile::read(path)?).map(drop)
}

/// The document and its version, both not yet believed.
fn parsed(file: &SourceFile) -> Result<(Value, u64), Error> {
    let path = file.path().to_owned();
    let vault: Value = serde_json::from_slice(file.bytes()).map_err(|e| Error::Syntax {
        path: path.clone(),
        line: e.line(),
        why: "it is no JSON".into(),
    })?;
    match vault["version"].as_u64() {
        Some(version @ 1..=3) => Ok((vault, version)),
        _ => Err(Error::Unverified { path, why: "it is no vault of hermes-katana, version 1 to 3".into() }),
    }
}

/// Reads, verifies and opens all of it.
///
/// # Errors
/// [`Error::Unverified`] with the check that failed, or the entry that does not open.
pub fn ancestor(path: &Path, key: &AncestorKey) -> Result<Reading, Error> {
    let file = SourceFile::read(path)?;
    let untrusted = |why: String| Error::Unverified { path: path.to_owned(), why };
    let (vault, version) = parsed(&file)?;
    let entries = vault["entries"].as_object().ok_or_else(|| untrusted("it has no entries".into()))?;
    let (keys, mut notes) = keys(path, key);
    let message = message(version, &vault, entries).map_err(untrusted)?;
    let stated = vault["hmac"].as_str().unwrap_or_default();
    let stated = HEXLOWER.decode(stated.as_bytes()).unwrap_or_default();
    if stated.is_empty() {
        return Err(untrusted("it has no signature".into()));
    }
    if !keys.iter().any(|k| mac(version, k, message.as_bytes()).verify_slice(&stated).is_ok()) {
        let why = format!("its signature does not hold under the key from {}", key.origin);
        return Err(untrusted(why));
    }
    let ends = ends(path, &mut notes);
    let mut finds = Vec::with_capacity(entries.len());
    for (name, sealed) in entries {
        let value = keys.iter().find_map(|k| open(k, name, sealed.as_str()?)).ok_or_else(|| {
            untrusted(format!("the entry {name:?} does not open, so none of its {} is taken", entries.len()))
        })?;
        let expires = ends.iter().find(|(n, _)| n == name).map(|(_, t)| *t);
        finds.push(Find {
            called: name.clone(),
            name: name.clone(),
            value,
            class: Class::Secret,
            spot: None,
            expires,
        });
    }
    notes.insert(0, format!("version {version}, key from {}", key.origin));
    Ok(Reading { origin: Origin::Ancestor(file), finds, notes })
}

/// The key that was given, and those that a rotation cut short has left in its journal, sealed under it.
fn keys(vault: &Path, given: &AncestorKey) -> (Vec<MasterKey>, Vec<String>) {
    let mut keys = vec![given.key.clone()];
    let journal = SourceFile::read(&vault.with_file_name(JOURNAL)).ok();
    let journal = journal.and_then(|j| serde_json::from_slice::<Value>(j.bytes()).ok());
    let Some(journal) = journal else { return (keys, Vec::new()) };
    for field in ["old_key_enc", "new_key_enc"] {
        let other = journal[field].as_str().and_then(|sealed| open(&given.key, "", sealed));
        let other = other.and_then(|s| MasterKey::from_base64(std::str::from_utf8(s.expose()).ok()?));
        keys.extend(other);
    }
    (keys, vec![format!("a rotation was cut short ({JOURNAL}); both of its keys were tried")])
}

/// What the signature covers, in the ancestor's own spelling.
fn message(version: u64, vault: &Value, entries: &Map<String, Value>) -> Result<String, String> {
    let mut sorted = Vec::with_capacity(entries.len());
    for (name, sealed) in entries {
        sorted.push((name, sealed.as_str().ok_or_else(|| format!("the entry {name:?} is no text"))?));
    }
    sorted.sort_unstable();
    let pairs: Vec<String> = sorted.iter().map(|(n, s)| format!("[{}, {}]", ascii(n), ascii(s))).collect();
    let pairs = format!("[{}]", pairs.join(", "));
    if version < 3 {
        return Ok(pairs);
    }
    let counter = vault["counter"].as_u64().ok_or("it has no counter")?;
    Ok(format!("{{\"counter\": {counter}, \"entries\": {pairs}, \"version\": 3}}"))
}

/// A JSON string with everything but printable ASCII escaped, as the ancestor's JSON library writes it.
fn ascii(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

fn mac(version: u64, key: &MasterKey, message: &[u8]) -> Hmac<Sha256> {
    let mut derived = Zeroizing::new([0; 64]);
    if version < 3 {
        let mut hash = Sha256::new_with_prefix(b"hmac:");
        hash.update(key.bytes());
        derived[..32].copy_from_slice(&hash.finalize());
    } else {
        let root = Hkdf::<Sha256>::new(Some(b"hermes-katana-vault"), key.bytes());
        // 32 bytes are never too many for HKDF; were they, the key would be zeros and nothing would verify
        let _ = root.expand(b"vault-hmac:v3", &mut derived[..32]);
    }
    // an HMAC key shorter than its block is filled with zeros, so the block is the key
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*derived).into());
    mac.update(message);
    mac
}

/// The value: with the magic it is bound to its name, without it (versions 1 and 2) to nothing.
fn open(key: &MasterKey, name: &str, sealed: &str) -> Option<Secret> {
    let blob = BASE64.decode(sealed.as_bytes()).ok()?;
    let (blob, aad) = match blob.strip_prefix(MAGIC) {
        Some(rest) => (rest, name.as_bytes()),
        None => (&blob[..], &b""[..]),
    };
    let (nonce, text) = blob.split_at_checked(NONCE)?;
    let cipher = Aes256Gcm::new_from_slice(key.bytes()).ok()?;
    let plain = cipher.decrypt(Nonce::from_slice(nonce), Payload { msg: text, aad }).ok()?;
    Some(Secret::new(plain))
}

/// When entries end, by the file beside the vault.
fn ends(vault: &Path, notes: &mut Vec<String>) -> Vec<(String, Timestamp)> {
    let path = vault.with_file_name(EXPIRY);
    let read = match SourceFile::read(&path) {
        Ok(file) => serde_json::from_slice::<Map<String, Value>>(file.bytes()).map_err(|e| e.to_string()),
        Err(Error::Missing(_)) => return Vec::new(),
        Err(e) => Err(e.to_string()),
    };
    match read {
        Ok(map) => {
            notes.push(format!("ends are taken from {EXPIRY}, which nothing has ever protected"));
            // seconds since 1970, with a fraction; beyond f64's exact range they are no dates either
            #[expect(clippy::cast_possible_truncation, reason = "a float that is no date saturates")]
            let at = |v: &Value| Some(Timestamp((v["expires_at"].as_f64()? * 1000.0) as i64));
            map.iter().filter_map(|(name, v)| Some((name.clone(), at(v)?))).collect()
        }
        Err(why) => {
            notes.push(format!("{} cannot be read, so no entry ends: {why}", path.display()));
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
