//! Credentials on their way in: where the provider's slot is, and nowhere else.

use super::scrub::SECRET;
use crate::support::{Ask, Client, Katana, Origin, Proto, Reply, block_on, katana, origin};
use serde_json::json;

const KEY: &str = "sk-test-Vb6nM3cX8zL1kJ4hG7fD";

/// A katana that knows an OpenAI key, an Anthropic key, and three credentials of the configuration's own.
pub(crate) fn provided() -> (Origin, Katana) {
    let origin = origin().start();
    let own = json!([
        {"secret": "OWN", "hosts": ["api.example.test"], "slot": "header:X-Token", "methods": ["POST"], "paths": ["/v1/*"]},
        {"secret": "BASIC", "hosts": ["origin.test"], "slot": "basic:robot"},
        {"secret": "ASKED", "hosts": ["other.test"], "slot": "query:key"},
    ]);
    let katana = katana()
        .origin(&origin)
        .secret("OPENAI_API_KEY", KEY)
        .secret("ANTHROPIC_API_KEY", "sk-ant-test-Wq9pL2mN5bV8cX1z")
        .secret("OWN", SECRET)
        .secret("BASIC", "Basic7Yh4Gt1Rf8Ed5Ws")
        .secret("ASKED", "Asked3Uj6Mk9Ol2Pq5Zs")
        .config(json!({ "credentials": own }))
        .start();
    (origin, katana)
}

async fn ask(katana: &Katana, host: &str, proto: Proto, ask: Ask) -> crate::support::Answer {
    Client::new(katana).open(host, proto).await.ask(ask).await
}

#[test]
fn a_placeholder_in_its_slot_becomes_the_value() {
    let (origin, katana) = provided();
    let bearer = format!("Bearer {}", katana.placeholder("OPENAI_API_KEY"));
    let (anthropic, own) = (katana.placeholder("ANTHROPIC_API_KEY"), katana.placeholder("OWN"));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            ask(&katana, "api.openai.com", proto, Ask::get("/v1/models").header("authorization", &bearer))
                .await;
            assert_eq!(origin.take("/v1/models").header("authorization"), format!("Bearer {KEY}"));
            ask(
                &katana,
                "api.anthropic.com",
                proto,
                Ask::post("/v1/messages", "{}").header("x-api-key", &anthropic),
            )
            .await;
            assert_eq!(origin.take("/v1/messages").header("x-api-key"), "sk-ant-test-Wq9pL2mN5bV8cX1z");
            ask(&katana, "api.example.test", proto, Ask::post("/v1/x", "{}").header("x-token", &own)).await;
            assert_eq!(origin.take("/v1/x").header("x-token"), SECRET);
        }
    });
    for record in katana.records("/v1/models", 2) {
        assert!(record["injected"].to_string().contains("OPENAI_API_KEY"), "{record}");
    }
    katana.never_tells(KEY);
}

#[test]
fn an_empty_slot_is_filled() {
    let (origin, katana) = provided();
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for request in [Ask::get("/v1/models"), Ask::get("/v1/models").header("authorization", "")] {
                ask(&katana, "api.openai.com", proto, request).await;
                assert_eq!(origin.take("/v1/models").header("authorization"), format!("Bearer {KEY}"));
            }
            ask(&katana, "origin.test", proto, Ask::get("/private")).await;
            let basic = crate::support::forms::base64(b"robot:Basic7Yh4Gt1Rf8Ed5Ws");
            assert_eq!(origin.take("/private").header("authorization"), format!("Basic {basic}"));
            ask(&katana, "other.test", proto, Ask::get("/search?q=1")).await;
            let target = origin.take("/search").target;
            assert!(target.contains("key=Asked3Uj6Mk9Ol2Pq5Zs") && target.contains("q=1"), "{target}");
        }
    });
}

