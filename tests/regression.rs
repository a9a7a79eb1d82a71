//! Holes that were found by attacking the program as the agent it guards, each with the attack that found it.

use crate::support::{Ask, Client, Katana, Origin, Proto, Reply, block_on, katana, origin};
use crate::support::{Raw, Session};
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "Zq7mN2xK9vLpW4tRb8Yc";

fn site() -> (Origin, Katana) {
    let origin = origin().start();
    let bound = json!([{"secret": "S", "hosts": ["other.test"], "slot": "header:Authorization:Bearer", "paths": ["/v1/**"]}]);
    let katana = katana().origin(&origin).secret("S", SECRET).config(json!({ "credentials": bound })).start();
    (origin, katana)
}

async fn open(katana: &Katana, host: &str, proto: Proto) -> Session {
    Client::new(katana).open(host, proto).await
}

fn gzip_named(name: &str) -> Vec<u8> {
    let plain = crate::support::codec::encode_all(&["gzip"], b"hello");
    [&plain[..3], &[8], &plain[4..10], name.as_bytes(), &[0], &plain[10..]].concat()
}

fn skippable(content: &str) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [b"\x50\x2a\x4d\x18", &length[..], content.as_bytes()].concat()
}

#[test]
fn a_value_as_the_method_is_refused_and_not_recorded() {
    let (origin, katana) = site();
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = open(&katana, "origin.test", proto).await;
            session.ask(Ask::get("/first")).await;
            origin.clear();
            session.ask(Ask::new(SECRET, "/m")).await.denied(403);
            assert!(origin.received().is_empty());
        }
    });
    katana.records("/m", 2);
    katana.never_tells(SECRET);
}

#[test]
fn a_value_twice_in_one_header_name_is_scrubbed_twice() {
    let (origin, katana) = site();
    block_on(async {
        let name = format!("{SECRET}-{SECRET}");
        let mut session = open(&katana, "origin.test", Proto::H1).await;
        session.ask(Ask::get("/n").header(&name, "1").header(&name, "2")).await;
    });
    let told = format!("{:?}", origin.take("/n")).to_ascii_lowercase();
    assert!(!told.contains(&SECRET.to_ascii_lowercase()), "{told}");
}

#[test]
fn a_value_beside_the_text_of_a_compressed_body_is_refused() {
    let (origin, katana) = site();
    let zstd = crate::support::codec::encode_all(&["zstd"], b"hello");
    let bodies = [("gzip", gzip_named(SECRET)), ("zstd", [skippable(SECRET), zstd].concat())];
    block_on(async {
        for (coding, body) in bodies {
            let mut session = open(&katana, "origin.test", Proto::H1).await;
            let whole = Ask::post("/b", body.clone()).header("content-encoding", coding);
            session.ask(whole).await.denied(403);
            assert!(origin.received().is_empty(), "{coding}");
            let pieces = body.chunks(body.len() / 3).map(<[u8]>::to_vec);
            let slow = Ask::new("POST", "/b").pieces(pieces).gap(90).header("content-encoding", coding);
            let _ = session.try_ask(slow).await;
            let wire = origin.received().iter().flat_map(|r| r.body.clone()).collect::<Vec<_>>();
            assert!(!wire.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()), "{coding}, in pieces");
            origin.clear();
        }
    });
}

#[test]
fn a_zstd_block_does_not_leave_before_it_decodes() {
    let (origin, katana) = site();
    let noise: String =
        (0..900_u32).map(|i| char::from(b"abcdefghijklmnopq"[(i * i % 23 % 17) as usize])).collect();
    let body = crate::support::codec::encode_all(&["zstd"], format!("{noise}{SECRET}{noise}").as_bytes());
    let (most, last) = body.split_at(body.len() - 5);
    block_on(async {
        for gap in [90, 450] {
            let pieces = [most[..60].to_vec(), most[60..].to_vec(), last.to_vec()];
            let ask = Ask::new("POST", "/z").pieces(pieces).gap(gap).header("content-encoding", "zstd");
            let _ = open(&katana, "origin.test", Proto::H1).await.try_ask(ask).await;
        }
    });
    std::thread::sleep(Duration::from_millis(100));
    for got in origin.received() {
        // cleared whole it goes on scrubbed and as text; as a stream it does not get that far
        let text = !got.body.starts_with(b"\x28\xb5\x2f\xfd");
        assert!(!got.body.windows(SECRET.len()).any(|w| w == SECRET.as_bytes()));
        assert!(text || got.body.len() < most.len(), "{} of {} bytes", got.body.len(), body.len());
    }
}

