//! What the proxy reads off the wire: heads, codings, slots of credentials, signatures, vault values.

use super::input::Input;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use katana::base::secret::Secret;
use katana::broker::jwt;
use katana::broker::sigv4;
use katana::config::Slot;
use katana::pipeline::content::Coding;
use katana::pipeline::slot::{BodySlots, Occupant, Region, fill, occupant, region};
use katana::proxy::{Decoder, HeadWatch};
use katana::vault::scrub::{Hit, Matcher, Needle};
use std::sync::LazyLock;

const PIECES: usize = 200;

/// A head has the same fault whatever its pieces.
pub(super) fn head(data: &[u8]) {
    let mut input = Input(data);
    let cuts = input.cuts();
    let whole = HeadWatch::default().read(input.0);
    let mut watch = HeadWatch::default();
    let pieces = cuts.of(input.0, PIECES).find_map(|piece| watch.read(piece));
    assert_eq!(pieces, whole, "in pieces, and whole");
    whole.into_iter().for_each(|fault| assert!(!fault.message().is_empty()));
}

/// A body decodes to the same whatever its pieces, and to no more than is allowed.
pub(super) fn decode(data: &[u8]) {
    const ALL: [Coding; 5] =
        [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd, Coding::AwsChunked];
    let mut input = Input(data);
    let how = usize::from(input.byte());
    let mut codings = vec![ALL[how % 5]];
    if how >= 128 {
        codings.push(ALL[how / 5 % 5]);
    }
    let cuts = input.cuts();
    let decoded = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(&codings, 200).expect("a decoder");
        let mut out = Vec::new();
        let good = pieces.iter().all(|piece| decoder.push(piece, &mut out).is_ok());
        decoder.finish(&mut out);
        (good, out)
    };
    let whole = decoded(&[input.0]);
    let pieces = decoded(&cuts.of(input.0, PIECES).collect::<Vec<_>>());
    assert!(whole.1.len() <= (64 << 20) && pieces.1.len() <= (64 << 20));
    // what comes before a fault comes as far as the pieces go
    if whole.0 && pieces.0 && !input.0.is_empty() {
        assert!(pieces.1 == whole.1, "{} and {} bytes", pieces.1.len(), whole.1.len());
    }
}

/// A value that is put where one was found is found there, and nothing around it changes.
pub(super) fn slots(data: &[u8]) {
    let mut input = Input(data);
    let how = input.byte();
    let form: Slot = "form:a".parse().expect("a slot");
    let (kind, slot) = match how % 4 {
        0 => ("application/json", "json:/a/b".parse().expect("a slot")),
        1 => ("application/json", "json:/0".parse().expect("a slot")),
        2 => ("application/x-www-form-urlencoded", form),
        _ => ("multipart/form-data; boundary=xx", form),
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().expect("a header's value"))]);
    let slots = BodySlots::of(&headers, [(slot, 7)]);
    for stands in slots.find(input.0) {
        let span = stands.span;
        assert!(span.start <= span.end && span.end <= input.0.len() && stands.of == 7);
        let value = Secret::from("a \"new\" value & more+".to_owned());
        let Ok(written) = slots.written(&value) else { continue };
        let body = [&input.0[..span.start], &written, &input.0[span.end..]].concat();
        let again = slots.find(&body);
        let [now] = again.as_slice() else {
            panic!("{} slots in {:?}", again.len(), body.escape_ascii().to_string())
        };
        assert_eq!(now.value.expose(), value.expose());
        assert_eq!(now.span, span.start..span.start + written.len());
    }
}

