//! Where a request goes, from everything in it that says so. CONNECT authority, TLS server name, `Host` and
//! `:authority` must agree; whatever disagrees is misdirected (421), whatever cannot be read is malformed (400).

use super::serve::{Misdirected, Way};
use crate::base::host::Authority;
use crate::pipeline::{Denial, Scheme};
use http::header::HOST;
use http::{HeaderMap, Method, Uri};
use std::borrow::Cow;

/// Where this request goes.
///
/// # Errors
/// The denial.
pub(super) fn of(
    way: &Way,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Authority, Scheme), Denial> {
    if *method == Method::CONNECT {
        return Err(malformed("CONNECT must be the first request of a connection."));
    }
    let named = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            let scheme = match scheme {
                s if s.eq_ignore_ascii_case("http") => Scheme::Http,
                s if s.eq_ignore_ascii_case("https") => Scheme::Https,
                _ => return Err(malformed("Only http:// and https:// URLs are forwarded.")),
            };
            Some((parse(authority.as_str(), scheme.default_port())?, Some(scheme)))
        }
        (None, Some(authority)) => {
            let port = way.tunnel.as_ref().map_or(443, |(_, s)| s.default_port());
            Some((parse(authority.as_str(), port)?, None))
        }
        _ => None,
    };
    let (to, scheme) = match (&way.tunnel, &named) {
        (Some((tunnel, scheme)), Some((named, said))) => {
            if named != tunnel || said.is_some_and(|s| s != *scheme) {
                return Err(disagree("the request's authority", "the CONNECT target"));
            }
            (tunnel.clone(), *scheme)
        }
        (Some((tunnel, scheme)), None) => (tunnel.clone(), *scheme),
        (None, Some((named, Some(scheme)))) => (named.clone(), *scheme),
        (None, _) => {
            return Err(malformed("This is a forward proxy: requests name their destination in full."));
        }
    };
    if way.misdirected == Some(Misdirected::Sni) {
        return Err(disagree("the TLS server name", "the CONNECT target"));
    }
    agree_with_host(&to, scheme, headers, named.is_some())?;
    Ok((to, scheme))
}

/// `Host` is there once, unless an authority stands in its place, and says the same.
pub(super) fn agree_with_host(
    to: &Authority,
    scheme: Scheme,
    headers: &HeaderMap,
    named: bool,
) -> Result<(), Denial> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if named => Ok(()),
        (None, _) => Err(malformed("The request has no Host.")),
        (Some(_), Some(_)) => Err(malformed("The request has more than one Host.")),
        (Some(host), None) => {
            let text = host.to_str().map_err(|_| malformed("The Host cannot be read."))?;
            if spells(text, to, scheme) || parse(text, scheme.default_port())? == *to {
                Ok(())
            } else {
                Err(disagree("Host", "the authority"))
            }
        }
    }
}

/// Does the text say this authority in the usual spelling? Settles nearly every request without a parse.
fn spells(text: &str, to: &Authority, scheme: Scheme) -> bool {
    let Some(rest) = to.host.name().and_then(|name| text.strip_prefix(name)) else { return false };
    match rest.strip_prefix(':') {
        None => rest.is_empty() && to.port == scheme.default_port(),
        Some(port) => !port.starts_with(['0', '+']) && port.parse() == Ok(to.port),
    }
}

fn parse(text: &str, port: u16) -> Result<Authority, Denial> {
    Authority::parse(text, Some(port))
        .map_err(|why| malformed(format!("The destination is no host and port: {why}.")))
}

/// 400: it cannot be read.
pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Denial {
    Denial::forbidden("authority", "request_malformed", "protocol", message, "Send a well-formed request.")
        .with_status(400)
}

/// 421: two parts of it name different places.
pub(super) fn disagree(one: &'static str, other: &'static str) -> Denial {
    Denial::forbidden(
        "authority",
        "authority_mismatch",
        "authority",
        format!("{one} and {other} name different places."),
        "Open a connection of its own for each destination.",
    )
    .with_status(421)
}
