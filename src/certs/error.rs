//! Everything that can be wrong with certificates, each with what to do about it.

use super::keeper::Refused;
use std::io;
use std::path::PathBuf;

/// Why there is no authority, leaf or root store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the authority cannot be read.
    #[error("{path}: {why}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        why: io::Error,
    },
    /// Others can read the key, or it is not this user's.
    #[error("{path}: {why}", path = path.display())]
    Exposed {
        /// The key.
        path: PathBuf,
        /// Who can.
        why: io::Error,
    },
    /// One of the two files is there without the other.
    #[error("{there} is there, but {missing} is not", there = there.display(), missing = missing.display())]
    Incomplete {
        /// The file that is there.
        there: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{path}: {why}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key is not the certificate's.
    #[error("{key} is not the key of {cert}", key = key.display(), cert = cert.display())]
    Mismatched {
        /// The key.
        key: PathBuf,
        /// The certificate.
        cert: PathBuf,
    },
    /// The authority's time is over, or has not begun.
    #[error("{path} is valid from {from} to {to}, and it is {now}", path = path.display())]
    Expired {
        /// The certificate.
        path: PathBuf,
        /// Its beginning.
        from: String,
        /// Its end.
        to: String,
        /// The time.
        now: String,
    },
    /// There is none.
    #[error("{path} is not there: no authority has been made yet", path = path.display())]
    Absent {
        /// Where its certificate would be.
        path: PathBuf,
    },
    /// Its key cannot be opened or sealed.
    #[error("{path}: {why}", path = path.display(), why = refused.why)]
    Refused {
        /// The key file, or its directory.
        path: PathBuf,
        /// The keeper's word.
        refused: Refused,
    },
    /// The configuration wants the key sealed, and it lies there in clear.
    #[error("{path} holds the key in clear, and ca.key_protection is `vault`", path = path.display())]
    Unsealed {
        /// The key file.
        path: PathBuf,
    },
    /// A rotation is under way already.
    #[error("a rotation is under way: {fingerprint} takes over at {activates}")]
    UnderWay {
        /// Of the next authority.
        fingerprint: String,
        /// When it takes over.
        activates: String,
    },
    /// There is no rotation to finish or to give up.
    #[error("no rotation is under way")]
    NoRotation,
    /// The authority could not be made or kept.
    #[error("{path}: {why}", path = path.display())]
    NotMade {
        /// Its directory.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A built-in profile is wrong.
    #[error("certificate profile {0}")]
    Profile(String),
    /// A certificate could not be signed.
    #[error("cannot sign a certificate for {host}: {why}")]
    NotSigned {
        /// For whom.
        host: String,
        /// Why.
        why: String,
    },
    /// A file of `extra_roots` is of no use.
    #[error("{path}: {why}", path = path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is no root to verify anybody against.
    #[error("this system has no root certificates{0}")]
    NoRoots(String),
}

impl Error {
    /// A stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "ca_unreadable",
            Self::Exposed { .. } => "ca_key_exposed",
            Self::Incomplete { .. } => "ca_incomplete",
            Self::Malformed { .. } => "ca_malformed",
            Self::Mismatched { .. } => "ca_mismatched",
            Self::Expired { .. } => "ca_expired",
            Self::Absent { .. } => "ca_absent",
            Self::Refused { refused, .. } => refused.code,
            Self::Unsealed { .. } => "ca_key_unsealed",
            Self::UnderWay { .. } => "ca_rotation_under_way",
            Self::NoRotation => "ca_no_rotation",
            Self::NotMade { .. } => "ca_not_made",
            Self::Profile(_) => "cert_profile",
            Self::NotSigned { .. } => "leaf_not_signed",
            Self::Root { .. } => "root_unusable",
            Self::NoRoots(_) => "no_roots",
        }
    }

    /// What to do about it. The authority is never remade by itself: clients trust the one that was.
    #[must_use]
    pub fn remedy(&self) -> String {
        let anew = "move the `ca` directory away; the next start makes a new authority, which clients must be made to trust again";
        match self {
            Self::Unreadable { path, .. } => format!("let this user read {}", path.display()),
            Self::Exposed { path, .. } => format!(
                "chmod 600 {0}; if others may have read it, {anew}",
                path.display()
            ),
            Self::Incomplete { missing, .. } => format!("put {} back from a backup, or {anew}", missing.display()),
            Self::Malformed { .. } | Self::Mismatched { .. } => format!("put both files back from a backup, or {anew}"),
            Self::Expired { .. } => {
                "check this machine's clock; if it is right, `katana ca rotate` makes a new authority, which clients must be made to trust (`katana ca trust`)".into()
            }
            Self::Absent { .. } => "`katana ca show` makes one, and so does the proxy's first start".into(),
            Self::Refused { refused, .. } => refused.remedy.clone(),
            Self::Unsealed { .. } => "`katana ca protect` seals it; or set ca.key_protection: file".into(),
            Self::UnderWay { .. } => {
                "wait, or `katana ca rotate --commit` to switch now, or `katana ca rotate --cancel` to give it up".into()
            }
            Self::NoRotation => "`katana ca rotate` begins one".into(),
            Self::NotMade { path, .. } => format!("make {} writable for this user", path.display()),
            Self::Profile(_) | Self::NotSigned { .. } => "report this as a bug, with the message".into(),
            Self::Root { .. } => "name a PEM file of certificates in proxy.upstream.extra_roots, or remove the entry".into(),
            Self::NoRoots(_) => {
                "install the system's CA certificates (package ca-certificates), or name roots in proxy.upstream.extra_roots".into()
            }
        }
    }
}
