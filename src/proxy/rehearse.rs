//! The way out without a wire: what would be sent for a request, by the very code that sends it. Nothing is resolved,
//! dialled or sent.

use super::authority;
use super::body::source::Source;
use super::forward::{Outward, outward};
use super::live::Live;
use crate::base::host::Authority;
use crate::pipeline::{Denial, Exchange, RequestHead};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;

/// The head and body that would go to upstream.
///
/// # Errors
/// The denial the client would get.
pub async fn request(
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    head: RequestHead,
    body: Bytes,
) -> Result<(RequestHead, Bytes), Denial> {
    authority::agree_with_host(&ex.authority, ex.scheme, &head.headers, true).map_err(|d| ex.refuse(d))?;
    let out = outward(live, ex, NOBODY, &Cell::new(None), head, Source::given(body)).await?;
    let (head, mut body) = match out {
        Outward::Send(head, body) => (head.into_inner(), body),
        Outward::Answered(answer) => (http::Request::new(()).into_parts().0, answer.into_body()),
    };
    let mut sent = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => sent.extend_from_slice(frame.data_ref().map_or(&[], |d| d)),
            Err(why) => {
                let broken = || authority::malformed(format!("The body cannot be read ({}).", why.code()));
                return Err(ex.refusal().unwrap_or_else(broken));
            }
        }
    }
    Ok((head, sent.freeze()))
}

/// A pseudonym that no process goes by: a rehearsal is no loop.
const NOBODY: &str = "000000000000";

/// What can be said of an address that is not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// It stands in the request or in the configuration, and may be dialled.
    Known(SocketAddr),
    /// The resolver's answer will be judged when it is dialled.
    Unresolved,
}

/// Judges the address as at dial, as far as it is known without asking anyone.
///
/// # Errors
/// The denial.
pub fn dial(live: &Live, to: &Authority) -> Result<Dial, Denial> {
    let literal = to.host.addr().map(|ip| SocketAddr::new(ip, to.port));
    match live.outlet.overrides.find(to).or(literal) {
        Some(addr) => live.outlet.guard.address(&to.host, addr).map(|()| Dial::Known(addr)),
        None => Ok(Dial::Unresolved),
    }
}
