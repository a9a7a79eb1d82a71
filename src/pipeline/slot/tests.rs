//! Every slot read and filled, and what comes back out of it by somebody else's reading.

use super::*;
use data_encoding::BASE64;
use http::HeaderValue;
use proptest::prelude::*;

fn head(uri: &str, headers: &[(&str, &str)]) -> RequestHead {
    let mut b = http::Request::builder().uri(uri);
    for (n, v) in headers {
        b = b.header(*n, *v);
    }
    b.body(()).unwrap().into_parts().0
}

fn slot(text: &str) -> Slot {
    text.parse().unwrap()
}

fn one(text: &str) -> Occupant {
    Occupant::One(text.into())
}

#[test]
fn bearer_is_read_and_filled() {
    let bearer = slot("header:Authorization:Bearer");
    let mut h = head("/", &[("authorization", "bearer  abc ")]);
    assert_eq!(occupant(&h, &bearer), one("abc"));
    fill(&mut h, &bearer, &"v".into()).unwrap();
    assert_eq!(h.headers["authorization"], "Bearer v");
    assert!(h.headers["authorization"].is_sensitive());
    assert_eq!(occupant(&head("/", &[]), &bearer), Occupant::Nothing);
    assert_eq!(occupant(&head("/", &[("authorization", "Bearer ")]), &bearer), Occupant::Nothing);
    assert_eq!(occupant(&head("/", &[("authorization", "")]), &bearer), Occupant::Nothing);
    assert_eq!(occupant(&head("/", &[("authorization", "Basic eDp5")]), &bearer), Occupant::Unclear);
    let twice = head("/", &[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
    assert_eq!(occupant(&twice, &bearer), Occupant::Unclear);
    assert!(fill(&mut h, &bearer, &"a\r\nb".into()).is_err());
    let token = slot("header:authorization:Token token=");
    fill(&mut h, &token, &"v".into()).unwrap();
    assert_eq!(h.headers["authorization"], "Token token=v");
    assert_eq!(occupant(&h, &token), one("v"));
}

#[test]
fn basic_keeps_the_half_that_is_the_agents() {
    let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair.as_bytes()));
    let (password, user) = (slot("basic:x"), slot("basic-user:"));
    let mut h = head("/", &[("authorization", &basic("me:ph"))]);
    assert_eq!((occupant(&h, &password), occupant(&h, &user)), (one("ph"), one("me")));
    fill(&mut h, &password, &"v:w".into()).unwrap();
    assert_eq!(h.headers["authorization"], basic("me:v:w").as_str());
    fill(&mut h, &user, &"u".into()).unwrap();
    assert_eq!(h.headers["authorization"], basic("u:v:w").as_str());
    assert!(fill(&mut h, &user, &"u:v".into()).is_err());
    let mut h = head("/", &[]);
    fill(&mut h, &slot("basic-user:X"), &"sk_live".into()).unwrap();
    assert_eq!(h.headers["authorization"], basic("sk_live:X").as_str());
    let empty = head("/", &[("authorization", &basic("me:"))]);
    assert_eq!(occupant(&empty, &password), Occupant::Nothing);
    assert_eq!(occupant(&head("/", &[("authorization", "Basic !")]), &user), Occupant::Unclear);
}

#[test]
fn query_values_are_swapped_where_they_stand() {
    let slot = slot("query:key");
    let mut h = head("/p?a=1&key=old&b=2", &[]);
    assert_eq!(occupant(&h, &slot), one("old"));
    assert_eq!(region(&h, &slot), Region::Target(std::iter::once(11..14).collect()));
    fill(&mut h, &slot, &"n&w".into()).unwrap();
    assert_eq!(h.uri, "/p?a=1&key=n%26w&b=2");
    let no_path = head("http://host?key=abc", &[]);
    assert_eq!(no_path.uri.path_and_query().unwrap().as_str(), "?key=abc");
    assert_eq!(region(&no_path, &slot), Region::Target(std::iter::once(5..8).collect()));
    let mut h = head("https://h/p", &[]);
    fill(&mut h, &slot, &"v".into()).unwrap();
    assert_eq!(h.uri, "https://h/p?key=v");
    assert_eq!(occupant(&head("/p?key=a&k%65y=b", &[]), &slot), Occupant::Unclear);
}

