//! Tokens on their way in: where they belong and nowhere else, one call for however many requests, and another in time.

use super::*;
use crate::support::{block_on, forms};

#[test]
fn a_placeholder_and_an_empty_slot_become_the_token() {
    let (origin, katana) = field(oauth(json!({"scopes": ["read", "write"]})), &[]);
    let bearer = format!("Bearer {}", katana.placeholder("REFRESH"));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for request in [Ask::get("/data"), Ask::get("/data").header("authorization", &bearer)] {
                ask(&katana, "origin.test", proto, request).await;
                assert_eq!(origin.take("/data").header("authorization"), format!("Bearer {TOKEN}"));
            }
            let own = Ask::get("/data").header("authorization", "Bearer mine-and-nobody-elses");
            ask(&katana, "origin.test", proto, own).await;
            assert_eq!(origin.take("/data").header("authorization"), "Bearer mine-and-nobody-elses");
        }
    });
    let call = origin.take(TOKEN_PATH);
    assert_eq!((call.method.as_str(), call.authority.as_str()), ("POST", "api.example.test"));
    let basic = forms::base64(format!("me:{CLIENT}").as_bytes());
    assert_eq!(call.header("authorization"), format!("Basic {basic}"));
    let form = format!("grant_type=refresh_token&refresh_token={REFRESH}&scope=read%20write");
    assert_eq!(String::from_utf8(call.body).unwrap(), form);
    assert_eq!(calls(&origin), 0, "one call for all of them");
    let records = call_records(&katana, 1);
    assert_eq!(
        (&records[0]["event_type"], &records[0]["outcome"]),
        (&json!("vault_access"), &json!("obtained"))
    );
    assert_eq!(
        (&records[0]["host"], &records[0]["subject"]),
        (&json!("api.example.test"), &json!("REFRESH"))
    );
    for record in katana.records("/data", 6).iter().take(2) {
        assert!(record["injected"].to_string().contains("REFRESH"), "{record}");
    }
    for secret in [TOKEN, REFRESH, CLIENT] {
        katana.never_tells(secret);
    }
    katana.verify_audit();
}

#[test]
fn wrong_host_method_path_and_scheme_get_nothing() {
    let only = oauth(json!({"methods": ["GET"], "paths": ["/v1/**"]}));
    let (origin, katana) = field(only, &[]);
    let bearer = format!("Bearer {}", katana.placeholder("REFRESH"));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for (what, host, request) in [
                ("host", "other.test", Ask::get("/v1/x")),
                ("method", "origin.test", Ask::post("/v1/x", "{}")),
                ("path", "origin.test", Ask::get("/v2/x")),
                ("path in disguise", "origin.test", Ask::get("/v1/../v2/x")),
                ("slot", "origin.test", Ask::get("/v1/x").header("x-token", &bearer)),
            ] {
                let request = request.header("authorization", &bearer);
                let answer = ask(&katana, host, proto, request).await;
                assert_eq!(answer.denied(403)["code"], "placeholder_misplaced", "{what}");
            }
        }
        let elsewhere = ask(&katana, "origin.test", Proto::H1, Ask::get("/v2/y")).await;
        assert_eq!(elsewhere.status, 404, "an empty slot elsewhere stays empty");
        assert!(!origin.take("/v2/y").has("authorization"));
    });
    assert!(origin.received().is_empty(), "{:?}", origin.received());
    records(&katana, 10, |r| r["code"] == "placeholder_misplaced");
}

