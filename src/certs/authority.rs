//! The authority as it is kept: read, checked against its key and the clock, never remade over what is there.

use super::keeper::{Clear, Keeper, SEALED};
use super::layout::{CERT, Layout, Pair, present};
use super::{Certificate, Error, make};
use crate::base::atomic;
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use std::io;
use std::path::{Path, PathBuf};

/// The interception CA with its key.
pub struct Authority {
    certificate: Certificate,
    path: PathBuf,
    sealed: bool,
    next: Option<Next>,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

/// The authority that is to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its certificate.
    pub certificate: Certificate,
    /// From when on it signs.
    pub activates: Timestamp,
}

impl Authority {
    /// Reads the authority of a directory; makes one (0700, key 0600) when there is none. Several processes at once make one.
    ///
    /// # Errors
    /// [`Error`] for one that is there and of no use: that one is never replaced.
    pub fn load_or_make(dir: &Path) -> Result<Self, Error> {
        Self::load_or_make_with(dir, &Clear)
    }

    /// The same with a key that this keeper seals and opens.
    ///
    /// # Errors
    /// As [`Authority::load_or_make`], and the keeper's.
    pub fn load_or_make_with(dir: &Path, keeper: &dyn Keeper) -> Result<Self, Error> {
        Self::load_or_make_at(dir, keeper, Timestamp::now())
    }

    pub(super) fn load_or_make_at(dir: &Path, keeper: &dyn Keeper, now: Timestamp) -> Result<Self, Error> {
        if !Layout::new(dir).exists() {
            make::authority(dir, keeper, now)?;
        }
        Self::load_at(dir, keeper, now)
    }

    /// Reads the authority of a directory.
    ///
    /// # Errors
    /// [`Error`], also when there is none.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        Self::load_at(dir, &Clear, Timestamp::now())
    }

    /// The same with a key that this keeper opens.
    ///
    /// # Errors
    /// As [`Authority::load`], and the keeper's.
    pub fn load_with(dir: &Path, keeper: &dyn Keeper) -> Result<Self, Error> {
        Self::load_at(dir, keeper, Timestamp::now())
    }

    pub(super) fn load_at(dir: &Path, keeper: &dyn Keeper, now: Timestamp) -> Result<Self, Error> {
        let layout = Layout::new(dir);
        // files that another process moves meanwhile do not fit together: under the lock they hold still
        let (mut found, unsettled) = match Self::look(&layout, keeper, now) {
            Err(
                first @ (Error::Mismatched { .. }
                | Error::Incomplete { .. }
                | Error::Unreadable { .. }
                | Error::Malformed { .. }
                | Error::Refused { .. }),
            ) => match layout.lock() {
                Ok(_lock) => Self::look(&layout, keeper, now)?,
                Err(_) => return Err(first),
            },
            other => other?,
        };
        if unsettled {
            match layout.lock().and_then(|_lock| layout.settle(now)) {
                Ok(()) => found.path = layout.dir.join(CERT),
                Err(why) => {
                    // what is in force is settled; only the files are not yet where they belong
                    let dir = dir.display();
                    tracing::warn!(%why, %dir, "the authority's files could not be moved");
                }
            }
        }
        Ok(found)
    }

    fn look(layout: &Layout, keeper: &dyn Keeper, now: Timestamp) -> Result<(Self, bool), Error> {
        let view = layout.view(now)?;
        let mut authority = Self::read(&view.present, keeper)?;
        let (path, cert) = (&authority.path, &authority.certificate);
        if !cert.valid_at(now) {
            let (from, to) = (cert.not_before().to_string(), cert.not_after().to_string());
            return Err(Error::Expired { path: path.clone(), from, to, now: now.to_string() });
        }
        if let Some((pair, activates)) = view.next {
            authority.next = Some(Next { certificate: Certificate::read(&pair.cert)?, activates });
        }
        Ok((authority, view.unsettled))
    }

    /// One pair of files, whatever the time.
    pub(super) fn read(pair: &Pair, keeper: &dyn Keeper) -> Result<Self, Error> {
        let Pair { key: key_path, cert: path } = pair;
        match (present(key_path), present(path)) {
            (true, false) => {
                return Err(Error::Incomplete { there: key_path.clone(), missing: path.clone() });
            }
            (false, true) => {
                return Err(Error::Incomplete { there: path.clone(), missing: key_path.clone() });
            }
            (false, false) => return Err(Error::Absent { path: path.clone() }),
            _ => {}
        }
        let text = key_text(key_path)?;
        let certificate = Certificate::read(path)?;
        let sealed = text.expose().starts_with(SEALED.as_bytes());
        let key = key(key_path, &text, &certificate, keeper)?;
        if !certificate.holds(&key.subject_public_key_info()) {
            return Err(Error::Mismatched { key: key_path.clone(), cert: path.clone() });
        }
        let issuer = Issuer::from_ca_cert_der(certificate.der(), key)
            .map_err(|e| Error::Malformed { path: path.clone(), why: e.to_string() })?;
        Ok(Self { certificate, path: path.clone(), sealed, next: None, issuer })
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        self.certificate.pem()
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// The certificate's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The subject's distinguished name.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.certificate.subject()
    }

    /// SHA-256 of the certificate, 64 hex digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.certificate.fingerprint()
    }

    /// From when it is valid.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.certificate.not_before()
    }

    /// Until when.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.certificate.not_after()
    }

    /// Whole days left; 0 when it is over.
    #[must_use]
    pub fn days_left(&self) -> u64 {
        self.certificate.days_left()
    }

    /// Is its key sealed on disk?
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The one that is to take over, while a rotation is under way.
    #[must_use]
    pub fn next(&self) -> Option<&Next> {
        self.next.as_ref()
    }

    /// Whom clients are to trust now: this one, and the next.
    pub fn trusted(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.certificate).chain(self.next.iter().map(|n| &n.certificate))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("subject", &self.subject())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The key file as it is.
