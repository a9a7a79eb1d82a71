//! Requests in raw bytes: ambiguous or broken framing is refused, and never reaches the origin in another reading.

use super::{Site, inside};

/// Broken requests; each hides a second one that must never be heard of.
const BROKEN: &[(&str, &str)] = &[
    (
        "both framings",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /SMUGGLED HTTP/1.1\r\nHost: origin.test\r\n\r\n",
    ),
    (
        "both framings, the other way",
        "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n0\r\n\r\nGET /SMUGGLED HTTP/1.1\r\nHost: origin.test\r\n\r\n",
    ),
    (
        "two lengths",
        "Content-Length: 0\r\nContent-Length: 50\r\n\r\nGET /SMUGGLED HTTP/1.1\r\nHost: origin.test\r\n\r\n",
    ),
    ("a list of lengths", "Content-Length: 0, 50\r\n\r\nGET /SMUGGLED HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
    ("a signed length", "Content-Length: +0\r\n\r\n"),
    ("a negative length", "Content-Length: -1\r\n\r\n"),
    ("a length in hex", "Content-Length: 0x10\r\n\r\n"),
    ("a length beyond all numbers", "Content-Length: 99999999999999999999999\r\n\r\n"),
    ("an unknown coding", "Transfer-Encoding: gzip\r\n\r\n"),
    ("chunked not last", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("chunked in disguise", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a blank before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("a folded header", "X-A: 1\r\n X-B: 2\r\n\r\n"),
    ("a folded framing", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("CR in a value", "X-A: 1\rX-B: 2\r\n\r\n"),
    ("NUL in a value", "X-A: 1\0 2\r\n\r\n"),
    ("NUL in a name", "X\0A: 1\r\n\r\n"),
    ("a blank in a name", "X A: 1\r\n\r\n"),
    ("no colon", "X-A\r\n\r\n"),
    ("no name", ": 1\r\n\r\n"),
    ("a chunk size that is none", "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
    ("a chunk size beyond all numbers", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ("a chunk longer than it says", "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
    (
        "a bare LF after a chunk",
        "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\nGET /SMUGGLED HTTP/1.1\r\n\r\n",
    ),
    ("a bare CR after a chunk size", "Transfer-Encoding: chunked\r\n\r\n1\ra\r\n0\r\n\r\n"),
];

/// Sends bytes on a connection of their own; what is wrong with what came of them, for bytes that must come to nothing.
fn accepted(site: &Site, what: &str, bytes: &str) -> Option<String> {
    site.h1.clear();
    let mut raw = inside(&site.katana);
    raw.say(bytes);
    raw.close();
    let status = raw.try_hear("POST").map(|h| h.status);
    let wire = String::from_utf8_lossy(&site.h1.wires().concat()).into_owned();
    let arrived = site.h1.received().iter().any(|r| r.complete);
    let wrong = arrived || wire.contains("SMUGGLED") || status.is_some_and(|s| s < 400);
    wrong.then(|| format!("{what}: answered {status:?}; the origin got {wire:?}"))
}

#[test]
fn broken_framing_is_refused() {
    let site = Site::new();
    let start = "POST /broken HTTP/1.1\r\nHost: origin.test\r\n";
    let wrong = BROKEN.iter().filter_map(|(what, rest)| accepted(&site, what, &format!("{start}{rest}")));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut raw = inside(&site.katana);
    assert_eq!(
        raw.say("GET /after HTTP/1.1\r\nHost: origin.test\r\n\r\n").hear().status,
        404,
        "still serving"
    );
}

#[test]
fn a_broken_request_line_is_refused() {
    let site = Site::new();
    let lines = [
        "GET  / HTTP/1.1",
        "GET /",
        "GET / HTTP/1.1 x",
        "GET / HTTP/2.0",
        "GET / HTTP/1.10",
        "GET / http/1.1",
        "G(T / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET origin.test HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /a b HTTP/1.1",
    ];
    let wrong = lines.iter().filter_map(|l| accepted(&site, l, &format!("{l}\r\nHost: origin.test\r\n\r\n")));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bare_line_feeds_smuggle_nothing() {
    let site = Site::new();
    let mut raw = inside(&site.katana);
    raw.say("GET /lf HTTP/1.1\nHost: origin.test\nX-A: b\nTransfer-Encoding: chunked\n\n0\r\n\r\nGET /SMUGGLED HTTP/1.1\r\n\r\n");
    raw.close();
    let _ = raw.try_hear("GET");
    assert!(site.h1.received().iter().all(|r| r.target != "/SMUGGLED"));
}

#[test]
fn chunk_extensions_are_read_over_and_not_passed_on() {
    let site = Site::new();
    site.h1.on("/chunks", crate::support::Reply::echo());
    let mut raw = inside(&site.katana);
    raw.say("POST /chunks HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    raw.say("3;hidden=here\r\nabc\r\n").say("0;more=hidden\r\n\r\n");
    assert_eq!(raw.hear().body, b"abc");
    assert!(!String::from_utf8_lossy(&site.h1.wires().concat()).contains("hidden"));
}

#[test]
fn headers_of_one_hop_stay_there() {
    let site = Site::new();
    let mut raw = inside(&site.katana);
    raw.say(
        "GET /hop HTTP/1.1\r\nHost: origin.test\r\nConnection: keep-alive, X-Named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nProxy-Anything: 1\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nTE: trailers, gzip\r\nX-Stays: 1\r\n\r\n",
    );
    assert_eq!(raw.hear().status, 404);
    let got = site.h1.take("/hop");
    for name in [
        "x-named",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "proxy-anything",
        "upgrade",
        "http2-settings",
    ] {
        assert!(!got.has(name), "{name}: {got:?}");
    }
    assert!(matches!(got.header("te").as_str(), "" | "trailers"), "{}", got.header("te"));
    assert_eq!(got.header("x-stays"), "1");
}

#[test]
fn connection_cannot_name_what_the_message_needs() {
    let site = Site::new();
    let mut raw = inside(&site.katana);
    raw.say("POST /named HTTP/1.1\r\nHost: origin.test\r\nConnection: close, host, content-length, content-type\r\n");
    raw.say("Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
    if raw.try_hear("POST").is_some_and(|h| h.status == 404) {
        let got = site.h1.take("/named");
        assert_eq!((got.authority.as_str(), got.body.as_slice()), ("origin.test", &b"hi"[..]));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    for path in ["/1", "/2", "/3"] {
        site.h1
            .on(path, crate::support::Reply::new(path.to_owned()).delay(if path == "/1" { 50 } else { 0 }));
    }
    let mut raw = inside(&site.katana);
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: origin.test\r\n\r\n");
    raw.say(ask("/1") + &ask("/2") + &ask("/3"));
    for path in ["/1", "/2", "/3"] {
        assert_eq!(raw.hear().body, path.as_bytes());
    }
}

#[test]
fn an_answer_does_not_wait_for_the_next_request() {
    let site = Site::new();
    site.h1.on("/1", crate::support::Reply::new("first"));
    let mut raw = inside(&site.katana);
    raw.say("GET /1 HTTP/1.1\r\nHost: origin.test\r\n\r\nGET /2 HTTP/1.1\r\nHo");
    assert_eq!(raw.hear().body, b"first");
    assert_eq!(raw.say("st: origin.test\r\n\r\n").hear().status, 404);
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let site = Site::new();
    site.h1.on("/wait", crate::support::Reply::echo());
    let mut raw = inside(&site.katana);
    raw.say("POST /wait HTTP/1.1\r\nHost: origin.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    let head = raw.try_head().unwrap();
    assert!(head.starts_with("HTTP/1.1 100"), "{head}");
    assert_eq!(raw.say("body").hear().body, b"body");
}

#[test]
fn http_1_0_is_answered_and_the_connection_closed() {
    let site = Site::new();
    site.h1.on("/old", crate::support::Reply::pieces(["a", "b"]));
    let mut raw = inside(&site.katana);
    raw.say("GET /old HTTP/1.0\r\nHost: origin.test\r\n\r\n");
    let heard = raw.hear();
    assert_eq!((heard.header("transfer-encoding"), heard.body.as_slice()), (None, &b"ab"[..]));
    assert!(raw.is_over());
}
