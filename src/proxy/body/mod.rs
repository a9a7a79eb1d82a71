//! Bodies on their way through: what they are made of here, how they are looked into in `admit` and `window`, and
//! looked through their codings in `decode`.

pub(super) mod admit;
pub(super) mod decode;
pub(super) mod source;
mod aws_chunked;
mod window;

use super::error::Error;
use super::pace::InFlight;
use crate::pipeline::{Direction, Exchange, Outcome, Rewrite, Settled};
use crate::telemetry::metrics::Metric;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use source::Source;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use window::WindowStream;

/// A body that is passed on: counted, and on the way back the guard of its exchange.
pub(super) struct Body {
    made_of: MadeOf,
    exchange: Option<(Arc<Exchange>, Direction)>,
    flight: Option<InFlight>,
}

enum MadeOf {
    Nothing,
    Whole { data: Option<Bytes>, trailers: Option<HeaderMap> },
    Untouched(Source),
    Window { stream: WindowStream, length: Option<u64> },
    Rewritten { inner: Box<Body>, by: Box<dyn Rewrite>, ex: Arc<Exchange>, ended: bool },
}

impl Body {
    pub(super) fn empty() -> Self {
        Self { made_of: MadeOf::Nothing, exchange: None, flight: None }
    }

    pub(super) fn full(data: Bytes) -> Self {
        Self::whole(data, None)
    }

    fn whole(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        let data = (!data.is_empty()).then_some(data);
        Self { made_of: MadeOf::Whole { data, trailers }, exchange: None, flight: None }
    }

    fn untouched(source: Source) -> Self {
        Self { made_of: MadeOf::Untouched(source), exchange: None, flight: None }
    }

    fn window(stream: WindowStream, length: Option<u64>) -> Self {
        Self { made_of: MadeOf::Window { stream, length }, exchange: None, flight: None }
    }

