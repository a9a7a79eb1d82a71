//! Answers in raw bytes: what an origin may say, and what it may not make a client believe.

use super::inside;
use crate::support::scripted::{Step, say, scripted};
use crate::support::{Ask, Client, Katana, Proto, block_on, katana};

fn answering(steps: Vec<Step>) -> Katana {
    katana().reach("origin.test", scripted(steps).addr).start()
}

const ASK: &str = "GET /x HTTP/1.1\r\nHost: origin.test\r\n\r\n";

#[test]
fn answers_that_cannot_be_understood_become_502() {
    for text in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX\0: 1\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-x\r\n",
        "",
    ] {
        let katana = answering(vec![Step::Head, say(text)]);
        let mut raw = inside(&katana);
        raw.say(ASK).hear().denied(502);
        assert_eq!(katana.records("/x", 1)[0]["status"], 502, "{text:?}");
    }
}

#[test]
fn an_answer_with_both_framings_poisons_nothing() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n";
    let katana = answering(vec![
        Step::Head,
        say(text),
        Step::Head,
        say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"),
    ]);
    let mut raw = inside(&katana);
    for _ in 0..2 {
        let Some(heard) = raw.say(ASK).try_hear("GET") else { return };
        assert!(!heard.head.to_lowercase().contains("x-poison"), "{}", heard.head);
    }
}

#[test]
fn what_follows_an_answer_is_not_the_next_answer() {
    let katana = answering(vec![
        Step::Head,
        say(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        ),
    ]);
    let mut raw = inside(&katana);
    assert_eq!(raw.say(ASK).hear().body, b"ok");
    let second = raw.say(ASK).hear();
    assert_ne!(second.body, b"poison", "{}", second.head);
}

#[test]
fn early_hints_do_no_harm() {
    let katana = answering(vec![
        Step::Head,
        say("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
        Step::Pause(20),
        say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"),
    ]);
    let mut raw = inside(&katana);
    assert_eq!(raw.say(ASK).hear().body, b"done");
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H2).await;
        assert_eq!(session.ask(Ask::get("/x")).await.text(), "done");
    });
}

#[test]
fn a_switch_nobody_asked_for_is_refused() {
    let katana = answering(vec![
        Step::Head,
        say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"),
    ]);
    let mut raw = inside(&katana);
    let status = raw.say(ASK).try_hear("GET").map(|h| h.status);
    assert!(status.is_none_or(|s| s == 502), "{status:?}");
}

#[test]
fn a_body_that_ends_with_the_connection_arrives_whole() {
    let katana = answering(vec![
        Step::Head,
        say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil "),
        Step::Pause(20),
        say("the end"),
    ]);
    let mut raw = inside(&katana);
    assert_eq!(raw.say(ASK).hear().body, b"until the end");
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H2).await;
        let answer = session.ask(Ask::get("/x")).await;
        assert_eq!((answer.text().as_str(), answer.complete), ("until the end", true));
    });
}

#[test]
fn a_reset_before_and_within_the_answer_is_told_apart() {
    let katana = answering(vec![Step::Head, Step::Reset]);
    inside(&katana).say(ASK).hear().denied(502);
    let katana = answering(vec![
        Step::Head,
        say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        Step::Pause(50),
        Step::Reset,
    ]);
    let mut raw = inside(&katana);
    if let Some(heard) = raw.say(ASK).try_hear("GET") {
        heard.denied(502); // it was held whole: half an answer is no answer
    }
    let record = &katana.records("/x", 1)[0];
    assert_eq!(record["outcome"], "failed", "the record says that it broke off: {record}");
}

#[test]
fn headers_of_one_hop_do_not_come_back() {
    let katana = answering(vec![
        Step::Head,
        say(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, x-named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nX-Stays: 1\r\nContent-Length: 0\r\n\r\n",
        ),
    ]);
    let heard = inside(&katana).say(ASK).hear();
    assert_eq!(heard.header("x-stays"), Some("1"));
    assert!(["x-named", "proxy-authenticate"].iter().all(|n| heard.header(n).is_none()), "{}", heard.head);
}

#[test]
fn an_answer_to_head_has_no_body_whatever_the_origin_sends() {
    let katana = answering(vec![Step::Head, say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]);
    let mut raw = inside(&katana);
    raw.say("HEAD /x HTTP/1.1\r\nHost: origin.test\r\n\r\n");
    let heard = raw.try_hear("HEAD").unwrap();
    assert_eq!(heard.header("content-length"), Some("6"));
    let next = raw.say("HEAD /x HTTP/1.1\r\nHost: origin.test\r\n\r\n").try_hear("HEAD").unwrap();
    assert!(next.head.starts_with("HTTP/1.1 "), "{}", next.head);
}
