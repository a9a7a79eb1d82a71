//! One authority takes over from another under traffic, by hand, by time, and under `kill -9`.

use super::{ca, json, print, said};
use crate::support::katana::documents;
use crate::support::random::Random;
use crate::support::{Ask, Client, Proto, block_on, katana, origin, until};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

fn certificates(pem: &[u8]) -> usize {
    String::from_utf8_lossy(pem).matches("BEGIN CERTIFICATE").count()
}

#[test]
fn the_next_authority_is_handed_out_before_it_signs_and_no_request_is_lost_when_it_does() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    let home = &katana.home;
    let old = katana.ca.clone();
    let before = json(home, &["ca", "show"]);
    let made = json(home, &["ca", "rotate"]);
    assert_eq!((made["active"].as_bool(), print(&made["previous"])), (Some(false), print(&before)));
    let again = home.katana(&["ca", "rotate"]);
    assert!(again.status.code() == Some(3) && said(&again).contains("--commit"), "{}", said(&again));

    let exported = home.katana(&["ca", "export"]).stdout;
    assert_eq!(certificates(&exported), 2, "both are exported");
    let both = String::from_utf8(exported).unwrap();
    for file in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"] {
        let out = home.katana(&["run", "--private", "--", "sh", "-c", &format!("cat ${file}")]);
        let held = String::from_utf8(out.stdout).unwrap();
        assert!(both.split_inclusive("END CERTIFICATE-----\n").all(|c| held.contains(c)), "{file}: {held}");
    }
    until("the next one in the status", || {
        let status = json(home, &["proxy", "status"]);
        (status["ca"]["next"]["fingerprint"] == made["next"]["fingerprint_sha256"]).then_some(())
    });
    let shown = said(&home.katana(&["proxy", "status"]));
    assert!(shown.contains("next CA") && shown.contains("days left"), "{shown}");

    block_on(async {
        let mut open = Client::new(&katana).open("origin.test", Proto::H2).await;
        let trusting = |pem: &str| Client::to(katana.addr, pem.to_owned());
        let new_signs = async |open: &mut crate::support::Session, n: usize| -> bool {
            assert_eq!(open.ask(Ask::get("/steady")).await.status, 404, "a connection that was open goes on");
            let fresh = trusting(&both).once("origin.test", Ask::get(&format!("/{n}"))).await;
            assert_eq!(fresh.status, 404, "whoever trusts both is served all the time");
            let tcp = trusting(&old).connect("origin.test:443").await.unwrap();
            let tls = tokio_rustls::TlsConnector::from(crate::support::pki::client(&old, &[b"http/1.1"]));
            tls.connect("origin.test".try_into().unwrap(), tcp).await.is_err()
        };
        assert!(!new_signs(&mut open, 0).await, "the old one signs until the switch");
        json(home, &["ca", "rotate", "--commit"]);
        let mut n = 1;
        let end = std::time::Instant::now() + crate::support::PATIENCE;
        while !new_signs(&mut open, n).await {
            assert!(std::time::Instant::now() < end, "it never signs");
            n += 1;
        }
    });
    let after = json(home, &["ca", "show"]);
    assert_eq!(print(&after), print(&made["next"]));
    assert_eq!(print(&after["retired"][0]), print(&before));
    let status = json(home, &["proxy", "status"]);
    assert!(status["ca"]["fingerprint"] == after["fingerprint_sha256"] && status["ca"]["next"].is_null());
    assert_eq!(status["metrics"]["katana_ca_days_left"], status["ca"]["days_left"]);
    assert!(katana.audit().iter().any(|r| r["tool_name"] == "ca.follow"), "the switch is in the audit");
    katana.verify_audit();
}

#[test]
fn an_overlap_ends_by_itself() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    let made = json(&katana.home, &["ca", "rotate", "--overlap", "2s"]);
    until("the switch", || {
        let status = json(&katana.home, &["proxy", "status"]);
        (status["ca"]["fingerprint"] == made["next"]["fingerprint_sha256"]).then_some(())
    });
    let new = String::from_utf8(katana.home.katana(&["ca", "export"]).stdout).unwrap();
    assert_eq!(certificates(new.as_bytes()), 1);
    let got = block_on(async { Client::to(katana.addr, new).once("origin.test", Ask::get("/x")).await });
    assert_eq!(got.status, 404);
}

#[test]
fn killed_at_any_instant_a_rotation_leaves_one_whole_authority() {
    let home = katana().home();
    json(&home, &["ca", "show"]);
    let mut random = Random::new(7);
    for round in 0..60 {
        let args: &[&str] = match round % 3 {
            0 => &["ca", "rotate", "--overlap", "0s"],
            1 => &["ca", "rotate"],
            _ => &["ca", "rotate", "--commit"],
        };
        let mut child = home
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random.below(30_000) as u64));
        let _ = child.kill();
        let _ = child.wait();
        let shown = json(&home, &["ca", "show"]);
        assert_eq!(shown["days_left"], 3651, "round {round}: {shown}");
        let exported = home.katana(&["ca", "export"]);
        let number = 1 + usize::from(!shown["next"].is_null());
        assert_eq!(certificates(&exported.stdout), number, "round {round}");
    }
    let _ = home.katana(&["ca", "rotate", "--cancel"]);
    assert!(json(&home, &["ca", "rotate", "--overlap", "0s"])["active"] == true);
    let left: Vec<_> = fs::read_dir(ca(&home)).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "key, certificate and those that were: {left:?}");
    assert!(home.try_start().is_ok());
}

/// An authority of the test's own that ends `days` from now.
fn ending(dir: &Path, days: i64) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "katana CA of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let at = |days: i64| {
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(now + days * 86_400).unwrap())
    };
    (params.not_before, params.not_after) = (at(-400), at(days));
    let key = KeyPair::generate().unwrap();
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("katana-ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let file = dir.join("katana-ca.key");
    fs::write(&file, key.serialize_pem()).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn an_authority_near_its_end_is_said_everywhere_and_one_that_has_ended_is_rotated() {
    let soon = katana().home();
    ending(&ca(&soon), 12);
    let idle = said(&soon.katana(&["status"]));
    assert!(idle.contains("11 days left") && idle.contains("katana ca rotate"), "{idle}");
    let running = soon.start();
    for args in [["proxy", "status"], ["ca", "show"]] {
        let shown = said(&running.home.katana(&args));
        assert!(shown.contains("ends in 11 days") && shown.contains("katana ca rotate"), "{shown}");
    }
    until("the warning in the log", || running.log().contains("ends in 11 days").then_some(()));
    json(&running.home, &["ca", "rotate"]);
    let shown = said(&running.home.katana(&["ca", "show"]));
    assert!(
        !shown.contains("ends in") && shown.contains("next"),
        "what is done about is not warned of: {shown}"
    );

    let over = katana().home();
    ending(&ca(&over), -1);
    let refused = over.katana(&["proxy", "start"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(said(&refused).contains("katana ca rotate"), "{}", said(&refused));
    let out = over.katana(&["ca", "show", "--json"]);
    assert_eq!(documents(&out.stdout)[0]["error"]["code"], "ca_expired");
    assert_eq!(json(&over, &["ca", "rotate"])["active"], true);
    assert!(over.try_start().is_ok());
}
