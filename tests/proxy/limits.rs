//! What one peer can hold open or pile up, while others are served.

use super::inside;
use crate::support::{Ask, Client, Katana, Origin, Proto, Raw, block_on, katana, origin};
use serde_json::{Value, json};

fn limited(limits: Value) -> (Origin, Katana) {
    let origin = origin().start();
    let katana = katana().origin(&origin).config(json!({"proxy": {"limits": limits}})).start();
    (origin, katana)
}

/// Another client is served while the test holds something open.
fn others_are_served(katana: &Katana) {
    block_on(async {
        assert_eq!(Client::new(katana).once("origin.test", Ask::get("/other")).await.status, 404);
    });
}

#[test]
fn header_bombs_are_answered_431() {
    let (origin, katana) = limited(json!({}));
    let long = format!("GET / HTTP/1.1\r\nHost: origin.test\r\nX-A: {}\r\n\r\n", "a".repeat(70 * 1024));
    let many = format!("GET / HTTP/1.1\r\nHost: origin.test\r\n{}\r\n", "X-A: 1\r\n".repeat(150));
    for bomb in [&long, &many] {
        let mut raw = inside(&katana);
        assert_eq!(raw.say(bomb).hear().status, 431);
    }
    let mut raw = Raw::open(katana.addr);
    raw.say(format!(
        "CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\nX: {}\r\n\r\n",
        "a".repeat(70 * 1024)
    ));
    assert_eq!(raw.hear().status, 431);
    block_on(async {
        let client = Client::new(&katana);
        let mut session = client.open("origin.test", Proto::H2).await;
        let bomb = (0..150).fold(Ask::get("/"), |a, i| a.header(&format!("x-{i}"), "1"));
        assert!(session.try_ask(bomb).await.is_none_or(|a| a.status == 431));
        let bomb = Ask::get("/").header("x-a", "a".repeat(70 * 1024));
        let mut session = client.open("origin.test", Proto::H2).await;
        assert!(session.try_ask(bomb).await.is_none_or(|a| a.status == 431));
    });
    assert!(origin.received().is_empty());
    others_are_served(&katana);
}

#[test]
fn an_endless_head_is_cut_off() {
    let (_origin, katana) = limited(json!({}));
    let mut raw = inside(&katana);
    raw.say("GET / HTTP/1.1\r\nHost: origin.test\r\n");
    for i in 0..100_000 {
        if !raw.try_say(format!("X-{i}: 0123456789012345678901234567890123456789\r\n").as_bytes()) {
            break;
        }
        assert!(i < 99_999, "katana reads for ever");
    }
    others_are_served(&katana);
}

#[test]
fn silent_and_slow_clients_are_let_go_and_others_are_served() {
    let (_origin, katana) = limited(json!({"timeouts": {"headers": "300ms", "handshake": "300ms"}}));
    let mut silent = Raw::open(katana.addr);
    let mut halfway = Raw::open(katana.addr);
    halfway.say("CONNECT origin.test:443 HTTP/1.1\r\nHo");
    let mut no_hello = super::tunnel(&katana, "origin.test:443");
    let mut slow = inside(&katana);
    slow.say("GET / HTTP/1.1\r\nHost: orig");
    others_are_served(&katana);
    for (what, raw) in
        [("silent", &mut silent), ("halfway", &mut halfway), ("no hello", &mut no_hello), ("slow", &mut slow)]
    {
        let said = raw.rest(); // reads to the end: fails if katana never closes
        let text = String::from_utf8_lossy(&said);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4") || said[0] == 0x15, "{what}: {text}");
    }
    others_are_served(&katana);
}

#[test]
fn a_body_that_never_comes_is_given_up() {
    let (origin, katana) = limited(json!({"timeouts": {"idle": "300ms"}}));
    let mut raw = inside(&katana);
    raw.say("POST /stall HTTP/1.1\r\nHost: origin.test\r\nContent-Length: 100\r\n\r\nhalf");
    let status = raw.try_hear("POST").map(|h| h.status);
    assert!(status.is_none_or(|s| s >= 400), "{status:?}");
    assert!(origin.received().iter().all(|r| !r.complete));
    others_are_served(&katana);
    assert_eq!(katana.records("/stall", 1).len(), 1);
}

#[test]
fn an_origin_that_never_answers_is_given_up() {
    let (origin, katana) = limited(json!({"timeouts": {"response": "300ms"}}));
    origin.on("/never", crate::support::Reply::new("x").delay(60_000));
    let mut raw = inside(&katana);
    let heard = raw.say("GET /never HTTP/1.1\r\nHost: origin.test\r\n\r\n").hear();
    assert!(matches!(heard.status, 502 | 504), "{}", heard.head);
    heard.denied(heard.status);
    others_are_served(&katana);
}

#[test]
fn too_many_requests_a_second_are_answered_429() {
    let (_origin, katana) = limited(json!({"requests_per_second": 5}));
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H2).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            let answer = session.ask(Ask::get("/r")).await;
            if answer.status == 429 {
                answer.denied(429);
            }
            statuses.push(answer.status.as_u16());
        }
        assert!(statuses.contains(&404) && statuses.contains(&429), "{statuses:?}");
    });
}

#[test]
fn connections_beyond_the_limit_wait_or_are_refused_and_come_back() {
    let (_origin, katana) = limited(json!({"connections": 4}));
    let held: Vec<_> = (0..4).map(|_| super::tunnel(&katana, "origin.test:443")).collect();
    let mut fifth = Raw::open(katana.addr);
    fifth.say("CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n");
    drop(held);
    // refused before, or served now that there is room; never left hanging
    let status = fifth.try_hear("CONNECT").map(|h| h.status);
    assert!(matches!(status, None | Some(200 | 429 | 503)), "{status:?}");
    drop(fifth);
    crate::support::until("room for a new connection", || {
        let mut raw = Raw::open(katana.addr);
        raw.say("CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n");
        raw.try_hear("CONNECT").filter(|h| h.status == 200).map(|_| ())
    });
}

#[test]
fn a_decompression_bomb_is_bounded() {
    let (origin, katana) = limited(json!({}));
    block_on(async {
        let once = crate::support::codec::encode("gzip", &vec![0; 64 << 20]);
        let twice = crate::support::codec::encode("gzip", &once);
        for (codings, body) in [("gzip", once), ("gzip, gzip", twice)] {
            let ask = Ask::post("/bomb", body).header("content-encoding", codings);
            let answer = Client::new(&katana).once("origin.test", ask).await;
            assert!(matches!(answer.status.as_u16(), 403 | 413 | 404), "{codings}: {}", answer.status);
        }
    });
    drop(origin.received());
    others_are_served(&katana);
}
