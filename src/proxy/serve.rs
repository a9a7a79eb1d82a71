//! Serves HTTP/1.1 or HTTP/2 on a client's stream, whatever it came in by: every request becomes one call of `forward`.

use super::body::Body;
use super::connection;
use super::forward::{self, Ruled};
use super::headers;
use super::listener::Worker;
use super::pace::{Late, Pace, Paced};
use super::reply;
use super::upstream::pool::Kept;
use crate::base::host::Authority;
use crate::pipeline::{Client, Scheme};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Sleep;

/// The protocol of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Http {
    /// HTTP/1.1 (or 1.0).
    One,
    /// HTTP/2.
    Two,
}

/// Why everything inside a tunnel is answered 421.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misdirected {
    /// The TLS server name is not the CONNECT authority.
    Sni,
}

/// How a client's requests come: through which connection, towards what.
pub(super) struct Way {
    pub(super) worker: Rc<Worker>,
    pub(super) client: Client,
    /// What CONNECT named, and how it is spoken to; `None`: each request names its own.
    pub(super) tunnel: Option<(Authority, Scheme)>,
    pub(super) misdirected: Option<Misdirected>,
    /// katana's name in `Via` towards the tunnel's host.
    pub(super) via: Option<String>,
    pub(super) pace: Rc<Pace>,
    /// Under what the tunnel's destination was ruled on last.
    pub(super) ruled: Cell<Option<Ruled>>,
    /// Runs while an answer is waited for; moved on from exchange to exchange, since making one costs more.
    pub(super) patience: Cell<Option<Pin<Box<Sleep>>>>,
    /// The upstream connection kept beside this tunnel.
    pub(super) kept: Kept,
}

impl Way {
    pub(super) fn forward(worker: Rc<Worker>, client: Client, pace: Rc<Pace>) -> Self {
        worker.paces.watch(&pace);
        Self {
            worker,
            client,
            tunnel: None,
            misdirected: None,
            via: None,
            ruled: Cell::new(None),
            patience: Cell::new(None),
            pace,
            kept: Kept::default(),
        }
    }

    pub(super) fn tunnel(
        worker: Rc<Worker>,
        client: Client,
        authority: Authority,
        scheme: Scheme,
        pace: Rc<Pace>,
    ) -> Self {
        let mut way = Self::forward(worker, client, pace);
        way.via = Some(headers::pseudonym(&way.worker.shared.via_key, &authority.host));
        way.tunnel = Some((authority, scheme));
        way
    }
}

/// All ways of one thread. An idle one gives its upstream connection back, for others to use or to close.
#[derive(Default)]
pub(super) struct Ways(RefCell<Vec<Weak<Way>>>);

/// A tunnel that is silent this long has no use for a connection of its own.
const UNUSED: Duration = Duration::from_millis(300);

impl Ways {
    fn watch(&self, way: &Rc<Way>) {
        self.0.borrow_mut().push(Rc::downgrade(way));
    }

    pub(super) fn sweep(&self) {
        self.0.borrow_mut().retain(|weak| {
            let Some(way) = weak.upgrade() else { return false };
            way.kept.give_back(&way.worker.pool, UNUSED);
            true
        });
    }
}

/// The upstream connection outlives the tunnel: another client's tunnel to the same place may use it.
impl Drop for Way {
    fn drop(&mut self) {
        self.kept.give_back(&self.worker.pool, Duration::ZERO);
    }
}

/// Serves until the client leaves, is let go for its silence, or the proxy drains.
pub(super) async fn http<S>(way: Rc<Way>, stream: S, http: Http)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    way.worker.ways.watch(&way);
    let io = TokioIo::new(Paced::new(stream, way.pace.clone()));
    match http {
        Http::One => one(way, io).await,
        Http::Two => two(way, io).await,
    }
}

async fn one<S>(way: Rc<Way>, io: TokioIo<Paced<S>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let draining = way.worker.draining.clone();
    let (pace, limits) = (way.pace.clone(), way.worker.shared.live.load().limits.clone());
    let serving = way.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let way = serving.clone();
        async move { Ok::<http::Response<Body>, Infallible>(forward::exchange(way, request).await) }
    });
    // beyond katana's own limits by a margin: what is merely too large gets katana's denial, not the parser's
    let mut conn = hyper::server::conn::http1::Builder::new()
        .max_buf_size((limits.header_bytes * 2).max(8192))
        .max_headers(limits.header_count * 2)
        .header_read_timeout(None)
        .auto_date_header(false)
        .serve_connection(io, service);
    match watched(&mut conn, &pace, &draining).await {
        End::Done(Ok(())) => {}
        End::Done(Err(why)) => tracing::debug!(%why, "a client connection ended"),
        End::Late(Late::Head) => {
            let unread = way.worker.shared.book.open_unread(way.client.clone(), way.tunnel.clone());
            let mut io = conn.into_parts().io.into_inner();
            connection::refuse(&mut io, &unread, reply::head_timeout()).await;
        }
        End::Late(Late::Idle) => {}
        End::Draining => {
            Pin::new(&mut conn).graceful_shutdown();
            let _ = conn.await;
        }
    }
}

/// Why serving a connection came to an end.
enum End<T> {
    Done(T),
    Late(Late),
    Draining,
}

/// Serves until the connection ends, its client is let go, or the proxy drains. The two rare events are registered for
/// once, and then only looked at: an exchange pays for neither.
async fn watched<C: Future + Unpin>(
    conn: &mut C,
    pace: &Pace,
    draining: &watch::Receiver<bool>,
) -> End<C::Output> {
    let mut told = draining.clone();
    let mut rare = std::pin::pin!(async {
        tokio::select! {
            late = pace.late() => End::Late(late),
            _ = told.wait_for(|d| *d) => End::Draining,
        }
    });
    let mut registered = false;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(done) = Pin::new(&mut *conn).poll(cx) {
            return Poll::Ready(End::Done(done));
        }
        if !registered || pace.is_late() || draining.has_changed().unwrap_or(true) {
            registered = true;
            return rare.as_mut().poll(cx);
        }
        Poll::Pending
    })
    .await
}

async fn two<S>(way: Rc<Way>, io: TokioIo<Paced<S>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let draining = way.worker.draining.clone();
    let (pace, limits) = (way.pace.clone(), way.worker.shared.live.load().limits.clone());
    pace.frames();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let way = way.clone();
        async move { Ok::<http::Response<Body>, Infallible>(forward::exchange(way, request).await) }
    });
    let header_list = u32::try_from(limits.header_bytes * 2).unwrap_or(u32::MAX);
    let conn = hyper::server::conn::http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(header_list)
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(256)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024)
        .max_frame_size(64 * 1024)
        .keep_alive_interval(limits.timeouts.idle)
        .auto_date_header(false)
        .serve_connection(io, service);
    let mut conn = std::pin::pin!(conn);
    match watched(&mut conn, &pace, &draining).await {
        End::Done(Ok(())) | End::Late(_) => {}
        End::Done(Err(why)) => tracing::debug!(%why, "a client connection ended"),
        End::Draining => {
            conn.as_mut().graceful_shutdown();
            let _ = conn.await;
        }
    }
}

/// Runs hyper's tasks on this thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local;

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future + 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}
