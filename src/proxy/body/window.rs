//! A body that is looked into as it passes. What may be the beginning of a match is held back until the match is
//! complete or ruled out; what is clean moves on as the very bytes that came. Compressed bodies are decoded beside,
//! and a frame moves on when everything decoded from it has been cleared.

use super::admit::{beside_the_text, unreadable};
use super::decode::Decoder;
use super::source::Source;
use crate::config::Mode;
use crate::pipeline::stage::Edit;
use crate::pipeline::{Chunk, ChunkVerdict, Denial, Direction, Exchange};
use crate::proxy::error::Error;
use crate::proxy::live::Live;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::HeaderMap;
use http_body::Frame;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The frames of a body that passes through a window.
pub(in crate::proxy) type WindowStream = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Error>>>>;

/// A sender that pauses this long with something held back is waiting for an answer to it: it moves on, and is kept
/// in view as context. Should it turn out to begin a match, the stream ends before the match is complete.
const PATIENCE: Duration = Duration::from_millis(300);

/// Of a body whose length was declared so much is looked at together, if it comes at once: all blocks begin at multiples of it, so
/// the same file is cut at the same places each time, and what is remembered of it is found again.
const BLOCK: u64 = 64 * 1024;

/// So long the rest of a block is waited for.
const BRIEFLY: Duration = Duration::from_millis(1);

/// Bytes that may wait for a block of theirs to decode; a block is at most 128 KiB.
const MOST_WAITING: usize = 1024 * 1024;

/// The state of one body.
pub(super) struct Window {
    live: Arc<Live>,
    ex: Arc<Exchange>,
    direction: Direction,
    source: Source,
    coded: Option<Coded>,
    /// The length was declared: replacements must be as long as what they replace.
    fixed_length: bool,
    /// Text not yet let go, and in front of it what has left already but may still begin a match.
    held: BytesMut,
    /// How much of `held` has left already.
    sent: usize,
    /// How much of `held` was shown before.
    seen: usize,
    /// How much came in so far.
    came: u64,
    ended: bool,
    trailers: Option<HeaderMap>,
    /// Why nothing follows the block that was last taken in.
    broken: Option<Error>,
}

/// A compressed body: frames wait until what they decode to has been cleared.
struct Coded {
    decoder: Option<Decoder>,
    waiting: VecDeque<(Bytes, u64)>,
    /// Bytes in `waiting`.
    waits: usize,
    /// A request's bytes as they came, from where a value may be under way in them.
    wire: BytesMut,
    /// The decoder may hold part of a piece that it gave nothing out for yet.
    lags: bool,
    decoded: u64,
    cleared: u64,
}

impl Window {
    pub(super) fn new(
        live: Arc<Live>,
        ex: Arc<Exchange>,
        direction: Direction,
        source: Source,
        decoder: Option<Decoder>,
        fixed_length: bool,
    ) -> Self {
        let coded = decoder.map(|d| Coded {
            lags: d.lags && direction == Direction::Request,
            decoder: Some(d),
            waiting: VecDeque::new(),
            waits: 0,
            wire: BytesMut::new(),
            decoded: 0,
            cleared: 0,
        });
        Self {
            live,
            ex,
            direction,
            source,
            coded,
            fixed_length,
            held: BytesMut::new(),
            sent: 0,
            seen: 0,
            came: 0,
            ended: false,
            trailers: None,
            broken: None,
        }
    }

    pub(super) fn into_stream(self) -> WindowStream {
        Box::pin(futures_util::stream::unfold(Some(self), |state| async {
            let mut window = state?;
            match window.next().await {
                Ok(Some(frame)) => Some((Ok(frame), Some(window))),
                Ok(None) => None,
                Err(why) => Some((Err(why), None)),
            }
        }))
    }

