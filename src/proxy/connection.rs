//! One client connection, from its first byte: a CONNECT goes to `connect`, anything else that reads as HTTP is served
//! as a forward proxy's requests, and the rest is refused.

use super::connect;
use super::listener::{Place, Worker};
use super::opening::{self, Opening};
use super::pace::Pace;
use super::reply;
use super::serve::{self, Way};
use super::wire::{Rewind, Wire};
use crate::pipeline::{Client, Denial, Exchange};
use bytes::BytesMut;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Serves a connection to its end.
pub(super) async fn serve(worker: Rc<Worker>, mut wire: Wire, client: Client, place: Place) {
    let limits = worker.shared.live.load().limits.clone();
    let mut draining = worker.draining.clone();
    let mut seen = BytesMut::with_capacity(1024);
    let first = tokio::select! {
        first = timeout(limits.timeouts.headers, first_head(&mut wire, &mut seen, limits.header_bytes)) => first,
        _ = draining.wait_for(|d| *d) => return,
    };
    match first {
        Ok(Ok(First::Connect(head))) => connect::serve(worker, wire, client, head, seen).await,
        Ok(Ok(First::Http(http))) => {
            let way = Way::forward(worker, client, Pace::new());
            serve::http(Rc::new(way), Rewind::new(seen.freeze(), wire), http).await;
        }
        Ok(Ok(First::Refused(denial))) => {
            refuse(&mut wire, &worker.shared.book.open_unread(client, None), denial).await;
        }
        // nothing was ever asked: a port check, a browser's spare connection
        Ok(Ok(First::Nothing)) | Ok(Err(_)) => {}
        Err(_) if seen.is_empty() => {}
        Err(_) => {
            let ex = worker.shared.book.open_unread(client, None);
            refuse(&mut wire, &ex, reply::head_timeout()).await;
        }
    }
    drop(place);
}

/// Tells a client that there is no room, and lets it go.
pub(super) async fn turn_away(worker: &Worker, mut wire: Wire, client: Client, place: Place) {
    let patience = worker.shared.live.load().limits.timeouts.handshake;
    let denial = Denial::forbidden(
        "listener",
        "too_many_connections",
        "proxy.limits.connections",
        "Too many connections are open.",
        "Close some or retry later; the operator sets the limit under proxy.limits.",
    )
    .with_status(429);
    let ex = worker.shared.book.open_unread(client, None);
    let _ = timeout(patience, refuse(&mut wire, &ex, denial)).await;
    drop(place);
}

/// What a connection begins with.
enum First {
    /// A CONNECT head, whole; what follows it stays in the buffer.
    Connect(BytesMut),
    /// Another request.
    Http(serve::Http),
    /// Neither.
    Refused(Denial),
    /// The client said nothing.
    Nothing,
}

async fn first_head(wire: &mut Wire, seen: &mut BytesMut, most: usize) -> std::io::Result<First> {
    match opening::peek(wire, seen).await? {
        Opening::Http2 => return Ok(First::Http(serve::Http::Two)),
        Opening::Tls | Opening::Unknown if seen.is_empty() => return Ok(First::Nothing),
        Opening::Tls | Opening::Unknown => return Ok(First::Refused(not_http())),
        Opening::Http1 if !seen.starts_with(b"CONNECT ") => return Ok(First::Http(serve::Http::One)),
        Opening::Http1 => {}
    }
    loop {
        let end = memchr::memmem::find(seen, b"\r\n\r\n").map(|at| at + 4);
        if end.unwrap_or(seen.len()) > most {
            return Ok(First::Refused(reply::head_too_large()));
        }
        if let Some(end) = end {
            return Ok(First::Connect(seen.split_to(end)));
        }
        if wire.read_buf(seen).await? == 0 {
            return Ok(First::Nothing);
        }
    }
}

/// Answers with a denial and closes.
pub(super) async fn refuse(
    io: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    ex: &Exchange,
    denial: Denial,
) {
    let denial = ex.refuse(denial);
    ex.answered(denial.status);
    if io.write_all(&reply::bytes(&denial, ex)).await.is_ok() {
        refuse_rest(io).await;
    }
}

/// Ends a connection whose answer has been written. The client's unread bytes are taken in for a moment first: closing
/// over them would reset the connection and could cost the client the answer.
pub(super) async fn refuse_rest(io: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) {
    if io.shutdown().await.is_err() {
        return;
    }
    let mut sink = [0; 4096];
    let _ = timeout(std::time::Duration::from_millis(200), async {
        while io.read(&mut sink).await.is_ok_and(|n| n > 0) {}
    })
    .await;
}

fn not_http() -> Denial {
    Denial::forbidden(
        "connection",
        "not_http",
        "protocol",
        "This port speaks HTTP: CONNECT, or requests with an absolute URL.",
        "Set HTTPS_PROXY and HTTP_PROXY to http://HOST:PORT (not https://, not socks://).",
    )
    .with_status(400)
}
