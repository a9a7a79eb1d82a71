//! Tokens that are out, on their way back and out again: the agent never holds one.

use super::*;
use crate::support::{block_on, forms};

#[test]
fn a_reflected_token_comes_back_as_its_placeholder() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let placeholder = katana.placeholder("REFRESH");
    origin.on("/mirror", Reply::reflect("authorization", &[]));
    origin.on("/packed", Reply::reflect("authorization", &["gzip"]));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let answer = ask(&katana, "origin.test", proto, Ask::get("/mirror")).await;
            assert_eq!(answer.header("x-reflected"), format!("Bearer {placeholder}"));
            assert!(answer.text().contains(&format!("<Bearer {placeholder}>")), "{}", answer.text());
            let answer = ask(&katana, "origin.test", proto, Ask::get("/packed")).await;
            assert!(!answer.text().contains(TOKEN) && !answer.header("x-reflected").contains(TOKEN));
        }
    });
    let reasons = katana.records("/mirror", 2)[0]["reasons"].to_string();
    assert!(reasons.contains("reflected REFRESH"), "{reasons}");
}

#[test]
fn a_token_that_got_out_is_taken_out_of_everything_that_is_sent() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let placeholder = katana.placeholder("REFRESH");
    origin.on("/up", Reply::new("ok"));
    block_on(async {
        ask(&katana, "origin.test", Proto::H1, Ask::get("/first")).await;
        for proto in [Proto::H1, Proto::H2] {
            let coded = forms::base64(format!("my token: {TOKEN}").as_bytes());
            let leak = Ask::post("/up", format!("{{\"token\": \"{TOKEN}\", \"coded\": \"{coded}\"}}"))
                .header("x-token", TOKEN)
                .header("cookie", format!("t={TOKEN}"));
            ask(&katana, "other.test", proto, leak).await;
            let got = origin.take("/up");
            let body = String::from_utf8_lossy(&got.body).into_owned();
            assert!(
                body.contains(&placeholder) && !body.contains(TOKEN) && !body.contains(&coded[..20]),
                "{body}"
            );
            assert!(got.header("x-token") == placeholder && !got.header("cookie").contains(TOKEN));
            ask(&katana, "other.test", proto, Ask::get(&format!("/up?t={TOKEN}"))).await;
            assert!(!origin.take("/up").target.contains(TOKEN));
            let own = Ask::get("/up").header("authorization", format!("Bearer {TOKEN}"));
            ask(&katana, "origin.test", proto, own).await;
            assert_eq!(
                origin.take("/up").header("authorization"),
                format!("Bearer {TOKEN}"),
                "where it belongs"
            );
        }
    });
    for record in katana.records("/up", 6).iter().filter(|r| r["host"] == "other.test") {
        assert!(record["scrubbed"].to_string().contains("REFRESH"), "{record}");
    }
    katana.never_tells(TOKEN);
}

#[test]
fn in_mode_block_it_is_refused() {
    let (origin, katana) = field_with(oauth(json!({})), &[], json!({"proxy": {"on_secret": "block"}}));
    block_on(async {
        ask(&katana, "origin.test", Proto::H1, Ask::get("/first")).await;
        origin.take("/first");
        for leak in [Ask::post("/up", TOKEN), Ask::get("/up").header("x-token", TOKEN)] {
            let answer = ask(&katana, "other.test", Proto::H2, leak).await;
            assert_eq!(answer.denied(403)["code"], "secret_blocked");
        }
    });
    assert!(origin.received().iter().all(|r| r.target == TOKEN_PATH));
}
