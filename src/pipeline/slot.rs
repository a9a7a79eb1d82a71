//! Where in a request a credential stands: reads what is in a slot, and puts a value there. Only `inject_credentials`
//! fills; `scrub_secrets` reads, to let alone what belongs where it stands.

use super::RequestHead;
use crate::base::secret::Secret;
use crate::config::Slot;
use data_encoding::BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri};
use std::ops::Range;

/// What an agent sent in a slot.
#[derive(Debug, PartialEq, Eq)]
pub enum Occupant {
    /// The slot is not there, or empty, or has the scheme and nothing behind it.
    Nothing,
    /// Exactly one value. A Basic slot's password, a header's value less its scheme.
    One(Secret),
    /// The slot is there twice, or in a form that cannot be read.
    Unclear,
}

/// What stands in the slot now.
#[must_use]
pub fn occupant(head: &RequestHead, slot: &Slot) -> Occupant {
    match slot {
        Slot::Header { name, scheme } => header_occupant(head, name, scheme.as_deref()),
        Slot::Basic { .. } => match one_header(head, AUTHORIZATION.as_str()) {
            Ok(None) => Occupant::Nothing,
            Ok(Some(value)) => match basic(value) {
                Some((_, password)) if password.is_empty() => Occupant::Nothing,
                Some((_, password)) => Occupant::One(password),
                None => Occupant::Unclear,
            },
            Err(()) => Occupant::Unclear,
        },
        Slot::Query { name } => match query_spans(&head.uri, name).as_slice() {
            [] => Occupant::Nothing,
            [span] => {
                let raw = &head.uri.query().unwrap_or("")[span.clone()];
                let value: Vec<u8> = percent_encoding::percent_decode_str(raw).collect();
                if value.is_empty() { Occupant::Nothing } else { Occupant::One(Secret::new(value)) }
            }
            _ => Occupant::Unclear,
        },
    }
}

fn header_occupant(head: &RequestHead, name: &str, scheme: Option<&str>) -> Occupant {
    match one_header(head, name) {
        Ok(None) => Occupant::Nothing,
        Ok(Some(value)) => match after_scheme(value.as_bytes(), scheme) {
            Some([]) => Occupant::Nothing,
            Some(rest) => Occupant::One(Secret::from(rest)),
            None if value.as_bytes().trim_ascii().is_empty() => Occupant::Nothing,
            None => Occupant::Unclear,
        },
        Err(()) => Occupant::Unclear,
    }
}

/// Puts the value into the slot, in place of whatever was there.
///
/// # Errors
/// When the value cannot stand in such a slot; the value is not in the text.
pub fn fill(head: &mut RequestHead, slot: &Slot, value: &Secret) -> Result<(), &'static str> {
    match slot {
        Slot::Header { name, scheme } => {
            let name: HeaderName = name.parse().map_err(|_| "the slot's header name is not one")?;
            let mut text = scheme.as_ref().map_or_else(Vec::new, |s| format!("{s} ").into_bytes());
            text.extend_from_slice(value.expose());
            head.headers.insert(name, sensitive(&text)?);
        }
        Slot::Basic { user } => {
            let sent = one_header(head, AUTHORIZATION.as_str()).ok().flatten().and_then(basic);
            let user = sent.map_or_else(|| user.clone().into_bytes(), |(u, _)| u);
            let pair = [user.as_slice(), b":", value.expose()].concat();
            let text = format!("Basic {}", BASE64.encode(&pair));
            head.headers.insert(AUTHORIZATION, sensitive(text.as_bytes())?);
        }
        Slot::Query { name } => {
            let encoded =
                percent_encoding::percent_encode(value.expose(), percent_encoding::NON_ALPHANUMERIC)
                    .to_string();
            let query = head.uri.query().unwrap_or("");
            let query = match query_spans(&head.uri, name).first() {
                Some(span) => format!("{}{encoded}{}", &query[..span.start], &query[span.end..]),
                None if query.is_empty() => format!("{name}={encoded}"),
                None => format!("{query}&{name}={encoded}"),
            };
            head.uri = with_path_and_query(&head.uri, &format!("{}?{query}", head.uri.path()))?;
        }
    }
    Ok(())
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

