//! A vault value on its way out: every form, in every place, over HTTP/1.1 and HTTP/2. The origin's record is judged by an
//! oracle that undoes every encoding; the same shapes around a harmless value must arrive byte for byte.

use super::{Site, inside};
use crate::support::forms::{Form, base64, forms};
use crate::support::{Answer, Ask, Client, Origin, Proto, Received, Session, block_on, codec, oracle};

pub(crate) const SECRET: &str = "Zq7mN2xK9vLpW4tRb8Yc";
pub(crate) const HARMLESS: &str = "Hj3kP8sD1fGhT6yUe5Ra";

/// Where a form is put.
#[derive(Clone, Copy, Debug)]
enum Place {
    Path,
    Query,
    HeaderName,
    HeaderValue,
    Cookie,
    Body(&'static [&'static str]),
    Trailer,
}

const PLACES: [Place; 12] = [
    Place::Path,
    Place::Query,
    Place::HeaderName,
    Place::HeaderValue,
    Place::Cookie,
    Place::Body(&[]),
    Place::Body(&["gzip"]),
    Place::Body(&["deflate"]),
    Place::Body(&["br"]),
    Place::Body(&["zstd"]),
    Place::Body(&["gzip", "br"]),
    Place::Trailer,
];

impl Place {
    /// A request with the form in this place, or nothing if the place cannot hold it.
    fn ask(self, form: &[u8], id: &str) -> Option<Ask> {
        let text = std::str::from_utf8(form).ok()?;
        let graphic =
            form.iter().all(u8::is_ascii_graphic) && !form.iter().any(|b| b"#\"<>\\^`{|}".contains(b));
        let ask = match self {
            Self::Path if graphic && !text.contains('?') => Ask::get(&format!("/p/{text}/end")),
            Self::Query if graphic => Ask::get(&format!("/q?a=1&b={text}&c=2")),
            Self::Path | Self::Query => return None,
            Self::HeaderName => {
                let name = http::HeaderName::from_bytes(format!("x-{text}").as_bytes()).ok()?;
                Ask::get("/n").header(name.as_str(), "v")
            }
            Self::HeaderValue => Ask::get("/v").header("x-note", [b"before ", form, b" after"].concat()),
            Self::Cookie => Ask::get("/c").header("cookie", [b"a=1; s=", form, b"; z=2"].concat()),
            Self::Body(codings) => {
                let body = codec::encode_all(codings, &[b"{\"note\": \"", form, b"\"}\n"].concat());
                let ask = Ask::post("/b", body).header("content-type", "application/json");
                if codings.is_empty() { ask } else { ask.header("content-encoding", codings.join(", ")) }
            }
            Self::Trailer => {
                Ask::new("POST", "/t").pieces(["data"]).trailer("x-end", text).header("te", "trailers")
            }
        };
        Some(ask.header("x-id", id))
    }
}

/// Sends every form of a value in every place and hands each pair of request and what the origin got of it to `judge`.
fn everywhere(site: &Site, value: &str, judge: impl Fn(&Ask, &Answer, Option<Received>, &Origin, &str)) {
    let all: Vec<Form> = forms(value);
    site.each_crossing(async |session: &mut Session, origin: &Origin| {
        for (n, (name, form)) in all.iter().enumerate() {
            for place in PLACES {
                let id = format!("{n}");
                let Some(ask) = place.ask(form, &id) else { continue };
                let label = format!("{name} in {place:?}");
                origin.clear();
                let answer =
                    session.try_ask(ask.clone()).await.unwrap_or_else(|| panic!("{label}: no answer"));
                judge(&ask, &answer, origin.take_where(|r| r.header("x-id") == id), origin, &label);
            }
        }
    });
}

/// Fails if the value can be read out of any part of a request.
pub(crate) fn nowhere(got: &Received, value: &str, label: &str) {
    let mut parts = vec![("target", got.target.clone().into_bytes()), ("body", got.body.clone())];
    if got.has("content-encoding") {
        parts.push(("decoded body", got.decoded()));
    }
    for (name, text) in got.headers.iter().chain(&got.trailers) {
        parts.push(("header name", name.clone().into_bytes()));
        parts.push(("header value", text.clone()));
    }
    for (part, bytes) in parts {
        let how = oracle::reads(&bytes, value);
        assert!(how.is_none(), "{label}: the origin reads it from the {part} ({how:?}): {got:?}");
    }
}