    /// The next frame to pass on.
    async fn next(&mut self) -> Result<Option<Frame<Bytes>>, Error> {
        loop {
            if self.ended {
                return self.last().await;
            }
            if let Some(why) = self.broken.take() {
                return Err(why);
            }
            let pending =
                self.held.len() > self.sent || self.coded.as_ref().is_some_and(|c| !c.waiting.is_empty());
            let frame = if pending {
                match tokio::time::timeout(PATIENCE, self.source.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => match self.let_go() {
                        Some(data) => return Ok(Some(Frame::data(data))),
                        None => self.source.frame().await,
                    },
                }
            } else {
                self.source.frame().await
            };
            let out = match frame {
                None => self.take(Bytes::new(), true).await?,
                Some(frame) => match frame?.into_data() {
                    Ok(data) => {
                        let data = self.block(data).await;
                        let end = self.source.is_end() && self.broken.is_none();
                        self.take(data, end).await?
                    }
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.take(Bytes::new(), true).await?
                    }
                },
            };
            if !out.is_empty() {
                return Ok(Some(Frame::data(out)));
            }
        }
    }

    /// As much of a block as `first` begins and as comes at once: what comes last; what comes before is held already.
    async fn block(&mut self, first: Bytes) -> Bytes {
        let blocks = self.fixed_length && self.coded.is_none();
        let most = if blocks { (BLOCK - self.came % BLOCK) as usize } else { first.len() };
        let (mut len, mut last, deadline) = (first.len(), first, Instant::now() + BRIEFLY);
        while len < most && !self.source.is_end() {
            let Ok(Some(frame)) = tokio::time::timeout_at(deadline, self.source.frame()).await else { break };
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => {
                    self.held.reserve(most - len + last.len());
                    self.held.extend_from_slice(&last);
                    (len, last) = (len + data.len(), data);
                }
                Ok(Err(trailers)) => {
                    self.source.put_back_frame(trailers);
                    break;
                }
                Err(why) => {
                    self.broken = Some(why);
                    break;
                }
            }
        }
        if len > most {
            self.source.put_back(vec![last.split_off(last.len() - (len - most))]);
        }
        self.came += len.min(most) as u64;
        last
    }

    async fn last(&mut self) -> Result<Option<Frame<Bytes>>, Error> {
        let Some(mut trailers) = self.trailers.take() else { return Ok(None) };
        match self.live.pipeline.trailers(&self.ex, self.direction, &mut trailers).await {
            ChunkVerdict::Forward => Ok(Some(Frame::trailers(trailers))),
            ChunkVerdict::Abort(denial) => Err(Error::Refused(denial.code)),
        }
    }

    /// Takes a frame in; what may move on comes out.
    async fn take(&mut self, data: Bytes, end: bool) -> Result<Bytes, Error> {
        self.ended = end;
        let Some(coded) = &mut self.coded else { return self.look(data, end).await };
        let mut text = Vec::new();
        let decoded = match &mut coded.decoder {
            Some(decoder) => decoder.push(&data, &mut text),
            None => Ok(()),
        };
        if let Err(why) = decoded {
            if self.live.mode != Mode::Permissive {
                return Err(self.refuse(unreadable(self.direction, Some(why))));
            }
            self.ex.reason(format!("the body cannot be looked through: {why}"));
            coded.decoder = None;
        }
        if end && let Some(decoder) = coded.decoder.take() {
            decoder.finish(&mut text);
        }
        coded.decoded += text.len() as u64;
        coded.waits += data.len();
        let too_much = coded.lags && coded.waits > MOST_WAITING;
        if too_much {
            return Err(self.refuse(unreadable(self.direction, None)));
        }
        if self.direction == Direction::Request {
            coded.wire.extend_from_slice(&data);
            let (known, hold) = self.ex.vault_knows(&coded.wire);
            coded.wire = coded.wire.split_off(hold);
            if known {
                return Err(self.refuse(beside_the_text()));
            }
        }
        coded.waiting.push_back((data, coded.decoded + u64::from(coded.lags)));
        let cleared = self.look(Bytes::from(text), end).await?;
        Ok(self.uncoded(cleared.len(), end))
    }

    /// The waiting frames of which everything has been cleared.
    fn uncoded(&mut self, cleared: usize, end: bool) -> Bytes {
        let Some(coded) = &mut self.coded else { return Bytes::new() };
        coded.cleared += cleared as u64;
        let mut out = BytesMut::new();
        while let Some((data, upto)) = coded.waiting.front() {
            if !end && *upto > coded.cleared {
                break;
            }
            out.extend_from_slice(data);
            coded.waits -= data.len();
            coded.waiting.pop_front();
        }
        out.freeze()
    }

    /// Shows text to the stages; what they let go comes out, edited.
    async fn look(&mut self, data: Bytes, end: bool) -> Result<Bytes, Error> {
        let joined = if self.held.is_empty() {
            data
        } else {
            self.held.extend_from_slice(&data);
            std::mem::take(&mut self.held).freeze()
        };
        if joined.is_empty() {
            return Ok(joined);
        }
        let mut chunk = Chunk::new(&joined, self.seen, end);
        if let ChunkVerdict::Abort(denial) =
            self.live.pipeline.chunk(&self.ex, self.direction, &mut chunk).await
        {
            return Err(Error::Refused(denial.code));
        }
        let (mut hold, asked) = (chunk.hold, chunk.edits);
        let edits = Edit::apart(&asked);
        // an edit that is not complete within what moves on waits with it
        if let Some(first) = edits.iter().filter(|e| e.span.end > hold).map(|e| e.span.start).min() {
            hold = hold.min(first);
        }
        let edits: Vec<Edit> = edits.into_iter().filter(|e| e.span.end <= hold).collect();
        if edits.iter().any(|e| e.span.start < self.sent) || !edits.is_empty() && self.coded.is_some() {
            return Err(self.refuse(too_late(self.direction)));
        }
        let from = self.sent.min(hold);
        let out = if edits.is_empty() {
            joined.slice(from..hold)
        } else {
            asked.iter().filter(|e| e.span.end <= hold).for_each(|e| self.ex.replaced(e.what));
            self.edited(&joined[..hold], edits, from)
        };
        self.held = BytesMut::from(&joined[hold..]);
        self.sent = self.sent.saturating_sub(hold);
        self.seen = self.held.len();
        Ok(out)
    }

    fn edited(&self, text: &[u8], mut edits: Vec<Edit>, from: usize) -> Bytes {
        for edit in &mut edits {
            if self.fixed_length {
                edit.with = fitted(&edit.with, edit.span.len());
            }
            edit.span = edit.span.start - from..edit.span.end - from;
        }
        super::admit::rewrite(&text[from..], &edits)
    }

    /// Patience is over: what is held moves on, and stays in view.
    fn let_go(&mut self) -> Option<Bytes> {
        let out = match &self.coded {
            Some(_) => {
                let rest = self.held.len() - self.sent;
                self.uncoded(rest, false)
            }
            None => Bytes::copy_from_slice(&self.held[self.sent..]),
        };
        self.sent = self.held.len();
        (!out.is_empty()).then_some(out)
    }

    fn refuse(&self, denial: Denial) -> Error {
        Error::Refused(self.ex.refuse(denial).code)
    }
}

/// A replacement cut or filled up to a length.
fn fitted(with: &[u8], length: usize) -> Box<[u8]> {
    let mut out = with[..with.len().min(length)].to_vec();
    out.resize(length, b'x');
    out.into_boxed_slice()
}

fn too_late(direction: Direction) -> Denial {
    let what = if direction == Direction::Request { "A vault value" } else { "An injected credential" };
    Denial::forbidden(
        "body",
        "secret_in_stream",
        "window",
        format!("{what} passed in a stream in which it can no longer be replaced."),
        "Leave the value out; send and ask for bodies uncompressed where credentials are involved.",
    )
}
