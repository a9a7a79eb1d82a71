//! One authority's certificate without its key: what clients are made to trust, read from a file that anybody may have
//! written, so it is judged before it is used.

use super::Error;
use super::roots;
use crate::base::clock::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use x509_parser::prelude::{FromDer, X509Certificate};

/// No certificate of ours is nearly this long.
const LONGEST: u64 = 64 * 1024;

/// The certificate of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads the first certificate of a PEM file; a symlink is not followed. Its time may be over.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::Malformed`] for what is not the certificate of an authority.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = plain(path).map_err(|why| Error::Unreadable { path: path.to_owned(), why })?;
        Self::parse(&bytes).map_err(|why| Error::Malformed { path: path.to_owned(), why: why.into() })
    }

    /// The first certificate of a PEM text.
    fn parse(pem: &[u8]) -> Result<Self, &'static str> {
        let der = roots::certificates(pem).into_iter().next().ok_or("holds no certificate")?;
        let (rest, cert) = X509Certificate::from_der(&der).map_err(|_| "is not a certificate")?;
        if !rest.is_empty() || !cert.is_ca() {
            return Err("is not the certificate of an authority");
        }
        let ms = |t: x509_parser::time::ASN1Time| Timestamp(t.timestamp().saturating_mul(1000));
        let (not_before, not_after) = (ms(cert.validity().not_before), ms(cert.validity().not_after));
        let subject = cert.subject().to_string();
        Ok(Self { pem: roots::pem(&der), subject, not_before, not_after, der })
    }

    /// Is this its key's public half (`SubjectPublicKeyInfo`, DER)?
    pub(super) fn holds(&self, public: &[u8]) -> bool {
        X509Certificate::from_der(&self.der).is_ok_and(|(_, cert)| cert.public_key().raw == public)
    }

    /// In DER.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// In PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
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

    pub(super) fn valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

/// The beginning of a small file that anybody may have written: no symlink, no device, no more than it can need.
pub(super) fn plain(path: &Path) -> io::Result<Vec<u8>> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a plain file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
