//! The authority as it is kept: read, checked against its key and the clock, never remade over what is there.

use super::{Error, make};
use crate::base::atomic;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer, X509Certificate};

pub(super) const KEY: &str = "katana-ca.key";
pub(super) const CERT: &str = "katana-ca.pem";

/// The interception CA with its key.
pub struct Authority {
    der: CertificateDer<'static>,
    pem: String,
    subject: String,
    path: PathBuf,
    not_before: Timestamp,
    not_after: Timestamp,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Reads the authority of a directory; makes one (0700, key 0600) when there is none. Several processes at once make one.
    ///
    /// # Errors
    /// [`Error`] for one that is there and of no use: that one is never replaced.
    pub fn load_or_make(dir: &Path) -> Result<Self, Error> {
        Self::load_or_make_at(dir, Timestamp::now())
    }

    pub(super) fn load_or_make_at(dir: &Path, now: Timestamp) -> Result<Self, Error> {
        if !present(&dir.join(KEY)) && !present(&dir.join(CERT)) {
            make::authority(dir, now)?;
        }
        Self::load_at(dir, now)
    }

    /// Reads the authority of a directory.
    ///
    /// # Errors
    /// [`Error`], also when there is none.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        Self::load_at(dir, Timestamp::now())
    }

    pub(super) fn load_at(dir: &Path, now: Timestamp) -> Result<Self, Error> {
        let (key_path, path) = (dir.join(KEY), dir.join(CERT));
        match (present(&key_path), present(&path)) {
            (true, false) => return Err(Error::Incomplete { there: key_path, missing: path }),
            (false, true) => return Err(Error::Incomplete { there: path, missing: key_path }),
            _ => {}
        }
        let key = read_key(&key_path)?;
        let pem = fs::read_to_string(&path).map_err(|why| Error::Unreadable { path: path.clone(), why })?;
        let malformed = |why: &str| Error::Malformed { path: path.clone(), why: why.into() };
        let der = super::roots::certificates(pem.as_bytes())
            .into_iter()
            .next()
            .ok_or_else(|| malformed("holds no certificate"))?;
        let (rest, cert) = X509Certificate::from_der(&der).map_err(|_| malformed("is not a certificate"))?;
        if !rest.is_empty() || !cert.is_ca() {
            return Err(malformed("is not the certificate of an authority"));
        }
        if cert.public_key().raw != key.subject_public_key_info() {
            return Err(Error::Mismatched { key: key_path, cert: path });
        }
        let ms = |t: x509_parser::time::ASN1Time| Timestamp(t.timestamp().saturating_mul(1000));
        let (not_before, not_after) = (ms(cert.validity().not_before), ms(cert.validity().not_after));
        if now < not_before || now >= not_after {
            let (from, to) = (not_before.to_string(), not_after.to_string());
            return Err(Error::Expired { path, from, to, now: now.to_string() });
        }
        let subject = cert.subject().to_string();
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|e| malformed(&e.to_string()))?;
        let pem = super::roots::pem(&der);
        Ok(Self { der, pem, subject, path, not_before, not_after, issuer })
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The subject's distinguished name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// SHA-256 of the certificate, 64 hex digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(&self.der))
    }

    /// From when it is valid.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whole days left; 0 when it is over.
    #[must_use]
    pub fn days_left(&self) -> u64 {
        u64::try_from((self.not_after.0 - Timestamp::now().0) / 86_400_000).unwrap_or(0)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("subject", &self.subject)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Is anything there, be it a link that leads nowhere? What cannot be looked at counts as there, so that it is not replaced.
pub(super) fn present(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(e) if e.kind() == io::ErrorKind::NotFound)
}

fn read_key(path: &Path) -> Result<KeyPair, Error> {
    let bytes = atomic::read_private(path).map_err(|why| {
        let path = path.to_owned();
        // the operating system's own refusal has a number; ours, over who may read it, has none
        if why.kind() == io::ErrorKind::PermissionDenied && why.raw_os_error().is_none() {
            Error::Exposed { path, why }
        } else {
            Error::Unreadable { path, why }
        }
    })?;
    let pem = Secret::new(bytes);
    let malformed = || Error::Malformed { path: path.to_owned(), why: "is not a PKCS#8 key in PEM".into() };
    let text = std::str::from_utf8(pem.expose()).map_err(|_| malformed())?;
    let key = KeyPair::from_pem(text).map_err(|_| malformed())?;
    if key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256) {
        Ok(key)
    } else {
        Err(Error::Malformed { path: path.to_owned(), why: "is not an ECDSA P-256 key".into() })
    }
}
