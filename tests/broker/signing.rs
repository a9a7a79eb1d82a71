//! Requests that an agent signs with placeholders, signed anew: by a signer of the tests' own, which knows nothing of `src`.

use super::*;
use crate::support::{Received, block_on, until};
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "session/Fq9Ws7Ed5Rf3Tg1Yh==";
const TIME: &str = "20260102T030405Z";
const OTHER: &str = "another-vault-value-Rt5Yu7";

/// An account for `origin.test`, for S3 and DynamoDB in two regions, with a session token.
fn aws(over: Value) -> Value {
    let mut all = json!({
        "kind": "aws_sigv4", "access_key_id_secret": "KEY_ID", "secret": "SECRET_KEY", "session_token": "SESSION",
        "regions": ["eu-*", "us-east-1"], "services": ["s3", "dynamodb"], "hosts": ["origin.test", "other.test"],
    });
    for (key, value) in over.as_object().unwrap() {
        all[key] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    all
}

fn site(over: Value) -> (Origin, Katana) {
    let secrets = [("KEY_ID", ID), ("SECRET_KEY", SECRET), ("SESSION", SESSION), ("OTHER", OTHER)];
    field(aws(over), &secrets)
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn key(secret: &str, scope: &str) -> Vec<u8> {
    scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part))
}

/// What is signed, with the headers in the order of their names.
fn signature(
    secret: &str,
    scope: &str,
    head: (&str, &str, &str),
    headers: &[(String, String)],
    payload: &str,
) -> String {
    let (method, path, query) = head;
    let lines: String = headers.iter().map(|(n, v)| format!("{n}:{v}\n")).collect();
    let names: Vec<&str> = headers.iter().map(|(n, _)| n.as_str()).collect();
    let request = format!("{method}\n{path}\n{query}\n{lines}\n{}\n{payload}", names.join(";"));
    let text = format!("AWS4-HMAC-SHA256\n{TIME}\n{scope}\n{}", sha256(request.as_bytes()));
    HEXLOWER.encode(&mac(&key(secret, scope), &text))
}

fn scope(region: &str, service: &str) -> String {
    format!("20260102/{region}/{service}/aws4_request")
}

/// Signs as an agent does that holds placeholders.
fn signed(katana: &Katana, scope: &str, mut ask: Ask, payload: &str) -> Ask {
    let (id, session) = (katana.placeholder("KEY_ID"), katana.placeholder("SESSION"));
    ask = ask.header("x-amz-date", TIME).header("x-amz-security-token", session);
    let credential = format!("Credential={id}/{scope}");
    let names: Vec<String> = ask.headers.iter().map(|(n, _)| n.clone()).chain(["host".to_owned()]).collect();
    let mut names = names;
    names.sort();
    let headers: Vec<(String, String)> =
        names.iter().map(|n| (n.clone(), "placeholder".to_owned())).collect();
    let sign =
        signature(&katana.placeholder("SECRET_KEY"), scope, (&ask.method, &ask.path, ""), &headers, payload);
    let value = format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders={}, Signature={sign}", names.join(";"));
    ask.header("authorization", value)
}

/// Fails unless the request is signed with the real key over what arrived; gives the signature.
fn verified(got: &Received, scope: &str, path: &str) -> String {
    let authorization = got.header("authorization");
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").unwrap_or_else(|| panic!("{authorization}"));
    let field =
        |name: &str| fields.split(", ").find_map(|f| f.strip_prefix(name)?.strip_prefix('=')).unwrap();
    assert_eq!(field("Credential"), format!("{ID}/{scope}"));
    assert_eq!(got.header("x-amz-security-token"), SESSION);
    let names: Vec<&str> = field("SignedHeaders").split(';').collect();
    assert!(names.contains(&"host") && names.contains(&"x-amz-security-token"), "{names:?}");
    let value = |n: &&str| if *n == "host" { got.authority.clone() } else { got.header(n) };
    let headers: Vec<(String, String)> = names.iter().map(|n| ((*n).to_owned(), value(n))).collect();
    let payload = match got.header("x-amz-content-sha256") {
        stated if stated.is_empty() => sha256(&got.body),
        stated => stated,
    };
    if payload.len() == 64 {
        assert_eq!(payload, sha256(&got.body), "the body is not the one that is signed");
    }
    let want = signature(SECRET, scope, (&got.method, path, ""), &headers, &payload);
    assert_eq!(field("Signature"), want);
    want
}

