//! Endpoints that fail, refuse, or are not to be reached: the request gets a clear answer, and the endpoint is not asked again
//! at once.

use super::*;
use crate::support::{Reply, block_on};

async fn data(katana: &Katana) -> Answer {
    ask(katana, "origin.test", Proto::H1, Ask::get("/data")).await
}

#[test]
fn each_failure_has_its_code_and_is_kept_for_a_moment() {
    let refused =
        reply(json!({"error": "invalid_grant", "error_description": "hunter2-is-not-it"})).status(400);
    for (reply, status, code, says) in [
        (refused, 502, "token_refused", "invalid_grant"),
        (Reply::new("oops").status(500), 502, "token_refused", "500"),
        (Reply::new("<html>"), 502, "token_unreadable", "JSON"),
        (reply(json!({"access_token": "short"})), 502, "token_unreadable", "too short"),
        (Reply::repeat(vec![b' '; 1 << 16], 8), 502, "token_unreadable", "256 KiB"),
    ] {
        let (origin, katana) = field(oauth(json!({})), &[]);
        origin.on(TOKEN_PATH, reply);
        block_on(async {
            for _ in 0..3 {
                let error = data(&katana).await.denied(status);
                assert_eq!(error["code"], code);
                assert!(error["message"].as_str().unwrap().contains(says), "{error}");
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        });
        assert_eq!(calls(&origin), 1, "{code}: not asked again at once");
        assert_eq!(call_records(&katana, 1)[0]["code"], code);
        assert!(origin.received().iter().all(|r| r.target != "/data"), "nothing goes without its credential");
        for record in katana.records("/data", 3) {
            assert_eq!((&record["code"], &record["outcome"]), (&json!(code), &json!("denied")), "{record}");
        }
    }
}

#[test]
fn it_is_asked_again_after_a_moment() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    origin.on(TOKEN_PATH, Reply::new("down").status(503));
    block_on(async { data(&katana).await.denied(502) });
    origin.on(TOKEN_PATH, granted(TOKEN, 3600));
    until("the endpoint asked again", || {
        block_on(data(&katana));
        origin.try_take("/data").filter(|r| r.header("authorization") == format!("Bearer {TOKEN}"))
    });
}

#[test]
fn an_endpoint_that_is_away_private_or_not_whom_it_says_is_not_reached() {
    let origin = origin().start();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = crate::support::origin().leaf(crate::support::pki::Leaf::SelfSigned).start();
    for (katana, says) in [
        (katana().reach("api.example.test", gone), "did not accept a connection"),
        (katana().reach("api.example.test", wrong.addr), "certificate"),
        (
            // resolved to this machine, and not allowed there
            katana()
                .config(json!({"proxy": {"upstream": {"resolve": [format!("api.example.test={gone}")]}}})),
            "not on the public Internet",
        ),
    ] {
        let katana =
            katana.reach("origin.test", origin.addr).config(json!({"credentials": [oauth(json!({}))]}));
        let katana = katana.secret("REFRESH", REFRESH).secret("CLIENT", CLIENT).start();
        block_on(async {
            let error = data(&katana).await.denied(502);
            assert_eq!(error["code"], "token_unreachable");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(says), "{error}");
        });
    }
    assert!(origin.received().is_empty() && wrong.received().is_empty());
}

#[test]
fn what_the_vault_lacks_is_said() {
    let (origin, katana) = field(oauth(json!({"client_secret": "NOT_THERE"})), &[]);
    block_on(async {
        let error = data(&katana).await.denied(503);
        assert_eq!(error["code"], "credential_missing");
        assert!(error["message"].as_str().unwrap().contains("NOT_THERE"), "{error}");
    });
    assert!(origin.received().is_empty());
}

#[test]
fn a_client_that_goes_away_does_not_take_the_call_with_it() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let mut first = json!({ "access_token": TOKEN, "expires_in": 3600 });
    first["refresh_token"] = "refresh-the-second-5Tg8Yh".into();
    origin.on(TOKEN_PATH, reply(first).delay(500));
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H1).await;
        let begun =
            tokio::time::timeout(std::time::Duration::from_millis(200), session.try_begin(Ask::get("/data")));
        assert!(begun.await.is_err(), "it should still wait for the token");
        drop(session);
        let answer = data(&katana).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    });
    assert_eq!(calls(&origin), 1, "the refresh token was spent once, and its successor is known");
}