pub(super) fn key_text(path: &Path) -> Result<Secret, Error> {
    let bytes = atomic::read_private(path).map_err(|why| {
        let path = path.to_owned();
        // the operating system's own refusal has a number; ours, over who may read it, has none
        if why.kind() == io::ErrorKind::PermissionDenied && why.raw_os_error().is_none() {
            Error::Exposed { path, why }
        } else {
            Error::Unreadable { path, why }
        }
    })?;
    Ok(Secret::new(bytes))
}

/// The key in a key file's text, opened if it is sealed: PKCS#8 in PEM.
pub(super) fn key_pem(
    path: &Path,
    text: &Secret,
    of: &Certificate,
    keeper: &dyn Keeper,
) -> Result<Secret, Error> {
    if !text.expose().starts_with(SEALED.as_bytes()) {
        return Ok(text.clone());
    }
    let sealed = std::str::from_utf8(text.expose())
        .map_err(|_| Error::Malformed { path: path.to_owned(), why: "is not a sealed key".into() })?;
    let refused = |r: super::keeper::Refused| Error::Refused { path: path.to_owned(), refused: r };
    keeper.open(sealed, &of.fingerprint()).map_err(refused)
}

fn key(path: &Path, text: &Secret, of: &Certificate, keeper: &dyn Keeper) -> Result<KeyPair, Error> {
    let pem = key_pem(path, text, of, keeper)?;
    let malformed = || Error::Malformed { path: path.to_owned(), why: "is not a PKCS#8 key in PEM".into() };
    let text = std::str::from_utf8(pem.expose()).map_err(|_| malformed())?;
    let key = KeyPair::from_pem(text).map_err(|_| malformed())?;
    if key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256) {
        Ok(key)
    } else {
        Err(Error::Malformed { path: path.to_owned(), why: "is not an ECDSA P-256 key".into() })
    }
}
