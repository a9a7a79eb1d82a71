//! Canonical JSON (RFC 8785): a record straight into bytes, its keys sorted here in the source; any parsed value for
//! `verify`; and the hash that chains them.

use super::record::{Finding, Record};
use crate::base::host::Host;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::net::IpAddr;

/// SHA-256 of the previous hash (its 64 hex digits) and the canonical entry, as 64 hex digits.
pub(super) fn chain(prev: &[u8; 64], entry: &[u8]) -> [u8; 64] {
    let mut sha = Sha256::new();
    sha.update(prev);
    sha.update(entry);
    hex(&sha.finalize().into())
}

pub(super) fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

/// Appends the record's line, newline included, chained to `prev`; returns its hash.
pub(super) fn line(record: &Record, prev: &[u8; 64], out: &mut Vec<u8>) -> [u8; 64] {
    let start = out.len();
    entry(record, out);
    let hash = chain(prev, &out[start..]);
    out.pop();
    out.extend_from_slice(b",\"prev_hash\":\"");
    out.extend_from_slice(prev);
    out.extend_from_slice(b"\",\"hash\":\"");
    out.extend_from_slice(&hash);
    out.extend_from_slice(b"\"}\n");
    hash
}

/// The entry without `prev_hash` and `hash`. The fields stand in the order of their names.
pub(super) fn entry(r: &Record, out: &mut Vec<u8>) {
    let is_exchange = r.exchange.is_some();
    out.push(b'{');
    number_field("bytes_in", r.bytes_in, out);
    number_field("bytes_out", r.bytes_out, out);
    text_field("client", r.client.as_deref(), out);
    text_field("code", r.code.as_deref(), out);
    number_field("count", r.count, out);
    text_field("decision", r.decision.map(|d| d.as_str()), out);
    number_field("duration_ms", r.duration_ms, out);
    text_field("event_type", Some(r.event.as_str()), out);
    if let Some(id) = r.exchange {
        key("exchange", out);
        let _ = write!(out, "\"{id}\""); // hex digits: nothing to escape
    }
    host_field(r.host.as_ref(), out);
    if is_exchange {
        list("injected", &r.injected, |name, out| string(name, out), out);
    }
    text_field("method", r.method.as_deref(), out);
    text_field("outcome", r.outcome.as_deref(), out);
    text_field("path", r.path.as_deref(), out);
    number_field("port", r.port.map(u64::from), out);
    list("reasons", &r.reasons, |reason, out| string(reason, out), out);
    text_field("rule", r.rule.as_deref(), out);
    list("scan_results", &r.scan_results, finding, out);
    if is_exchange {
        list("scrubbed", &r.scrubbed, |name, out| string(name, out), out);
    }
    number_field("status", r.status.map(u64::from), out);
    text_field("subject", r.subject.as_deref(), out);
    if let Some(taint) = &r.taint_context {
        key("taint_context", out);
        value(taint, out);
    }
    key("timestamp", out);
    out.push(b'"');
    out.extend_from_slice(&r.timestamp.rfc3339());
    out.push(b'"');
    text_field("tool_name", r.tool_name.as_deref(), out);
    out.push(b'}');
}

fn finding(f: &Finding, out: &mut Vec<u8>) {
    out.push(b'{');
    text_field("category", Some(&f.category), out);
    key("confidence", out);
    let percent = f.confidence.min(100);
    let _ = match percent {
        0 | 100 => write!(out, "{}", percent / 100),
        p if p % 10 == 0 => write!(out, "0.{}", p / 10),
        p => write!(out, "0.{p:02}"),
    };
    text_field("place", Some(&f.place), out);
    text_field("scanner", Some(&f.scanner), out);
    text_field("surface", f.surface.as_deref(), out);
    text_field("views", f.views.as_deref(), out);
    out.push(b'}');
}

