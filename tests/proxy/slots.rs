//! Every slot of a credential: its secret goes there and nowhere else, and what comes back of it is the placeholder.

use crate::support::{
    Answer, Ask, Client, Katana, Origin, Proto, Received, Reply, block_on, katana, origin, until,
};
use serde_json::{Value, json};

pub(super) const HOST: &str = "api.example.test";

/// A slot, the secret bound to it, and the request that uses it.
pub(super) struct Case {
    pub(super) secret: &'static str,
    pub(super) value: &'static str,
    slot: &'static str,
    path: &'static str,
    ask: fn(&str) -> Ask,
    /// What the origin reads out of the slot.
    read: fn(&Received) -> String,
}

fn basic(pair: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()))
}

fn basic_of(r: &Received) -> String {
    let coded = r.header("authorization");
    let pair = data_encoding::BASE64.decode(coded.strip_prefix("Basic ").unwrap_or("").as_bytes());
    String::from_utf8(pair.unwrap_or_default()).unwrap()
}

pub(super) fn typed(path: &str, kind: &str, body: String) -> Ask {
    Ask::post(path, body).header("content-type", kind)
}

fn json_of(r: &Received) -> Value {
    assert_eq!(r.header("content-length"), r.body.len().to_string(), "the length follows");
    serde_json::from_slice(&r.body).unwrap()
}

fn multipart(content: &str) -> String {
    let part = |name: &str, content: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    };
    format!("{}{}--XX--\r\n", part("note", "hello"), part("token", content))
}

pub(super) const CASES: &[Case] = &[
    Case {
        secret: "IN_HEADER",
        value: "header-Vb6nM3cX8zL1kJ4hG7fD",
        slot: "header:X-Token",
        path: "/h/x",
        ask: |p| Ask::post("/h/x", "{}").header("x-token", p),
        read: |r| r.header("x-token"),
    },
    Case {
        secret: "IN_SCHEME",
        value: "scheme-Qa2wS4dR6fT8gY0hU1jI",
        slot: "header:Authorization:Token token=",
        path: "/s/x",
        ask: |p| Ask::post("/s/x", "{}").header("authorization", format!("Token token={p}")),
        read: |r| r.header("authorization").replace("Token token=", ""),
    },
    Case {
        secret: "IN_PASSWORD",
        value: "password:Zx8cV7bN6mA5sD4fG3hJ",
        slot: "basic:robot",
        path: "/b/x",
        ask: |p| Ask::post("/b/x", "{}").header("authorization", basic(&format!("me:{p}"))),
        read: |r| basic_of(r).strip_prefix("me:").unwrap_or("the agent's user is kept").to_owned(),
    },
    Case {
        secret: "IN_USER",
        value: "sk_user_Lk9jH8gF7dS6aP5oI4uY",
        slot: "basic-user:",
        path: "/u/x",
        ask: |p| Ask::post("/u/x", "{}").header("authorization", basic(&format!("{p}:"))),
        read: |r| basic_of(r).strip_suffix(':').unwrap_or("no password").to_owned(),
    },
    Case {
        secret: "IN_QUERY",
        value: "query&Wq9pL2mN5=bV8cX1z#+%",
        slot: "query:api_key",
        path: "/q/x",
        ask: |p| Ask::post(&format!("/q/x?a=1&api_key={p}&b=2"), "{}"),
        read: |r| {
            let raw = r.target.strip_prefix("/q/x?a=1&api_key=").unwrap().strip_suffix("&b=2").unwrap();
            percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned()
        },
    },
    Case {
        secret: "IN_COOKIE",
        value: "cookie-Mn1bV2cX3zA4sD5fG6hJ",
        slot: "cookie:sid",
        path: "/c/x",
        ask: |p| Ask::post("/c/x", "{}").header("cookie", format!("theme=dark; sid={p}; lang=en")),
        read: |r| {
            let all = r.header("cookie");
            all.strip_prefix("theme=dark; sid=").unwrap().strip_suffix("; lang=en").unwrap().to_owned()
        },
    },
    Case {
        secret: "IN_PATH",
        value: "7:Tg5bR4vE3cW2xQ1z/Yh6nU%j",
        slot: "path:/bot{}/**",
        path: "/bot",
        ask: |p| Ask::post(&format!("/bot{p}/send?x=1"), "{}"),
        read: |r| {
            let raw = r.target.strip_prefix("/bot").unwrap().strip_suffix("/send?x=1").unwrap();
            assert!(!raw.contains('/'), "one segment: {raw}");
            percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned()
        },
    },
    Case {
        secret: "IN_FORM",
        value: "form&Ju7yH6tG5=rF4dE3sW2q+%",
        slot: "form:token",
        path: "/f/x",
        ask: |p| typed("/f/x", "application/x-www-form-urlencoded", format!("a=1&token={p}&b=%20")),
        read: |r| {
            assert_eq!(r.header("content-length"), r.body.len().to_string(), "the length follows");
            let text = String::from_utf8(r.body.clone()).unwrap();
            let raw = text.strip_prefix("a=1&token=").unwrap().strip_suffix("&b=%20").unwrap();
            percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned()
        },
    },
    Case {
        secret: "IN_PARTS",
        value: "parts&Ik8uJ7yH6=tG5rF4dE3s",
        slot: "form:token",
        path: "/m/x",
        ask: |p| typed("/m/x", "multipart/form-data; boundary=XX", multipart(p)),
        read: |r| {
            let text = String::from_utf8(r.body.clone()).unwrap();
            let value =
                text.split("name=\"token\"\r\n\r\n").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
            assert_eq!(text, multipart(&value));
            value
        },
    },
    Case {
        secret: "IN_JSON",
        value: "json\"Ol9kI8jU7\\yH6gT5fR4dE3",
        slot: "json:/auth/api_key",
        path: "/j/x",
        ask: |p| {
            typed(
                "/j/x",
                "application/json",
                json!({"n": 1.5, "auth": {"api_key": p}, "z": [p.len()]}).to_string(),
            )
        },
        read: |r| json_of(r)["auth"]["api_key"].as_str().unwrap().to_owned(),
    },
];