#[test]
fn one_cookie_of_several() {
    let s = slot("cookie:sid");
    let mut h = head("/", &[("cookie", "a=1; sid=old ;SID=x; xsid=y")]);
    assert_eq!(occupant(&h, &s), one("old"));
    assert_eq!(region(&h, &s), Region::Within(COOKIE, std::iter::once(9..12).collect()));
    fill(&mut h, &s, &"new".into()).unwrap();
    assert_eq!(h.headers["cookie"], "a=1; sid=new ;SID=x; xsid=y");
    let mut h = head("/", &[("cookie", "a=1; sid=\"old\"")]);
    assert_eq!(occupant(&h, &s), one("old"));
    fill(&mut h, &s, &"new".into()).unwrap();
    assert_eq!(h.headers["cookie"], "a=1; sid=\"new\"");
    for (before, after) in [("a=1", "a=1; sid=v"), ("", "sid=v"), ("sid=; b=2", "sid=v; b=2")] {
        let mut h = head("/", &[("cookie", before)]);
        assert_eq!(occupant(&h, &s), Occupant::Nothing, "{before}");
        fill(&mut h, &s, &"v".into()).unwrap();
        assert_eq!(h.headers["cookie"], after);
    }
    assert_eq!(occupant(&head("/", &[("cookie", "sid=a; sid=b")]), &s), Occupant::Unclear);
    // to some, what is quoted goes on over a semicolon: the value would stand in the middle of another cookie
    for split in [
        "a=\"b; sid=old; c=\"",
        "a=\"b; sid=\"old\"; c=d\"",
        "sid=old; a=\"",
        "a=b\"c; sid=old",
        "a=\"b\\\"; sid=old; c=\\\"\"",
    ] {
        assert_eq!(occupant(&head("/", &[("cookie", split)]), &s), Occupant::Unclear, "{split}");
    }
    assert_eq!(occupant(&head("/", &[("cookie", "a={\"b\":\"c\"}; sid=old")]), &s), one("old"));
    let mut h = head("/", &[]);
    fill(&mut h, &s, &"v".into()).unwrap();
    assert_eq!(h.headers["cookie"], "sid=v");
}

#[test]
fn a_segment_of_the_path() {
    let s = slot("path:/bot{}/**");
    let mut h = head("/bot123:abc/sendMessage?x=1", &[]);
    assert_eq!(occupant(&h, &s), one("123:abc"));
    assert_eq!(region(&h, &s), Region::Target(std::iter::once(4..11).collect()));
    fill(&mut h, &s, &"9:z/y%".into()).unwrap();
    assert_eq!(h.uri, "/bot9:z%2Fy%25/sendMessage?x=1");
    assert_eq!(occupant(&h, &s), one("9:z/y%"));
    assert_eq!(occupant(&head("/botX", &[]), &s), one("X"));
    let hook = slot("path:/services/*/*/{}");
    assert_eq!(occupant(&head("/services/T0/B0/XX", &[]), &hook), one("XX"));
    assert_eq!(occupant(&head("/services/T0/B0/XX/", &[]), &hook), one("XX"));
    for path in [
        "/services/T0/B0",
        "/services/T0/B0/XX/more",
        "/services/../B0/XX",
        "/services/%2e%2E/B0/XX",
        "/services/a%2fb/B0/XX",
        "/services//B0/XX",
        "/services/T0/B0/",
        "/Services/T0/B0/XX",
        "//services/T0/B0/XX",
    ] {
        assert_eq!(occupant(&head(path, &[]), &hook), Occupant::Nothing, "{path}");
    }
    for path in ["/bot/getMe", "/xbot1/getMe", "/bot1/../x", "/bot1/%2e%2e/x", "/bot1//x"] {
        assert_eq!(occupant(&head(path, &[]), &s), Occupant::Nothing, "{path}");
    }
    assert_eq!(occupant(&head("/a/preXpost/b", &[]), &slot("path:/a/pre{}post/*")), one("X"));
}

fn form(content_type: &str) -> BodyForm {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    form_of(&headers)
}

#[test]
fn a_body_is_what_its_head_says() {
    assert_eq!(form("Application/JSON; charset=UTF-8"), BodyForm::Json);
    assert_eq!(form("application/vnd.api+json"), BodyForm::Json);
    assert_eq!(form("application/x-www-form-urlencoded;charset=utf-8"), BodyForm::Urlencoded);
    assert_eq!(form("multipart/form-data; boundary=\"a b\""), BodyForm::Multipart((*b"a b").into()));
    for other in
        ["text/plain", "application/json; charset=utf-16", "application/x-ndjson", "multipart/form-data"]
    {
        assert_eq!(form(other), BodyForm::Other, "{other}");
    }
    let mut twice = http::HeaderMap::new();
    twice.append("content-type", HeaderValue::from_static("application/json"));
    twice.append("content-type", HeaderValue::from_static("text/plain"));
    assert_eq!(form_of(&twice), BodyForm::Other);
}

/// The body with the slot's value replaced; `None`: there is nothing to replace, or it is unclear.
fn swapped(form: &BodyForm, slot: &Slot, text: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let Found::One { span, value: was } = form.find(slot, text) else { return None };
    let with = form.written(&Secret::from(value)).unwrap();
    Some(([&text[..span.start], &with, &text[span.end..]].concat(), was.expose().to_vec()))
}

