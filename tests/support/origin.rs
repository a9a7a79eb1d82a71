//! An origin server on a port of its own: real TLS, HTTP/1.1 and HTTP/2, scripted answers, and a record of everything received.

use super::feed::{Feed, Feeder, feed};
use super::pki::{self, Leaf};
use super::reply::{Content, End, Reply};
use super::wiretap::Wiretap;
use super::{Proto, codec, until};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The names for which an origin's certificate is good.
pub(crate) const NAMES: [&str; 9] = [
    "origin.test",
    "other.test",
    "www.origin.test",
    "api.openai.com",
    "api.anthropic.com",
    "api.example.test",
    "localhost",
    "127.0.0.1",
    "::1",
];

/// A request as the origin got it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) h2: bool,
    pub(crate) method: String,
    /// Path and query; over HTTP/1.1 what stood in the request line.
    pub(crate) target: String,
    /// `Host` or `:authority`.
    pub(crate) authority: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// The body came to its proper end.
    pub(crate) complete: bool,
}

impl Received {
    /// All values of a header, joined by `, `.
    pub(crate) fn header(&self, name: &str) -> String {
        let of = self.headers.iter().filter(|(n, _)| n == name);
        of.map(|(_, v)| String::from_utf8_lossy(v).into_owned()).collect::<Vec<_>>().join(", ")
    }

    /// Is the header there?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n == name)
    }

    /// The body without its content coding.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        codec::decode_all(&self.header("content-encoding"), &self.body).expect("the body's coding is broken")
    }
}

/// A running origin; it ends with the value.
pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    received: Mutex<BTreeMap<u64, Received>>,
    wires: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
    connections: Mutex<Vec<AbortHandle>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Begins an origin: HTTP/1.1 and HTTP/2 over TLS, with a good certificate, unless told otherwise.
pub(crate) fn origin() -> Builder {
    Builder { tls: true, leaf: Leaf::Good, protos: vec![Proto::H2, Proto::H1] }
}

/// How an origin is to be.
pub(crate) struct Builder {
    tls: bool,
    leaf: Leaf,
    protos: Vec<Proto>,
}

impl Builder {
    /// Speaks only this.
    pub(crate) fn only(mut self, proto: Proto) -> Self {
        self.protos = vec![proto];
        self
    }

    /// HTTP/1.1 without TLS.
    pub(crate) fn plain(mut self) -> Self {
        self.tls = false;
        self.only(Proto::H1)
    }

    /// Shows this certificate.
    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// Starts it; it accepts connections when this returns.
    pub(crate) fn start(self) -> Origin {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let inside = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, self, inside) => (),
                    _ = stopped => (),
                }
            });
        });
        Origin { addr, shared, _stop: stop }
    }
}

impl Origin {
    /// What to answer on a path (without its query).
    pub(crate) fn on(&self, path: &str, reply: Reply) {
        lock(&self.shared.replies).insert(path.to_owned(), reply);
    }

    /// Everything received so far, in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).values().cloned().collect()
    }

    /// Waits for the whole request to a path (the target without its query) and takes it from the record.
    pub(crate) fn take(&self, path: &str) -> Received {
        until(&format!("a request to {path} at the origin"), || self.try_take(path))
    }

    /// Takes the request to a path from the record, if it is there and whole.
    pub(crate) fn try_take(&self, path: &str) -> Option<Received> {
        self.take_where(|r| r.complete && path_of(&r.target) == path)
    }

    /// Takes the first request of this kind from the record, if there is one.
    pub(crate) fn take_where(&self, is: impl Fn(&Received) -> bool) -> Option<Received> {
        let mut received = lock(&self.shared.received);
        let found = received.iter().find(|(_, r)| is(r)).map(|(id, _)| *id);
        received.remove(&found?)
    }

    /// Every byte that arrived, connection by connection; inside TLS, after decryption.
    pub(crate) fn wires(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.wires).iter().map(|w| lock(w).clone()).collect()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared.wires).len()
    }

    /// Forgets what was received.
    pub(crate) fn clear(&self) {
        lock(&self.shared.received).clear();
        for wire in lock(&self.shared.wires).iter() {
            lock(wire).clear();
        }
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        lock(&self.shared.connections).drain(..).for_each(|c| c.abort());
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

async fn accept(listener: std::net::TcpListener, how: Builder, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).unwrap();
    let alpn: Vec<_> = how.protos.iter().map(|p| p.alpn()).collect();
    let tls = how.tls.then(|| tokio_rustls::TlsAcceptor::from(pki::server(&NAMES, how.leaf, &alpn)));
    while let Ok((tcp, _)) = listener.accept().await {
        let _ = tcp.set_nodelay(true);
        let task = tokio::spawn(connection(tcp, tls.clone(), shared.clone()));
        lock(&shared.connections).push(task.abort_handle());
    }
}