async fn denied(katana: &Katana, proto: Proto, host: &str, request: Ask) -> String {
    let error = ask(katana, host, proto, request).await.denied(403);
    error["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_signature_with_placeholders_becomes_one_with_the_key() {
    let (origin, katana) = site(json!({}));
    let s3 = scope("us-east-1", "s3");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let hash = sha256(b"hello, bucket");
            let put = Ask { method: "PUT".into(), ..Ask::post("/bucket/a%20b//c", "hello, bucket") };
            let put = put.header("x-amz-content-sha256", &hash).header("x-amz-meta-a", "b");
            ask(&katana, "origin.test", proto, signed(&katana, &s3, put, &hash)).await;
            verified(&origin.take("/bucket/a%20b//c"), &s3, "/bucket/a%20b//c");

            let get = Ask::get("/bucket/x").header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
            ask(&katana, "origin.test", proto, signed(&katana, &s3, get, "UNSIGNED-PAYLOAD")).await;
            verified(&origin.take("/bucket/x"), &s3, "/bucket/x");

            let dynamo = scope("eu-central-1", "dynamodb");
            let post =
                Ask::post("/x/../tables%20a", "{\"TableName\":\"t\"}").header("x-amz-target", "T.List");
            ask(
                &katana,
                "origin.test",
                proto,
                signed(&katana, &dynamo, post, &sha256(b"{\"TableName\":\"t\"}")),
            )
            .await;
            verified(&origin.take("/x/../tables%20a"), &dynamo, "/tables%2520a");
        }
    });
    for record in katana.records("/bucket/x", 2) {
        assert!(record["injected"].to_string().contains("SECRET_KEY"), "{record}");
        assert!(record["reasons"].to_string().contains("signed anew"), "{record}");
    }
    katana.never_tells(SECRET);
    katana.never_tells(SESSION);
}

#[test]
fn presigned_queries_are_signed_anew() {
    let (origin, katana) = site(json!({}));
    let s3 = scope("us-east-1", "s3");
    let coded = |t: &str| {
        percent_encoding::percent_encode(t.as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let (id, session) = (katana.placeholder("KEY_ID"), katana.placeholder("SESSION"));
    let path = format!(
        "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={TIME}&X-Amz-Expires=60\
         &X-Amz-Security-Token={}&X-Amz-SignedHeaders=host&X-Amz-Signature={}",
        coded(&format!("{id}/{s3}")),
        coded(&session),
        "0".repeat(64)
    );
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            ask(&katana, "origin.test", proto, Ask::get(&path)).await;
            let got = origin.take("/bucket/key");
            let pairs: Vec<(&str, &str)> = got
                .target
                .split_once('?')
                .unwrap()
                .1
                .split('&')
                .map(|p| p.split_once('=').unwrap())
                .collect();
            let of = |name: &str| {
                let value = pairs.iter().find(|(n, _)| *n == name).unwrap().1;
                percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned()
            };
            assert_eq!(
                (of("X-Amz-Credential"), of("X-Amz-Security-Token")),
                (format!("{ID}/{s3}"), SESSION.to_owned())
            );
            let mut query: Vec<String> = pairs
                .iter()
                .filter(|(n, _)| *n != "X-Amz-Signature")
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            query.sort();
            let host = [("host".to_owned(), got.authority.clone())];
            let head = ("GET", "/bucket/key", query.join("&"));
            let want = signature(SECRET, &s3, (head.0, head.1, &head.2), &host, "UNSIGNED-PAYLOAD");
            assert_eq!(of("X-Amz-Signature"), want);
            let code = denied(&katana, proto, "api.example.test", Ask::get(&path)).await;
            assert_eq!(code, "placeholder_misplaced");
        }
    });
}

