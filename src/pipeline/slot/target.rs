//! Slots in the target of a request: a query parameter, and a segment of the path.

use super::Occupant;
use crate::base::secret::Secret;
use crate::pipeline::RequestHead;
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::ops::Range;
use zeroize::Zeroizing;

/// What stands for itself in a segment: unreserved characters, and `:` and `@`, which some servers look for unencoded.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

/// The same in a query, less `:` and `@`.
const PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn query(head: &RequestHead, name: &str) -> Occupant {
    match query_spans(&head.uri, name).as_slice() {
        [] => Occupant::Nothing,
        [span] => plain(&head.uri.query().unwrap_or("")[span.clone()]),
        _ => Occupant::Unclear,
    }
}

pub(super) fn put_query(head: &mut RequestHead, name: &str, value: &Secret) -> Result<(), &'static str> {
    let encoded = Zeroizing::new(percent_encode(value.expose(), PARAMETER).to_string());
    let encoded = &*encoded;
    let query = head.uri.query().unwrap_or("");
    let query = Zeroizing::new(match query_spans(&head.uri, name).first() {
        Some(span) => format!("{}{encoded}{}", &query[..span.start], &query[span.end..]),
        None if query.is_empty() => format!("{name}={encoded}"),
        None => format!("{query}&{name}={encoded}"),
    });
    let text = Zeroizing::new(format!("{}?{}", head.uri.path(), *query));
    head.uri = with_path_and_query(&head.uri, &text)?;
    Ok(())
}

/// Where in the query the values of a parameter stand.
#[must_use]
pub fn query_spans(uri: &Uri, name: &str) -> Vec<Range<usize>> {
    let (mut at, mut spans) = (0, Vec::new());
    for pair in uri.query().unwrap_or("").split('&') {
        let (key, value_at) = pair.find('=').map_or((pair, pair.len()), |i| (&pair[..i], i + 1));
        if percent_decode_str(key).eq(name.bytes()) {
            spans.push(at + value_at..at + pair.len());
        }
        at += pair.len() + 1;
    }
    spans
}

pub(super) fn segment(head: &RequestHead, template: &str) -> Occupant {
    segment_span(head.uri.path(), template).map_or(Occupant::Nothing, |span| plain(&head.uri.path()[span]))
}

/// Where in the path the value stands, if the path is one of the template's. A path that a server may read otherwise than
/// it stands (`//`, `..`, an encoded slash) is none.
pub(super) fn segment_span(path: &str, template: &str) -> Option<Range<usize>> {
    let (mut at, mut found) = (1, None);
    let mut segments = path.strip_prefix('/')?.split('/');
    for want in template.strip_prefix('/')?.split('/') {
        if want == "**" {
            let rest: Vec<&str> = segments.collect();
            let clear = |(at, s): (usize, &&str)| is_clear(s) || (s.is_empty() && at + 1 == rest.len());
            return found.filter(|_| rest.iter().enumerate().all(clear));
        }
        let segment = segments.next()?;
        if let Some((before, after)) = want.split_once("{}") {
            segment.strip_prefix(before)?.strip_suffix(after)?;
            found = Some(at + before.len()..at + segment.len() - after.len());
        } else if !is_clear(segment) || (want != "*" && !percent_decode_str(segment).eq(want.bytes())) {
            return None;
        }
        at += segment.len() + 1;
    }
    // a slash at the end is the same path to most servers, and no segment more
    let rest = segments.next();
    found.filter(|_| rest.is_none_or(str::is_empty) && segments.next().is_none())
}

fn is_clear(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    !matches!(&*decoded, b"" | b"." | b"..") && !decoded.iter().any(|b| matches!(b, b'/' | b'\\' | 0))
}

pub(super) fn put_segment(
    head: &mut RequestHead,
    template: &str,
    value: &Secret,
) -> Result<(), &'static str> {
    let path = head.uri.path();
    let span = segment_span(path, template).ok_or("the path is none of the slot's")?;
    let encoded = Zeroizing::new(percent_encode(value.expose(), SEGMENT).to_string());
    let query = head.uri.query().map_or_else(String::new, |q| format!("?{q}"));
    let text = Zeroizing::new(format!("{}{}{}{query}", &path[..span.start], *encoded, &path[span.end..]));
    head.uri = with_path_and_query(&head.uri, &text)?;
    Ok(())
}

fn plain(raw: &str) -> Occupant {
    let value: Vec<u8> = percent_decode_str(raw).collect();
    if value.is_empty() { Occupant::Nothing } else { Occupant::One(Secret::new(value)) }
}

/// The same URI with another path and query.
///
/// # Errors
/// When the text is no path and query.
pub fn with_path_and_query(uri: &Uri, text: &str) -> Result<Uri, &'static str> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(text.parse().map_err(|_| "the value cannot stand in a URL")?);
    Uri::from_parts(parts).map_err(|_| "the value cannot stand in a URL")
}
