//! katana's own calls, to token endpoints: the same guard, names, addresses and TLS as an agent's requests, one connection
//! each, and an answer of a size that a token has.

use super::dial;
use super::http::host_value;
use crate::base::secret::Secret;
use crate::broker::{Answer, Call, Error};
use crate::pipeline::tokens::{Answering, Caller};
use crate::pipeline::{Denial, Scheme};
use crate::proxy::live::Outlet;
use crate::proxy::tls;
use crate::proxy::tls::dial::Offer;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// An answer larger than this is none.
const MOST: usize = 256 * 1024;
/// A request waits for this; it is not the agent's patience that counts.
const PATIENCE: Duration = Duration::from_secs(30);

impl Caller for Outlet {
    fn call(self: Arc<Self>, call: Call) -> Answering {
        Box::pin(async move {
            let patience = self.timeouts.response.min(PATIENCE);
            match timeout(patience, exchange(&self, call)).await {
                Ok(answer) => answer,
                Err(_) => Err(unreachable("upstream_timeout", "it did not answer in time")),
            }
        })
    }
}

async fn exchange(outlet: &Outlet, call: Call) -> Result<Answer, Error> {
    outlet.guard.name(&call.to.host, call.to.port).map_err(denied)?;
    let tcp = dial::tcp(outlet, &call.to).await.map_err(denied)?;
    let opened = timeout(outlet.timeouts.handshake, outlet.dialer.handshake(&call.to.host, tcp, Offer::One));
    let tls = match opened.await {
        Ok(Ok(tls)) => tls,
        Ok(Err(why)) => return Err(denied(tls::dial::denial(&why))),
        Err(_) => return Err(unreachable("upstream_timeout", "TLS took too long")),
    };
    let mut builder = http1::Builder::new();
    let handshake = builder.title_case_headers(true).handshake(TokioIo::new(tls));
    let (mut sender, connection) = handshake.await.map_err(|_| broken())?;
    let connection = tokio::spawn(async move {
        if let Err(why) = connection.await {
            tracing::debug!(%why, "the connection of a token call ended");
        }
    });
    let answer = async {
        let answer = sender.send_request(request(&call)?).await.map_err(|_| broken())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(|_| Error::Unreadable("it broke off, or is larger than 256 KiB"))?;
        Ok(Answer { status, body: Secret::new(Vec::from(body.to_bytes())) })
    }
    .await;
    connection.abort();
    answer
}

fn request(call: &Call) -> Result<Request<Full<Bytes>>, Error> {
    let body = Bytes::copy_from_slice(call.body.expose());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = call.path.parse().map_err(|_| broken())?;
    let headers = request.headers_mut();
    headers.insert(HOST, host_value(&call.to, Scheme::Https).ok_or_else(broken)?);
    headers.insert(CONTENT_LENGTH, call.body.len().into());
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in &call.headers {
        let mut value = HeaderValue::from_bytes(value.expose()).map_err(|_| broken())?;
        value.set_sensitive(true);
        headers.insert(*name, value);
    }
    Ok(request)
}

fn denied(denial: Denial) -> Error {
    Error::Unreachable { code: denial.code, why: denial.message.into_owned() }
}

fn broken() -> Error {
    unreachable("upstream_failed", "it closed the connection without an answer")
}

fn unreachable(code: &'static str, why: &str) -> Error {
    Error::Unreachable { code, why: why.to_owned() }
}
