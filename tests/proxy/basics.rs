//! Ordinary requests, over HTTP/1.1 and HTTP/2 on either side.

use super::Site;
use crate::support::{Ask, Client, Reply, block_on, header, katana, origin};

#[test]
fn a_get_and_a_post_arrive_and_their_answers_come_back() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/get", Reply::new("hello").header("x-kept", "as it is").header("server", "t"));
        let answer = session.ask(Ask::get("/get?a=1&b=%20x").header("x-mine", "also")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
        assert_eq!((answer.header("x-kept"), answer.header("server")), ("as it is", "t"));
        assert!(answer.headers.keys().all(|n| !n.as_str().starts_with("x-katana")), "{answer:?}");
        let got = origin.take("/get");
        assert_eq!((got.method.as_str(), got.target.as_str()), ("GET", "/get?a=1&b=%20x"));
        assert_eq!((got.header("x-mine").as_str(), got.body.len()), ("also", 0));

        origin.on("/post", Reply::echo().status(201));
        let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        let answer =
            session.ask(Ask::post("/post", &body[..]).header("content-type", "application/json")).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (201, &body[..]));
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(origin.take("/post").body, body);
    });
}

#[test]
fn each_method_arrives_as_itself() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        for method in ["OPTIONS", "DELETE", "PUT", "PATCH", "QUERY", "M-SEARCH"] {
            origin.on("/m", Reply::new("ok"));
            assert_eq!(session.ask(Ask::new(method, "/m")).await.status, 200, "{method}");
            assert_eq!(origin.take("/m").method, method);
        }
    });
}

#[test]
fn answers_without_a_body_have_none() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/there", Reply::new("12345").header("etag", "\"a\""));
        let answer = session.ask(Ask::new("HEAD", "/there")).await;
        assert_eq!((answer.header("content-length"), answer.body.len()), ("5", 0));
        for status in [204, 304] {
            origin.on("/none", Reply::empty(status).header("etag", "\"b\""));
            let answer = session.ask(Ask::get("/none")).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
            assert_eq!(answer.header("etag"), "\"b\"");
        }
        assert_eq!(session.ask(Ask::get("/there")).await.text(), "12345", "the connection is still in step");
    });
}

#[test]
fn bodies_of_unknown_length_arrive_whole() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/pieces", Reply::pieces(["a", "bc", "def"]).gap(5));
        let answer = session.ask(Ask::new("POST", "/pieces").pieces(["1", "23", "456"]).gap(5)).await;
        assert_eq!((answer.text().as_str(), answer.complete), ("abcdef", true));
        assert_eq!(origin.take("/pieces").body, b"123456");
    });
}

#[test]
fn trailers_go_both_ways() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/t", Reply::pieces(["body"]).trailer("x-checksum", "abc"));
        let ask = Ask::new("POST", "/t").pieces(["data"]).trailer("x-digest", "123");
        let answer = session.ask(ask.header("te", "trailers")).await;
        assert_eq!(header(&answer.trailers, "x-checksum"), "abc");
        assert_eq!(origin.take("/t").trailers, [("x-digest".to_owned(), b"123".to_vec())]);
    });
}

#[test]
fn repeated_and_odd_headers_stay_what_they_are() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        let reply =
            Reply::new("ok").header("set-cookie", "a=1").header("set-cookie", "b=2").header("x-empty", "");
        origin.on("/h", reply.header("x-quoted", "\"a, b\""));
        let ask = Ask::get("/h").header("x-twice", "1").header("x-twice", "2").header("x-latin", b"caf\xe9");
        let answer = session.ask(ask.header("cookie", "s=1; t=2").header("x-empty", "")).await;
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!((answer.header("x-empty"), answer.header("x-quoted")), ("", "\"a, b\""));
        let got = origin.take("/h");
        assert_eq!(got.headers.iter().filter(|(n, _)| n == "x-twice").count(), 2);
        assert!(got.headers.contains(&("x-latin".to_owned(), b"caf\xe9".to_vec())));
        assert_eq!(got.header("cookie"), "s=1; t=2");
        assert!(got.has("x-empty"));
    });
}

#[test]
fn redirects_are_the_clients_business() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        for status in [301, 302, 303, 307, 308] {
            origin.on("/from", Reply::redirect(status, "https://www.origin.test/to"));
            let answer = session.ask(Ask::get("/from")).await;
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.header("location"), "https://www.origin.test/to");
        }
    });
}

#[test]
fn one_connection_serves_many_requests() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/again", Reply::echo());
        let before = origin.connections();
        for i in 0..50 {
            assert_eq!(session.ask(Ask::post("/again", i.to_string())).await.text(), i.to_string());
        }
        let opened = origin.connections() - before;
        assert!(opened <= 2, "{opened} upstream connections for one client connection");
    });
}

#[test]
fn absolute_form_reaches_a_plain_origin() {
    let origin = origin().plain().start();
    let katana = katana().reach("origin.test:80", origin.addr).start();
    origin.on("/plain", Reply::echo());
    block_on(async {
        let mut session = Client::new(&katana).absolute("http://origin.test").await;
        for i in 0..3 {
            let answer = session.ask(Ask::post("/plain?x=1", format!("body {i}"))).await;
            assert_eq!(answer.text(), format!("body {i}"));
            let got = origin.take("/plain");
            assert_eq!((got.target.as_str(), got.authority.as_str()), ("/plain?x=1", "origin.test"));
        }
    });
    assert_eq!(katana.records("/plain", 3)[0]["host"], "origin.test");
}

#[test]
fn an_exchange_leaves_one_truthful_record() {
    let site = Site::new();
    site.each_crossing(async |session, origin| {
        origin.on("/told", Reply::new("12345").status(202));
        session.ask(Ask::post("/told?token=hidden", "123")).await;
    });
    for record in site.katana.records("/told", 4) {
        assert_eq!((&record["method"], &record["status"]), (&"POST".into(), &202.into()), "{record}");
        assert_eq!((&record["bytes_in"], &record["bytes_out"]), (&3.into(), &5.into()), "{record}");
        assert_eq!(record["decision"], "allow");
        assert!(!record.to_string().contains("hidden"), "query values are redacted: {record}");
        assert_eq!(record["hash"].as_str().map(str::len), Some(64));
    }
    site.katana.verify_audit();
}
