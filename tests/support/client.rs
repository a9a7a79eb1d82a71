//! A well-behaved client: CONNECT, TLS with the proxy's CA, HTTP/1.1 or HTTP/2 inside; or absolute-form over plain HTTP.

use super::feed::{Feed, Feeder, feed, header_map};
use super::{Katana, Proto, pki};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where the proxy is and whom it may be.
#[derive(Clone)]
pub(crate) struct Client {
    addr: SocketAddr,
    ca: String,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) pieces: Vec<Bytes>,
    /// State the body's length; otherwise chunked, or HTTP/2's own framing.
    pub(crate) sized: bool,
    pub(crate) trailers: Vec<(String, String)>,
    /// Between two pieces.
    pub(crate) gap: Duration,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            pieces: Vec::new(),
            sized: true,
            trailers: Vec::new(),
            gap: Duration::ZERO,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self { pieces: vec![body.into()], ..Self::new("POST", path) }
    }

    /// Sends the body in these pieces, without stating its length.
    pub(crate) fn pieces<B: Into<Bytes>>(mut self, pieces: impl IntoIterator<Item = B>) -> Self {
        self.pieces = pieces.into_iter().map(Into::into).collect();
        self.sized = false;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self.sized = false;
        self
    }

    pub(crate) fn gap(mut self, millis: u64) -> Self {
        self.gap = Duration::from_millis(millis);
        self
    }
}

/// An answer, read to its end or as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
    /// The body came to its proper end.
    pub(crate) complete: bool,
}

impl Answer {
    /// A header's value, or the empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        super::header(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless this is a denial as the contract has it; gives its JSON `error`.
    pub(crate) fn denied(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status.as_u16(), status, "{self:?} {}", self.text());
        denial(&|n| self.header(n).to_owned(), &self.body)
    }
}

/// Checks the headers and the body of a denial, and gives its JSON `error`.
pub(crate) fn denial(header: &dyn Fn(&str) -> String, body: &[u8]) -> serde_json::Value {
    assert_eq!(header("x-katana-verdict"), "deny");
    let body: serde_json::Value = serde_json::from_slice(body).expect("a denial's body is JSON");
    let error = body["error"].clone();
    for field in ["code", "message", "rule", "exchange", "remedy"] {
        assert!(error[field].as_str().is_some_and(|t| !t.is_empty()), "no `{field}` in {body}");
    }
    assert_eq!(error["code"], header("x-katana-code"));
    assert_eq!(error["exchange"], header("x-katana-exchange"));
    assert!(header("content-type").starts_with("application/json"));
    error
}

impl Client {
    /// For this proxy.
    pub(crate) fn new(katana: &Katana) -> Self {
        Self::to(katana.addr, katana.ca.clone())
    }

    /// For any proxy, trusting these roots.
    pub(crate) fn to(addr: SocketAddr, ca: String) -> Self {
        Self { addr, ca }
    }

    /// CONNECT; the tunnel, or the refusing answer's status and whole text.
    pub(crate) async fn connect(&self, authority: &str) -> Result<TcpStream, (u16, String)> {
        let mut tcp = TcpStream::connect(self.addr).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let ask = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        tcp.write_all(ask.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.expect("an answer to CONNECT"));
        }
        let status = String::from_utf8_lossy(&head[9..12]).parse().unwrap();
        if status == 200 {
            return Ok(tcp);
        }
        let _ = tcp.read_to_end(&mut head).await;
        Err((status, String::from_utf8_lossy(&head).into_owned()))
    }

    /// Opens a tunnel to `host` or `host:port` and speaks `proto` in it.
    pub(crate) async fn open(&self, host: &str, proto: Proto) -> Session {
        let opened = self.try_open(host, proto).await;
        opened.unwrap_or_else(|(n, text)| panic!("{host}: {n}\n{text}"))
    }

    /// The same; a refused CONNECT's status and whole text are the error.
    pub(crate) async fn try_open(&self, host: &str, proto: Proto) -> Result<Session, (u16, String)> {
        let authority = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
        let tcp = self.connect(&authority).await?;
        let name = authority.rsplit_once(':').unwrap().0.to_owned();
        let tls = tokio_rustls::TlsConnector::from(pki::client(&self.ca, &[proto.alpn()]));
        let stream = tls.connect(name.try_into().unwrap(), tcp).await.expect("TLS with the proxy's CA");
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(proto.alpn()),
            "the proxy chose another protocol"
        );
        let base = format!("https://{}", authority.trim_end_matches(":443"));
        Ok(match proto {
            Proto::H1 => Session::h1(TokioIo::new(stream), base, false).await,
            Proto::H2 => {
                let (send, connection) =
                    http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                Session { base, sender: Sender::H2(send), absolute: false }
            }
        })
    }

    /// A connection to the proxy for absolute-form requests to `base` (`http://name`).
    pub(crate) async fn absolute(&self, base: &str) -> Session {
        let tcp = TcpStream::connect(self.addr).await.unwrap();
        Session::h1(TokioIo::new(tcp), base.to_owned(), true).await
    }

    /// One request on a connection of its own, over HTTP/1.1.
    pub(crate) async fn once(&self, host: &str, ask: Ask) -> Answer {
        self.open(host, Proto::H1).await.ask(ask).await
    }
}