/// The same in a head. Where a slot is said to be is within what it is said of.
pub(super) fn head_slots(data: &[u8]) {
    const SLOTS: [&str; 8] = [
        "header:x-key",
        "header:authorization:Bearer",
        "basic:user",
        "basic-user:x",
        "query:key",
        "cookie:sid",
        "path:/bot{}/**",
        "path:/hooks/*/{}",
    ];
    let mut input = Input(data);
    let slot: Slot = SLOTS[usize::from(input.byte()) % SLOTS.len()].parse().expect("a slot");
    let mut lines = input.0.split(|b| *b == b'\n');
    let Ok(uri) = http::Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let mut request = http::Request::builder().uri(uri);
    for line in lines.take(20) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        request = request.header(&line[..colon], &line[colon + 1..]);
    }
    let Ok(request) = request.body(()) else { return };
    let (mut head, ()) = request.into_parts();
    let before = occupant(&head, &slot);
    let within =
        |spans: &[std::ops::Range<usize>], len| spans.iter().all(|s| s.start <= s.end && s.end <= len);
    match region(&head, &slot) {
        Region::Target(spans) => {
            let len = head.uri.path_and_query().map_or(0, |p| p.as_str().len());
            assert!(within(&spans, len), "{spans:?} of {len}");
        }
        Region::Within(name, spans) => {
            let len = head.headers.get(&name).map_or(0, |v| v.as_bytes().len());
            assert!(within(&spans, len), "{spans:?} of {len}");
        }
        Region::Header(_) | Region::Nowhere => {}
    }
    let value = Secret::from("new-value_1".to_owned());
    if let Occupant::One(_) = before
        && fill(&mut head, &slot, &value).is_ok()
    {
        match occupant(&head, &slot) {
            Occupant::One(now) => assert_eq!(now.expose(), value.expose()),
            other => panic!("{other:?} after it was filled"),
        }
    }
}

/// Signatures and tokens that somebody else wrote.
pub(super) fn signatures(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _claim = jwt::claim(text, "exp");
    let mut lines = text.split('\n');
    let (path, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let request = sigv4::Request { method: "GET", path, query, headers };
    if let sigv4::Reading::Signed(signed) = sigv4::read(&request) {
        assert!(!signed.scope.key_id.is_empty(), "{signed:?}");
    }
}

const VALUES: [&[u8]; 6] = [
    b"sk-own-4fQ9zR7tLw2XbV8nKc3Jd",
    b"correct horse \"battery\" <staple> & 'co'",
    b"p@$$-w!r#d%^&*()",
    b"0x4c0883a69102937d6231471b5dbb6204",
    b"nnnnnnnnnnnn",
    b"Tr0ub4d&",
];
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let needles: Vec<Needle<'_>> = (0..)
        .zip(VALUES)
        .map(|(secret, value)| Needle {
            secret,
            value,
            placeholder: "katana-placeholder-0123456789",
            mark: 0,
        })
        .collect();
    Matcher::compile(&needles).expect("values that can be searched for")
});

/// Vault values are found in the same places whatever the pieces, and no hit lies across what may pass on.
pub(super) fn scrub(data: &[u8]) {
    let mut input = Input(data);
    let cuts = input.cuts();
    let text = with_values(input.0);
    let (mut whole, mut found) = (Vec::new(), Vec::new());
    MATCHER.scan(&text, &mut whole);
    MATCHER.find(&text, &mut found);
    assert_eq!(whole, found);
    assert!(
        whole.iter().all(|h| h.start < h.end && h.end <= text.len()) && whole.is_sorted_by_key(|h| h.start)
    );
    let (mut kept, mut base, mut pieces) = (Vec::new(), 0, Vec::new());
    let mut chunks = cuts.of(&text, PIECES).peekable();
    while let Some(chunk) = chunks.next() {
        kept.extend_from_slice(chunk);
        let mut hits = Vec::new();
        let hold = MATCHER.scan(&kept, &mut hits);
        assert!(kept.len() - hold <= MATCHER.max_hold());
        for hit in hits {
            assert!(hit.end <= hold || hit.start >= hold, "{hit:?} lies across {hold}");
            if hit.end <= hold || chunks.peek().is_none() {
                pieces.push(Hit { start: base + hit.start, end: base + hit.end, ..hit });
            }
        }
        kept.drain(..hold);
        base += hold;
    }
    assert_eq!(pieces, whole, "in pieces, and whole");
}

/// `0xfe` and a byte stand for a value, in one of the forms it may be written in.
fn with_values(mut recipe: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        match recipe {
            [] => return text,
            [0xfe, which, rest @ ..] => {
                let value = VALUES[usize::from(*which) % VALUES.len()];
                match which / 8 % 4 {
                    0 => text.extend_from_slice(value),
                    1 => text.extend_from_slice(data_encoding::BASE64.encode(value).as_bytes()),
                    2 => text.extend_from_slice(data_encoding::HEXLOWER.encode(value).as_bytes()),
                    _ => value.iter().for_each(|b| text.extend_from_slice(format!("%{b:02X}").as_bytes())),
                }
                recipe = rest;
            }
            [byte, rest @ ..] => {
                text.push(*byte);
                recipe = rest;
            }
        }
    }
}