fn key(name: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text_field(name: &str, text: Option<&str>, out: &mut Vec<u8>) {
    if let Some(text) = text {
        key(name, out);
        string(text, out);
    }
}

fn number_field(name: &str, n: Option<u64>, out: &mut Vec<u8>) {
    if let Some(n) = n {
        key(name, out);
        integer(n.min(SAFE), out);
    }
}

fn host_field(host: Option<&Host>, out: &mut Vec<u8>) {
    let Some(host) = host else { return };
    key("host", out);
    let _ = match host {
        Host::Name(name) => {
            string(name, out);
            Ok(())
        }
        Host::Addr(IpAddr::V4(a)) => write!(out, "\"{a}\""),
        Host::Addr(IpAddr::V6(a)) => write!(out, "\"[{a}]\""),
    };
}

fn list<T>(name: &str, items: &[T], mut each: impl FnMut(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    key(name, out);
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(b']');
}

/// The largest integer that every JSON reader holds exactly: 2^53.
const SAFE: u64 = 1 << 53;

fn integer(mut n: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A string: only `"`, `\` and what is below U+0020 is escaped.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (i, b) in bytes.iter().enumerate() {
        if *b >= 0x20 && *b != b'"' && *b != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean..i]);
        clean = i + 1;
        let short = match b {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => *b,
            _ => 0,
        };
        let _ = if short == 0 { write!(out, "\\u{b:04x}") } else { out.write_all(&[b'\\', short]) };
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Any parsed value.
pub(super) fn value(v: &Value, out: &mut Vec<u8>) {
    match v {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Number(n) => number(n, out),
        Value::String(s) => string(s, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                value(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => object(map.iter(), out),
    }
}

/// An object's members, sorted as UTF-16 code units as the RFC wants.
pub(super) fn object<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>, out: &mut Vec<u8>) {
    let mut members: Vec<_> = members.collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (i, (name, member)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(name, out);
        out.push(b':');
        value(member, out);
    }
    out.push(b'}');
}

/// A number as ECMAScript prints it.
fn number(n: &serde_json::Number, out: &mut Vec<u8>) {
    match (n.as_u64(), n.as_i64(), n.as_f64()) {
        (Some(n), ..) if n <= SAFE => integer(n, out),
        (None, Some(n), _) if n.unsigned_abs() <= SAFE => {
            out.push(b'-');
            integer(n.unsigned_abs(), out);
        }
        (.., Some(x)) => double(x, out),
        _ => out.extend_from_slice(b"null"),
    }
}

fn double(x: f64, out: &mut Vec<u8>) {
    let size = x.abs();
    let _ = if x == 0.0 {
        out.write_all(b"0")
    } else if (1e-6..1e21).contains(&size) {
        write!(out, "{x}")
    } else {
        let text = format!("{x:e}");
        out.write_all(if size < 1.0 { text } else { text.replace('e', "e+") }.as_bytes())
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Decision, Event, Text};
    use crate::base::clock::Timestamp;
    use crate::base::id::ExchangeId;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        value(&serde_json::from_str(text).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let given = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,-0.0,-5,9007199254740993],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let want = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0,-5,9007199254740992],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(given), want);
        let keys = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        assert_eq!(
            canonical(keys),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
    }

    prop_compose! {
        fn records()(
            texts in prop::collection::vec(any::<String>(), 8),
            given in prop::collection::vec(any::<bool>(), 12),
            percent in 0u8..=110, number in any::<u64>(), status in any::<u16>(), at in 0i64..4_000_000_000_000,
            host in prop::sample::select(vec!["example.com", "127.0.0.1", "::1", "xn--a_b.test"]),
        ) -> Record {
            let mut r = Record::new(Event::ALL[usize::from(status) % 9], Timestamp(at));
            let text = |i: usize| Text::Owned(texts[i].clone());
            r.tool_name = given[0].then(|| text(0));
            r.subject = given[1].then(|| text(1));
            r.decision = given[2].then(|| Decision::ALL[usize::from(status) % 5]);
            r.reasons = (0..usize::from(percent) % 4).map(text).collect();
            r.rule = given[3].then(|| texts[2].as_str().into());
            r.code = given[4].then(|| text(3));
            r.outcome = given[5].then(|| text(4));
            r.taint_context = given[6].then(|| serde_json::json!({"z": {&texts[5]: [1, -2, 0.5, null, true]}, "a": texts[6]}));
            r.scan_results = (0..usize::from(percent) % 3).map(|i| Finding {
                scanner: texts[i].as_str().into(), category: text(i + 1), confidence: percent, place: text(i + 2),
                surface: given[5].then(|| text(i)), views: given[6].then(|| text(i + 1)) }).collect();
            r.exchange = given[7].then(ExchangeId::next);
            r.client = given[8].then(|| text(5));
            r.method = given[9].then(|| text(6));
            r.host = given[10].then(|| Host::parse(host).unwrap());
            r.port = given[11].then_some(status);
            r.path = given[0].then(|| texts[7].clone());
            r.status = given[1].then_some(status);
            r.bytes_in = given[2].then_some(number);
            r.bytes_out = given[3].then_some(number / 7);
            r.duration_ms = given[4].then_some(number / 1_000_000);
            r.injected = given[7].then(|| texts[6].as_str().into()).into_iter().collect();
            r.scrubbed = (0..usize::from(percent) % 3).map(|i| texts[i].as_str().into()).collect();
            r
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_hand_is_what_the_generic_one_makes(r in records()) {
            let mut by_hand = Vec::new();
            entry(&r, &mut by_hand);
            let parsed: Value = serde_json::from_slice(&by_hand).unwrap();
            let mut generic = Vec::new();
            value(&parsed, &mut generic);
            prop_assert_eq!(String::from_utf8(by_hand).unwrap(), String::from_utf8(generic).unwrap());
            if let Some(path) = &r.path {
                prop_assert_eq!(parsed["path"].as_str(), Some(path.as_str()));
            }
        }

        #[test]
        fn strings_come_back(s in any::<String>()) {
            let mut out = Vec::new();
            string(&s, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), s);
        }
    }

    #[test]
    fn the_hash_covers_the_previous_one_and_the_entry() {
        let mut out = Vec::new();
        let hash = line(&Record::new(Event::SessionStart, Timestamp(0)), &[b'0'; 64], &mut out);
        let entry = r#"{"event_type":"session_start","reasons":[],"scan_results":[],"timestamp":"1970-01-01T00:00:00.000Z"}"#;
        let want = hex(&Sha256::digest(format!("{}{entry}", "0".repeat(64))).into());
        assert_eq!(hash, want);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(entry.trim_end_matches('}')) && text.ends_with("\"}\n"), "{text}");
    }
}
