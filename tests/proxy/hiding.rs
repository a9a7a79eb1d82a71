//! Places beside those where anybody looks first: what a coding carries along, a second header line, the method.

use super::scrub::{SECRET, nowhere};
use super::{Site, inside};
use crate::support::{Ask, CROSSINGS, Client, Session, block_on, codec, oracle};
use std::io::Write;

/// Either it is denied, or what arrives does not hold the value in any reading.
async fn hidden(site: &Site, session: &mut Session, origin: &crate::support::Origin, ask: Ask, what: &str) {
    let answer = session.ask(ask.header("x-id", "1")).await;
    match origin.take_where(|r| r.header("x-id") == "1") {
        None => assert_eq!(answer.header("x-katana-verdict"), "deny", "{what}"),
        Some(got) => nowhere(&got, SECRET, what),
    }
    for wire in origin.wires() {
        let plain = wire.windows(SECRET.len()).any(|w| w.eq_ignore_ascii_case(SECRET.as_bytes()));
        assert!(!plain, "{what}: on the wire");
    }
    site.katana.never_tells(SECRET);
}

fn gzip_with_a_name(name: &str, body: &[u8]) -> Vec<u8> {
    let mut w =
        flate2::GzBuilder::new().filename(name).comment(name).write(Vec::new(), flate2::Compression::fast());
    w.write_all(body).unwrap();
    w.finish().unwrap()
}

fn zstd_with_a_skipped_frame(skipped: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(skipped.len()).unwrap().to_le_bytes();
    [&[0x50, 0x2a, 0x4d, 0x18][..], &length, skipped, &codec::encode("zstd", body)].concat()
}

#[test]
fn what_a_coding_carries_along_is_looked_at_too() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    let two = [codec::encode("gzip", b"one "), codec::encode("gzip", SECRET.as_bytes())].concat();
    let trailing = [codec::encode("gzip", b"one "), SECRET.as_bytes().to_vec()].concat();
    let cases = [
        ("a second member", "gzip", two),
        ("garbage behind", "gzip", trailing),
        ("the file's name", "gzip", gzip_with_a_name(SECRET, b"harmless")),
        ("a skipped frame", "zstd", zstd_with_a_skipped_frame(SECRET.as_bytes(), b"harmless")),
        ("behind br", "br", [codec::encode("br", b"one "), SECRET.as_bytes().to_vec()].concat()),
        (
            "behind deflate",
            "deflate",
            [codec::encode("deflate", b"one "), SECRET.as_bytes().to_vec()].concat(),
        ),
        ("behind zstd", "zstd", [codec::encode("zstd", b"one "), SECRET.as_bytes().to_vec()].concat()),
        ("not encoded at all", "gzip", SECRET.as_bytes().to_vec()),
        ("an unknown coding", "rot13", SECRET.as_bytes().to_vec()),
        ("another spelling", "X-GZIP", codec::encode("gzip", SECRET.as_bytes())),
        ("identity first", "identity, gzip", codec::encode("gzip", SECRET.as_bytes())),
    ];
    let codings = |body: &[u8], all: &[&str]| {
        all.iter().fold(Ask::post("/c", body.to_vec()), |ask, coding| ask.header("content-encoding", coding))
    };
    let stacked = codec::encode_all(&["gzip", "br"], SECRET.as_bytes());
    block_on(async {
        for (client, server) in CROSSINGS {
            let mut asks: Vec<_> =
                cases.iter().map(|(what, coding, body)| (*what, codings(body, &[coding]))).collect();
            asks.push(("codings on two lines", codings(&stacked, &["gzip", "br"])));
            for (what, ask) in asks {
                // a body that was not read ends the connection: each gets one of its own
                let mut session = Client::new(&site.katana).open(Site::host(server), client).await;
                hidden(&site, &mut session, site.origin(server), ask, what).await;
            }
        }
    });
}

#[test]
fn what_a_coding_carries_along_is_looked_at_in_a_stream_too() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    let cases = [
        ("gzip", gzip_with_a_name(SECRET, b"harmless")),
        ("zstd", zstd_with_a_skipped_frame(SECRET.as_bytes(), b"harmless")),
    ];
    block_on(async {
        for (client, server) in CROSSINGS {
            for (coding, body) in &cases {
                for cut in [12, 20, 31, body.len() - 1] {
                    // a pause in a body of unknown length: it moves on before it is there whole
                    let (a, b) = body.split_at(cut);
                    let ask = Ask::new("POST", "/c").pieces([a.to_vec(), b.to_vec()]).gap(100);
                    let mut session = Client::new(&site.katana).open(Site::host(server), client).await;
                    session.try_ask(ask.header("content-encoding", coding)).await;
                    for got in site.origin(server).received() {
                        let read = oracle::reads(&got.body, SECRET);
                        assert!(read.is_none(), "{coding} cut at {cut}, {client:?} to {server:?}");
                    }
                    site.origin(server).clear();
                }
            }
        }
    });
}

#[test]
fn a_method_is_no_place_for_a_value() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    site.each_crossing(async |session, origin| {
        for method in [SECRET.to_owned(), SECRET.to_uppercase(), format!("GET{SECRET}")] {
            hidden(&site, session, origin, Ask::new(&method, "/m"), &method).await;
        }
    });
}

#[test]
fn two_lines_of_one_header_are_both_looked_at() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    let (a, b) = SECRET.split_at(9);
    site.each_crossing(async |session, origin| {
        let ask = Ask::get("/h").header("x-note", "first").header("x-note", SECRET);
        hidden(&site, session, origin, ask, "the second line").await;
        let ask = Ask::get("/h").header("cookie", "a=1").header("cookie", format!("b={SECRET}"));
        hidden(&site, session, origin, ask, "the second cookie").await;
        let ask = Ask::get(&format!("/h?a={a}")).header("x-rest", b);
        session.ask(ask).await; // in two places it is not one value: not judged, and no harm done
    });
}

#[test]
fn a_value_before_the_first_line_or_in_a_chunk_extension_goes_nowhere() {
    let site = Site::with(&[("MY_SECRET", SECRET)]);
    for bytes in [
        format!(
            "POST /x HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n2;{SECRET}\r\nhi\r\n0;a={SECRET}\r\n\r\n"
        ),
        format!("GET /x#{SECRET} HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
        format!("GET /x HTTP/1.1\r\nHost: {SECRET}@origin.test\r\n\r\n"),
        format!("GET https://{SECRET}@origin.test/x HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
    ] {
        site.h1.clear();
        let mut raw = inside(&site.katana);
        raw.say(&bytes);
        raw.try_hear("POST");
        for wire in site.h1.wires() {
            assert!(oracle::reads(&wire, SECRET).is_none(), "{bytes}");
        }
    }
    site.katana.never_tells(SECRET);
}