    /// As far as it is known before it goes.
    pub(super) fn settled(&self) -> Settled<'_> {
        match &self.made_of {
            MadeOf::Nothing => Settled::Whole(&[]),
            MadeOf::Whole { data, .. } => Settled::Whole(data.as_deref().unwrap_or_default()),
            _ => Settled::Passing,
        }
    }

    /// Rewritten as it passes, to the same length. A rewrite that fails is a refusal.
    pub(super) fn rewritten(self, by: Box<dyn Rewrite>, ex: &Arc<Exchange>) -> Self {
        let inner = Box::new(self);
        let made_of = MadeOf::Rewritten { inner, by, ex: ex.clone(), ended: false };
        Self { made_of, exchange: None, flight: None }
    }

    /// Counts for this exchange, and in the response direction says how it ended.
    pub(super) fn of(mut self, ex: &Arc<Exchange>, direction: Direction) -> Self {
        self.exchange = Some((ex.clone(), direction));
        self
    }

    /// Keeps the client's connection counted as busy until the body has gone.
    pub(super) fn busy(mut self, flight: InFlight) -> Self {
        self.flight = Some(flight);
        self
    }

    /// The names of the trailers, where they are known before the body goes: what `Trailer` announces.
    pub(super) fn trailer_names(&self) -> Option<HeaderValue> {
        let MadeOf::Whole { trailers: Some(trailers), .. } = &self.made_of else { return None };
        let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
        HeaderValue::from_str(&names.join(", ")).ok()
    }

    fn count(&self, n: usize) {
        let Some((ex, direction)) = &self.exchange else { return };
        match direction {
            Direction::Request => ex.bytes_in.fetch_add(n as u64, Relaxed),
            Direction::Response => ex.bytes_out.fetch_add(n as u64, Relaxed),
        };
    }

    fn ended(&mut self) {
        self.flight = None;
        if let Some((ex, Direction::Response)) = &self.exchange {
            ex.conclude(Outcome::Delivered);
        }
    }

    fn broke(&mut self, why: &Error) {
        let Some((ex, direction)) = &self.exchange else { return };
        match (direction, why) {
            (_, Error::Refused(_)) => {}
            (Direction::Request, _) => ex.conclude(Outcome::Cancelled),
            (Direction::Response, Error::Silent(_)) => ex.conclude(Outcome::Failed("upstream_silent")),
            (Direction::Response, _) => ex.conclude(Outcome::Failed("upstream_body")),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = match &mut this.made_of {
            MadeOf::Nothing => None,
            MadeOf::Whole { data, trailers } => match data.take() {
                Some(data) => Some(Ok(Frame::data(data))),
                None => trailers.take().map(|t| Ok(Frame::trailers(t))),
            },
            MadeOf::Untouched(source) => std::task::ready!(source.poll_frame(cx)),
            MadeOf::Window { stream, .. } => {
                std::task::ready!(futures_util::Stream::poll_next(stream.as_mut(), cx))
            }
            MadeOf::Rewritten { inner, by, ex, ended } => {
                std::task::ready!(rewrite(inner, by.as_mut(), ex, ended, cx))
            }
        };
        match &frame {
            Some(Ok(f)) => {
                this.count(f.data_ref().map_or(0, Bytes::len));
                if this.is_end_stream() {
                    this.ended();
                }
            }
            Some(Err(why)) => this.broke(why),
            None => this.ended(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.made_of {
            MadeOf::Nothing => true,
            MadeOf::Whole { data, trailers } => data.is_none() && trailers.is_none(),
            MadeOf::Untouched(source) => source.is_end(),
            MadeOf::Window { .. } => false,
            MadeOf::Rewritten { ended, .. } => *ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.made_of {
            MadeOf::Nothing => SizeHint::with_exact(0),
            MadeOf::Whole { trailers: Some(_), .. } => SizeHint::default(),
            MadeOf::Whole { data, .. } => SizeHint::with_exact(data.as_ref().map_or(0, |d| d.len() as u64)),
            MadeOf::Untouched(source) => source.size_hint(),
            MadeOf::Window { length, .. } => length.map_or_else(SizeHint::default, SizeHint::with_exact),
            MadeOf::Rewritten { inner, .. } => inner.size_hint(),
        }
    }
}

/// The next frame of a body that is rewritten. Frames that give nothing out are passed over.
fn rewrite(
    inner: &mut Body,
    by: &mut dyn Rewrite,
    ex: &Exchange,
    ended: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
    let refuse = |denial| Error::Refused(ex.refuse(denial).code);
    while !*ended {
        let frame = match std::task::ready!(Pin::new(&mut *inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(why)) => return Poll::Ready(Some(Err(why))),
            None => {
                *ended = true;
                return Poll::Ready(by.finish().err().map(|denial| Err(refuse(denial))));
            }
        };
        match frame.into_data().map(|data| by.push(&data)) {
            Ok(Ok(out)) if out.is_empty() => {}
            Ok(Ok(out)) => return Poll::Ready(Some(Ok(Frame::data(Bytes::from(out))))),
            Ok(Err(denial)) => return Poll::Ready(Some(Err(refuse(denial)))),
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        }
    }
    Poll::Ready(None)
}

impl Drop for Body {
    /// An answer that hyper drops with nothing left to send has been delivered, even if its end was never asked for.
    fn drop(&mut self) {
        if HttpBody::is_end_stream(self) {
            self.ended();
        }
        if let Some((_, direction)) = &self.exchange {
            let (metric, counter) = match direction {
                Direction::Request => {
                    (Metric::BytesIn, self.exchange.as_ref().map(|(e, _)| e.bytes_in.load(Relaxed)))
                }
                Direction::Response => {
                    (Metric::BytesOut, self.exchange.as_ref().map(|(e, _)| e.bytes_out.load(Relaxed)))
                }
            };
            metric.add(i64::try_from(counter.unwrap_or(0)).unwrap_or(0));
        }
    }
}
