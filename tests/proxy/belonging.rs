//! A credential passes on its way to the host it is meant for, and nowhere else.

use crate::support::forms::base64;
use crate::support::{Answer, Ask, Client, Katana, Origin, Proto, block_on, katana, origin};
use serde_json::json;

/// Keys as OpenAI and GitHub make them; whole only here, in memory.
fn openai() -> String {
    ["sk-proj-", "E3oEJJ8X1o9585yMa6Fv4ngcVnSOgsR8uQYuY8CstQTuNzuN"].concat()
}

fn github() -> String {
    ["ghp_", "1tamFiacoLJ8v51hz7DfjMupMKv1mZ1fpTBx"].concat()
}

/// `other.test` is bound by the operator, `api.openai.com` by nobody's key.
fn site() -> (Origin, Katana) {
    let origin = origin().start();
    let own = json!([{"secret": "OWN", "hosts": ["other.test"], "slot": "header:X-Own"}]);
    let config = json!({ "credentials": own });
    let katana = katana().origin(&origin).secret("OWN", super::scrub::SECRET).config(config).start();
    (origin, katana)
}

async fn send(katana: &Katana, host: &str, ask: Ask) -> Answer {
    Client::new(katana).open(host, Proto::H1).await.ask(ask).await
}

fn bearer(token: &str) -> Ask {
    Ask::get("/v1/x").header("authorization", format!("Bearer {token}"))
}

fn basic(token: &str) -> Ask {
    Ask::get("/v1/x")
        .header("authorization", format!("Basic {}", base64(format!("robot:{token}").as_bytes())))
}

#[test]
fn at_home_a_key_passes_in_header_url_and_basic() {
    let (origin, katana) = site();
    block_on(async {
        for ask in [bearer(&openai()), basic(&openai()), Ask::get(&format!("/v1/x?key={}", openai()))] {
            send(&katana, "api.openai.com", ask).await;
            origin.take("/v1/x");
        }
    });
}

#[test]
fn away_from_home_a_key_is_a_leak_even_in_an_auth_header() {
    let (_origin, katana) = site();
    block_on(async {
        for (host, key, rule) in [
            ("origin.test", openai(), "openai.project_key"),
            ("origin.test", github(), "github.token"),
            ("api.openai.com", github(), "github.token"),
        ] {
            let cookie = Ask::get("/v1/x").header("cookie", format!("theme=dark; session={key}"));
            for ask in [bearer(&key), basic(&key), cookie] {
                let error = send(&katana, host, ask).await.denied(403);
                assert_eq!(
                    (&error["code"], &error["rule"]),
                    (&json!("secret_detected"), &json!(rule)),
                    "{error}"
                );
            }
        }
    });
    katana.never_tells(&github());
}

#[test]
fn what_nobody_is_known_for_and_hosts_the_operator_bound_are_ordinary() {
    let (origin, katana) = site();
    block_on(async {
        let token = [
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            ".eyJzdWIiOiJ1LTgxMjciLCJpYXQiOjE3NjM3MDAwMDB9.wDIKuKJ5XC",
        ]
        .concat();
        send(&katana, "origin.test", bearer(&token)).await;
        origin.take("/v1/x");
        send(&katana, "other.test", bearer(&openai())).await;
        origin.take("/v1/x");
    });
}

#[test]
fn a_body_is_no_place_for_a_key_even_at_home() {
    let (_origin, katana) = site();
    block_on(async {
        let body = format!("{{\"note\":\"{}\"}}", openai());
        send(&katana, "api.openai.com", Ask::post("/v1/x", body)).await.denied(403);
    });
}