/// A katana that knows them all, each bound to one path and to POST.
pub(super) fn provided() -> (Origin, Katana) {
    let origin = origin().start();
    let credential = |c: &Case| {
        let paths = [format!("/{}**", &c.path[1..].split('/').next().unwrap())];
        json!({"secret": c.secret, "hosts": [HOST], "slot": c.slot, "methods": ["POST"], "paths": paths})
    };
    let all: Vec<Value> = CASES.iter().map(credential).collect();
    let katana = katana().origin(&origin).config(json!({ "credentials": all }));
    let katana = CASES.iter().fold(katana, |k, c| k.secret(c.secret, c.value)).start();
    (origin, katana)
}

pub(super) async fn ask(katana: &Katana, host: &str, proto: Proto, ask: Ask) -> Answer {
    Client::new(katana).open(host, proto).await.ask(ask).await
}

/// It reached the origin, which has no page of most names.
pub(super) fn passed(answer: &Answer) -> bool {
    [200, 404].contains(&answer.status.as_u16())
}

#[test]
fn a_placeholder_in_its_slot_becomes_the_value() {
    let (origin, katana) = provided();
    block_on(async {
        for case in CASES {
            let placeholder = katana.placeholder(case.secret);
            for proto in [Proto::H1, Proto::H2] {
                let answer = ask(&katana, HOST, proto, (case.ask)(&placeholder)).await;
                assert!(passed(&answer), "{}: {}", case.slot, answer.text());
                let got = origin.take_where(|r| r.target.starts_with(case.path)).unwrap();
                assert_eq!((case.read)(&got), case.value, "{} {proto:?}", case.slot);
            }
        }
    });
    for case in CASES {
        katana.never_tells(case.value);
    }
    until("the record of every request", || (katana.audit().len() >= CASES.len() * 2).then_some(()));
    let all = Value::from(katana.audit()).to_string();
    for case in CASES {
        assert!(all.contains(&format!("\"injected\":[\"{}\"]", case.secret)), "{}", case.secret);
        assert!(!all.contains(&katana.placeholder(case.secret)), "{}", case.secret);
    }
}

