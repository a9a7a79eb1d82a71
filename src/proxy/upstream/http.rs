//! Sends a cleared request, on a kept connection where there is one. A kept connection that the other side has closed
//! meanwhile costs one more dial, never the request: only what was not written is sent again.

use super::dial;
use super::pool::{Key, Sender};
use crate::base::host::Authority;
use crate::pipeline::{Cleared, Denial, Exchange, RequestHead, Scheme};
use crate::proxy::body::Body;
use crate::proxy::live::Live;
use crate::proxy::serve::{Local, Way};
use crate::proxy::tls::dial::{Offer, denial, wants_other_protocol};
use crate::telemetry::metrics::Metric;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRAILER, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};

/// An answer's head and body, and the connection it comes on.
pub(in crate::proxy) struct Answer {
    pub(in crate::proxy) response: Response<Incoming>,
    /// Goes back to where it can be used again, once the answer has been read.
    pub(in crate::proxy) lease: Option<Lease>,
}

/// An HTTP/1.1 connection on which an answer is still coming.
pub(in crate::proxy) struct Lease {
    pub(in crate::proxy) key: Key,
    pub(in crate::proxy) sender: http1::SendRequest<Body>,
}

/// Sends, and waits for the answer's head.
///
/// # Errors
/// The denial.
pub(in crate::proxy) async fn send(
    way: &Rc<Way>,
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    head: Cleared<RequestHead>,
    body: Body,
) -> Result<Answer, Denial> {
    let key = Key { scheme: ex.scheme, to: ex.authority.clone(), era: live.era };
    let prefers_two = head.get().version == Version::HTTP_2;
    let mut request = Request::from_parts(head.into_inner(), body);
    let kept = if prefers_two { way.worker.pool.shared(&key) } else { None };
    let mut kept = kept.or_else(|| way.kept.take(&key)).or_else(|| way.worker.pool.take(&key));
    if !prefers_two && kept.is_none() {
        kept = way.worker.pool.shared(&key);
    }
    let patience = live.limits.timeouts.response;
    if let Some(sender) = kept {
        Metric::Reused.inc();
        match in_time(way, patience, attempt(sender, &key, ex, request)).await? {
            Ok(answer) => return Ok(answer),
            Err(Failed { unsent: Some(again), .. }) => request = *again,
            Err(Failed { why, .. }) => return Err(why),
        }
    }
    let offer = if prefers_two { Offer::TwoOrOne } else { Offer::One };
    // boxed: rare, and large enough to make every exchange large
    let sender = Box::pin(connect(way, live, &key, offer)).await?;
    match in_time(way, patience, attempt(sender, &key, ex, request)).await? {
        Ok(answer) => Ok(answer),
        Err(Failed { why, .. }) => Err(why),
    }
}

/// The answer, or a denial when patience is over.
async fn in_time<T>(way: &Way, patience: Duration, answer: impl Future<Output = T>) -> Result<T, Denial> {
    let until = Instant::now() + patience;
    let mut timer = way.patience.take().unwrap_or_else(|| Box::pin(sleep_until(until)));
    timer.as_mut().reset(until);
    tokio::select! {
        biased;
        answer = answer => {
            way.patience.set(Some(timer));
            Ok(answer)
        }
        () = timer.as_mut() => Err(late()),
    }
}

fn late() -> Denial {
    Denial::upstream("upstream_timeout", "The destination did not answer in time.")
}

struct Failed {
    why: Denial,
    unsent: Option<Box<Request<Body>>>,
}

async fn attempt(sender: Sender, key: &Key, ex: &Exchange, request: Request<Body>) -> Result<Answer, Failed> {
    match sender {
        Sender::One(mut sender) => {
            if sender.ready().await.is_err() {
                return Err(Failed { why: gone(ex, "before the request"), unsent: Some(Box::new(request)) });
            }
            match sender.try_send_request(origin_form(request, &key.to, key.scheme)).await {
                Ok(response) => Ok(Answer { response, lease: Some(Lease { key: key.clone(), sender }) }),
                Err(e) => Err(failed(ex, e)),
            }
        }
        Sender::Two(mut sender) => {
            if sender.ready().await.is_err() {
                return Err(Failed { why: gone(ex, "before the request"), unsent: Some(Box::new(request)) });
            }
            match sender.try_send_request(absolute_form(request, &key.to, key.scheme)).await {
                Ok(response) => Ok(Answer { response, lease: None }),
                Err(e) => Err(failed(ex, e)),
            }
        }
    }
}

