//! A denial as an answer: the one place that writes a status of katana's own.

use super::body::Body;
use crate::pipeline::{Denial, Exchange, OwnAnswer};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};

const VERDICT: HeaderName = HeaderName::from_static("x-katana-verdict");
const CODE: HeaderName = HeaderName::from_static("x-katana-code");
const EXCHANGE: HeaderName = HeaderName::from_static("x-katana-exchange");

/// The answer to a refused exchange. gRPC clients get theirs in gRPC's own words.
pub(super) fn refusal(ex: &std::sync::Arc<Exchange>, denial: &Denial, grpc: bool) -> Response<Body> {
    let id = ex.id.to_string();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(VERDICT, HeaderValue::from_static("deny"));
    headers.insert(CODE, HeaderValue::from_static(denial.code));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(EXCHANGE, id);
    }
    if grpc {
        ex.answered(200);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        grpc_status(headers, denial);
        return response;
    }
    ex.answered(denial.status);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.status_mut() = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::FORBIDDEN);
    if ex.method != Method::HEAD {
        *response.body_mut() = Body::full(Bytes::from(json(denial, &id)));
    }
    response
}

/// An answer of katana's own that is no denial.
pub(super) fn own(ex: &std::sync::Arc<Exchange>, answer: OwnAnswer) -> Response<Body> {
    let mut response = Response::new(Body::full(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(VERDICT, HeaderValue::from_static("answered"));
    if let Ok(id) = HeaderValue::from_str(&ex.id.to_string()) {
        headers.insert(EXCHANGE, id);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ex.answered(answer.status);
    response
}

/// 7: PERMISSION_DENIED, 14: UNAVAILABLE where it is not the agent's doing.
fn grpc_status(headers: &mut HeaderMap, denial: &Denial) {
    let status = if matches!(denial.status, 502 | 503) { "14" } else { "7" };
    headers.insert("grpc-status", HeaderValue::from_static(status));
    let message = percent_encoding::utf8_percent_encode(&denial.message, percent_encoding::NON_ALPHANUMERIC)
        .to_string();
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert("grpc-message", message);
    }
}

/// The same answer written out for HTTP/1.1, where no HTTP server is at hand; the connection is to be closed.
pub(super) fn bytes(denial: &Denial, ex: &Exchange) -> Vec<u8> {
    let id = ex.id.to_string();
    let body = json(denial, &id);
    let status = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::FORBIDDEN);
    format!(
        "HTTP/1.1 {} {}\r\nx-katana-verdict: deny\r\nx-katana-code: {}\r\nx-katana-exchange: {id}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        status.as_str(),
        status.canonical_reason().unwrap_or("Denied"),
        denial.code,
        body.len()
    )
    .into_bytes()
}

fn json(denial: &Denial, id: &str) -> String {
    serde_json::json!({ "error": {
        "code": denial.code,
        "message": denial.message,
        "rule": denial.rule,
        "exchange": id,
        "remedy": denial.remedy,
    }})
    .to_string()
        + "\n"
}

/// 431: a head over the limits.
pub(super) fn head_too_large() -> Denial {
    Denial::forbidden(
        "headers",
        "head_too_large",
        "proxy.limits.header_bytes",
        "The request's head is larger than proxy.limits allows.",
        "Send fewer or shorter headers.",
    )
    .with_status(431)
}

/// 408: a head that was begun and not finished.
pub(super) fn head_timeout() -> Denial {
    Denial::forbidden(
        "connection",
        "head_timeout",
        "proxy.limits.timeouts.headers",
        "The request's head did not arrive in time.",
        "Send the whole head at once.",
    )
    .with_status(408)
}
