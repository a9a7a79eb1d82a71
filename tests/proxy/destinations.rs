//! Where a request may go: never to this machine, a private network or a metadata service, however it is spelled.

use crate::support::{Ask, Client, Raw, block_on, katana, origin};
use serde_json::json;

const INSIDE: [&str; 26] = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0x7f000001",
    "0x7f.0.0.1",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "0.0.0.0",
    "0",
    "localhost",
    "foo.localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fd00::1]",
    "[fe80::1]",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "100.64.0.1",
];

#[test]
fn addresses_inside_are_refused_in_every_spelling() {
    let katana = katana().start();
    for host in INSIDE {
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n"));
        let heard = raw.hear();
        assert!(matches!(heard.status, 400 | 403), "{host}: {}", heard.head);
        heard.denied(heard.status);
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let heard = raw.hear();
        assert!(matches!(heard.status, 400 | 403), "{host}: {}", heard.head);
    }
    katana.verify_audit();
}

#[test]
fn a_public_name_that_leads_inside_is_refused_when_it_is_dialled() {
    let origin = origin().start();
    let port = origin.addr.port();
    let inside = ["127.0.0.1", "10.9.8.7", "169.254.169.254", "[::ffff:127.0.0.1]", "[fd00::5]"];
    let resolve: Vec<_> =
        inside.iter().enumerate().map(|(i, a)| format!("inside{i}.nip.test={a}:{port}")).collect();
    let katana = katana().config(json!({"proxy": {"upstream": {"resolve": resolve}}})).start();
    for i in 0..inside.len() {
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("GET http://inside{i}.nip.test/ HTTP/1.1\r\nHost: inside{i}.nip.test\r\n\r\n"));
        raw.hear().denied(403);
        block_on(async {
            // refused at CONNECT, or once the first request wants to go out
            if let Err((status, _)) = Client::new(&katana).connect(&format!("inside{i}.nip.test:443")).await {
                assert_eq!(status, 403);
            } else {
                Client::new(&katana).once(&format!("inside{i}.nip.test"), Ask::get("/")).await.denied(403);
            }
        });
    }
    assert_eq!(origin.connections(), 0);
}

#[test]
fn metadata_stays_out_of_reach_even_when_all_else_is_allowed() {
    let katana = katana().config(json!({"proxy": {"allow_private_destinations": true}})).start();
    for host in ["169.254.169.254", "[::ffff:169.254.169.254]", "169.254.170.2", "[fd00:ec2::254]"] {
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("GET http://{host}/latest/meta-data/ HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        raw.hear().denied(403);
    }
}

#[test]
fn katana_is_not_reachable_through_itself() {
    let katana = katana().config(json!({"proxy": {"allow_private_destinations": true}})).start();
    let port = katana.addr.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"] {
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"));
        let status = raw.hear().status;
        assert!((400..600).contains(&status), "{host}: {status}");
        let mut raw = Raw::open(katana.addr);
        raw.say(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"));
        raw.say("CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n");
        let first = raw.try_hear("CONNECT").expect("an answer").status;
        assert!(first >= 400 || raw.try_hear("GET").is_none_or(|h| h.status >= 400), "{host}");
    }
    let mut raw = Raw::open(katana.addr);
    raw.say(format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
    let status = raw.hear().status;
    assert!((400..500).contains(&status), "origin-form at the proxy: {status}");
}

#[test]
fn allowed_and_denied_domains_rule() {
    let origin = origin().start();
    let katana = katana()
        .origin(&origin)
        .config(json!({"proxy": {"allowed_domains": ["*.test"], "denied_domains": ["other.test"]}}))
        .start();
    block_on(async {
        let client = Client::new(&katana);
        assert_eq!(client.once("origin.test", Ask::get("/")).await.status, 404);
        for host in ["other.test", "api.openai.com"] {
            let (status, text) = client.connect(&format!("{host}:443")).await.expect_err("denied");
            assert_eq!(status, 403, "{text}");
        }
    });
    assert_eq!(origin.received().len(), 1);
}

#[test]
fn an_ignored_host_is_tunnelled_untouched_and_recorded() {
    let origin = origin().start();
    let katana =
        katana().origin(&origin).config(json!({"proxy": {"ignore_hosts": ["www.origin.test"]}})).start();
    let roots = crate::support::pki::ca_pem();
    block_on(async {
        // the origin's own certificate is what the client sees
        let client = Client::to(katana.addr, roots);
        assert_eq!(client.once("www.origin.test", Ask::get("/direct")).await.status, 404);
    });
    origin.take("/direct");
    crate::support::until("a record of the tunnel", || {
        katana.audit().iter().any(|r| r["host"] == "www.origin.test").then_some(())
    });
}
