//! A body as it comes in: frames from hyper, what was read ahead of them, and a limit on silence. In the response
//! direction it gives the upstream connection back when the answer has been read.

use crate::pipeline::Direction;
use crate::proxy::error::Error;
use crate::proxy::serve::Way;
use crate::proxy::upstream::http::Lease;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Weak;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

pub(in crate::proxy) struct Source {
    ahead: VecDeque<Frame<Bytes>>,
    /// Nothing, when all there is was given.
    incoming: Option<Incoming>,
    direction: Direction,
    silence: Duration,
    /// Made when a frame has to be waited for; most bodies never do.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    lease: Option<(Lease, Weak<Way>)>,
}

impl Source {
    pub(in crate::proxy) fn request(incoming: Incoming, silence: Duration) -> Self {
        Self::new(Some(incoming), Direction::Request, silence, None)
    }

    /// A request's body that is there in full.
    pub(in crate::proxy) fn given(data: Bytes) -> Self {
        let mut source = Self::new(None, Direction::Request, Duration::MAX, None);
        if !data.is_empty() {
            source.ahead.push_back(Frame::data(data));
        }
        source
    }

    pub(in crate::proxy) fn response(
        incoming: Incoming,
        silence: Duration,
        lease: Option<(Lease, Weak<Way>)>,
    ) -> Self {
        let mut source = Self::new(Some(incoming), Direction::Response, silence, lease);
        if source.is_end() {
            source.give_back();
        }
        source
    }

    fn new(
        incoming: Option<Incoming>,
        direction: Direction,
        silence: Duration,
        lease: Option<(Lease, Weak<Way>)>,
    ) -> Self {
        Self { ahead: VecDeque::new(), incoming, direction, silence, timer: None, waiting: false, lease }
    }

    /// Puts a frame back, to come before everything that has not been read.
    pub(super) fn put_back(&mut self, frames: Vec<Bytes>) {
        for data in frames.into_iter().rev() {
            self.ahead.push_front(Frame::data(data));
        }
    }

    /// Puts back what came last.
    pub(super) fn put_back_frame(&mut self, frame: Frame<Bytes>) {
        self.ahead.push_front(frame);
    }

    /// Puts a body back that has been read to its end.
    pub(super) fn put_back_whole(&mut self, data: Bytes, trailers: Option<http::HeaderMap>) {
        self.incoming = None;
        if !data.is_empty() {
            self.ahead.push_back(Frame::data(data));
        }
        self.ahead.extend(trailers.map(Frame::trailers));
    }

    pub(super) fn is_end(&self) -> bool {
        self.ahead.is_empty() && self.drained()
    }

    fn drained(&self) -> bool {
        self.incoming.as_ref().is_none_or(|i| i.is_end_stream())
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.incoming {
            Some(incoming) if self.ahead.is_empty() => incoming.size_hint(),
            _ => SizeHint::default(),
        }
    }

    pub(super) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        std::future::poll_fn(|cx| self.poll_frame(cx)).await
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(frame) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.waiting = false;
                if frame.is_none() || self.drained() {
                    self.give_back();
                }
                let failed = |e: hyper::Error| match self.direction {
                    Direction::Request => Error::Client(e.to_string()),
                    Direction::Response => Error::Upstream(e.to_string()),
                };
                Poll::Ready(frame.map(|f| f.map_err(failed)))
            }
            Poll::Pending => self.poll_silence(cx),
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let deadline = || Instant::now() + self.silence;
        let timer = match &mut self.timer {
            Some(timer) => {
                if !self.waiting {
                    timer.as_mut().reset(deadline());
                }
                timer
            }
            None => self.timer.insert(Box::pin(tokio::time::sleep(self.silence))),
        };
        self.waiting = true;
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::Silent(self.silence)))),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The answer has been read: its connection can carry the next exchange.
    fn give_back(&mut self) {
        if let Some((lease, way)) = self.lease.take()
            && let Some(way) = way.upgrade()
        {
            way.kept.put(lease.key, lease.sender, &way.worker.pool);
        }
    }
}
