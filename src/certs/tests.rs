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
        let e = Authority::load_or_make_at(&dir, &keeper::Clear, now).unwrap_err();
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
    make::authority(&dir, &keeper::Clear, made).unwrap();
    let authority = Arc::new(Authority::load(&dir).unwrap());
    let shown = Leaves::new(authority.clone()).unwrap().for_host(&Host::parse("a.example").unwrap()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&shown.cert[0]).unwrap();
    assert_eq!(leaf.validity().not_after.timestamp(), authority.not_after().0 / 1000);
}

#[test]
fn the_next_authority_is_trusted_before_it_signs_and_the_old_one_is_kept_to_be_distrusted() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    let now = Timestamp::now();
    assert_eq!(rotate(&dir, Duration::ZERO, &keeper::Clear).unwrap_err().code(), "ca_absent");
    let old = Authority::load_or_make(&dir).unwrap();
    let made = rotate::rotate_at(&dir, Duration::from_secs(60), &keeper::Clear, now).unwrap();
    assert!(
        !made.active && made.activates == Timestamp(now.0 + 60_000) && made.previous == *old.certificate()
    );
    assert_eq!(rotate(&dir, Duration::ZERO, &keeper::Clear).unwrap_err().code(), "ca_rotation_under_way");
    let during = Authority::load(&dir).unwrap();
    assert_eq!(
        (during.fingerprint(), during.next().unwrap().certificate.clone()),
        (old.fingerprint(), made.next.clone())
    );
    assert_eq!(during.trusted().count(), 2);
    let leaves = Leaves::new(Arc::new(during)).unwrap();
    let host = Host::parse("a.example").unwrap();
    let shown = leaves.for_host(&host).unwrap();
    assert_eq!(shown.cert[1], *old.der());

    let after = Authority::load_at(&dir, &keeper::Clear, made.activates).unwrap();
    assert_eq!(
        (after.certificate(), after.next(), after.path()),
        (&made.next, None, &*dir.join("katana-ca.pem"))
    );
    assert_eq!(
        Authority::load(&dir).unwrap().fingerprint(),
        made.next.fingerprint(),
        "and it stays so whatever the clock says"
    );
    assert_eq!((mode(&dir.join("katana-ca.key")), mode(&dir.join("katana-ca.pem"))), (0o600, 0o644));
    let known = known(&dir).unwrap();
    assert_eq!((known.trusted, known.retired), (vec![made.next.clone()], vec![made.previous.clone()]));
    leaves.sign_by(Arc::new(after));
    let again = leaves.for_host(&host).unwrap();
    assert!(
        again.cert[1] == *made.next.der() && again.cert[0] != shown.cert[0],
        "kept leaves go with their authority"
    );
    let mut store = RootCertStore::empty();
    store.add(made.next.der().clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(default_provider()));
    let name = ServerName::try_from("a.example").unwrap();
    let verifier = verifier.build().unwrap();
    verifier.verify_server_cert(&again.cert[0], &again.cert[1..], &name, &[], UnixTime::now()).unwrap();
}

