//! Accounts that sign an assertion: JWT bearer, GitHub Apps, service accounts of Google's.

use super::*;
use crate::support::{Received, block_on, forms};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use std::sync::OnceLock;

fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn pem() -> String {
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n", BASE64.encode(der.as_ref()))
}

/// The claims of an assertion whose signature is this key's.
fn verified(token: &str) -> Value {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key().public_key().as_ref().to_vec());
    public.verify(signed.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
    let claims = signed.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap()
}

fn assertion(call: &Received) -> Value {
    let body = String::from_utf8(call.body.clone()).unwrap();
    let field = body.split('&').find_map(|p| p.strip_prefix("assertion=")).unwrap();
    verified(&percent_encoding::percent_decode_str(field).decode_utf8().unwrap())
}

/// A token as an agent would sign it with a key of its own that nobody knows.
fn forged(issuer: &str) -> String {
    let part = |v: Value| BASE64URL_NOPAD.encode(v.to_string().as_bytes());
    format!("{}.{}.{}", part(json!({"alg": "RS256"})), part(json!({"iss": issuer})), "AAAA")
}

#[test]
fn jwt_bearer() {
    let account = oauth(json!({
        "grant": "jwt_bearer", "secret": "KEY", "client_secret": null, "subject": "user@example.test", "scopes": ["s"],
    }));
    let (origin, katana) = field(account, &[("KEY", &pem())]);
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            ask(&katana, "origin.test", proto, Ask::get("/data")).await;
            assert_eq!(origin.take("/data").header("authorization"), format!("Bearer {TOKEN}"));
            let form = format!("grant_type=x&assertion={}", forged("me"));
            let answer = ask(&katana, "api.example.test", proto, Ask::post(TOKEN_PATH, form)).await;
            assert!(answer.text().contains(&katana.placeholder("KEY")), "{}", answer.text());
        }
    });
    let claims = assertion(&origin.take(TOKEN_PATH));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("user@example.test")));
    assert_eq!(claims["aud"], format!("https://api.example.test{TOKEN_PATH}"));
    assert_eq!(calls(&origin), 0);
}

#[test]
fn github_app() {
    let account = json!({
        "kind": "github_app", "app_id": 12, "installation_id": 345, "secret": "APP_KEY",
        "api": "https://api.example.test", "git_hosts": ["other.test"],
    });
    let (origin, katana) = field(account, &[("APP_KEY", &pem())]);
    let path = "/app/installations/345/access_tokens";
    let until = "2099-01-01T00:00:00Z";
    origin.on(path, reply(json!({"token": "ghs_Yt6Gv4Bn2Mk8Jh1Lp", "expires_at": until})).status(201));
    let placeholder = katana.placeholder("APP_KEY");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            ask(&katana, "api.example.test", proto, Ask::get("/repos/a/b")).await;
            assert_eq!(origin.take("/repos/a/b").header("authorization"), "Bearer ghs_Yt6Gv4Bn2Mk8Jh1Lp");
            let git = forms::base64(format!("x-access-token:{placeholder}").as_bytes());
            for request in [
                Ask::get("/a/b.git/info/refs?service=git-upload-pack"),
                Ask::get("/a/b.git/info/refs").header("authorization", format!("Basic {git}")),
            ] {
                ask(&katana, "other.test", proto, request).await;
                let basic = forms::base64(b"x-access-token:ghs_Yt6Gv4Bn2Mk8Jh1Lp");
                assert_eq!(
                    origin.take("/a/b.git/info/refs").header("authorization"),
                    format!("Basic {basic}")
                );
            }
            for bearer in [placeholder.clone(), forged("12")] {
                let call = Ask::post(path, "{}").header("authorization", format!("Bearer {bearer}"));
                let answer = ask(&katana, "api.example.test", proto, call).await;
                assert_eq!(answer.status, 201, "{}", answer.text());
                let said: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!((&said["token"], &said["expires_at"]), (&json!(placeholder), &json!(until)));
            }
        }
        let answer = ask(
            &katana,
            "origin.test",
            Proto::H1,
            Ask::get("/x").header("authorization", format!("Bearer {placeholder}")),
        )
        .await;
        assert_eq!(answer.denied(403)["code"], "placeholder_misplaced");
    });
    let call = origin.take(path);
    let claims = verified(call.header("authorization").strip_prefix("Bearer ").unwrap());
    assert_eq!(claims["iss"], "12");
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 600);
    assert!(origin.received().iter().all(|r| r.target != path), "one call");
    katana.never_tells("ghs_Yt6Gv4Bn2Mk8Jh1Lp");
}

#[test]
fn service_account() {
    let document = |uri: &str| {
        json!({"type": "service_account", "client_email": "svc@project.iam.example", "private_key_id": "k1",
               "private_key": pem().replace("\\n", "\n"), "token_uri": uri})
        .to_string()
    };
    let account = json!({
        "kind": "gcp_service_account", "secret": "KEY_FILE", "scopes": ["https://www.example/auth/all"],
        "hosts": ["origin.test"], "token_hosts": ["api.example.test"],
    });
    let good = document(&format!("https://api.example.test{TOKEN_PATH}"));
    let (origin, katana) = field(account.clone(), &[("KEY_FILE", &good)]);
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            ask(&katana, "origin.test", proto, Ask::get("/data")).await;
            assert_eq!(origin.take("/data").header("authorization"), format!("Bearer {TOKEN}"));
            let form = format!("grant_type=x&assertion={}", forged("svc@project.iam.example"));
            let answer = ask(&katana, "api.example.test", proto, Ask::post(TOKEN_PATH, form)).await;
            assert!(answer.text().contains(&katana.placeholder("KEY_FILE")), "{}", answer.text());
        }
    });
    let claims = assertion(&origin.take(TOKEN_PATH));
    assert_eq!(
        (&claims["iss"], &claims["scope"]),
        (&json!("svc@project.iam.example"), &json!("https://www.example/auth/all"))
    );
    assert_eq!(calls(&origin), 0);

    let evil = document(&format!("https://other.test{TOKEN_PATH}"));
    let (origin, katana) = field(account, &[("KEY_FILE", &evil)]);
    block_on(async {
        let error = ask(&katana, "origin.test", Proto::H1, Ask::get("/data")).await.denied(503);
        assert_eq!(error["code"], "credential_unusable");
    });
    assert!(origin.received().is_empty(), "an assertion went where the key file said");
}