use body::{Found, form_of};

#[test]
fn a_string_in_json_and_nothing_else_of_it() {
    let s = slot("json:/auth/keys/1");
    let text = br#" { "n": 1.10, "auth" : {"keys":["a", "\u006fld" , "c"]} }"#;
    let (new, was) = swapped(&BodyForm::Json, &s, text, b"n\"e\\w\x01").unwrap();
    assert_eq!(was, b"old");
    assert_eq!(new, br#" { "n": 1.10, "auth" : {"keys":["a", "n\"e\\w\u0001" , "c"]} }"#);
    let escaped = slot("json:/a~1b/~0");
    assert_eq!(
        swapped(&BodyForm::Json, &escaped, br#"{"a/b":{"~":"x"}}"#, b"y").unwrap().0,
        br#"{"a/b":{"~":"y"}}"#
    );
    for (text, want) in [
        (r#"{"auth":{"keys":["a"]}}"#, Found::Nothing),
        (r#"{"auth":{"keys":["a",5]}}"#, Found::Nothing),
        (r#"{"auth":"x"}"#, Found::Nothing),
        (r#"{"auth":{"keys":["a",""]}}"#, Found::Nothing),
        (r#"{"auth":{"keys":["a","b"]},"auth":1}"#, Found::Unclear),
        (r#"{"auth":{"keys":["a","b"]}"#, Found::Unclear),
        (r#"{"auth":{"keys":["a","b"]}} x"#, Found::Unclear),
        (r#"{"auth":{"keys":["a","b"]},}"#, Found::Unclear),
    ] {
        assert_eq!(BodyForm::Json.find(&s, text.as_bytes()), want, "{text}");
    }
    assert_eq!(BodyForm::Json.find(&slot("json:/a/01"), br#"{"a":["x","y"]}"#), Found::Nothing);
    assert!(BodyForm::Json.written(&Secret::from(&b"\xff"[..])).is_err());
}

#[test]
fn a_field_of_a_form() {
    let s = slot("form:a k");
    let (new, was) = swapped(&BodyForm::Urlencoded, &s, b"x=1&a+k=o%6Cd&y=2", b"n&w =+\xff").unwrap();
    assert_eq!((new, was), (b"x=1&a+k=n%26w%20%3D%2B%FF&y=2".to_vec(), b"old".to_vec()));
    assert_eq!(BodyForm::Urlencoded.find(&s, b"a%20k=1&a+k=2"), Found::Unclear);
    for nothing in [&b""[..], b"a+k", b"a+k=", b"ak=1"] {
        assert_eq!(BodyForm::Urlencoded.find(&s, nothing), Found::Nothing);
    }
}

#[test]
fn a_field_of_a_multipart_form() {
    let form = form("multipart/form-data; boundary=XX");
    let s = slot("form:token");
    let part = |head: &str, content: &str| format!("--XX\r\n{head}\r\n\r\n{content}\r\n");
    let named = |name: &str, content: &str| {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), content)
    };
    let text = format!("{}{}{}--XX--\r\n", named("a", "token"), named("token", "old"), named("b", "x--XX"));
    let (new, was) = swapped(&form, &s, text.as_bytes(), b"n=w").unwrap();
    assert_eq!((String::from_utf8(new).unwrap(), was), (text.replace("old", "n=w"), b"old".to_vec()));
    let file = part("content-disposition: form-data; name=token; filename=x", "old");
    let coded =
        part("Content-Disposition: form-data; name=token\r\nContent-Transfer-Encoding: base64", "b2xk");
    for (text, want) in [
        (named("token", ""), Found::Nothing),
        (file, Found::Nothing),
        (coded, Found::Unclear),
        (named("token", "a") + &named("token", "b"), Found::Unclear),
    ] {
        assert_eq!(form.find(&s, format!("{text}--XX--").as_bytes()), want, "{text}");
    }
    assert_eq!(form.find(&s, named("token", "old").as_bytes()), Found::Unclear, "no end");
    assert!(form.written(&Secret::from("a\r\n--XX--")).is_err());
}

#[test]
fn a_body_that_is_read_in_two_ways_has_no_slot() {
    for kind in [
        "multipart/form-data; boundary=XX; boundary=YY",
        "multipart/form-data; x=\"; boundary=XX; y=\"; boundary=YY",
        "multipart/form-data; boundary=XX; boundary*=utf-8''YY",
        "multipart/form-data; boundary=\"X\\X\"",
        "multipart/form-data; boundary='XX'",
        "multipart/form-data; boundary=XX; charset=ibm037",
        "application/x-www-form-urlencoded; charset=ibm037",
        "application/json; charset=utf-8; charset=utf-7",
    ] {
        assert_eq!(form(kind), BodyForm::Other, "{kind}");
    }
}

#[test]
fn a_field_that_is_another_to_somebody_else_is_no_slot() {
    let form = form("multipart/form-data; boundary=XX");
    let slot = slot("form:token");
    let part = |head: &str, content: &str| format!("--XX\r\n{head}\r\n\r\n{content}\r\n");
    let token = part("Content-Disposition: form-data; name=\"token\"", "PH");
    let unlike = |text: &str| !matches!(form.find(&slot, text.as_bytes()), Found::One { .. });
    assert!(!unlike(&format!("{token}--XX--")));
    for said in [
        "form-data; name=token; name=text",
        "form-data; name=text; name=token",
        "form-data; name=\"token\"; name*=utf-8''text",
        "form-data; name=\"token\"; name*0=text",
        "form-data; name=\"x; name=token; y\"",
        "form-data; name='x; name=token; y'",
        "form-data; name=\"text\\\"; name=token; x=\"\"",
        "form-data; name=token;\r\n name=text",
        "form-data; name=token\nX: y",
        "form-data; name=token\rContent-Disposition: form-data; name=text",
        "form-data; name=token\r\n\tname=text",
        "form-data; name=token\r\nContent-Disposition : form-data; name=text",
    ] {
        let head = format!("Content-Disposition: {said}");
        assert!(unlike(&format!("{}--XX--", part(&head, "PH"))), "{said:?}");
    }
    // a boundary's line that only some take for one: to the others the token is text of the field before
    let text = "--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhi\r\n";
    for blanks in [" ", "\t", " \t "] {
        let token = token.replacen("--XX\r\n", &format!("--XX{blanks}\r\n"), 1);
        assert!(unlike(&format!("{text}{token}--XX--")), "{blanks:?}");
    }
    assert!(unlike(&format!("preamble\r\n{token}--XX--")));
}

proptest! {
    #[test]
    fn json_comes_back_as_serde_reads_it(before in ".{0,20}", value in "\\PC{1,40}", control in "[\\x00-\\x1f\"\\\\]{0,5}", key in ".{1,8}") {
        let value = value + &control;
        let mut doc = serde_json::json!({"b": before, "in": {"x": [1, null, before]}, "z": {}});
        doc["in"][&key] = "placeholder".into();
        let pointer = format!("/in/{}", key.replace('~', "~0").replace('/', "~1"));
        let text = if value.len() % 2 == 0 { doc.to_string() } else { serde_json::to_string_pretty(&doc).unwrap() };
        let (new, was) = swapped(&BodyForm::Json, &Slot::Json { pointer }, text.as_bytes(), value.as_bytes()).unwrap();
        prop_assert_eq!(was, b"placeholder");
        doc["in"][&key] = value.into();
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&new).unwrap(), doc);
    }

    #[test]
    fn a_form_comes_back_as_it_is_read(value in proptest::collection::vec(any::<u8>(), 1..40), other in "[a-z%+=]{0,10}") {
        let text = format!("o={other}&key=placeholder&p={other}");
        let (new, _) = swapped(&BodyForm::Urlencoded, &slot("form:key"), text.as_bytes(), &value).unwrap();
        let Found::One { value: read, .. } = BodyForm::Urlencoded.find(&slot("form:key"), &new) else { panic!() };
        prop_assert_eq!(read.expose(), &value[..]);
        let around = String::from_utf8(new).unwrap();
        let (before, after) = (format!("o={other}&key="), format!("&p={other}"));
        prop_assert!(around.starts_with(&before) && around.ends_with(&after));
    }

    #[test]
    fn what_is_filled_is_read_back(value in proptest::collection::vec(any::<u8>(), 1..60)) {
        let value = Secret::new(value);
        for text in ["header:x-key", "header:authorization:Bearer", "basic:u", "basic-user:p", "query:k", "cookie:k", "path:/a/x{}y/**"] {
            let slot = slot(text);
            let filled = ["/a/xPHy/b?q=1", "/a/xPHy/b?k=PH&q=1"].map(|uri| {
                let mut h = head(uri, &[("cookie", "a=b; c=d")]);
                fill(&mut h, &slot, &value).map(|()| h)
            });
            let takes = crate::vault::slot_takes(&slot, &value).is_ok();
            for h in filled {
                // what the vault lets in can be put in, and comes out as it was
                prop_assert!(h.is_ok() || !takes, "{} {:?}", text, value.expose());
                if let (Ok(h), true) = (h, takes) {
                    prop_assert_eq!(occupant(&h, &slot), Occupant::One(value.clone()), "{}", text);
                }
            }
        }
    }
}
