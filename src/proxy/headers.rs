//! What must not be passed on: hop-by-hop headers, everything that speaks to a proxy, forged mediation headers; and the
//! `Via` that finds loops without telling an origin who is there.

use super::authority::malformed;
use super::reply;
use crate::base::host::Host;
use crate::config::Limits;
use crate::pipeline::Denial;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// Named in `Connection` by someone who wants them gone: end-to-end all the same.
const KEPT: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::COOKIE,
];

/// Readies a request's headers to go on.
///
/// # Errors
/// A denial for a head over the limits, a loop, an upgrade, or a framing that has two readings.
pub(super) fn sanitize_request(headers: &mut HeaderMap, limits: &Limits, via: &str) -> Result<(), Denial> {
    check_size(headers, limits)?;
    if headers
        .get_all(header::TRANSFER_ENCODING)
        .iter()
        .any(|v| !v.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(malformed("The request has a transfer coding other than chunked."));
    }
    if headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(malformed("The request has more than one Content-Length."));
    }
    if headers
        .get_all(header::VIA)
        .iter()
        .any(|v| memchr::memmem::find(v.as_bytes(), via.as_bytes()).is_some())
    {
        return Err(looped());
    }
    if headers.get(header::UPGRADE).is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"h2c")) {
        return Err(Denial::forbidden(
            "headers",
            "upgrade_refused",
            "protocol",
            "A change of protocol inside a connection cannot be looked into.",
            "Use plain HTTP requests; the operator can list the host under proxy.ignore_hosts.",
        ));
    }
    join_cookies(headers);
    let trailers = wants_trailers(headers);
    strip_hop_by_hop(headers);
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    narrow_accept_encoding(headers);
    let pseudonym = HeaderValue::from_str(&format!("1.1 {via}"))
        .map_err(|_| malformed("The request cannot be marked."))?;
    headers.append(header::VIA, pseudonym);
    Ok(())
}

/// Readies a response's headers to go back. Nothing but the hop's own is touched.
pub(super) fn sanitize_response(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
}

fn check_size(headers: &HeaderMap, limits: &Limits) -> Result<(), Denial> {
    let bytes: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
    if headers.len() > limits.header_count || bytes > limits.header_bytes {
        Err(reply::head_too_large())
    } else {
        Ok(())
    }
}

/// HTTP/2 may split a cookie header over fields; HTTP/1.1 has one (RFC 9113 §8.2.3). They
/// are joined before anybody looks for what is split over them.
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_some() {
        let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            headers.insert(header::COOKIE, joined);
        }
    }
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::TE)
        .iter()
        .any(|v| v.to_str().is_ok_and(|t| t.split(',').any(|p| p.trim().eq_ignore_ascii_case("trailers"))))
}

/// Takes out what is of this hop, and what `Connection` says is.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let mut gone: Vec<HeaderName> = headers.keys().filter(|n| is_of_the_hop(n.as_str())).cloned().collect();
    if gone.contains(&header::CONNECTION) {
        let values = headers.get_all(header::CONNECTION).iter().filter_map(|v| v.to_str().ok());
        let nominated = values.flat_map(|v| v.split(',')).filter_map(|n| n.trim().parse().ok());
        gone.extend(nominated.filter(|n| !KEPT.contains(n)));
    }
    for name in gone {
        headers.remove(name);
    }
}

/// Hop-by-hop by name (RFC 9110 §7.6.1), whatever `Connection` says; `Proxy-*` is between client and proxy, and
/// `x-katana-*` is for katana to say.
fn is_of_the_hop(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'c') => name == "connection",
        Some(b'e') => name == "expect",
        Some(b'h') => name == "http2-settings",
        Some(b'k') => name == "keep-alive",
        Some(b'p') => name.starts_with("proxy-"),
        Some(b't') => matches!(name, "te" | "transfer-encoding"),
        Some(b'u') => name == "upgrade",
        Some(b'x') => name.starts_with("x-katana-"),
        _ => false,
    }
}

