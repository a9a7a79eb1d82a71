//! Bodies on their way through: what they are made of here, how they are looked into in `admit` and `window`, and
//! looked through their codings in `decode`.

pub(super) mod admit;
pub(super) mod decode;
pub(super) mod source;
mod window;

use super::error::Error;
use super::pace::InFlight;
use crate::pipeline::{Direction, Exchange, Outcome};
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
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.made_of {
            MadeOf::Nothing => SizeHint::with_exact(0),
            MadeOf::Whole { trailers: Some(_), .. } => SizeHint::default(),
            MadeOf::Whole { data, .. } => SizeHint::with_exact(data.as_ref().map_or(0, |d| d.len() as u64)),
            MadeOf::Untouched(source) => source.size_hint(),
            MadeOf::Window { length, .. } => length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
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