fn failed(ex: &Exchange, mut e: hyper::client::conn::TrySendError<Request<Body>>) -> Failed {
    let unsent = e.take_message().map(Box::new);
    Failed { why: gone(ex, &e.error().to_string()), unsent }
}

/// Upstream went away; or a ruling on the request's body took the request back, which is then the reason.
fn gone(ex: &Exchange, why: &str) -> Denial {
    ex.refusal().unwrap_or_else(|| {
        tracing::debug!(exchange = %ex.id, %why, "upstream failed");
        Denial::upstream("upstream_failed", "The destination closed the connection without an answer.")
    })
}

/// Opens a connection and starts its task.
async fn connect(way: &Rc<Way>, live: &Arc<Live>, key: &Key, offer: Offer) -> Result<Sender, Denial> {
    if key.scheme == Scheme::Http {
        let tcp = dial::tcp(&live.outlet, &key.to).await?;
        return one(tcp).await;
    }
    let times = &live.limits.timeouts;
    let mut offer = offer;
    loop {
        let tcp = dial::tcp(&live.outlet, &key.to).await?;
        let opened = timeout(times.handshake, live.outlet.dialer.handshake(&key.to.host, tcp, offer)).await;
        let tls = match opened {
            Ok(Ok(tls)) => tls,
            Ok(Err(why)) if offer == Offer::One && wants_other_protocol(&why) => {
                offer = Offer::TwoOrOne;
                continue;
            }
            Ok(Err(why)) => return Err(denial(&why)),
            Err(_) => {
                return Err(Denial::upstream("upstream_timeout", "TLS with the destination took too long."));
            }
        };
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            return two(way, key, tls).await;
        }
        return one(tls).await;
    }
}

async fn one<S>(stream: S) -> Result<Sender, Denial>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // the request's names go out in one case whatever the agent wrote: upper and lower could spell a value there
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).title_case_headers(true);
    let (sender, conn) = builder.handshake(TokioIo::new(stream)).await.map_err(|e| {
        Denial::upstream("upstream_failed", format!("The destination does not speak HTTP/1.1 ({e})."))
    })?;
    tokio::task::spawn_local(async move {
        if let Err(why) = conn.await {
            tracing::debug!(%why, "an upstream connection ended");
        }
    });
    Ok(Sender::One(sender))
}

async fn two<S>(way: &Rc<Way>, key: &Key, stream: S) -> Result<Sender, Denial>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, conn) = http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(8 * 1024 * 1024)
        .max_frame_size(64 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| {
            Denial::upstream("upstream_failed", format!("The destination does not speak HTTP/2 ({e})."))
        })?;
    tokio::task::spawn_local(async move {
        if let Err(why) = conn.await {
            tracing::debug!(%why, "an upstream connection ended");
        }
    });
    way.worker.pool.share(key.clone(), sender.clone());
    Ok(Sender::Two(sender))
}

/// For HTTP/1.1: path and query in the request line, the authority in `Host`.
fn origin_form(mut request: Request<Body>, to: &Authority, scheme: Scheme) -> Request<Body> {
    *request.version_mut() = Version::HTTP_11;
    let target = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    // hyper drops the body of a GET unless it is told that there is one, and trailers that are not announced
    if let Some(names) = request.body().trailer_names() {
        request.headers_mut().insert(TRAILER, names);
    }
    if http_body::Body::size_hint(request.body()).exact().is_none() {
        request.headers_mut().remove(CONTENT_LENGTH);
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if !request.headers().contains_key(HOST)
        && let Some(host) = host_value(to, scheme)
    {
        request.headers_mut().insert(HOST, host);
    }
    request
}

/// For HTTP/2: the authority in the URI, no `Host`.
fn absolute_form(mut request: Request<Body>, to: &Authority, scheme: Scheme) -> Request<Body> {
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().remove(HOST);
    let mut parts = request.uri().clone().into_parts();
    parts.scheme =
        Some(if scheme == Scheme::Https { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
    parts.authority = host_value(to, scheme).and_then(|h| http::uri::Authority::try_from(h.as_bytes()).ok());
    parts.path_and_query = Some(parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

pub(in crate::proxy) fn host_value(to: &Authority, scheme: Scheme) -> Option<HeaderValue> {
    let text = if to.port == scheme.default_port() { to.host.to_string() } else { to.to_string() };
    HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
}
