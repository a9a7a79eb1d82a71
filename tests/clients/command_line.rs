//! curl and wget.

use super::{field, there};
use crate::support::katana::documents;
use crate::support::pki::Leaf;
use crate::support::{katana, origin};

#[test]
fn curl_over_http_1_and_http_2() {
    if !there("curl", &["--version"]) {
        return;
    }
    let field = field();
    for version in ["--http1.1", "--http2"] {
        let curl = |rest: &[&str]| field.run(&[&["curl", "-sS", "--fail", version], rest].concat());
        assert_eq!(curl(&["https://origin.test/get"]), b"hello from the origin");
        assert_eq!(curl(&["-L", "https://origin.test/moved"]), b"hello from the origin");
        let upload = ["-H", "content-type: application/octet-stream", "--data-binary", "@upload"];
        let back = curl(&[&upload[..], &["https://origin.test/up"]].concat());
        assert!(back == std::fs::read(field.file("upload")).unwrap(), "the echo differs");
        field.uploaded();
        curl(&["-T", "upload", "https://origin.test/up", "-o", "back"]);
        field.uploaded();
        curl(&["https://origin.test/down", "-o", "down"]);
        assert_eq!(std::fs::metadata(field.file("down")).unwrap().len(), field.down as u64);
        assert_eq!(curl(&["https://origin.test/get", "https://other.test/get"]).len(), 42);
    }
    field.accounted();
}

#[test]
fn curl_meets_denials_as_answers() {
    if !there("curl", &["--version"]) {
        return;
    }
    let field = field();
    let told = field.run(&["curl", "-sS", "-o", "-", "http://169.254.169.254/latest/meta-data/"]);
    assert!(!documents(&told)[0]["error"]["remedy"].is_null(), "{}", String::from_utf8_lossy(&told));
}

#[test]
fn curl_is_told_what_is_wrong_with_a_certificate() {
    if !there("curl", &["--version"]) {
        return;
    }
    for (leaf, reason) in [
        (Leaf::Expired, "has expired"),
        (Leaf::WrongName, "is for another name"),
        (Leaf::SelfSigned, "is signed by nobody this machine trusts"),
    ] {
        let bad = origin().leaf(leaf).start();
        let home = katana().reach("origin.test", bad.addr).home();
        for version in ["--http1.1", "--http2"] {
            let args = ["run", "--", "curl", "-sS", "-D", "head", version, "https://origin.test/x"];
            let out = home.command(&args).output().unwrap();
            let error = &documents(&out.stdout)[0]["error"];
            assert_eq!(error["code"], "upstream_certificate", "{leaf:?}: {out:?}");
            assert!(error["message"].as_str().unwrap().contains(reason), "{leaf:?}: {error}");
            let head = std::fs::read_to_string(home.dir.path().join("head")).unwrap();
            assert!(head.contains(" 502") && head.contains("x-katana-code: upstream_certificate"), "{head}");
        }
        assert!(bad.received().is_empty(), "{leaf:?}: something was sent");
    }
}

#[test]
fn wget_gets_posts_and_follows() {
    if !there("wget", &["--version"]) {
        return;
    }
    let field = field();
    let wget = |rest: &[&str]| field.run(&[&["wget", "-q", "-O", "-"], rest].concat());
    assert_eq!(wget(&["https://origin.test/get"]), b"hello from the origin");
    assert_eq!(wget(&["https://origin.test/moved"]), b"hello from the origin");
    assert!(
        wget(&["--post-file=upload", "https://origin.test/up"])
            == std::fs::read(field.file("upload")).unwrap()
    );
    field.uploaded();
    assert_eq!(wget(&["https://origin.test/down"]).len(), field.down);
    field.accounted();
}