#[test]
fn an_own_key_in_the_slot_is_left_alone() {
    let (origin, katana) = provided();
    block_on(async {
        let own = Ask::get("/v1/own").header("authorization", "Bearer my-own-short-token");
        ask(&katana, "api.openai.com", Proto::H1, own).await;
    });
    if let Some(got) = origin.try_take("/v1/own") {
        assert_eq!(got.header("authorization"), "Bearer my-own-short-token");
    }
}

#[test]
fn a_placeholder_anywhere_else_is_denied() {
    let (origin, katana) = provided();
    let key = katana.placeholder("OPENAI_API_KEY");
    let own = katana.placeholder("OWN");
    let bearer = format!("Bearer {key}");
    let cases = [
        ("wrong host", "origin.test", Ask::get("/a").header("authorization", &bearer)),
        ("wrong slot", "api.openai.com", Ask::get("/a").header("x-other", &key)),
        ("in the URL", "api.openai.com", Ask::get(&format!("/a?k={key}"))),
        ("in the path", "api.openai.com", Ask::get(&format!("/a/{key}"))),
        ("in the body", "api.openai.com", Ask::post("/a", format!("my key is {key}"))),
        ("in a cookie", "api.openai.com", Ask::get("/a").header("cookie", format!("k={key}"))),
        ("wrong method", "api.example.test", Ask::get("/v1/x").header("x-token", &own)),
        ("wrong path", "api.example.test", Ask::post("/v2/x", "{}").header("x-token", &own)),
        ("another's slot", "api.example.test", Ask::post("/v1/x", "{}").header("x-token", &key)),
    ];
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for (what, host, request) in &cases {
                let answer = ask(&katana, host, proto, request.clone()).await;
                assert_eq!(answer.status, 403, "{what}: {}", answer.text());
                answer.denied(403);
                assert!(origin.received().is_empty(), "{what}: sent");
            }
        }
    });
    katana.verify_audit();
}

#[test]
fn nothing_is_injected_over_plain_http() {
    let origin = origin().plain().start();
    let katana = katana().origin(&origin).secret("OPENAI_API_KEY", KEY).start();
    let placeholder = katana.placeholder("OPENAI_API_KEY");
    block_on(async {
        let mut session = Client::new(&katana).absolute("http://api.openai.com").await;
        session.ask(Ask::get("/v1/models")).await;
        assert!(origin.received().iter().all(|r| !r.has("authorization")));
        let ask = Ask::get("/v1/models").header("authorization", format!("Bearer {placeholder}"));
        Client::new(&katana).absolute("http://api.openai.com").await.ask(ask).await.denied(403);
    });
    let sent = origin.wires().concat();
    assert!(!sent.windows(KEY.len()).any(|w| w == KEY.as_bytes()));
}

#[test]
fn a_bound_host_gets_only_its_own_credential() {
    let (origin, katana) = provided();
    block_on(async {
        ask(&katana, "api.example.test", Proto::H1, Ask::get("/elsewhere")).await;
        assert!(!origin.take("/elsewhere").has("x-token"), "not for this method and path");
        ask(&katana, "www.origin.test", Proto::H1, Ask::get("/sub")).await;
        assert!(!origin.take("/sub").has("authorization"), "a subdomain is another host");
        let leak = Ask::post("/v1/x", format!("{{\"key\": \"{KEY}\"}}"));
        ask(&katana, "api.openai.com", Proto::H1, leak).await;
        let got = origin.take_where(|r| r.target == "/v1/x");
        assert!(
            got.is_none_or(|r| !String::from_utf8_lossy(&r.body).contains(KEY)),
            "its own value, in the body"
        );
    });
}

#[test]
fn with_injection_off_nothing_is_put_in() {
    let origin = origin().start();
    let katana = katana().origin(&origin).secret("OPENAI_API_KEY", KEY);
    let katana = katana.config(json!({"proxy": {"inject_credentials": false}})).start();
    origin.on("/v1/models", Reply::new("ok"));
    block_on(async {
        ask(&katana, "api.openai.com", Proto::H1, Ask::get("/v1/models")).await;
    });
    assert!(!origin.take("/v1/models").has("authorization"));
}