#[test]
fn other_regions_services_keys_and_hosts_are_not_signed_for() {
    let (origin, katana) = site(json!({}));
    let plain = |region: &str, service: &str| {
        signed(
            &katana,
            &scope(region, service),
            Ask::get("/a").header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            "",
        )
    };
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for (region, service) in [("us-west-2", "s3"), ("us-east-1", "iam"), ("us-east-10", "s3")] {
                let code = denied(&katana, proto, "origin.test", plain(region, service)).await;
                assert_eq!(code, "signature_out_of_scope", "{region} {service}");
            }
            let code = denied(&katana, proto, "api.example.test", plain("us-east-1", "s3")).await;
            assert_eq!(code, "placeholder_misplaced", "another host");
            let id = katana.placeholder("KEY_ID");
            for odd in [
                format!(
                    "AWS4-ECDSA-P256-SHA256 Credential={id}/20260102/s3/aws4_request, SignedHeaders=host, Signature=0"
                ),
                format!("AWS4-HMAC-SHA256 Credential={id}"),
                format!("Bearer {id}"),
            ] {
                let code =
                    denied(&katana, proto, "origin.test", Ask::get("/a").header("authorization", &odd)).await;
                assert!(
                    ["placeholder_misplaced", "signature_unreadable"].contains(&code.as_str()),
                    "{odd}: {code}"
                );
            }
            let undated = plain("us-east-1", "s3");
            let headers = undated.headers.iter().filter(|(n, _)| n != "x-amz-date").cloned().collect();
            let code = denied(&katana, proto, "origin.test", Ask { headers, ..undated }).await;
            assert_eq!(code, "signature_unreadable", "without a date");
        }
        assert!(origin.received().is_empty());
        let own = "AWS4-HMAC-SHA256 Credential=AKIAOFTHEAGENTITSELF/20260102/us-west-2/iam/aws4_request, SignedHeaders=host, Signature=00";
        ask(&katana, "origin.test", Proto::H1, Ask::get("/own").header("authorization", own)).await;
        assert_eq!(origin.take("/own").header("authorization"), own, "the agent's own key is its own affair");
        ask(&katana, "origin.test", Proto::H2, Ask::get("/public")).await;
        assert!(!origin.take("/public").has("authorization"), "what is not signed stays so");
    });
    records(&katana, 6, |r| r["code"] == "signature_out_of_scope");
}

#[test]
fn a_key_id_that_is_honoured_no_longer_signs_nothing_and_is_no_key_of_the_agents() {
    let (_origin, katana) = site(json!({}));
    let unsigned = Ask::get("/a").header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let old = signed(&katana, &scope("us-east-1", "s3"), unsigned, "UNSIGNED-PAYLOAD");
    let rotate = ["vault", "rotate", "KEY_ID", "--placeholder", "--overlap", "1s"];
    let out = katana.home.katana_in(&rotate, "AKIAQ7ZV3NDWLK5XPT2M");
    assert_eq!(out.status.code(), Some(0), "{}", crate::cli::said(&out));
    let asked = || block_on(ask(&katana, "origin.test", Proto::H1, old.clone()));
    until("the old key id to lapse", || {
        let reply = asked();
        (reply.status == 403).then(|| assert_eq!(reply.denied(403)["code"], "placeholder_lapsed"))
    });
}

#[test]
fn a_body_that_was_scrubbed_is_signed_as_it_goes() {
    let (origin, katana) = site(json!({}));
    let s3 = scope("us-east-1", "s3");
    let body = format!("leak: {OTHER}.");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let put = Ask { method: "PUT".into(), ..Ask::post("/b/k", body.clone()) };
            let put = put
                .header("x-amz-content-sha256", sha256(body.as_bytes()))
                .header("x-amz-checksum-crc32", "AAAAAA==");
            ask(&katana, "origin.test", proto, signed(&katana, &s3, put, "")).await;
            let got = origin.take("/b/k");
            verified(&got, &s3, "/b/k");
            assert_eq!(String::from_utf8_lossy(&got.body), format!("leak: {}.", katana.placeholder("OTHER")));
            assert!(!got.has("x-amz-checksum-crc32"), "a checksum of another body");

            let chunked = chunks(body.as_bytes(), 9, "x-amz-checksum-crc32:AAAAAA==\r\n");
            let put = streaming("STREAMING-UNSIGNED-PAYLOAD-TRAILER", body.len(), chunked)
                .header("x-amz-trailer", "x-amz-checksum-crc32");
            ask(&katana, "origin.test", proto, signed(&katana, &s3, put, "")).await;
            let got = origin.take("/b/k");
            verified(&got, &s3, "/b/k");
            assert_eq!(String::from_utf8_lossy(&got.body), format!("leak: {}.", katana.placeholder("OTHER")));
            for gone in ["content-encoding", "x-amz-trailer", "x-amz-decoded-content-length"] {
                assert!(!got.has(gone), "{gone}");
            }
        }
    });
}

