//! CONNECT: the destination is ruled on, then the tunnel is passed through untouched, opened for interception, or
//! refused. What speaks neither TLS nor HTTP inside is refused, never passed through unseen.

use super::authority;
use super::connection;
use super::headers;
use super::listener::Worker;
use super::opening::{self, Opening};
use super::pace::Pace;
use super::reply;
use super::serve::{self, Http, Misdirected, Way};
use super::tls;
use super::tunnel;
use super::wire::{Rewind, Wire};
use crate::base::host::Authority;
use crate::pipeline::{Client, Denial, Exchange, Outcome, Ruling, Scheme, nowhere};
use bytes::BytesMut;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection Established\r\n\r\n";

/// Serves a connection that began with this CONNECT head; `ahead` is what the client sent behind it already.
pub(super) async fn serve(
    worker: Rc<Worker>,
    mut wire: Wire,
    client: Client,
    head: BytesMut,
    ahead: BytesMut,
) {
    let asked = target(&head);
    let authority = asked.as_ref().map_or_else(|_| nowhere(), Clone::clone);
    let ex = open(&worker, client.clone(), authority.clone());
    let live = worker.shared.live.load_full();
    let ruling =
        match asked.and_then(|_| headers::check_loop_raw(&head, &worker.shared.via_key, &authority.host)) {
            Ok(()) => live.pipeline.connect(&ex).await,
            Err(denial) => Ruling::Refuse(ex.refuse(denial)),
        };
    match ruling {
        Ruling::Refuse(denial) => {
            connection::refuse(&mut wire, &ex, denial).await;
        }
        Ruling::Untouched(to) => tunnel::run(&live, &ex, to, wire, ahead).await,
        Ruling::Forward(to) => {
            if wire.write_all(ESTABLISHED).await.is_ok() {
                intercept(worker, wire, client, to.into_inner(), ahead, ex).await;
            } else {
                ex.conclude(Outcome::Cancelled);
            }
        }
    }
}

fn open(worker: &Worker, client: Client, authority: Authority) -> Arc<Exchange> {
    let uri = http::Uri::from_static("/");
    worker.shared.book.open(client, authority, Scheme::Https, http::Method::CONNECT, uri)
}

/// The authority a CONNECT head names. Its `Host`, if there is one, must say the same.
fn target(head: &[u8]) -> Result<Authority, Denial> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(reply::head_too_large()),
        _ => return Err(authority::malformed("The CONNECT request cannot be read.")),
    }
    let named = Authority::parse(request.path.unwrap_or(""), None)
        .map_err(|why| authority::malformed(format!("The CONNECT target is no host and port: {why}.")))?;
    for field in request.headers.iter().filter(|f| f.name.eq_ignore_ascii_case("host")) {
        let text = std::str::from_utf8(field.value).unwrap_or("");
        let host = Authority::parse(text, Some(named.port));
        if host.as_ref() != Ok(&named) {
            return Err(authority::disagree("Host", "the CONNECT target"));
        }
    }
    Ok(named)
}

/// Looks at what the client begins to speak, and serves it.
async fn intercept(
    worker: Rc<Worker>,
    mut wire: Wire,
    client: Client,
    authority: Authority,
    mut ahead: BytesMut,
    ex: Arc<Exchange>,
) {
    let times = worker.shared.live.load().limits.timeouts.clone();
    let mut draining = worker.draining.clone();
    let opening = tokio::select! {
        opening = timeout(times.headers, opening::peek(&mut wire, &mut ahead)) => opening,
        _ = draining.wait_for(|d| *d) => return ex.conclude(Outcome::Opened),
    };
    let pace = Pace::new();
    match opening {
        Ok(Ok(Opening::Tls)) => {
            let io = Rewind::new(ahead.freeze(), wire);
            let accepted = timeout(times.handshake, worker.shared.acceptor.accept(io, &authority.host)).await;
            match accepted {
                Ok(Ok(accepted)) => {
                    ex.conclude(Outcome::Opened);
                    drop(ex);
                    let mut way = Way::tunnel(worker, client, authority, Scheme::Https, pace);
                    way.misdirected = accepted.misdirected.then_some(Misdirected::Sni);
                    serve::http(Rc::new(way), accepted.stream, accepted.http).await;
                }
                Ok(Err(why)) => {
                    ex.reason(format!("TLS with the client failed: {why}"));
                    ex.conclude(Outcome::Failed(tls::accept::code(&why)));
                }
                Err(_) => ex.conclude(Outcome::Failed("tls_client_timeout")),
            }
        }
        Ok(Ok(kind @ (Opening::Http1 | Opening::Http2))) => {
            ex.conclude(Outcome::Opened);
            drop(ex);
            let way = Way::tunnel(worker, client, authority, Scheme::Http, pace);
            let http = if kind == Opening::Http2 { Http::Two } else { Http::One };
            serve::http(Rc::new(way), Rewind::new(ahead.freeze(), wire), http).await;
        }
        Ok(Ok(Opening::Unknown)) if ahead.is_empty() => ex.conclude(Outcome::Cancelled),
        Ok(Ok(Opening::Unknown)) => {
            ex.refuse(Denial::forbidden(
                "opening",
                "protocol_unknown",
                "protocol",
                "What follows CONNECT is neither TLS nor HTTP.",
                "If the host must be reached untouched, the operator lists it under proxy.ignore_hosts.",
            ));
        }
        Ok(Err(_)) => ex.conclude(Outcome::Cancelled),
        Err(_) => {
            ex.refuse(Denial::forbidden(
                "opening",
                "opening_timeout",
                "proxy.limits.timeouts.headers",
                "The client opened a tunnel and said nothing.",
                "Protocols in which the server speaks first are not passed through.",
            ));
        }
    }
}
