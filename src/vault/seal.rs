//! The cryptography of one vault: keys derived from the master key, entries sealed, documents signed. Knows no files.
//! Every derived key is bound to the vault's id, every sealed entry to its name, version and generation.

use super::error::Error;
use super::key::{MasterKey, no_randomness};
use crate::base::id::random;
use crate::base::secret::Secret;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::{BASE64, HEXLOWER};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The vault's id: 16 random bytes, chosen when it was made.
pub(super) type Id = [u8; 16];

/// What an entry is bound to.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) name: &'a str,
    pub(super) version: u64,
    pub(super) generation: u64,
}

/// Which of the two documents is signed; each has a key of its own.
#[derive(Clone, Copy)]
pub(super) enum Signed {
    Vault,
    Anchor,
}

/// The keys of one vault.
pub(super) struct Sealer {
    id: Id,
    wrap: Aes256Gcm,
    vault_mac: Zeroizing<[u8; 32]>,
    anchor_mac: Zeroizing<[u8; 32]>,
    check: String,
}

const NONCE: usize = 12;
const PADDING: usize = 64;
const BROKEN: &str = "an entry does not open with its key";

impl Sealer {
    pub(super) fn new(master: &MasterKey, id: Id) -> Result<Self, Error> {
        let root = Hkdf::<Sha256>::new(Some(&id), master.bytes());
        let wrap = derive::<32>(&root, "katana vault v4: wrap")?;
        Ok(Self {
            id,
            wrap: Aes256Gcm::new((&*wrap).into()),
            vault_mac: derive(&root, "katana vault v4: header")?,
            anchor_mac: derive(&root, "katana vault v4: anchor")?,
            check: HEXLOWER.encode(&*derive::<16>(&root, "katana vault v4: check")?),
        })
    }

    /// Tells keys apart without telling anything about them: 32 hex digits.
    pub(super) fn check(&self) -> &str {
        &self.check
    }

    pub(super) fn raw_id(&self) -> Id {
        self.id
    }

    pub(super) fn id(&self) -> String {
        HEXLOWER.encode(&self.id)
    }

    /// The wrapped data key and the sealed value, both base64 of nonce, ciphertext and tag.
    pub(super) fn seal(&self, at: Bound<'_>, value: &Secret) -> Result<(String, String), Error> {
        let data_key = Zeroizing::new(random::<32>().map_err(|e| no_randomness(&e))?);
        let cipher = Aes256Gcm::new((&*data_key).into());
        let key = encrypt(&self.wrap, &self.associated(b'k', at), &*data_key)?;
        let text = encrypt(&cipher, &self.associated(b'v', at), &padded(value))?;
        Ok((key, text))
    }

    /// The value again.
    ///
    /// # Errors
    /// [`Error::Tampered`] when anything differs from what was sealed.
    pub(super) fn open(&self, at: Bound<'_>, key: &str, text: &str) -> Result<Secret, Error> {
        let broken = || Error::Tampered(BROKEN.into());
        let data_key = decrypt(&self.wrap, &self.associated(b'k', at), key).ok_or_else(broken)?;
        let cipher = Aes256Gcm::new_from_slice(&data_key).map_err(|_| broken())?;
        let plain = decrypt(&cipher, &self.associated(b'v', at), text).ok_or_else(broken)?;
        unpadded(&plain).map(Secret::from).ok_or_else(broken)
    }

    /// HMAC-SHA256 of the document's bytes, 64 hex digits.
    pub(super) fn sign(&self, what: Signed, bytes: &[u8]) -> String {
        HEXLOWER.encode(&self.mac(what, bytes).finalize().into_bytes())
    }

    /// Is that the signature of these bytes? In constant time.
    pub(super) fn signed(&self, what: Signed, bytes: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = HEXLOWER.decode(signature) else { return false };
        self.mac(what, bytes).verify_slice(&signature).is_ok()
    }

    fn mac(&self, what: Signed, bytes: &[u8]) -> Hmac<Sha256> {
        let key = match what {
            Signed::Vault => &self.vault_mac,
            Signed::Anchor => &self.anchor_mac,
        };
        // an HMAC key may have any length, and a fixed block never fails
        let mut block = [0; 64];
        block[..32].copy_from_slice(&**key);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(bytes);
        mac
    }