/// A body in chunks whose signatures are nobody's.
fn chunks(body: &[u8], size: usize, trailers: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let signature =
        if trailers.is_empty() { format!(";chunk-signature={}", "0".repeat(64)) } else { String::new() };
    for piece in body.chunks(size) {
        out.extend_from_slice(format!("{:x}{signature}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("0{signature}\r\n{trailers}\r\n").as_bytes());
    out
}

fn streaming(payload: &str, decoded: usize, body: Vec<u8>) -> Ask {
    Ask { method: "PUT".into(), ..Ask::post("/b/k", body) }
        .header("content-encoding", "aws-chunked")
        .header("x-amz-content-sha256", payload)
        .header("x-amz-decoded-content-length", decoded.to_string())
}

/// Fails unless every chunk carries the signature that follows from the one before; gives the text.
fn unchunked(body: &[u8], seed: &str, scope: &str) -> Vec<u8> {
    let (mut at, mut last, mut text) = (0, seed.to_owned(), Vec::new());
    loop {
        let line = body[at..].windows(2).position(|w| w == b"\r\n").unwrap() + at;
        let head = std::str::from_utf8(&body[at..line]).unwrap();
        let (size, sent) = head.split_once(";chunk-signature=").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let data = &body[line + 2..line + 2 + size];
        let signed =
            format!("AWS4-HMAC-SHA256-PAYLOAD\n{TIME}\n{scope}\n{last}\n{}\n{}", sha256(b""), sha256(data));
        last = HEXLOWER.encode(&mac(&key(SECRET, scope), &signed));
        assert_eq!(sent, last, "at {at}");
        text.extend_from_slice(data);
        at = line + 2 + size + 2;
        if size == 0 {
            return text;
        }
    }
}

#[test]
fn signed_chunks_are_signed_anew_whole_and_as_they_stream() {
    let (origin, katana) = site(json!({}));
    let s3 = scope("us-east-1", "s3");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for size in [1000, 3 << 20] {
                let text: Vec<u8> = (0..size).map(|i: u32| b'a' + u8::try_from(i % 23).unwrap()).collect();
                let sent = chunks(&text, 64 << 10, "");
                let length = sent.len();
                let put = streaming("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", text.len(), sent);
                ask(&katana, "origin.test", proto, signed(&katana, &s3, put, "")).await;
                let got = origin.take("/b/k");
                let seed = verified(&got, &s3, "/b/k");
                assert_eq!(got.body.len(), length, "to the byte as long as it was");
                assert!(unchunked(&got.body, &seed, &s3) == text, "{size} bytes over {proto:?}");
            }
            let hash = sha256(&vec![b'x'; 3 << 20]);
            let put = Ask { method: "PUT".into(), ..Ask::post("/b/k", vec![b'x'; 3 << 20]) };
            let put = put.header("x-amz-content-sha256", &hash);
            ask(&katana, "origin.test", proto, signed(&katana, &s3, put, &hash)).await;
            verified(&origin.take("/b/k"), &s3, "/b/k");
            let dynamo = scope("us-east-1", "dynamodb");
            let post = Ask::post("/", vec![b'y'; 3 << 20]);
            ask(&katana, "origin.test", proto, signed(&katana, &dynamo, post, "")).await;
            verified(&origin.take("/"), &dynamo, "/");
            let broken =
                streaming("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 5, b"5\r\nhello\r\n0\r\n\r\n".to_vec());
            let session = Client::new(&katana)
                .open("origin.test", proto)
                .await
                .try_ask(signed(&katana, &s3, broken, ""))
                .await;
            assert!(session.is_none_or(|a| !a.status.is_success()), "chunks without signatures");
        }
    });
}

#[test]
fn a_key_id_may_be_no_secret() {
    let account = aws(json!({"access_key_id": ID, "access_key_id_secret": null, "session_token": null}));
    let (origin, katana) = field(account, &[("SECRET_KEY", SECRET)]);
    let s3 = scope("us-east-1", "s3");
    block_on(async {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={ID}/{s3}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=00"
        );
        let get = Ask::get("/b/k")
            .header("authorization", value)
            .header("x-amz-date", TIME)
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        ask(&katana, "other.test", Proto::H2, get).await;
    });
    let got = origin.take("/b/k");
    let headers: Vec<(String, String)> = [
        ("host", got.authority.as_str()),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-date", TIME),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .to_vec();
    let want = signature(SECRET, &s3, ("GET", "/b/k", ""), &headers, "UNSIGNED-PAYLOAD");
    assert!(got.header("authorization").ends_with(&want), "{}", got.header("authorization"));
}
