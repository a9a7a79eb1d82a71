//! The two documents on disk, `vault.json` and `vault.anchor`: their fields, and how bytes become one. A document is
//! authenticated as the bytes it is, before a parser sees it: the signature is its last field and covers all before it.

use super::entry::Entry;
use super::error::Error;
use super::key::{LABELS, MasterKey};
use super::runs::Run;
use super::seal::{Id, Sealer, Signed};
use data_encoding::HEXLOWER;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The format's version.
pub(super) const VERSION: u64 = 4;

/// `vault.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u64,
    /// The vault's id, 32 hex digits.
    pub(super) vault: String,
    /// One more with every write.
    pub(super) generation: u64,
    pub(super) key: KeyNote,
    pub(super) entries: BTreeMap<String, Entry>,
    /// Newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) runs: Vec<Run>,
    /// Written by a rotation of the master key: the digest of the anchor that it found, which is under the key before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) beside: Option<String>,
    #[serde(skip_serializing)]
    mac: String,
}

/// Which key: tells a wrong key from a changed file, and where to look for the right one.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyNote {
    /// The source that gave it at the last write.
    pub(super) source: String,
    /// Derived from key and vault id, 32 hex digits.
    pub(super) check: String,
}

/// `vault.anchor`: the generation the vault has at least.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Anchor {
    pub(super) version: u64,
    pub(super) vault: String,
    pub(super) generation: u64,
    pub(super) key: KeyNote,
    /// The signature that the vault of this generation has; empty for generation 0, which is never written.
    pub(super) signature: String,
    #[serde(skip_serializing)]
    #[expect(dead_code, reason = "checked as bytes before the parser sees it")]
    mac: String,
}

impl Document {
    /// A vault without entries that has never been written.
    pub(super) fn new(sealer: &Sealer, source: &str) -> Self {
        Self {
            version: VERSION,
            vault: sealer.id(),
            generation: 0,
            key: KeyNote { source: source.to_owned(), check: sealer.check().to_owned() },
            entries: BTreeMap::new(),
            runs: Vec::new(),
            beside: None,
            mac: String::new(),
        }
    }

    /// The same vault under another key; `beside`: the digest of the anchor that stands beside it.
    pub(super) fn rotated(
        &self,
        generation: u64,
        key: KeyNote,
        entries: BTreeMap<String, Entry>,
        beside: String,
    ) -> Self {
        Self {
            version: self.version,
            vault: self.vault.clone(),
            generation,
            key,
            entries,
            runs: self.runs.clone(),
            beside: Some(beside),
            mac: String::new(),
        }
    }

    /// Every placeholder that stands or has stood for something: of the entries, from before changes, and of runs.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        let own = self.entries.values().flat_map(Entry::placeholders);
        own.chain(self.runs.iter().flat_map(Run::placeholders))
    }

    /// The signature it was read with.
    pub(super) fn signature(&self) -> &str {
        &self.mac
    }

    /// The anchor of this document, once it is signed with `signature`.
    pub(super) fn anchor(&self, signature: &str) -> Anchor {
        Anchor {
            version: VERSION,
            vault: self.vault.clone(),
            generation: self.generation,
            key: self.key.clone(),
            signature: signature.to_owned(),
            mac: String::new(),
        }
    }
}

const OPENING: &[u8] = b",\n  \"mac\": \"";
const CLOSING: &[u8] = b"\"\n}\n";
const HEX: usize = 64;

/// The document's bytes, signed; and the signature.
pub(super) fn write<T: Serialize>(
    document: &T,
    sealer: &Sealer,
    what: Signed,
) -> Result<(Vec<u8>, String), Error> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|_| Error::BadValue("cannot be written"))?;
    // pretty JSON ends in "\n}": the signature goes in before that
    bytes.truncate(bytes.len().saturating_sub(2));
    bytes.extend_from_slice(OPENING);
    let signature = sealer.sign(what, &bytes);
    bytes.extend_from_slice(signature.as_bytes());
    bytes.extend_from_slice(CLOSING);
    Ok((bytes, signature))
}

/// The document, if these bytes are exactly what was signed.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], sealer: &Sealer, what: Signed) -> Option<T> {
    let (signed, signature) = bytes.strip_suffix(CLOSING)?.split_last_chunk::<HEX>()?;
    if !signed.ends_with(OPENING) || !sealer.signed(what, signed, signature) {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

/// SHA-256 of a file's bytes, 64 hex digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What bytes that nobody has vouched for say about themselves. Good for choosing an error message, and for nothing else.
pub(super) struct Claim {
    pub(super) version: u64,
    pub(super) id: Option<Id>,
    check: Option<String>,
    source: Option<String>,
}

/// The fields a claim is made of; the rest is passed over unread.
#[derive(Deserialize)]
struct Head {
    version: u64,
    #[serde(default)]
    vault: String,
    #[serde(default)]
    key: HeadKey,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HeadKey {
    source: String,
    check: String,
}

impl Claim {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let head: Head = serde_json::from_slice(bytes).ok()?;
        let id = HEXLOWER.decode(head.vault.as_bytes()).ok();
        Some(Self {
            version: head.version,
            id: id.and_then(|b| b.try_into().ok()),
            check: Some(head.key.check).filter(|c| !c.is_empty()),
            source: Some(head.key.source),
        })
    }

    /// Was it written with another key than this one?
    pub(super) fn foreign(&self, master: &MasterKey) -> bool {
        let (Some(id), Some(check)) = (self.id, &self.check) else { return false };
        Sealer::new(master, id).is_ok_and(|s| s.check() != check)
    }

    /// The vault's id, 32 hex digits.
    pub(super) fn vault_id(&self) -> Option<String> {
        self.id.map(|id| HEXLOWER.encode(&id))
    }

    /// What tells its key from others.
    pub(super) fn check(&self) -> Option<&str> {
        self.check.as_deref().filter(|c| c.len() == 32 && c.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// The source it names, if it is one.
    pub(super) fn source(&self) -> Option<&'static str> {
        LABELS.into_iter().find(|s| self.source.as_deref() == Some(s))
    }
}
