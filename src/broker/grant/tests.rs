//! Calls as endpoints expect them, and answers as they come.

use super::*;
use crate::broker::jwt::{claim, tests::key};
use crate::config::Config;
use crate::vault::Held;
use std::path::Path;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn account(text: &str) -> Account {
    let config = Config::from_text(&format!("credentials: [{{{text}}}]"), Path::new("/c.yaml"), []).unwrap();
    (**config.credentials[0].account.as_ref().unwrap()).clone()
}

fn held(entries: &[(&str, &str)]) -> Vec<Held> {
    entries.iter().map(|(n, v)| Held::new(*n, Secret::from(*v), format!("placeholder-of-{n}"))).collect()
}

fn made(text: &str, entries: &[(&str, &str)]) -> Call {
    call(&account(text), Purse(&held(entries)), None, NOW).unwrap_or_else(|e| panic!("{e}"))
}

fn body(call: &Call) -> String {
    String::from_utf8(call.body.expose().to_vec()).unwrap()
}

fn header(call: &Call, name: &str) -> String {
    let found = call.headers.iter().find(|(n, _)| *n == name);
    found.map(|(_, v)| String::from_utf8(v.expose().to_vec()).unwrap()).unwrap_or_default()
}

const REFRESH: &str = "kind: oauth2, grant: refresh_token, token_url: 'https://a.example/t', client_id: me, \
                       client_secret: C, secret: R, scopes: [x, y], hosts: [b.example]";

#[test]
fn oauth_calls_prove_themselves_where_they_should() {
    let entries = [("R", "refresh-1"), ("C", "client-1")];
    let basic = made(REFRESH, &entries);
    assert_eq!((basic.to.to_string().as_str(), basic.path.as_str()), ("a.example:443", "/t"));
    assert_eq!(body(&basic), "grant_type=refresh_token&refresh_token=refresh-1&scope=x%20y");
    assert_eq!(header(&basic, "authorization"), "Basic bWU6Y2xpZW50LTE=");
    let post = made(&format!("{REFRESH}, auth: post"), &entries);
    assert!(
        body(&post).ends_with("&client_id=me&client_secret=client-1")
            && header(&post, "authorization").is_empty()
    );
    let rotated = Secret::from("refresh-2");
    let next = call(&account(REFRESH), Purse(&held(&entries)), Some(&rotated), NOW).ok().unwrap();
    assert!(body(&next).contains("refresh_token=refresh-2"));
    let client = "kind: oauth2, grant: client_credentials, token_url: 'https://a.example', client_id: me, \
                  client_secret: C, audience: api, hosts: [b.example]";
    let call = made(client, &entries);
    assert_eq!(
        (body(&call).as_str(), call.path.as_str()),
        ("grant_type=client_credentials&audience=api", "/")
    );
}

#[test]
fn assertions_say_who_asks_whom_for_what_and_until_when() {
    let (_, pkcs8) = key();
    let jwt = "kind: oauth2, grant: jwt_bearer, token_url: 'https://a.example/t', client_id: me, secret: K, \
               subject: you, scopes: [x], hosts: [b.example]";
    let call = made(jwt, &[("K", &pkcs8)]);
    let body = body(&call);
    let assertion = body.split("assertion=").nth(1).unwrap().split('&').next().unwrap();
    let assertion = percent_encoding::percent_decode_str(assertion).decode_utf8().unwrap();
    for (name, want) in [("iss", "me"), ("sub", "you"), ("aud", "https://a.example/t"), ("scope", "x")] {
        assert_eq!(claim(&assertion, name).as_deref(), Some(want), "{name}");
    }
    assert!(body.contains("client_id=me") && body.contains("grant_type=urn%3Aietf"));

    let app = made("kind: github_app, app_id: 12, installation_id: 34, secret: K", &[("K", &pkcs8)]);
    assert_eq!(app.path, "/app/installations/34/access_tokens");
    let bearer = header(&app, "authorization");
    assert_eq!(claim(bearer.strip_prefix("Bearer ").unwrap(), "iss").as_deref(), Some("12"));

    let file = json!({ "client_email": "svc@p.iam", "private_key": pkcs8, "private_key_id": "9", "token_uri": "https://oauth2.googleapis.com/token" });
    let gcp = "kind: gcp_service_account, secret: DOC, scopes: [s1, s2], hosts: [storage.googleapis.com]";
    let call = made(gcp, &[("DOC", &file.to_string())]);
    assert_eq!((call.to.to_string().as_str(), call.path.as_str()), ("oauth2.googleapis.com:443", "/token"));
    let mut evil = file;
    evil["token_uri"] = "https://evil.example/token".into();
    let why = super::call(&account(gcp), Purse(&held(&[("DOC", &evil.to_string())])), None, NOW).err();
    assert_eq!(why, Some(Error::Endpoint("DOC".into())));
    for bad in ["{}", "not json", r#"{"client_email":"a","private_key":"k","token_uri":"http://x/"}"#] {
        let why = super::call(&account(gcp), Purse(&held(&[("DOC", bad)])), None, NOW).err().unwrap();
        assert_eq!(why.code(), "credential_unusable", "{bad}");
    }
}

#[test]
fn what_the_vault_lacks_is_named() {
    let why =
        |entries: &[(&str, &str)]| call(&account(REFRESH), Purse(&held(entries)), None, NOW).err().unwrap();
    assert_eq!(why(&[("C", "client-1")]), Error::NoEntry("R".into()));
    assert_eq!(why(&[("R", "refresh-1")]), Error::NoEntry("C".into()));
    let mut barred = held(&[("R", "refresh-1"), ("C", "client-1")]);
    barred[0].barred = Some(crate::vault::Barred::Expired(NOW));
    assert_eq!(call(&account(REFRESH), Purse(&barred), None, NOW).err(), Some(Error::Barred("R".into())));
}

#[test]
fn answers_grant_a_token_a_time_and_perhaps_another_refresh_token() {
    let read =
        |account: &Account, text: &str| read(account, &Answer { status: 200, body: Secret::from(text) }, NOW);
    let oauth = account(REFRESH);
    let full =
        r#"{"access_token":"token-123","token_type":"bearer","expires_in":3600,"refresh_token":"refresh-2"}"#;
    let granted = read(&oauth, full).ok().unwrap();
    assert_eq!(granted.until, Some(Timestamp(NOW.0 + 3_600_000)));
    assert!(granted.token == Secret::from("token-123") && granted.rotated == Some(Secret::from("refresh-2")));
    let text = read(&oauth, r#"{"access_token":"token-123","expires_in":"60"}"#).ok().unwrap();
    assert_eq!(text.until, Some(Timestamp(NOW.0 + 60_000)));
    let bare = read(&oauth, r#"{"access_token":"token-123"}"#).ok().unwrap();
    assert!(bare.until.is_none() && bare.rotated.is_none());
    for bad in [r#"{"access_token":"token-123","token_type":"mac"}"#, "{}", r#"{"access_token":""}"#] {
        assert_eq!(read(&oauth, bad).err().unwrap().code(), "token_unreadable", "{bad}");
    }
    let github = account("kind: github_app, app_id: 1, installation_id: 2, secret: K");
    let granted =
        read(&github, r#"{"token":"ghs_0123456789","expires_at":"2023-11-14T23:13:20Z"}"#).ok().unwrap();
    assert_eq!(granted.until, Some(Timestamp(NOW.0 + 3_600_000)));
}