/// One client connection, for any number of requests.
pub(crate) struct Session {
    base: String,
    sender: Sender,
    absolute: bool,
}

enum Sender {
    H1(http1::SendRequest<Feed>),
    H2(http2::SendRequest<Feed>),
}

impl Session {
    async fn h1<T>(io: TokioIo<T>, base: String, absolute: bool) -> Self
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (send, connection) =
            http1::Builder::new().max_buf_size(1 << 20).max_headers(500).handshake(io).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self { base, sender: Sender::H1(send), absolute }
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(&mut self, ask: Ask) -> Answer {
        let label = format!("{} {}", ask.method, ask.path);
        read(self.begin(ask).await.unwrap_or_else(|e| panic!("no answer to {label}: {e:?}"))).await
    }

    /// Asks, and reads the whole answer, if there is one.
    pub(crate) async fn try_ask(&mut self, ask: Ask) -> Option<Answer> {
        Some(read(self.try_begin(ask).await?).await)
    }

    /// Asks, and gives the answer once its head is there, if it comes; the body is still to come.
    pub(crate) async fn try_begin(&mut self, ask: Ask) -> Option<http::Response<Incoming>> {
        self.begin(ask).await.ok()
    }

    async fn begin(&mut self, ask: Ask) -> hyper::Result<http::Response<Incoming>> {
        let (feeder, body) = feed();
        let (pieces, trailers, gap) = (ask.pieces.clone(), ask.trailers.clone(), ask.gap);
        tokio::spawn(async move {
            for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
                feeder.data(piece).await;
                if !gap.is_zero() {
                    tokio::time::sleep(gap).await;
                }
            }
            if !trailers.is_empty() {
                feeder.trailers(&trailers).await;
            }
        });
        self.begin_with(&ask, body).await
    }

    /// Asks with a body that the test feeds itself.
    pub(crate) async fn begin_fed(
        &mut self,
        ask: &Ask,
    ) -> (Feeder, impl Future<Output = hyper::Result<http::Response<Incoming>>> + use<>) {
        let (feeder, body) = feed();
        let ask = Ask { sized: false, ..ask.clone() };
        (feeder, self.begin_with(&ask, body))
    }

    fn begin_with(
        &mut self,
        ask: &Ask,
        body: Feed,
    ) -> impl Future<Output = hyper::Result<http::Response<Incoming>>> + use<> {
        let request = self.request(ask, body);
        let (h1, h2) = match &mut self.sender {
            Sender::H1(send) => (Some(send.send_request(request)), None),
            Sender::H2(send) => (None, Some(send.send_request(request))),
        };
        async move {
            match (h1, h2) {
                (Some(answer), _) => answer.await,
                (_, Some(answer)) => answer.await,
                _ => unreachable!("one of the two"),
            }
        }
    }

    fn request(&self, ask: &Ask, body: Feed) -> Request<Feed> {
        let h2 = matches!(self.sender, Sender::H2(_));
        let full = format!("{}{}", self.base, ask.path);
        let mut request = Request::builder().method(ask.method.as_str());
        request = request.uri(if h2 || self.absolute { full.as_str() } else { ask.path.as_str() });
        if !h2 && !ask.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.base.split_once("://").unwrap().1);
        }
        for (name, value) in &ask.headers {
            request = request.header(name, value.as_slice());
        }
        let length: usize = ask.pieces.iter().map(Bytes::len).sum();
        if ask.sized && (length > 0 || !matches!(ask.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "DELETE"))
        {
            request = request.header("content-length", length);
        } else if !ask.sized && !ask.trailers.is_empty() && !h2 {
            let names: Vec<_> = ask.trailers.iter().map(|(n, _)| n.as_str()).collect();
            request = request.header("trailer", names.join(", "));
        }
        if !ask.sized && !h2 && matches!(ask.method.as_str(), "GET" | "HEAD") {
            // hyper sends no body of unknown length with these unless told to
            request = request.header("transfer-encoding", "chunked");
        }
        let bodiless = ask.sized && length == 0;
        request.body(if bodiless { Feed::none() } else { body }).unwrap()
    }
}

/// Reads an answer to its end.
pub(crate) async fn read(response: http::Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut answer = Answer {
        status: head.status,
        headers: head.headers,
        body: Vec::new(),
        trailers: HeaderMap::new(),
        complete: false,
    };
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(piece)) => answer.body.extend_from_slice(&piece),
            Ok(Err(other)) => answer.trailers = other.into_trailers().unwrap_or_default(),
            Err(_) => return answer,
        }
    }
    answer.complete = true;
    answer
}

/// Headers from text, for comparing.
pub(crate) fn headers(from: &[(String, String)]) -> HeaderMap {
    header_map(from)
}