/// Upstream is only offered codings that can be looked through.
fn narrow_accept_encoding(headers: &mut HeaderMap) {
    let Some(value) = headers.get(header::ACCEPT_ENCODING) else { return };
    let known = |part: &str| {
        let name = part.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        matches!(name.as_str(), "gzip" | "x-gzip" | "deflate" | "br" | "zstd" | "identity" | "")
    };
    let text = value.to_str().unwrap_or("");
    if headers.get_all(header::ACCEPT_ENCODING).iter().count() == 1 && text.split(',').all(known) {
        return;
    }
    let all: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .filter(|p| known(p) && !p.is_empty())
        .collect();
    let narrowed = if all.is_empty() { "identity".to_owned() } else { all.join(", ") };
    if let Ok(value) = HeaderValue::from_str(&narrowed) {
        headers.insert(header::ACCEPT_ENCODING, value);
    }
}

/// katana's name in `Via`: another one for each process and each host, so that origins cannot compare notes.
pub(super) fn pseudonym(key: &[u8; 16], host: &Host) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(host.to_string());
    let digest = hash.finalize();
    data_encoding::HEXLOWER.encode(&digest[..6])
}

/// The same loop guard for a CONNECT head, which is not parsed into a map.
///
/// # Errors
/// The denial.
pub(super) fn check_loop_raw(head: &[u8], key: &[u8; 16], host: &Host) -> Result<(), Denial> {
    if memchr::memmem::find(head, pseudonym(key, host).as_bytes()).is_some() { Err(looped()) } else { Ok(()) }
}

fn looped() -> Denial {
    Denial::forbidden(
        "headers",
        "loop",
        "via",
        "The request has come through this proxy before.",
        "Check upstream and proxy settings: they lead back here.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut h = HeaderMap::new();
        for (n, v) in pairs {
            h.append(*n, HeaderValue::from_static(v));
        }
        h
    }

    #[test]
    fn hop_by_hop_goes_and_end_to_end_stays() {
        let mut h = map(&[
            ("connection", "close, x-hop, authorization"),
            ("x-hop", "1"),
            ("authorization", "Bearer a"),
            ("proxy-authorization", "Basic x"),
            ("proxy-foo", "x"),
            ("x-katana-verdict", "allow"),
            ("te", "trailers, deflate"),
            ("keep-alive", "5"),
            ("expect", "100-continue"),
            ("accept-encoding", "gzip, dcb, br;q=0.5"),
        ]);
        sanitize_request(&mut h, &Limits::default(), "abc").unwrap();
        let mut names: Vec<_> = h.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "authorization", "te", "via"]);
        assert_eq!(h["te"], "trailers");
        assert_eq!(h["accept-encoding"], "gzip, br;q=0.5");
        assert_eq!(h["via"], "1.1 abc");
        assert_eq!(sanitize_request(&mut h, &Limits::default(), "abc").unwrap_err().code, "loop");
    }

    #[test]
    fn bombs_and_upgrades_are_refused() {
        let mut many = HeaderMap::new();
        for i in 0..101 {
            many.append(
                HeaderName::from_bytes(format!("x-{i}").as_bytes()).unwrap(),
                HeaderValue::from_static("v"),
            );
        }
        assert_eq!(sanitize_request(&mut many, &Limits::default(), "v").unwrap_err().status, 431);
        let mut ws = map(&[("upgrade", "websocket"), ("connection", "upgrade")]);
        assert_eq!(sanitize_request(&mut ws, &Limits::default(), "v").unwrap_err().code, "upgrade_refused");
    }

    #[test]
    fn pseudonyms_differ_by_host_and_process() {
        let (a, b) = (Host::parse("a.test").unwrap(), Host::parse("b.test").unwrap());
        assert_ne!(pseudonym(&[1; 16], &a), pseudonym(&[1; 16], &b));
        assert_ne!(pseudonym(&[1; 16], &a), pseudonym(&[2; 16], &a));
    }
}
