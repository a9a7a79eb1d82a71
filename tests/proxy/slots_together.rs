//! Slots in bodies of any coding and size, and several secrets on one host.

use super::slots::{CASES, HOST, ask, passed, provided, typed};
use crate::support::{Ask, Client, Proto, block_on, codec, katana, origin, until};
use serde_json::{Value, json};

#[test]
fn a_body_in_any_coding_and_in_any_pieces() {
    let (origin, katana) = provided();
    let case = CASES.iter().find(|c| c.secret == "IN_JSON").unwrap();
    let placeholder = katana.placeholder(case.secret);
    let text = json!({"auth": {"api_key": placeholder}, "more": "x".repeat(5000)}).to_string();
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for coding in ["gzip", "deflate", "br", "zstd"] {
                let body = codec::encode_all(&[coding], text.as_bytes());
                let request = Ask::post("/j/x", body)
                    .header("content-type", "application/json")
                    .header("content-encoding", coding);
                let answer = ask(&katana, HOST, proto, request).await;
                assert!(passed(&answer), "{coding}: {}", answer.text());
                let got = origin.take("/j/x");
                let read: Value = serde_json::from_slice(&got.decoded()).unwrap();
                assert_eq!(read["auth"]["api_key"], case.value, "{coding}");
                assert!(!got.has("content-encoding"), "it goes on decoded");
            }
            let pieces = text.as_bytes().chunks(1000).map(<[u8]>::to_vec).collect::<Vec<_>>();
            let request =
                Ask::new("POST", "/j/x").pieces(pieces).gap(60).header("content-type", "application/json");
            let answer = ask(&katana, HOST, proto, request).await;
            assert!(passed(&answer), "a sender that pauses is waited for: {}", answer.text());
            let read: Value = serde_json::from_slice(&origin.take("/j/x").body).unwrap();
            assert_eq!(read["auth"]["api_key"], case.value);
        }
    });
}

#[test]
fn a_body_that_is_too_large_to_hold_is_refused_when_a_placeholder_is_in_it() {
    let (origin, katana) = provided();
    let case = CASES.iter().find(|c| c.secret == "IN_JSON").unwrap();
    let filler = "x".repeat(2 << 20);
    let body = |key: &str| json!({"more": filler, "auth": {"api_key": key}}).to_string();
    let typed = |text: String| typed("/j/x", "application/json", text);
    block_on(async {
        let mut session = Client::new(&katana).open(HOST, Proto::H1).await;
        let _ = session.try_ask(typed(body(&katana.placeholder(case.secret)))).await;
        let mut session = Client::new(&katana).open(HOST, Proto::H1).await;
        assert!(passed(&session.ask(typed(body("my own"))).await));
    });
    assert!(
        origin
            .received()
            .iter()
            .filter(|r| r.complete)
            .all(|r| !String::from_utf8_lossy(&r.body).contains(case.value))
    );
    until("the record of the refusal", || {
        katana.audit().iter().any(|r| r["code"] == "placeholder_in_stream").then_some(())
    });
}

#[test]
fn several_secrets_on_one_host_each_in_its_slot() {
    let origin = origin().start();
    let own = json!([
        {"secret": "FIRST", "hosts": [HOST], "slot": "header:X-Api-Key"},
        {"secret": "SECOND", "hosts": [HOST], "slot": "header:X-App-Key"},
        {"secret": "THIRD", "hosts": [HOST], "slot": "query:key", "methods": ["GET"]},
    ]);
    let katana = katana()
        .origin(&origin)
        .secret("FIRST", "first-Vb6nM3cX8zL1kJ4h")
        .secret("SECOND", "second-Qa2wS4dR6fT8gY0h")
        .secret("THIRD", "third-Zx8cV7bN6mA5sD4f")
        .config(json!({ "credentials": own }))
        .start();
    let [first, second, third] = ["FIRST", "SECOND", "THIRD"].map(|n| katana.placeholder(n));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let all =
                Ask::get(&format!("/a?key={third}")).header("x-api-key", &first).header("x-app-key", &second);
            assert!(passed(&ask(&katana, HOST, proto, all).await));
            let got = origin.take_where(|r| r.target.starts_with("/a")).unwrap();
            assert_eq!(got.target, "/a?key=third-Zx8cV7bN6mA5sD4f");
            assert_eq!(
                (&*got.header("x-api-key"), &*got.header("x-app-key")),
                ("first-Vb6nM3cX8zL1kJ4h", "second-Qa2wS4dR6fT8gY0h")
            );
            ask(&katana, HOST, proto, Ask::get("/b")).await;
            let got = origin.take("/b");
            assert_eq!(got.header("x-api-key"), "first-Vb6nM3cX8zL1kJ4h", "the first fills");
            assert!(!got.has("x-app-key"));
            ask(&katana, HOST, proto, Ask::get("/c").header("x-app-key", &second)).await;
            let got = origin.take("/c");
            assert_eq!(got.header("x-app-key"), "second-Qa2wS4dR6fT8gY0h");
            assert!(!got.has("x-api-key"), "who names one gets that one");
            let swapped = Ask::get("/d").header("x-api-key", &second).header("x-app-key", &first);
            ask(&katana, HOST, proto, swapped).await.denied(403);
            ask(&katana, HOST, proto, Ask::post(&format!("/e?key={third}"), "")).await.denied(403);
            assert!(origin.received().is_empty());
        }
    });
}

#[test]
fn a_value_with_a_placeholder_in_it_is_not_looked_at_again() {
    let origin = origin().start();
    let own = json!([
        {"secret": "OUTER", "hosts": [HOST], "slot": "header:X-Outer"},
        {"secret": "INNER", "hosts": [HOST], "slot": "header:X-Inner"},
    ]);
    let home = katana()
        .origin(&origin)
        .secret("INNER", "inner-Vb6nM3cX8zL1kJ4h")
        .config(json!({ "credentials": own }))
        .home();
    let listing: Value = serde_json::from_slice(&home.katana(&["vault", "list", "--json"]).stdout).unwrap();
    let inner = listing["entries"][0]["placeholder"].as_str().unwrap().to_owned();
    let outer_value = format!("outer {inner} end");
    assert!(home.katana_in(&["vault", "set", "OUTER"], &outer_value).status.success());
    let katana = home.start();
    let outer = katana.placeholder("OUTER");
    block_on(async {
        let both = Ask::get("/a").header("x-outer", &outer).header("x-inner", &inner);
        assert!(passed(&ask(&katana, HOST, Proto::H1, both).await));
    });
    let got = origin.take("/a");
    assert_eq!(got.header("x-outer"), outer_value);
    assert_eq!(got.header("x-inner"), "inner-Vb6nM3cX8zL1kJ4h");
}
