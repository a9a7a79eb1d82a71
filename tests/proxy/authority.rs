//! Who is asked for: the CONNECT authority, the TLS name and the request's host must be one and the same.

use super::{Site, inside, tunnel};
use crate::support::{Ask, Client, Proto, Raw, block_on, katana, origin};

#[test]
fn another_name_in_tls_is_refused() {
    let site = Site::new();
    for alpn in [&b"http/1.1"[..], b"h2"] {
        // refused in the handshake, or answered 421: either way nothing arrives
        if let Ok(mut raw) =
            tunnel(&site.katana, "origin.test:443").tls(&site.katana.ca, "other.test", &[alpn])
        {
            raw.say("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
            assert!(raw.try_hear("GET").is_none_or(|h| h.status == 421));
        }
    }
    assert!(site.h1.received().is_empty() && site.h2.received().is_empty());
}

#[test]
fn another_host_in_the_request_is_answered_421() {
    let site = Site::new();
    for host in ["other.test", "origin.test:8443", "origin.test.other.test", "xorigin.test"] {
        let mut raw = inside(&site.katana);
        raw.say(format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        raw.hear().denied(421);
    }
    for target in ["https://other.test/x", "http://origin.test/x"] {
        let mut raw = inside(&site.katana);
        raw.say(format!("GET {target} HTTP/1.1\r\nHost: origin.test\r\n\r\n"));
        let status = raw.hear().status;
        assert!(matches!(status, 400 | 421), "{target}: {status}");
    }
    block_on(async {
        let mut session = Client::new(&site.katana).open("origin.test", Proto::H2).await;
        let answer = session.ask(Ask::get("/x").header("host", "other.test")).await;
        assert!(matches!(answer.status.as_u16(), 400 | 421), "{}", answer.status);
    });
    assert!(site.h1.received().is_empty() && site.h2.received().is_empty());
}

#[test]
fn the_same_host_in_another_spelling_is_the_same() {
    let site = Site::new();
    for host in ["ORIGIN.test", "origin.test:443", "origin.test"] {
        let mut raw = inside(&site.katana);
        raw.say(format!("GET /same HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(raw.hear().status, 404, "{host}");
        site.h1.take("/same");
    }
}

#[test]
fn no_host_or_two_hosts_are_refused() {
    let site = Site::new();
    for hosts in [
        "",
        "Host: origin.test\r\nHost: origin.test\r\n",
        "Host: origin.test\r\nHost: other.test\r\n",
        "Host:\r\n",
    ] {
        let mut raw = inside(&site.katana);
        raw.say(format!("GET / HTTP/1.1\r\n{hosts}\r\n"));
        let status = raw.try_hear("GET").map(|h| h.status);
        assert!(matches!(status, None | Some(400 | 421)), "{hosts:?}: {status:?}");
    }
    assert!(site.h1.received().is_empty());
}

#[test]
fn connect_must_agree_with_itself() {
    let site = Site::new();
    for (target, host) in [("origin.test:443", "other.test:443"), ("origin.test:443", "origin.test:8443")] {
        let mut raw = Raw::open(site.katana.addr);
        raw.say(format!("CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let status = raw.hear().status;
        assert!(matches!(status, 400 | 421), "{target} {host}: {status}");
    }
    for target in [
        "origin.test",
        "origin.test:0",
        "origin.test:99999",
        "https://origin.test:443",
        "/x",
        "a b:443",
        ":443",
    ] {
        let mut raw = Raw::open(site.katana.addr);
        raw.say(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        let status = raw.try_hear("GET").map(|h| h.status);
        assert!(status.is_none_or(|s| (400..500).contains(&s)), "{target}: {status:?}");
    }
}

#[test]
fn what_is_not_understood_after_connect_goes_nowhere() {
    let origin = origin().plain().start();
    let katana = katana().reach("origin.test", origin.addr).start();
    for opening in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x00\x00\x00\x10secret data here",
        b"\x16\x03\x01\x00\x05nonsense",
        b"EHLO origin.test\r\n",
        b"*1\r\n$4\r\nPING\r\n",
    ] {
        for port in [443, 22, 6379] {
            let mut raw = tunnel(&katana, &format!("origin.test:{port}"));
            raw.say(opening);
            raw.close();
            raw.rest();
        }
    }
    assert!(origin.wires().iter().all(Vec::is_empty), "{:?}", origin.wires());
}