#[test]
fn what_comes_back_of_it_is_the_placeholder() {
    let (origin, katana) = provided();
    block_on(async {
        for case in CASES {
            let placeholder = katana.placeholder(case.secret);
            for proto in [Proto::H1, Proto::H2] {
                let request = (case.ask)(&placeholder);
                let path = if case.slot.starts_with("path") {
                    format!("/bot{}/send", "7:Tg5bR4vE3cW2xQ1z%2FYh6nU%25j")
                } else {
                    case.path.to_owned()
                };
                let raw: String = case.value.chars().filter(|c| c.is_ascii_graphic()).collect();
                origin.on(&path, Reply::new(format!("you are <{raw}>")).header("x-echo", &raw));
                let answer = ask(&katana, HOST, proto, request).await;
                assert_eq!(answer.text(), format!("you are <{placeholder}>"), "{} {proto:?}", case.slot);
                assert_eq!(answer.header("x-echo"), placeholder, "{}", case.slot);
                origin.on(&path, Reply::echo());
                let answer = ask(&katana, HOST, proto, (case.ask)(&placeholder)).await;
                assert!(!answer.text().contains(case.value), "{}: {}", case.slot, answer.text());
            }
        }
    });
}

#[test]
fn nowhere_else() {
    let (origin, katana) = provided();
    block_on(async {
        for case in CASES {
            let placeholder = katana.placeholder(case.secret);
            let used = || (case.ask)(&placeholder);
            let with = |change: &dyn Fn(&mut Ask)| {
                let mut ask = used();
                change(&mut ask);
                ask
            };
            let elsewhere = |ask: &mut Ask| ask.path = ask.path.replacen('/', "/else/", 1);
            let cases = [
                ("another host", "origin.test", used()),
                ("another method", HOST, with(&|a| a.method = "PUT".to_owned())),
                ("another path", HOST, with(&elsewhere)),
                ("another header", HOST, used().header("x-other", &placeholder)),
                (
                    "another's slot",
                    HOST,
                    if case.slot == "header:X-Token" {
                        Ask::post("/c/x", "{}").header("cookie", format!("sid={placeholder}"))
                    } else {
                        Ask::post("/h/x", "{}").header("x-token", &placeholder)
                    },
                ),
                ("the body", HOST, typed(case.path, "text/plain", format!("token={placeholder}"))),
                (
                    "another key",
                    HOST,
                    typed(
                        case.path,
                        "application/json",
                        json!({"api_key": placeholder, "auth": {}}).to_string(),
                    ),
                ),
            ];
            for (what, host, request) in cases {
                let proto = if what.len() % 2 == 0 { Proto::H1 } else { Proto::H2 };
                let answer = ask(&katana, host, proto, request).await;
                assert_eq!(answer.status, 403, "{} in {what}: {}", case.secret, answer.text());
                let denial = answer.denied(403);
                assert_eq!(denial["code"], "placeholder_misplaced", "{} in {what}", case.secret);
                assert!(denial["remedy"].as_str().unwrap().contains(HOST), "{denial}");
                assert!(origin.received().is_empty(), "{} in {what}: sent", case.secret);
            }
        }
    });
    let attempts = until("the record of every attempt", || {
        let reasons = katana.audit().into_iter().map(|r| r["reasons"].to_string());
        let all: Vec<String> = reasons.filter(|r| r.contains("exfiltration attempt")).collect();
        (all.len() >= CASES.len() * 7).then_some(all)
    });
    for case in CASES {
        let of = |place: &str| attempts.iter().any(|a| a.contains(case.secret) && a.contains(place));
        assert!(of("to origin.test:443") && of("in the request header"), "{}: {attempts:#?}", case.secret);
    }
    katana.verify_audit();
}

#[test]
fn an_empty_slot_of_the_head_is_filled_and_one_of_path_or_body_is_not() {
    let (origin, katana) = provided();
    block_on(async {
        for case in CASES {
            let fills = !["path", "form", "json"].iter().any(|k| case.slot.starts_with(k));
            let path = if case.slot.starts_with("path") { "/bot1/send" } else { case.path };
            ask(&katana, HOST, Proto::H2, Ask::post(path, "{}")).await;
            let got = origin.take_where(|r| r.target.starts_with(case.path)).unwrap();
            let sent = format!("{got:?}");
            assert_eq!(
                !katana.records(path, 1)[0]["injected"].as_array().is_none_or(Vec::is_empty),
                fills,
                "{}",
                case.slot
            );
            assert!(fills || !sent.contains(case.secret), "{sent}");
        }
    });
}
