//! The demo's agent: an HTTPS client that knows nothing but its proxy and the authority it was told to trust.

use super::Message;
use crate::base::host::Host;
use crate::proxy::tls::dial::{Dialer, Offer};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The client.
pub(super) struct Agent {
    /// Its `HTTPS_PROXY`.
    pub(super) proxy: SocketAddr,
    /// Trusts the interception authority.
    pub(super) dialer: Dialer,
}

impl Agent {
    /// Sends one request on a connection of its own, and hands back the answer.
    pub(super) async fn send(&self, host: &str, request: Request<Full<Bytes>>) -> io::Result<Message> {
        let tcp = self.tunnel(host).await?;
        let host = Host::parse(host).map_err(io::Error::other)?;
        let tls = self.dialer.handshake(&host, tcp, Offer::One).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Message::new(head.status.to_string(), &head.headers, &body))
    }

    async fn tunnel(&self, host: &str) -> io::Result<TcpStream> {
        let mut tcp = TcpStream::connect(self.proxy).await?;
        let ask = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
        tcp.write_all(ask.as_bytes()).await?;
        let mut reply = Vec::new();
        // byte by byte: what follows the head is TLS, and not ours to read
        while !reply.ends_with(b"\r\n\r\n") && reply.len() < 4096 {
            reply.push(tcp.read_u8().await?);
        }
        if reply.starts_with(b"HTTP/1.1 200") {
            return Ok(tcp);
        }
        let line = String::from_utf8_lossy(&reply);
        Err(io::Error::other(format!("CONNECT was answered with {}", line.lines().next().unwrap_or(""))))
    }
}