    /// `katana vault v4` NUL kind id length(2) name version(8) generation(8), numbers big-endian.
    fn associated(&self, kind: u8, at: Bound<'_>) -> Vec<u8> {
        let length = u16::try_from(at.name.len()).unwrap_or(u16::MAX);
        let mut out = b"katana vault v4\0".to_vec();
        out.push(kind);
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(at.name.as_bytes());
        out.extend_from_slice(&at.version.to_be_bytes());
        out.extend_from_slice(&at.generation.to_be_bytes());
        out
    }
}

fn derive<const N: usize>(root: &Hkdf<Sha256>, purpose: &str) -> Result<Zeroizing<[u8; N]>, Error> {
    let mut out = Zeroizing::new([0; N]);
    root.expand(purpose.as_bytes(), &mut *out)
        .map_err(|e| Error::KeyUnusable { origin: "the master key".into(), why: e.to_string() })?;
    Ok(out)
}

fn encrypt(cipher: &Aes256Gcm, aad: &[u8], plain: &[u8]) -> Result<String, Error> {
    let nonce = random::<NONCE>().map_err(|e| no_randomness(&e))?;
    let sealed = cipher
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: plain, aad })
        .map_err(|_| Error::BadValue("cannot be encrypted"))?;
    Ok(BASE64.encode(&[&nonce[..], &sealed].concat()))
}

fn decrypt(cipher: &Aes256Gcm, aad: &[u8], text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
    cipher.decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad }).ok().map(Zeroizing::new)
}

/// Length(4), value, zeros up to a multiple of 64: the file tells the length of a value only roughly.
fn padded(value: &Secret) -> Zeroizing<Vec<u8>> {
    let bytes = value.expose();
    let whole = (4 + bytes.len()).next_multiple_of(PADDING);
    let mut out = Zeroizing::new(Vec::with_capacity(whole));
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
    out.resize(whole, 0);
    out
}

fn unpadded(plain: &[u8]) -> Option<&[u8]> {
    let (length, rest) = plain.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Bound<'_> = Bound { name: "A", version: 1, generation: 2 };

    #[test]
    fn an_entry_opens_only_where_it_was_sealed() {
        let master = MasterKey::generate().unwrap();
        let sealer = Sealer::new(&master, [7; 16]).unwrap();
        let (key, text) = sealer.seal(AT, &Secret::from("a value")).unwrap();
        assert_eq!(sealer.open(AT, &key, &text).unwrap().expose(), b"a value");
        for at in [
            Bound { name: "B", ..AT },
            Bound { version: 2, ..AT },
            Bound { generation: 3, ..AT },
            Bound { name: "A\0", ..AT },
        ] {
            assert!(sealer.open(at, &key, &text).is_err());
        }
        assert!(sealer.open(AT, &text, &key).is_err(), "key and value do not stand in for each other");
        assert!(Sealer::new(&master, [8; 16]).unwrap().open(AT, &key, &text).is_err(), "another vault");
        let other = MasterKey::generate().unwrap();
        assert!(Sealer::new(&other, [7; 16]).unwrap().open(AT, &key, &text).is_err(), "another key");
    }

    #[test]
    fn the_same_value_never_looks_the_same_and_lengths_blur() {
        let sealer = Sealer::new(&MasterKey::generate().unwrap(), [7; 16]).unwrap();
        let (k1, t1) = sealer.seal(AT, &Secret::from("12345678")).unwrap();
        let (k2, t2) = sealer.seal(AT, &Secret::from("12345678")).unwrap();
        assert!(k1 != k2 && t1 != t2);
        let (_, t3) = sealer.seal(AT, &Secret::new(vec![b'x'; 60])).unwrap();
        assert_eq!(t1.len(), t3.len());
        for length in [0, 1, 59, 60, 61, 64 * 1024] {
            let value = Secret::new(vec![b'y'; length]);
            let (k, t) = sealer.seal(AT, &value).unwrap();
            assert_eq!(sealer.open(AT, &k, &t).unwrap(), value);
        }
    }

    #[test]
    fn a_signature_holds_for_its_document_only() {
        let sealer = Sealer::new(&MasterKey::generate().unwrap(), [7; 16]).unwrap();
        let signature = sealer.sign(Signed::Vault, b"text");
        assert!(sealer.signed(Signed::Vault, b"text", signature.as_bytes()));
        assert!(!sealer.signed(Signed::Vault, b"texT", signature.as_bytes()));
        assert!(!sealer.signed(Signed::Anchor, b"text", signature.as_bytes()));
        assert!(!sealer.signed(Signed::Vault, b"text", signature.to_uppercase().as_bytes()), "one spelling");
        assert!(!sealer.signed(Signed::Vault, b"text", b""));
    }
}