#[test]
fn a_refusal_at_dial_is_recorded_as_one() {
    let origin = origin().start();
    let resolve = json!({"proxy": {"upstream": {"resolve": [format!("public.test={}", origin.addr)]}}});
    let katana = katana().config(resolve).start();
    block_on(async {
        open(&katana, "public.test", Proto::H1).await.ask(Ask::get("/inside")).await.denied(403);
    });
    for record in katana.records("/inside", 1) {
        assert_eq!(record["decision"], "deny", "{record}");
        assert_eq!(record["code"], "destination_denied", "{record}");
    }
}

#[test]
fn the_words_behind_a_status_reflect_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let config =
                crate::support::pki::server(&["other.test"], crate::support::pki::Leaf::Good, &[b"http/1.1"]);
            let Some(mut raw) = Raw::accept(tcp, config) else { continue };
            if raw.try_head().is_some() {
                raw.say(format!("HTTP/1.1 401 no {SECRET} here\r\ncontent-length: 0\r\n\r\n"));
            }
        }
    });
    let bound = json!([{"secret": "S", "hosts": ["other.test"], "slot": "header:Authorization:Bearer"}]);
    let katana = katana()
        .reach("other.test", addr)
        .secret("S", SECRET)
        .config(json!({ "credentials": bound }))
        .start();
    let mut raw = crate::proxy::tunnel(&katana, "other.test:443")
        .tls(&katana.ca, "other.test", &[b"http/1.1"])
        .unwrap();
    let heard = raw.say("GET /v1/x HTTP/1.1\r\nHost: other.test\r\n\r\n").hear();
    assert_eq!(heard.status, 401);
    assert!(!heard.head.contains(SECRET), "{}", heard.head);
}

#[test]
fn a_value_in_its_own_slot_does_not_go_out_in_clear() {
    let origin = origin().plain().start();
    let bound = json!([{"secret": "S", "hosts": ["other.test"], "slot": "header:Authorization:Bearer"}]);
    let katana = katana().origin(&origin).secret("S", SECRET).config(json!({ "credentials": bound })).start();
    block_on(async {
        let mut session = Client::new(&katana).absolute("http://other.test").await;
        let answer =
            session.ask(Ask::get("/clear").header("authorization", format!("Bearer {SECRET}"))).await;
        answer.denied(403);
    });
    assert!(origin.received().is_empty());
}

#[test]
fn a_path_with_two_readings_gets_no_credential_of_one_of_them() {
    let (origin, katana) = site();
    block_on(async {
        let mut session = open(&katana, "other.test", Proto::H1).await;
        session.ask(Ask::get("/v1/in")).await;
        assert_eq!(origin.take("/v1/in").header("authorization"), format!("Bearer {SECRET}"));
        for path in
            ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/..%2fadmin", "/v1/..;a/admin", "/v1/%252e%252e/admin"]
        {
            origin.on(path, Reply::new("ok"));
            session.ask(Ask::get(path)).await;
            assert!(!origin.take(path).has("authorization"), "{path}");
        }
    });
}

#[test]
fn a_value_split_over_cookie_fields_is_seen_joined() {
    let (origin, katana) = site();
    block_on(async {
        let mut session = open(&katana, "origin.test", Proto::H2).await;
        let (one, two) = SECRET.split_at(10);
        session.ask(Ask::get("/c").header("cookie", format!("a={one}")).header("cookie", two)).await;
    });
    let cookie = origin.take("/c").header("cookie");
    assert!(!cookie.contains(SECRET.split_at(10).1), "{cookie}");
}

#[test]
fn a_credential_that_an_origin_kept_does_not_come_back_later() {
    let (origin, katana) = site();
    let body = format!("kept: {SECRET} {}", SECRET.to_ascii_lowercase());
    block_on(async {
        for path in ["/v1/kept", "/elsewhere"] {
            origin.on(path, Reply::new(body.clone().into_bytes()).header("x-kept", SECRET));
            // the agent's own credential stands in the slot: nothing is put in, and the value is looked for all the same
            let ask = Ask::get(path).header("authorization", "Bearer mine");
            let answer = open(&katana, "other.test", Proto::H1).await.ask(ask).await;
            let told = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
            assert!(!told.to_ascii_lowercase().contains(&SECRET.to_ascii_lowercase()), "{path}: {told}");
        }
    });
}

#[test]
fn a_value_under_a_coding_that_nobody_declared_is_refused() {
    let (origin, katana) = site();
    let body = crate::support::codec::encode_all(&["gzip"], format!("a {SECRET} b").as_bytes());
    block_on(async {
        open(&katana, "origin.test", Proto::H1).await.ask(Ask::post("/u", body)).await.denied(403);
    });
    assert!(origin.received().is_empty());
}

#[test]
fn an_origin_does_not_speak_for_katana() {
    let (origin, katana) = site();
    origin.on("/forged", Reply::new("x").header("x-katana-verdict", "deny").header("x-katana-code", "loop"));
    block_on(async {
        let answer = open(&katana, "origin.test", Proto::H1).await.ask(Ask::get("/forged")).await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-katana-")));
    });
}
