//! Every way to be refused gives the same answer: headers, JSON fields, and one record with the same code.

use super::{Site, inside, tunnel};
use crate::support::katana::Katana;
use crate::support::{Ask, Client, Proto, Raw, Reply, block_on, katana, origin, until};
use serde_json::{Value, json};

/// The record of the exchange that a denial names.
fn recorded(katana: &Katana, error: &Value) -> Value {
    let of = |r: &Value| r["exchange"] == error["exchange"];
    let found = until("the record of a denial", || katana.audit().into_iter().find(of));
    assert_eq!(found["code"], error["code"], "{found}");
    assert_eq!((&found["outcome"], &found["decision"]), (&json!("denied"), &json!("deny")), "{found}");
    found
}

#[test]
fn whatever_a_connection_begins_with_its_refusal_is_whole_and_recorded() {
    let limits = json!({"timeouts": {"headers": "300ms"}});
    let config = json!({"proxy": {"denied_domains": ["other.test"], "limits": limits}});
    let katana = katana().config(config).start();
    let long = "a".repeat(70 * 1024);
    for (said, status, code) in [
        ("SSH-2.0-x\r\n".to_owned(), 400, "not_http"),
        ("\x16\x03\x01\x02\x00\x01".to_owned(), 400, "not_http"),
        ("CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n".to_owned(), 403, ""),
        ("CONNECT other.test HTTP/1.1\r\nHost: other.test\r\n\r\n".to_owned(), 400, "request_malformed"),
        ("CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n".to_owned(), 421, "authority_mismatch"),
        (format!("CONNECT a.test:443 HTTP/1.1\r\nX: {long}\r\n\r\n"), 431, "head_too_large"),
        ("CONNECT a.test:443 HTTP/1.1\r\nHo".to_owned(), 408, "head_timeout"),
        ("GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(), 400, "request_malformed"),
        ("GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n\r\n".to_owned(), 403, ""),
        ("GET http://a.test/x HTTP/1.1\r\nHo".to_owned(), 408, "head_timeout"),
    ] {
        let mut raw = Raw::open(katana.addr);
        let error = raw.say(&said).hear().denied(status);
        assert!(code.is_empty() || error["code"] == code, "{code}: {error}");
        let record = recorded(&katana, &error);
        assert_ne!(record["host"], "0.0.0.0", "what is not known is left out: {record}");
    }
    katana.verify_audit();
}

#[test]
fn a_head_that_never_ends_inside_a_tunnel_is_answered_408() {
    let site_limits = json!({"proxy": {"limits": {"timeouts": {"headers": "300ms"}}}});
    let origin = origin().start();
    let katana = katana().origin(&origin).config(site_limits).start();
    let mut raw = inside(&katana);
    let error = raw.say("GET /slow HTTP/1.1\r\nHost: origin.te").hear().denied(408);
    assert_eq!(recorded(&katana, &error)["host"], "origin.test");
    assert!(raw.is_over());
}

#[test]
fn a_method_in_a_header_does_not_go_around_the_policy() {
    let site = Site::new();
    block_on(async {
        for (name, method, code) in [
            ("x-http-method-override", "TRACE", "policy_denied"),
            ("X-HTTP-Method", "trace", "policy_denied"),
            ("x-method-override", "PATCH", ""),
        ] {
            for proto in [Proto::H1, Proto::H2] {
                let mut session = Client::new(&site.katana).open("origin.test", proto).await;
                let answer = session.ask(Ask::post("/override", "{}").header(name, method)).await;
                if code.is_empty() {
                    assert_ne!(answer.status, 403, "{method}");
                } else {
                    assert_eq!(answer.denied(403)["code"], code, "{method}");
                }
            }
            let mut session = Client::new(&site.katana).open("origin.test", Proto::H1).await;
            let mut many = Ask::post("/override", "{}");
            for method in ["GET", "PUT", "PATCH", "DELETE"] {
                many = many.header(name, method);
            }
            assert_eq!(session.ask(many).await.denied(403)["rule"], "method_override");
        }
    });
}

#[test]
fn after_two_lengths_nothing_more_is_read() {
    let site = Site::new();
    let mut raw = inside(&site.katana);
    raw.say(
        "POST /a HTTP/1.1\r\nHost: origin.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: origin.test\r\n\r\n",
    );
    recorded(&site.katana, &raw.hear().denied(400));
    assert!(raw.is_over(), "the connection ends with it");
    assert!(site.h1.received().is_empty());
}

#[test]
fn a_change_of_protocol_is_refused() {
    let site = Site::new();
    let mut raw = inside(&site.katana);
    raw.say("GET /ws HTTP/1.1\r\nHost: origin.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
    let error = raw.hear().denied(403);
    assert_eq!(error["code"], "upgrade_refused");
    recorded(&site.katana, &error);
}

#[test]
fn inside_a_tunnel_each_denial_names_its_record() {
    let site = Site::with(&[("MY_SECRET", super::scrub::SECRET)]);
    let placeholder = site.katana.placeholder("MY_SECRET");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = Client::new(&site.katana).open("origin.test", proto).await;
            let answer = session.ask(Ask::get("/d").header("x-a", &placeholder)).await;
            recorded(&site.katana, &answer.denied(403));
            let answer = session.ask(Ask::new("HEAD", "/d").header("x-a", &placeholder)).await;
            assert_eq!((answer.status.as_u16(), answer.header("x-katana-verdict")), (403, "deny"));
            assert!(answer.body.is_empty());
            // the connection goes on
            site.h1.on("/fine", Reply::new("yes"));
            assert_eq!(session.ask(Ask::get("/fine")).await.text(), "yes");
        }
        // gRPC is told in its own words
        let mut session = Client::new(&site.katana).open("other.test", Proto::H2).await;
        let ask = Ask::post("/pkg.Service/Call", "x").header("content-type", "application/grpc");
        let answer = session.ask(ask.header("x-a", &placeholder)).await;
        assert_eq!((answer.status.as_u16(), answer.header("grpc-status")), (200, "7"));
        assert_eq!(answer.header("x-katana-verdict"), "deny");
        assert_eq!(answer.header("content-type"), "application/grpc");
    });
    site.katana.verify_audit();
}

#[test]
fn another_server_name_than_the_authority_is_421_and_recorded() {
    let site = Site::new();
    let mut raw = tunnel(&site.katana, "origin.test:443");
    raw = raw.tls(&site.katana.ca, "other.test", &[b"http/1.1"]).unwrap();
    let error = raw.say("GET /sni HTTP/1.1\r\nHost: other.test\r\n\r\n").hear().denied(421);
    let record = recorded(&site.katana, &error);
    assert_eq!((&record["host"], &record["status"]), (&json!("origin.test"), &json!(421)), "{record}");
}
