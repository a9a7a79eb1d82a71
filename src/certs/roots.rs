//! Roots: what upstreams are verified against, and the bundle a client's environment is given. PEM in and out.

use super::{Certificate, Error};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs;
use std::path::PathBuf;

/// The system's roots and those of the given PEM files.
///
/// # Errors
/// A file that cannot be read, holds no certificate or one that is no root; no root at all.
pub fn roots(extra: &[PathBuf]) -> Result<RootCertStore, Error> {
    let native = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(native.certs);
    for path in extra {
        let wrong = |why: String| Error::Root { path: path.clone(), why };
        let bytes = fs::read(path).map_err(|e| wrong(e.to_string()))?;
        let found = certificates(&bytes);
        if found.is_empty() {
            return Err(wrong("holds no certificate in PEM".into()));
        }
        for (i, der) in found.into_iter().enumerate() {
            store.add(der).map_err(|e| wrong(format!("certificate {} is no usable root: {e}", i + 1)))?;
        }
    }
    if store.is_empty() {
        let why = native.errors.first().map(|e| format!(": {e}")).unwrap_or_default();
        return Err(Error::NoRoots(why));
    }
    Ok(store)
}

/// Does this system's own store hold it?
#[must_use]
pub fn system_trusts(certificate: &Certificate) -> bool {
    rustls_native_certs::load_native_certs().certs.contains(certificate.der())
}

/// The system's roots and the authority (both, while one takes over from another) in one PEM text, for clients whose CA
/// file replaces the system's. Without system roots it holds the authority alone: all a client sees comes through the proxy.
#[must_use]
pub fn bundle(trusted: &[Certificate]) -> String {
    let native = rustls_native_certs::load_native_certs().certs;
    let ours = |c: &CertificateDer<'static>| trusted.iter().any(|t| t.der() == c);
    let others = native.iter().filter(|c| !ours(c)).map(pem);
    others.chain(trusted.iter().map(|t| t.pem().to_owned())).collect()
}

/// The certificates of a PEM text, in order; whatever else is in it is passed over.
pub(super) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// One certificate in PEM.
pub(super) fn pem(der: &CertificateDer<'static>) -> String {
    let text = data_encoding::BASE64.encode(der);
    let mut out = String::with_capacity(text.len() + 80);
    out.push_str("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap_or_default());
        out.push('\n');
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Authority;

    #[test]
    fn extra_roots_are_taken_or_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(&dir.path().join("ca")).unwrap();
        let with = roots(&[authority.path().to_owned()]).unwrap();
        assert!(
            with.roots.iter().any(|r| authority.der().windows(r.subject.len()).any(|w| w == &r.subject[..]))
        );

        let empty = dir.path().join("empty.pem");
        fs::write(&empty, "no certificate here\n").unwrap();
        let torn = dir.path().join("torn.pem");
        fs::write(&torn, authority.pem().replace('A', "B")).unwrap();
        for bad in [dir.path().join("gone.pem"), empty, torn] {
            let e = roots(std::slice::from_ref(&bad)).unwrap_err();
            assert_eq!(e.code(), "root_unusable");
            assert!(e.to_string().contains(bad.to_str().unwrap()), "{e}");
        }
    }

    #[test]
    fn the_bundle_ends_with_the_authority() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(&dir.path().join("ca")).unwrap();
        let text = bundle(&[authority.certificate().clone()]);
        let all = certificates(text.as_bytes());
        assert_eq!(all.last(), Some(authority.der()));
        assert_eq!(all.len(), rustls_native_certs::load_native_certs().certs.len() + 1);
        assert_eq!(pem(all.last().unwrap()), authority.pem());
    }
}
