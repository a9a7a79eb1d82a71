//! Slots in header fields: a header with its scheme, either half of Basic credentials, one cookie.

use super::Occupant;
use crate::base::secret::Secret;
use crate::pipeline::RequestHead;
use data_encoding::BASE64;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue};
use std::ops::Range;
use zeroize::Zeroizing;

/// What is shorter is no placeholder.
const LEAST: usize = 8;

/// Which half of Basic credentials is the slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    User,
    Password,
}

pub(super) fn header(head: &RequestHead, name: &str, scheme: Option<&str>) -> Occupant {
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

pub(super) fn put_header(
    head: &mut RequestHead,
    name: &str,
    scheme: Option<&str>,
    value: &Secret,
) -> Result<(), &'static str> {
    let name: HeaderName = name.parse().map_err(|_| "the slot's header name is not one")?;
    let scheme =
        scheme.map_or_else(String::new, |s| if s.ends_with('=') { s.to_owned() } else { format!("{s} ") });
    let text = Zeroizing::new([scheme.as_bytes(), value.expose()].concat());
    head.headers.insert(name, sensitive(&text)?);
    Ok(())
}

pub(super) fn basic(head: &RequestHead, half: Half) -> Occupant {
    match one_header(head, AUTHORIZATION.as_str()) {
        Ok(None) => Occupant::Nothing,
        Ok(Some(value)) if value.as_bytes().trim_ascii().is_empty() => Occupant::Nothing,
        Ok(Some(value)) => match decoded(value) {
            Some((user, password)) => {
                let (own, other) = if half == Half::User { (user, password) } else { (password, user) };
                match own.is_empty() {
                    true => Occupant::Nothing,
                    // whatever the other half is, it is not to carry off what belongs in this one
                    false
                        if own.len() >= LEAST
                            && memchr::memmem::find(other.expose(), own.expose()).is_some() =>
                    {
                        Occupant::Unclear
                    }
                    false => Occupant::One(own),
                }
            }
            None => Occupant::Unclear,
        },
        Err(()) => Occupant::Unclear,
    }
}

/// `other`: the half that is no secret, where the agent sends none of its own.
pub(super) fn put_basic(
    head: &mut RequestHead,
    half: Half,
    other: &str,
    value: &Secret,
) -> Result<(), &'static str> {
    let sent = one_header(head, AUTHORIZATION.as_str()).ok().flatten().and_then(decoded);
    let kept = sent.map_or_else(|| Secret::from(other), |(u, p)| if half == Half::User { p } else { u });
    let (user, password) = match half {
        Half::User if value.expose().contains(&b':') => return Err("the value would end the user name"),
        Half::User => (value, &kept),
        Half::Password => (&kept, value),
    };
    let pair = Zeroizing::new([user.expose(), b":", password.expose()].concat());
    let text = Zeroizing::new(format!("Basic {}", BASE64.encode(&pair)));
    head.headers.insert(AUTHORIZATION, sensitive(text.as_bytes())?);
    Ok(())
}

pub(super) fn cookie(head: &RequestHead, name: &str) -> Occupant {
    if one_header(head, COOKIE.as_str()).is_err() {
        return Occupant::Unclear; // lines are joined before any stage sees them: whatever this is, it is no plain cookie
    }
    match cookie_spans(head, name).as_slice() {
        [] => Occupant::Nothing,
        [span] => {
            let all = head.headers.get(COOKIE).map_or(&[][..], HeaderValue::as_bytes);
            match &all[span.clone()] {
                [] => Occupant::Nothing,
                value => Occupant::One(Secret::from(value)),
            }
        }
        _ => Occupant::Unclear,
    }
}

/// Where in the one `Cookie` header the values of this cookie stand, quotes left out.
pub(super) fn cookie_spans(head: &RequestHead, name: &str) -> Vec<Range<usize>> {
    let Ok(Some(all)) = one_header(head, COOKIE.as_str()) else { return Vec::new() };
    let (mut at, mut spans) = (0, Vec::new());
    for pair in all.as_bytes().split(|b| *b == b';') {
        let equals = pair.iter().position(|b| *b == b'=');
        if let Some(equals) = equals.filter(|e| pair[..*e].trim_ascii() == name.as_bytes()) {
            let value = pair[equals + 1..].trim_ascii();
            let start =
                at + equals + 1 + pair[equals + 1..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let quoted = value.len() >= 2 && value.starts_with(b"\"") && value.ends_with(b"\"");
            let inset = usize::from(quoted);
            spans.push(start + inset..start + value.len() - inset);
        }
        at += pair.len() + 1;
    }
    spans
}

pub(super) fn put_cookie(head: &mut RequestHead, name: &str, value: &Secret) -> Result<(), &'static str> {
    let spans = cookie_spans(head, name);
    let all = head.headers.get(COOKIE).map_or(&[][..], HeaderValue::as_bytes);
    let text = Zeroizing::new(match spans.first() {
        Some(span) => [&all[..span.start], value.expose(), &all[span.end..]].concat(),
        None if all.trim_ascii().is_empty() => [name.as_bytes(), b"=", value.expose()].concat(),
        None => [all, b"; ", name.as_bytes(), b"=", value.expose()].concat(),
    });
    let text = sensitive(&text)?;
    head.headers.insert(COOKIE, text);
    Ok(())
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
    let spaced = rest.is_empty() || rest[0].is_ascii_whitespace() || scheme.ends_with('=');
    (head.eq_ignore_ascii_case(scheme.as_bytes()) && spaced).then(|| rest.trim_ascii())
}

/// User and password of a Basic credential.
fn decoded(value: &HeaderValue) -> Option<(Secret, Secret)> {
    let pair = Zeroizing::new(BASE64.decode(after_scheme(value.as_bytes(), Some("Basic"))?).ok()?);
    let colon = pair.iter().position(|b| *b == b':')?;
    Some((Secret::from(&pair[..colon]), Secret::from(&pair[colon + 1..])))
}