#[test]
fn no_form_of_a_vault_value_reaches_the_origin_from_any_place() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    everywhere(&site, SECRET, |_, answer, got, origin, label| {
        if answer.header("x-katana-verdict") == "deny" {
            assert!(got.is_none(), "{label}: denied, and yet sent");
        } else {
            nowhere(&got.unwrap_or_else(|| panic!("{label}: neither denied nor sent")), SECRET, label);
        }
        for wire in origin.wires() {
            let plain = wire.windows(SECRET.len()).any(|w| w.eq_ignore_ascii_case(SECRET.as_bytes()));
            assert!(!plain, "{label}: on the wire");
        }
    });
    site.katana.never_tells(SECRET);
    site.katana.verify_audit();
}

/// Encodings of encodings, which the derived forms do not reach.
fn nested(value: &str) -> Vec<(&'static str, String)> {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let once = base64(value.as_bytes());
    vec![
        ("base64 of base64", base64(base64(format!("key={value}").as_bytes()).as_bytes())),
        ("gzip in base64", base64(&codec::encode("gzip", format!("the key is {value}").as_bytes()))),
        ("hex of base64", hex(once.as_bytes())),
        ("base64 of reversed", base64(value.chars().rev().collect::<String>().as_bytes())),
    ]
}

#[test]
fn a_vault_value_under_several_encodings_is_refused() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    site.each_crossing(async |session, origin| {
        for (name, form) in nested(SECRET) {
            let query =
                Ask::get(&format!("/q?a={}", form.trim_matches('=').replace('+', "-").replace('/', "_")));
            let places = [
                ("query", query),
                ("header", Ask::get("/h").header("x-note", form.clone())),
                (
                    "body",
                    Ask::post("/b", format!("{{\"note\": \"{form}\"}}"))
                        .header("content-type", "application/json"),
                ),
            ];
            for (place, ask) in places {
                origin.clear();
                let answer = session.ask(ask).await;
                assert_eq!(answer.header("x-katana-verdict"), "deny", "{name} in {place}: {}", answer.text());
                assert!(origin.take_where(|_| true).is_none(), "{name} in {place}");
            }
        }
        // turned round after it was encoded, it is a form that the matcher knows, and is taken out where it stands
        let turned: String = base64(format!("key={SECRET}").as_bytes()).chars().rev().collect();
        let body = Ask::post("/b", format!("{{\"note\": \"{turned}\"}}"));
        for ask in [
            Ask::get(&format!("/q?a={turned}")),
            Ask::get("/h").header("x-note", turned.clone()),
            body.header("content-type", "application/json"),
        ] {
            origin.clear();
            let answer = session.ask(ask).await;
            assert_ne!(answer.header("x-katana-verdict"), "deny", "{}", answer.text());
            assert!(origin.take_where(|_| true).is_some(), "nothing arrived");
            let arrived = origin.wires().concat();
            assert!(
                memchr::memmem::find(&arrived, turned.as_bytes()).is_none(),
                "the value arrived turned round"
            );
        }
        for (name, form) in nested(HARMLESS) {
            let ask = Ask::get("/h").header("x-note", form.clone());
            assert_ne!(session.ask(ask).await.header("x-katana-verdict"), "deny", "{name}");
        }
    });
    site.katana.never_tells(SECRET);
}

#[test]
fn more_encodings_than_are_looked_through_are_refused_where_a_value_may_hide() {
    use crate::support::{katana, origin};
    let origin = origin().start();
    let turned = |text: &str| text.chars().rev().collect::<String>();
    let once = |text: String| turned(&base64(text.as_bytes()));
    let deep = |text: &str| once(once(once(text.to_owned())));
    let decoys: String =
        (0..1200).map(|i| format!("{}\n\n", deep(&format!("bramo water {i:07} stands here")))).collect();
    let body = format!("{decoys}{}", deep(&format!("bramo {SECRET} stands here")));
    for (scan, code) in [(true, "secret_detected"), (false, "too_many_encodings")] {
        let katana = katana().origin(&origin).secret("MY_SECRET", SECRET);
        let katana = katana.config(serde_json::json!({ "proxy": { "scan_request_bodies": scan } })).start();
        block_on(async {
            let client = Client::new(&katana);
            let denial = client.once("origin.test", Ask::post("/b", body.clone())).await.denied(403);
            assert_eq!(
                (&denial["code"], &denial["rule"]),
                (&code.into(), &"engine.too_many_encodings".into())
            );
            // a few are looked through
            let few: String = decoys.split_inclusive("\n\n").take(5).collect();
            let answer = client.once("origin.test", Ask::post("/b", few)).await;
            assert_ne!(answer.header("x-katana-verdict"), "deny");
        });
    }
}