async fn connection(tcp: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>, shared: Arc<Shared>) {
    let wire = {
        let mut wires = lock(&shared.wires);
        wires.push(Arc::default());
        wires[wires.len() - 1].clone()
    };
    let serve = hyper::service::service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(request, shared).await) }
    });
    let Some(tls) = tls else {
        let _ = h1().serve_connection(TokioIo::new(Wiretap::new(tcp, wire)), serve).await;
        return;
    };
    let Ok(stream) = tls.accept(tcp).await else { return };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(Wiretap::new(stream, wire));
    let _ = if h2 {
        let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        server.max_header_list_size(1 << 20).serve_connection(io, serve).await
    } else {
        h1().serve_connection(io, serve).await
    };
}

fn h1() -> hyper::server::conn::http1::Builder {
    let mut server = hyper::server::conn::http1::Builder::new();
    server.half_close(true).max_buf_size(1 << 20).max_headers(500);
    server
}

async fn answer(request: hyper::Request<Incoming>, shared: Arc<Shared>) -> hyper::Response<Feed> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("*", |p| p.as_str()).to_owned();
    let authority = head.uri.authority().map(ToString::to_string);
    let host = head.headers.get("host").map(|h| String::from_utf8_lossy(h.as_bytes()).into_owned());
    let reply = lock(&shared.replies).get(path_of(&target)).cloned();
    let reply = reply.unwrap_or_else(|| Reply::new("nothing here\n").status(404));
    lock(&shared.received).insert(
        id,
        Received {
            h2: head.version == http::Version::HTTP_2,
            method: head.method.to_string(),
            target,
            authority: authority.or(host).unwrap_or_default(),
            headers: pairs(&head.headers),
            ..Received::default()
        },
    );
    let (feeder, feed) = feed();
    if matches!(reply.content, Content::Mirror) {
        tokio::spawn(record(body, id, shared, Some(feeder)));
        return response(&reply, &[], feed);
    }
    record(body, id, shared.clone(), None).await;
    let got = lock(&shared.received).get(&id).cloned().unwrap_or_default();
    tokio::time::sleep(reply.delay).await;
    let (reply, pieces) = fill(reply, &got);
    if got.method == "HEAD" || matches!(reply.status, 204 | 304) {
        return response(&reply, &pieces, Feed::none());
    }
    let response = response(&reply, &pieces, feed);
    tokio::spawn(send(reply, pieces, feeder));
    response
}

/// The pieces of the body, and the headers that come of the request.
fn fill(mut reply: Reply, got: &Received) -> (Reply, Vec<Bytes>) {
    match reply.content.clone() {
        Content::Pieces(given) => (reply, given),
        Content::Mirror => (reply, Vec::new()),
        Content::Echo => {
            let kept = got.headers.iter().filter(|(n, _)| n == "content-type" || n == "content-encoding");
            reply.headers.extend(kept.cloned());
            (reply, vec![Bytes::from(got.body.clone())])
        }
        Content::Reflect(name, codings) => {
            let value = got.header(&name);
            let body = codec::encode_all(codings, format!("you sent <{value}>, did you not?").as_bytes());
            let mut reply = reply.header("x-reflected", &value);
            if !codings.is_empty() {
                reply = reply.header("content-encoding", &codings.join(", "));
            }
            (reply, body.chunks(7).map(Bytes::copy_from_slice).collect())
        }
    }
}

/// Keeps a request's body as it arrives, and passes it on if somebody wants it.
async fn record(mut body: Incoming, id: u64, shared: Arc<Shared>, onward: Option<Feeder>) {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        let piece = frame.data_ref().cloned();
        if let Some(received) = lock(&shared.received).get_mut(&id) {
            received.body.extend_from_slice(piece.as_deref().unwrap_or_default());
            received.trailers.extend(frame.trailers_ref().map(pairs).unwrap_or_default());
        }
        if let (Some(onward), Some(piece)) = (&onward, piece) {
            onward.data(piece).await;
        }
    }
    if let Some(received) = lock(&shared.received).get_mut(&id) {
        received.complete = true;
    }
}

fn pairs(headers: &http::HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect()
}

fn response(reply: &Reply, pieces: &[Bytes], body: Feed) -> hyper::Response<Feed> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value.as_slice());
    }
    if reply.sized {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let cut = if reply.end == End::Clean { 0 } else { 1000 };
        response = response.header("content-length", length + cut);
    }
    response.body(body).unwrap()
}

async fn send(reply: Reply, pieces: Vec<Bytes>, feeder: Feeder) {
    for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
        if !feeder.data(piece).await {
            return;
        }
        if !reply.gap.is_zero() {
            tokio::time::sleep(reply.gap).await;
        }
    }
    if !reply.trailers.is_empty() {
        feeder.trailers(&reply.trailers).await;
    }
    match reply.end {
        End::Clean => (),
        End::Broken => feeder.fail().await,
        End::Silent => feeder.abandoned().await,
    }
}