#[test]
fn nothing_goes_in_over_plain_http_or_when_it_is_switched_off() {
    let origin = origin().plain().start();
    let plain = katana().origin(&origin).config(json!({ "credentials": [oauth(json!({}))] }));
    let plain = plain.secret("REFRESH", REFRESH).secret("CLIENT", CLIENT).start();
    let off = json!({"proxy": {"inject_credentials": false}});
    let (tls, off) = field_with(oauth(json!({})), &[], off);
    block_on(async {
        let bearer = format!("Bearer {}", plain.placeholder("REFRESH"));
        let mut session = Client::new(&plain).absolute("http://origin.test").await;
        let answer = session.ask(Ask::get("/a").header("authorization", &bearer)).await;
        assert_eq!(answer.denied(403)["code"], "credential_not_injected");
        Client::new(&plain).absolute("http://origin.test").await.ask(Ask::get("/a")).await;
        assert!(!origin.take("/a").has("authorization"));

        let bearer = format!("Bearer {}", off.placeholder("REFRESH"));
        let answer =
            ask(&off, "origin.test", Proto::H2, Ask::get("/a").header("authorization", &bearer)).await;
        assert_eq!(answer.denied(403)["code"], "credential_not_injected");
        ask(&off, "origin.test", Proto::H2, Ask::get("/a")).await;
        assert!(!tls.take("/a").has("authorization"));
    });
    assert_eq!(calls(&tls), 0);
}

#[test]
fn a_hundred_at_once_come_to_one_call() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    origin.on(TOKEN_PATH, granted(TOKEN, 3600).delay(400));
    block_on(async {
        let one = |i: usize| {
            let proto = if i.is_multiple_of(2) { Proto::H1 } else { Proto::H2 };
            ask(&katana, "origin.test", proto, Ask::get("/many"))
        };
        futures_util::future::join_all((0..100).map(one)).await;
    });
    let got = origin.received();
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        got.iter().filter(|r| r.target == "/many" && r.header("authorization") == bearer).count(),
        100
    );
    assert_eq!(calls(&origin), 1);
    call_records(&katana, 1);
}

#[test]
fn another_is_obtained_in_time_and_a_replaced_refresh_token_is_used_and_kept() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let mut first = json!({ "access_token": TOKEN, "expires_in": 2 });
    first["refresh_token"] = "refresh-the-second-5Tg8Yh".into();
    origin.on(TOKEN_PATH, reply(first));
    let sent = || {
        block_on(ask(&katana, "origin.test", Proto::H1, Ask::get("/data")));
        origin.take("/data").header("authorization")
    };
    assert_eq!(sent(), format!("Bearer {TOKEN}"));
    origin.on(TOKEN_PATH, granted("token-the-second-6Hj9Kl", 3600));
    until("the second token", || (sent() == "Bearer token-the-second-6Hj9Kl").then_some(()));
    let calls: Vec<_> = origin.received().into_iter().filter(|r| r.target == TOKEN_PATH).collect();
    assert_eq!(calls.len(), 2);
    assert!(String::from_utf8_lossy(&calls[1].body).contains("refresh_token=refresh-the-second-5Tg8Yh"));
    until("the refresh token in the vault", || {
        let out = katana.home.katana(&["vault", "get", "REFRESH", "--reveal"]);
        String::from_utf8_lossy(&out.stdout).contains("refresh-the-second-5Tg8Yh").then_some(())
    });
    until("its record", || katana.audit().iter().find(|r| r["tool_name"] == "credential.rotate").cloned());
    assert_eq!(sent(), "Bearer token-the-second-6Hj9Kl", "the written value is no new beginning");
    katana.never_tells("refresh-the-second-5Tg8Yh");
}

#[test]
fn a_value_set_anew_begins_anew_and_a_reload_does_not() {
    let (origin, katana) = field(oauth(json!({})), &[]);
    let sent = || {
        block_on(ask(&katana, "origin.test", Proto::H2, Ask::get("/data")));
        origin.take("/data").header("authorization")
    };
    assert_eq!(sent(), format!("Bearer {TOKEN}"));
    let mut settings = katana.home.settings.clone();
    settings["log_level"] = "info".into();
    katana.home.configure(&settings);
    until("the reload", || katana.audit().iter().find(|r| r["tool_name"] == "config.reload").cloned());
    assert_eq!((sent(), calls(&origin)), (format!("Bearer {TOKEN}"), 1));
    origin.on(TOKEN_PATH, granted("token-of-another-3Df6Gh", 3600));
    assert!(katana.home.katana_in(&["vault", "set", "REFRESH"], "refresh-set-anew-9Uj2Mk").status.success());
    until("the token of the new value", || (sent() == "Bearer token-of-another-3Df6Gh").then_some(()));
    assert_eq!(calls(&origin), 2);
}