#[test]
fn the_same_shapes_around_a_harmless_value_arrive_byte_for_byte() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    everywhere(&site, HARMLESS, |ask, answer, got, _, label| {
        let got = got.unwrap_or_else(|| panic!("{label}: refused: {}", answer.text()));
        assert_eq!(got.target, ask.path, "{label}");
        assert_eq!(got.body, ask.pieces.concat(), "{label}");
        for (name, value) in ask.headers.iter().filter(|(n, _)| n != "te") {
            assert_eq!(got.header(name).as_bytes(), value, "{label}: {name}");
        }
        let sent: Vec<_> = ask.trailers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect();
        assert_eq!(got.trailers, sent, "{label}");
    });
}

#[test]
fn what_stands_around_a_scrubbed_value_stays() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    let placeholder = site.katana.placeholder("MY_SECRET");
    site.each_crossing(async |session, origin| {
        for coding in ["identity", "gzip", "deflate", "br", "zstd"] {
            let body = codec::encode(coding, format!("before {SECRET} after {SECRET}!").as_bytes());
            let ask = Ask::post("/around", body).header("content-encoding", coding);
            session.ask(ask.header("x-note", format!("<{SECRET}>"))).await;
            let got = origin.take("/around");
            let text = String::from_utf8(got.decoded()).unwrap();
            assert_eq!(text, format!("before {placeholder} after {placeholder}!"), "{coding}");
            assert_eq!(got.header("x-note"), format!("<{placeholder}>"));
        }
    });
    for record in site.katana.records("/around", 20) {
        assert!(record["scrubbed"].to_string().contains("MY_SECRET"), "{record}");
    }
}

#[test]
fn the_case_of_a_header_name_hides_nothing() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    for (name, form) in forms(SECRET) {
        if http::HeaderName::from_bytes(&form).is_err() {
            continue;
        }
        site.h1.clear();
        let mut raw = inside(&site.katana);
        let text = String::from_utf8(form).unwrap();
        raw.say(format!("GET /n HTTP/1.1\r\nHost: origin.test\r\nX-{text}: v\r\nConnection: close\r\n\r\n"));
        let answered = raw.try_hear("GET").is_some_and(|h| h.status == 403);
        for wire in site.h1.wires().iter().filter(|_| !answered) {
            for line in wire.split(|b| *b == b'\n') {
                assert!(oracle::reads(line, SECRET).is_none(), "{name}: {}", String::from_utf8_lossy(line));
            }
        }
    }
}

#[test]
fn on_secret_block_refuses_instead() {
    use crate::support::{katana, origin};
    let origin = origin().start();
    for over in [serde_json::json!({"on_secret": "block"}), serde_json::json!({"mode": "max"})] {
        let katana = katana().origin(&origin).secret("MY_SECRET", SECRET);
        let katana = katana.config(serde_json::json!({ "proxy": over })).start();
        block_on(async {
            let client = Client::new(&katana);
            for body in [SECRET.to_owned(), base64(SECRET.as_bytes())] {
                client.once("origin.test", Ask::post("/blocked", body)).await.denied(403);
            }
            client
                .open("origin.test", Proto::H2)
                .await
                .ask(Ask::get("/").header("x-a", SECRET))
                .await
                .denied(403);
        });
        assert!(origin.received().is_empty());
        katana.never_tells(SECRET);
    }
}

#[test]
fn a_long_secret_and_many_secrets_are_found_too() {
    let long = format!("{SECRET}{HARMLESS}").repeat(50);
    let others: Vec<_> = (0..40).map(|i| (format!("S{i}"), format!("vL{i:03}pQ9xW{i:03}zT"))).collect();
    let mut all: Vec<_> = others.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    all.push(("LONG", &long));
    let site = Site::with(&all);
    site.each_crossing(async |session, origin| {
        for (name, value) in &all {
            session.ask(Ask::post("/many", format!("x {value} y {} z", base64(value.as_bytes())))).await;
            let got = origin.take("/many");
            assert!(oracle::reads(&got.body, value).is_none(), "{name}");
        }
    });
}
