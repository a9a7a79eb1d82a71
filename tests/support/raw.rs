//! A connection of plain bytes, with or without TLS: for saying what no proper client says, and hearing exactly what comes back.

use super::{PATIENCE, pki};
use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// One connection.
pub(crate) struct Raw {
    stream: Stream,
    /// Read, and not yet asked for.
    ahead: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    /// Status line and headers, to the empty line.
    pub(crate) head: String,
    /// Without chunk framing.
    pub(crate) body: Vec<u8>,
}

impl Heard {
    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            let (n, v) = l.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| v.trim())
        })
    }

    /// Fails unless this is a denial as the contract has it; gives its JSON `error`.
    pub(crate) fn denied(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status, status, "{}{}", self.head, String::from_utf8_lossy(&self.body));
        super::client::denial(&|n| self.header(n).unwrap_or_default().to_owned(), &self.body)
    }
}

impl Raw {
    /// Opens a TCP connection.
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let tcp = TcpStream::connect(addr).unwrap();
        prepare(&tcp);
        Self { stream: Stream::Plain(tcp), ahead: Vec::new() }
    }

    /// Takes a connection in, as a TLS server; `None` if the handshake fails.
    pub(crate) fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> Option<Self> {
        prepare(&tcp);
        let mut tls = StreamOwned::new(ServerConnection::new(config).ok()?, tcp);
        tls.conn.complete_io(&mut tls.sock).ok()?;
        Some(Self { stream: Stream::Server(Box::new(tls)), ahead: Vec::new() })
    }

    /// Goes over to TLS as a client, asking for `name`.
    pub(crate) fn tls(self, roots_pem: &str, name: &str, alpn: &[&[u8]]) -> io::Result<Self> {
        let Stream::Plain(tcp) = self.stream else { panic!("already inside TLS") };
        let name = name.to_owned().try_into().unwrap();
        let conn = ClientConnection::new(pki::client(roots_pem, alpn), name).unwrap();
        let mut tls = StreamOwned::new(conn, tcp);
        tls.conn.complete_io(&mut tls.sock)?;
        Ok(Self { stream: Stream::Client(Box::new(tls)), ahead: Vec::new() })
    }

    /// Writes and flushes.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.try_say(bytes.as_ref());
        self
    }

    /// Writes and flushes; false if the other side is gone.
    pub(crate) fn try_say(&mut self, bytes: &[u8]) -> bool {
        let stream = self.both();
        stream.write_all(bytes).and_then(|()| stream.flush()).is_ok()
    }

    /// Reads a head up to and with its empty line; `None` if the other side ends before.
    pub(crate) fn try_head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = self.ahead.drain(..end + 4).collect::<Vec<_>>();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads one answer, passing over 1xx.
    pub(crate) fn hear(&mut self) -> Heard {
        self.try_hear("GET").expect("no answer came")
    }

    /// Reads one answer to a request of this method; `None` if the other side ends before it is whole.
    pub(crate) fn try_hear(&mut self, method: &str) -> Option<Heard> {
        let head = self.try_head()?;
        let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
        if status < 200 && status != 101 {
            return self.try_hear(method);
        }
        let mut heard = Heard { status, head, body: Vec::new() };
        if method == "HEAD" || matches!(status, 101 | 204 | 304) || method == "CONNECT" && status == 200 {
            return Some(heard);
        }
        heard.body = match (heard.header("transfer-encoding"), heard.header("content-length")) {
            (Some(_), _) => self.chunks()?,
            (None, Some(length)) => {
                let length = length.parse().ok()?;
                let body = self.exact(length);
                (body.len() == length).then_some(body)?
            }
            (None, None) => self.rest(),
        };
        Some(heard)
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line()?.split(';').next()?.trim(), 16).ok()?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Some(body);
            }
            body.extend(self.exact(size));
            self.line()?;
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.ahead.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).ok();
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads this many bytes, or fewer if the other side ends.
    pub(crate) fn exact(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length && self.more() {}
        let end = length.min(self.ahead.len());
        self.ahead.drain(..end).collect()
    }

    /// Reads to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.ahead)
    }

    /// Has the other side closed, with nothing more said?
    pub(crate) fn is_over(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Reads some more; false at the end. Silence beyond all patience fails the test.
    fn more(&mut self) -> bool {
        let mut buf = [0; 16 * 1024];
        match self.both().read(&mut buf) {
            Ok(0) => false,
            Ok(n) => {
                self.ahead.extend_from_slice(&buf[..n]);
                true
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("the other side is silent")
            }
            Err(_) => false,
        }
    }

    /// Ends the connection properly.
    pub(crate) fn close(&mut self) {
        match &mut self.stream {
            Stream::Plain(_) => (),
            Stream::Client(tls) => tls.conn.send_close_notify(),
            Stream::Server(tls) => tls.conn.send_close_notify(),
        }
        let _ = self.both().flush();
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Ends the connection with TCP RST.
    pub(crate) fn reset(mut self) {
        let _ = socket2::SockRef::from(self.socket()).set_linger(Some(Duration::ZERO));
    }

    fn socket(&mut self) -> &TcpStream {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Client(tls) => &tls.sock,
            Stream::Server(tls) => &tls.sock,
        }
    }

    fn both(&mut self) -> &mut dyn Both {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Client(tls) => tls.as_mut(),
            Stream::Server(tls) => tls.as_mut(),
        }
    }
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

fn prepare(tcp: &TcpStream) {
    tcp.set_nodelay(true).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
}
