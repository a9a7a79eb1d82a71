//! An agent that asks the token endpoint itself, as SDKs do: katana answers, with a placeholder, and nothing goes upstream.

use super::*;
use crate::support::{block_on, forms};

fn form(text: String) -> Ask {
    Ask::post(TOKEN_PATH, text).header("content-type", "application/x-www-form-urlencoded")
}

#[test]
fn a_refresh_with_the_placeholder_is_answered_and_the_answer_works() {
    let (origin, katana) = field(oauth(json!({"scopes": ["read"]})), &[]);
    let placeholder = katana.placeholder("REFRESH");
    let client = katana.placeholder("CLIENT");
    let basic = format!("Basic {}", forms::base64(format!("me:{client}").as_bytes()));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for call in [
                form(format!(
                    "grant_type=refresh_token&refresh_token={placeholder}&client_id=me&client_secret={client}"
                )),
                form(format!("grant_type=refresh_token&refresh_token={placeholder}"))
                    .header("authorization", &basic),
                Ask::post(
                    TOKEN_PATH,
                    json!({"grant_type": "refresh_token", "refresh_token": placeholder}).to_string(),
                )
                .header("content-type", "application/json"),
            ] {
                let answer = ask(&katana, "api.example.test", proto, call).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(answer.header("x-katana-verdict"), "answered");
                let said: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(
                    (&said["access_token"], &said["token_type"]),
                    (&json!(placeholder), &json!("Bearer"))
                );
                assert_eq!(said["scope"], "read");
                let seconds = said["expires_in"].as_u64().unwrap();
                assert!((3000..=3600).contains(&seconds), "{seconds}");
                let bearer = format!("Bearer {}", said["access_token"].as_str().unwrap());
                ask(&katana, "origin.test", proto, Ask::get("/data").header("authorization", bearer)).await;
                assert_eq!(origin.take("/data").header("authorization"), format!("Bearer {TOKEN}"));
            }
        }
    });
    assert_eq!(calls(&origin), 1, "only katana's own");
    for record in katana.records(TOKEN_PATH, 6) {
        assert_eq!((&record["decision"], &record["status"]), (&json!("allow"), &json!(200)), "{record}");
        assert!(record["reasons"].to_string().contains("answered the token call itself"), "{record}");
    }
}

#[test]
fn client_credentials_are_known_by_their_secret() {
    let account = oauth(json!({"grant": "client_credentials", "secret": null, "auth": "post"}));
    let (origin, katana) = field(account, &[]);
    let client = katana.placeholder("CLIENT");
    block_on(async {
        let call = form(format!("grant_type=client_credentials&client_id=me&client_secret={client}"));
        let answer = ask(&katana, "api.example.test", Proto::H1, call).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(said["access_token"], client.as_str(), "{}", answer.text());
        let bearer = format!("Bearer {client}");
        ask(&katana, "origin.test", Proto::H1, Ask::get("/data").header("authorization", bearer)).await;
        assert_eq!(origin.take("/data").header("authorization"), format!("Bearer {TOKEN}"));
    });
    let call = origin.take(TOKEN_PATH);
    let body = String::from_utf8_lossy(&call.body).into_owned();
    assert_eq!(body, format!("grant_type=client_credentials&client_id=me&client_secret={CLIENT}"));
    assert!(!call.has("authorization"));
}

#[test]
fn what_is_not_asked_for_with_a_placeholder_goes_its_own_way() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let placeholder = katana.placeholder("REFRESH");
    block_on(async {
        let own = form("grant_type=refresh_token&refresh_token=one-of-the-agents-own".into());
        let answer = ask(&katana, "api.example.test", Proto::H2, own).await;
        assert!(answer.text().contains(TOKEN), "its own endpoint's answer, untouched: {}", answer.text());
        assert!(String::from_utf8_lossy(&origin.take(TOKEN_PATH).body).contains("one-of-the-agents-own"));

        let astray = form(format!("grant_type=password&username={placeholder}"));
        let answer = ask(&katana, "api.example.test", Proto::H1, astray).await;
        assert_eq!(answer.denied(403)["code"], "placeholder_misplaced");
        let elsewhere = Ask::post("/elsewhere", format!("refresh_token={placeholder}"));
        let answer = ask(&katana, "api.example.test", Proto::H1, elsewhere).await;
        assert_eq!(answer.denied(403)["code"], "placeholder_misplaced");
        let large = form(format!("pad={}&refresh_token={placeholder}", "x".repeat(100_000)));
        let answer = ask(&katana, "api.example.test", Proto::H1, large).await;
        assert_eq!(answer.denied(403)["code"], "placeholder_misplaced", "too large for a token call");
        let large = form(format!("pad={}&refresh_token=own", "x".repeat(100_000)));
        ask(&katana, "api.example.test", Proto::H2, large).await;
        assert_eq!(
            origin.take(TOKEN_PATH).body.len(),
            100_022,
            "and arrives whole when it is the agent's own"
        );
    });
    assert_eq!(calls(&origin), 0);
}