#[test]
fn a_rotation_can_be_hurried_given_up_and_is_what_an_ended_authority_needs() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    let first = Authority::load_or_make(&dir).unwrap().fingerprint();
    assert_eq!(commit(&dir, &keeper::Clear).unwrap_err().code(), "ca_no_rotation");
    assert_eq!(cancel(&dir).unwrap_err().code(), "ca_no_rotation");
    let day = Duration::from_secs(86_400);
    let given_up = rotate(&dir, day, &keeper::Clear).unwrap().next;
    assert_eq!(cancel(&dir).unwrap().as_ref(), Some(&given_up));
    assert_eq!(known(&dir).unwrap().retired, [given_up], "some may trust it already");
    assert_eq!(Authority::load(&dir).unwrap().fingerprint(), first);
    let second = rotate(&dir, day, &keeper::Clear).unwrap().next;
    assert_eq!(commit(&dir, &keeper::Clear).unwrap().next, second);
    assert_eq!(Authority::load(&dir).unwrap().certificate(), &second);
    let at_once = rotate(&dir, Duration::ZERO, &keeper::Clear).unwrap();
    assert!(at_once.active);
    assert_eq!(Authority::load(&dir).unwrap().certificate(), &at_once.next);

    let ended = home.path().join("ended/ca");
    make::authority(&ended, &keeper::Clear, Timestamp(Timestamp::now().0 - 3660 * DAY)).unwrap();
    let e = Authority::load(&ended).unwrap_err();
    assert!(e.code() == "ca_expired" && e.remedy().contains("katana ca rotate"), "{}", e.remedy());
    assert!(rotate(&ended, day, &keeper::Clear).unwrap().active, "nobody trusts an ended one: no overlap");
    assert!(Authority::load(&ended).unwrap().days_left() > 3600);

    let soon = home.path().join("soon/ca");
    make::authority(&soon, &keeper::Clear, Timestamp(Timestamp::now().0 - 3648 * DAY)).unwrap();
    let left = Authority::load(&soon).unwrap();
    let made = rotate(&soon, 30 * day, &keeper::Clear).unwrap();
    assert_eq!(made.activates, left.not_after(), "the overlap ends where the old one does");
}

/// Every state that a kill can leave between the steps of a switch, and of making one in a directory with other files.
#[test]
fn whatever_instant_a_switch_is_cut_short_at_one_whole_authority_is_found() {
    let home = tempfile::tempdir().unwrap();
    for steps in 0..=5 {
        let dir = home.path().join(format!("{steps}/ca"));
        let old = Authority::load_or_make(&dir).unwrap().fingerprint();
        let new = rotate(&dir, Duration::from_secs(86_400), &keeper::Clear).unwrap().next.fingerprint();
        let (next, switch) = (dir.join("next"), dir.join("switch"));
        let todo: [&dyn Fn() -> std::io::Result<()>; 5] = [
            &|| fs::create_dir(dir.join("retired")),
            &|| fs::rename(&next, &switch),
            &|| fs::rename(switch.join("katana-ca.key"), dir.join("katana-ca.key")),
            &|| fs::rename(switch.join("katana-ca.pem"), dir.join("katana-ca.pem")),
            &|| fs::remove_file(switch.join("activates")),
        ];
        todo.iter().take(steps).for_each(|step| step().unwrap());
        let found = Authority::load(&dir).unwrap_or_else(|e| panic!("{steps}: {e}"));
        assert_eq!(found.fingerprint(), if steps < 2 { old.clone() } else { new.clone() }, "{steps}");
        assert_eq!(found.next().is_some(), steps < 2);
        assert_eq!(found.path(), dir.join("katana-ca.pem"));
        assert!(!switch.exists());
        assert_eq!(Authority::load(&dir).unwrap().fingerprint(), found.fingerprint());
        if steps >= 2 {
            rotate(&dir, Duration::ZERO, &keeper::Clear).unwrap();
            assert_ne!(Authority::load(&dir).unwrap().fingerprint(), new);
        }
    }
}

#[test]
fn readers_beside_many_switches_find_a_whole_authority_every_time() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("ca");
    Authority::load_or_make(&dir).unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|s| {
        let read = || {
            let mut seen = std::collections::HashSet::new();
            while !over.load(relaxed) {
                seen.insert(Authority::load_or_make(&dir).unwrap_or_else(|e| panic!("{e}")).fingerprint());
            }
            seen.len()
        };
        let readers: Vec<_> = (0..3).map(|_| s.spawn(read)).collect();
        for _ in 0..60 {
            rotate(&dir, Duration::from_secs(60), &keeper::Clear).unwrap();
            commit(&dir, &keeper::Clear).unwrap();
        }
        over.store(true, relaxed);
        assert!(readers.into_iter().map(|r| r.join().unwrap()).sum::<usize>() > 0);
    });
    assert_eq!(known(&dir).unwrap().retired.len(), 60);
}
