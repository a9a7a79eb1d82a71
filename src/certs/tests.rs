//! The authority on disk, and what a verifier says of its leaves.

use super::*;
use crate::base::clock::Timestamp;
use crate::base::host::Host;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{RootCertStore, crypto::aws_lc_rs::default_provider};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

const DAY: i64 = 86_400_000;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_authority_is_made_once_and_kept_privately() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("state/ca");
    let first = Authority::load_or_make(&dir).unwrap();
    assert_eq!(
        (mode(&dir), mode(&dir.join("katana-ca.key")), mode(&dir.join("katana-ca.pem"))),
        (0o700, 0o600, 0o644)
    );
    assert_eq!(first.fingerprint(), Authority::load_or_make(&dir).unwrap().fingerprint());
    assert_eq!(first.fingerprint().len(), 64);
    assert!((3640..=3652).contains(&first.days_left()), "{}", first.days_left());
    assert!(first.subject().contains("katana CA "), "{}", first.subject());
    assert!(
        fs::read_to_string(dir.join("katana-ca.key")).unwrap().starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
    let elsewhere = Authority::load_or_make(&home.path().join("other/ca")).unwrap();
    assert_ne!(first.subject(), elsewhere.subject(), "two authorities have two names");
    assert!(!format!("{first:?}").contains("PRIVATE"));
}

#[test]
fn many_at_once_make_one() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    let prints: Vec<String> = std::thread::scope(|s| {
        let threads: Vec<_> =
            (0..8).map(|_| s.spawn(|| Authority::load_or_make(&dir).unwrap().fingerprint())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(prints.iter().all(|p| *p == prints[0]));
    let mut left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ca", "ca.lock"], "nothing half-made is left");
}

#[test]
fn a_directory_that_is_there_gets_the_files() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("note.txt"), "mine").unwrap();
    Authority::load_or_make(&dir).unwrap();
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 3);
    assert_eq!(mode(&dir), 0o700);
}

#[test]
fn what_is_there_and_of_no_use_is_said_and_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    let print = Authority::load_or_make(&dir).unwrap().fingerprint();
    let (key, cert) = (dir.join("katana-ca.key"), dir.join("katana-ca.pem"));
    let (key_pem, cert_pem) = (fs::read(&key).unwrap(), fs::read(&cert).unwrap());
    let code = |now: Timestamp| {
        let e = Authority::load_or_make_at(&dir, now).unwrap_err();
        assert!(e.to_string().contains("katana-ca.") && !e.remedy().is_empty(), "{e}");
        e.code()
    };
    let now = Timestamp::now();

    assert_eq!(code(Timestamp(now.0 + 3653 * DAY)), "ca_expired");
    assert_eq!(code(Timestamp(now.0 - 2 * DAY)), "ca_expired");
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(code(now), "ca_key_exposed");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    for junk in ["", "junk", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        fs::write(&key, junk).unwrap();
        assert_eq!(code(now), "ca_malformed", "{junk}");
    }
    let other = home.path().join("other/ca");
    Authority::load_or_make(&other).unwrap();
    fs::write(&key, fs::read(other.join("katana-ca.key")).unwrap()).unwrap();
    assert_eq!(code(now), "ca_mismatched");
    fs::write(&key, &key_pem).unwrap();
    fs::write(&cert, "junk").unwrap();
    assert_eq!(code(now), "ca_malformed");
    fs::remove_file(&cert).unwrap();
    assert_eq!(code(now), "ca_incomplete");
    fs::write(&cert, &cert_pem).unwrap();
    fs::remove_file(&key).unwrap();
    assert_eq!(code(now), "ca_incomplete");
    std::os::unix::fs::symlink(home.path().join("gone"), &key).unwrap();
    assert_eq!(code(now), "ca_unreadable");
    fs::remove_file(&key).unwrap();
    fs::write(&key, &key_pem).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Authority::load_or_make(&dir).unwrap().fingerprint(), print);
}

#[test]
fn a_verifier_takes_every_leaf_for_its_own_host_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::load_or_make(&home.path().join("ca")).unwrap());
    let leaves = Leaves::new(authority.clone()).unwrap();
    let mut store = RootCertStore::empty();
    store.add(authority.der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build().unwrap();
    let long = format!("{}.{}.example.com", "a".repeat(63), "b".repeat(63));
    for host in ["api.example.com", "127.0.0.1", "[2001:db8::1]", "under_score.example.com", &long] {
        let shown = leaves.for_host(&Host::parse(host).unwrap()).unwrap();
        assert_eq!(shown.cert.len(), 2);
        assert!(shown.keys_match().is_ok());
        let name = ServerName::try_from(host.trim_matches(['[', ']'])).unwrap();
        let check = |name: &ServerName<'_>, now: UnixTime| {
            verifier.verify_server_cert(&shown.cert[0], &shown.cert[1..], name, &[], now)
        };
        check(&name, UnixTime::now()).unwrap_or_else(|e| panic!("{host}: {e}"));
        assert!(check(&"other.example.com".try_into().unwrap(), UnixTime::now()).is_err());
        let later = UnixTime::since_unix_epoch(Duration::from_millis(
            u64::try_from(Timestamp::now().0 + 8 * DAY).unwrap(),
        ));
        assert!(check(&name, later).is_err(), "{host} is good for days, not longer");
    }
}

#[test]
fn leaves_have_what_strict_verifiers_ask_for() {
    let home = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::load_or_make(&home.path().join("ca")).unwrap());
    let leaves = Leaves::new(authority.clone()).unwrap();
    let shown = leaves.for_host(&Host::parse("api.example.com").unwrap()).unwrap();
    let (_, ca) = X509Certificate::from_der(authority.der()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&shown.cert[0]).unwrap();
    let identifiers = |c: &X509Certificate<'_>| {
        let mut found = (None, None);
        for e in c.extensions() {
            match e.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => found.0 = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    found.1 = id.key_identifier.as_ref().map(|k| k.0.to_vec());
                }
                _ => {}
            }
        }
        found
    };
    assert!(
        identifiers(&ca).0.is_some() && identifiers(&leaf).1 == identifiers(&ca).0,
        "AKI is the authority's SKI"
    );
    assert!(identifiers(&leaf).0.is_some() && identifiers(&leaf).0 != identifiers(&ca).0);
    assert_ne!(leaf.public_key().raw, ca.public_key().raw, "never the authority's own key");
    let basic = ca.basic_constraints().unwrap().unwrap();
    assert!(basic.critical && basic.value.ca && basic.value.path_len_constraint == Some(0));
    let usage = ca.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert!(leaf.key_usage().unwrap().unwrap().value.digital_signature());
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert!(!leaf.is_ca() && leaf.raw_serial().len() == 16 && leaf.raw_serial()[0] & 0x80 == 0);
    let other = leaves.for_host(&Host::parse("b.example.com").unwrap()).unwrap();
    let (_, other) = X509Certificate::from_der(&other.cert[0]).unwrap();
    assert_ne!(leaf.raw_serial(), other.raw_serial());
    assert_eq!(leaf.public_key().raw, other.public_key().raw, "one key for the whole process");
}

#[test]
fn no_leaf_outlives_its_authority() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    // made almost ten years ago: three days are left
    let made = Timestamp(Timestamp::now().0 - 3648 * DAY);
    make::authority(&dir, made).unwrap();
    let authority = Arc::new(Authority::load(&dir).unwrap());
    let shown = Leaves::new(authority.clone()).unwrap().for_host(&Host::parse("a.example").unwrap()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&shown.cert[0]).unwrap();
    assert_eq!(leaf.validity().not_after.timestamp(), authority.not_after().0 / 1000);
}