/// Where in the query the values of a parameter stand.
#[must_use]
pub fn query_spans(uri: &Uri, name: &str) -> Vec<Range<usize>> {
    let (mut at, mut spans) = (0, Vec::new());
    for pair in uri.query().unwrap_or("").split('&') {
        let (key, value_at) = pair.find('=').map_or((pair, pair.len()), |i| (&pair[..i], i + 1));
        if percent_encoding::percent_decode_str(key).eq(name.bytes()) {
            spans.push(at + value_at..at + pair.len());
        }
        at += pair.len() + 1;
    }
    spans
}

fn sensitive(text: &[u8]) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_bytes(text).map_err(|_| "the value cannot stand in a header")?;
    value.set_sensitive(true);
    Ok(value)
}

fn one_header<'a>(head: &'a RequestHead, name: &str) -> Result<Option<&'a HeaderValue>, ()> {
    let mut all = head.headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        _ => Err(()),
    }
}

/// What follows the scheme, compared without case; `None` when the scheme is another.
fn after_scheme<'a>(value: &'a [u8], scheme: Option<&str>) -> Option<&'a [u8]> {
    let value = value.trim_ascii();
    let Some(scheme) = scheme else { return Some(value) };
    let (head, rest) = value.split_at_checked(scheme.len())?;
    let spaced = rest.is_empty() || rest[0].is_ascii_whitespace();
    (head.eq_ignore_ascii_case(scheme.as_bytes()) && spaced).then(|| rest.trim_ascii())
}

/// User and password of a Basic credential.
fn basic(value: &HeaderValue) -> Option<(Vec<u8>, Secret)> {
    let pair = BASE64.decode(after_scheme(value.as_bytes(), Some("Basic"))?).ok()?;
    let colon = pair.iter().position(|b| *b == b':')?;
    Some((pair[..colon].to_vec(), Secret::from(&pair[colon + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str, headers: &[(&str, &str)]) -> RequestHead {
        let mut b = http::Request::builder().uri(uri);
        for (n, v) in headers {
            b = b.header(*n, *v);
        }
        b.body(()).unwrap().into_parts().0
    }

    fn bearer() -> Slot {
        Slot::Header { name: "authorization".into(), scheme: Some("Bearer".into()) }
    }

    #[test]
    fn bearer_is_read_and_filled() {
        let mut h = head("/", &[("authorization", "bearer  abc ")]);
        assert_eq!(occupant(&h, &bearer()), Occupant::One("abc".into()));
        fill(&mut h, &bearer(), &"v".into()).unwrap();
        assert_eq!(h.headers["authorization"], "Bearer v");
        assert_eq!(occupant(&head("/", &[]), &bearer()), Occupant::Nothing);
        assert_eq!(occupant(&head("/", &[("authorization", "Bearer ")]), &bearer()), Occupant::Nothing);
        assert_eq!(occupant(&head("/", &[("authorization", "")]), &bearer()), Occupant::Nothing);
        assert_eq!(occupant(&head("/", &[("authorization", "Basic eDp5")]), &bearer()), Occupant::Unclear);
        let twice = head("/", &[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert_eq!(occupant(&twice, &bearer()), Occupant::Unclear);
        assert!(fill(&mut h, &bearer(), &"a\r\nb".into()).is_err());
    }

    #[test]
    fn basic_keeps_the_agents_user() {
        let slot = Slot::Basic { user: "x".into() };
        let mut h = head("/", &[("authorization", &format!("Basic {}", BASE64.encode(b"me:ph")))]);
        assert_eq!(occupant(&h, &slot), Occupant::One("ph".into()));
        fill(&mut h, &slot, &"v:w".into()).unwrap();
        assert_eq!(h.headers["authorization"], format!("Basic {}", BASE64.encode(b"me:v:w")).as_str());
    }

    #[test]
    fn query_values_are_swapped_where_they_stand() {
        let slot = Slot::Query { name: "key".into() };
        let mut h = head("/p?a=1&key=old&b=2", &[]);
        assert_eq!(occupant(&h, &slot), Occupant::One("old".into()));
        fill(&mut h, &slot, &"n&w".into()).unwrap();
        assert_eq!(h.uri, "/p?a=1&key=n%26w&b=2");
        let mut h = head("https://h/p", &[]);
        fill(&mut h, &slot, &"v".into()).unwrap();
        assert_eq!(h.uri, "https://h/p?key=v");
        assert_eq!(occupant(&head("/p?key=a&k%65y=b", &[]), &slot), Occupant::Unclear);
    }
}
