//! A body that is fed from a channel, frame by frame, by tests on either side.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// The reading end: a body.
pub(crate) struct Feed(Option<mpsc::Receiver<io::Result<Frame<Bytes>>>>);

/// The writing end. Dropping it ends the body.
#[derive(Clone)]
pub(crate) struct Feeder(mpsc::Sender<io::Result<Frame<Bytes>>>);

/// Both ends.
pub(crate) fn feed() -> (Feeder, Feed) {
    let (send, receive) = mpsc::channel(1);
    (Feeder(send), Feed(Some(receive)))
}

impl Feed {
    /// No body at all.
    pub(crate) fn none() -> Self {
        Self(None)
    }
}

impl Feeder {
    /// A piece of body; false once nobody reads.
    pub(crate) async fn data(&self, piece: impl Into<Bytes>) -> bool {
        self.0.send(Ok(Frame::data(piece.into()))).await.is_ok()
    }

    /// The trailers.
    pub(crate) async fn trailers(&self, trailers: &[(String, String)]) {
        let _ = self.0.send(Ok(Frame::trailers(header_map(trailers)))).await;
    }

    /// Breaks the body off.
    pub(crate) async fn fail(&self) {
        let _ = self.0.send(Err(io::Error::other("broken off by the test"))).await;
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn abandoned(&self) {
        self.0.closed().await;
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Some(frames) => Poll::Ready(ready!(frames.poll_recv(cx))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

/// Headers from text.
pub(crate) fn header_map(from: &[(String, String)]) -> HeaderMap {
    from.iter()
        .map(|(n, v)| {
            (HeaderName::from_bytes(n.as_bytes()).unwrap(), HeaderValue::from_bytes(v.as_bytes()).unwrap())
        })
        .collect()
}
