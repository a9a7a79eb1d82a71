//! Lets a body in as the pipeline needs it: untouched, cleared whole before anything of it moves on, or through a
//! window. What is cleared whole can still be refused with an answer; nothing is truncated, nothing refused for size.

use super::Body;
use super::decode::{DecodeError, Decoder};
use super::source::Source;
use super::window::Window;
use crate::config::Mode;
use crate::pipeline::content::{self, Codings, Kind};
use crate::pipeline::stage::Edit;
use crate::pipeline::{BodyNeed, Chunk, ChunkVerdict, Denial, Direction, Exchange};
use crate::proxy::error::Error;
use crate::proxy::live::Live;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName};
use std::sync::Arc;
use std::time::Duration;

/// A sender of unknown length that pauses this long is waiting for something: its body moves on through a window.
const PAUSE: Duration = Duration::from_millis(40);

/// The same for an encoded body: what is found in one can be replaced while it is held whole, and only cut off later.
const CODED_PAUSE: Duration = Duration::from_millis(200);

/// Why a body was not let in.
pub(in crate::proxy) enum Stop {
    /// A ruling.
    Refused(Denial),
    /// The sender broke off.
    Broken(Error),
}

/// Lets a body in. `headers` are of its message; they change where the body does.
pub(in crate::proxy) async fn admit(
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    direction: Direction,
    need: BodyNeed,
    headers: &mut HeaderMap,
    mut source: Source,
) -> Result<Body, Stop> {
    if source.is_end() {
        return Ok(Body::empty());
    }
    let BodyNeed::Whole { limit } = need else {
        return match need {
            BodyNeed::Skip => Ok(Body::untouched(source)),
            _ => through_window(live, ex, direction, headers, source),
        };
    };
    let codings = match content::codings(headers) {
        Codings::Identity => Vec::new(),
        Codings::Known(list) => list,
        Codings::Unknown if live.mode == Mode::Permissive => {
            ex.reason("the body's coding cannot be looked through".into());
            Vec::new()
        }
        Codings::Unknown => return Err(Stop::Refused(ex.refuse(unreadable(direction, None)))),
    };
    let declared = content::length(headers);
    let streams = matches!(content::kind(headers), Kind::Stream | Kind::Grpc);
    if streams || declared.is_some_and(|n| n > limit as u64) {
        return through_window(live, ex, direction, headers, source);
    }
    let slots = direction == Direction::Request && ex.body_slots().is_some();
    let pause = match declared {
        Some(_) => None,
        // what stands in a slot can only be judged when all of it is there
        None if slots => None,
        None if codings.is_empty() => Some(PAUSE),
        None => Some(CODED_PAUSE),
    };
    let whole = match collect(&mut source, limit, pause).await.map_err(Stop::Broken)? {
        Collected::Whole(whole) => whole,
        Collected::Part(frames) => {
            source.put_back(frames);
            return through_window(live, ex, direction, headers, source);
        }
    };
    clear(live, ex, direction, headers, &codings, whole).await
}

/// A body that has arrived in full.
struct Whole {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

enum Collected {
    Whole(Whole),
    /// It is over the limit, or its sender waits: what came so far.
    Part(Vec<Bytes>),
}

/// Waits for the end, the limit, or a pause this long; a body of declared length has none.
async fn collect(source: &mut Source, limit: usize, pause: Option<Duration>) -> Result<Collected, Error> {
    let (mut frames, mut size) = (Vec::new(), 0);
    loop {
        if source.is_end() {
            return Ok(Collected::Whole(Whole { data: joined(frames), trailers: None }));
        }
        let frame = match pause {
            None => source.frame().await,
            Some(pause) => match tokio::time::timeout(pause, source.frame()).await {
                Ok(frame) => frame,
                Err(_) => return Ok(Collected::Part(frames)),
            },
        };
        let Some(frame) = frame else {
            return Ok(Collected::Whole(Whole { data: joined(frames), trailers: None }));
        };
        match frame?.into_data() {
            Ok(data) => {
                size += data.len();
                frames.push(data);
            }
            Err(frame) => {
                return Ok(Collected::Whole(Whole {
                    data: joined(frames),
                    trailers: frame.into_trailers().ok(),
                }));
            }
        }
        if size > limit {
            return Ok(Collected::Part(frames));
        }
    }
}

/// The whole body, put back to be read again; `None` for one over the limit.
pub(in crate::proxy) async fn peek(source: &mut Source, limit: usize) -> Result<Option<Bytes>, Error> {
    match collect(source, limit, None).await? {
        Collected::Part(frames) => {
            source.put_back(frames);
            Ok(None)
        }
        Collected::Whole(whole) => {
            source.put_back_whole(whole.data.clone(), whole.trailers);
            Ok(Some(whole.data))
        }
    }
}

/// One frame stays the very bytes that came.
fn joined(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() == 1 {
        return frames.pop().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    for f in frames {
        all.extend_from_slice(&f);
    }
    all.freeze()
}

async fn clear(
    live: &Live,
    ex: &Exchange,
    direction: Direction,
    headers: &mut HeaderMap,
    codings: &[content::Coding],
    mut whole: Whole,
) -> Result<Body, Stop> {
    let mut decoded = Vec::new();
    if !codings.is_empty()
        && let Err(why) = decode_all(codings, live.limits.decompression_ratio, &whole.data, &mut decoded)
    {
        if live.mode != Mode::Permissive {
            return Err(Stop::Refused(ex.refuse(unreadable(direction, Some(why)))));
        }
        ex.reason(format!("the body cannot be looked through: {why}"));
    }
    let text: &[u8] = if codings.is_empty() { &whole.data } else { &decoded };
    let mut chunk = Chunk::whole(text);
    if let ChunkVerdict::Abort(denial) = live.pipeline.chunk(ex, direction, &mut chunk).await {
        return Err(Stop::Refused(denial));
    }
    if let Some(trailers) = &mut whole.trailers
        && let ChunkVerdict::Abort(denial) = live.pipeline.trailers(ex, direction, trailers).await
    {
        return Err(Stop::Refused(denial));
    }
    if chunk.edits.is_empty() {
        if direction == Direction::Request && hides_a_value(live, ex, codings, &whole.data) {
            return Err(Stop::Refused(ex.refuse(beside_the_text())));
        }
        return Ok(Body::whole(whole.data, whole.trailers));
    }
    chunk.edits.iter().for_each(|e| ex.replaced(e.what));
    let rewritten = rewrite(text, &Edit::apart(&chunk.edits));
    headers.remove(CONTENT_ENCODING);
    stale_digests(headers);
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, rewritten.len().into());
    }
    Ok(Body::whole(rewritten, whole.trailers))
}

/// Is there a vault value in what no stage has seen: in a coding's own framing, or under a coding that no header declares?
fn hides_a_value(live: &Live, ex: &Exchange, declared: &[content::Coding], wire: &[u8]) -> bool {
    if !declared.is_empty() {
        return ex.vault_knows(wire).0;
    }
    let Some(coding) = content::sniffed(wire) else { return false };
    let mut text = Vec::new();
    // what does not decode is what it seems: no compressed body
    let _ = decode_all(&[coding], live.limits.decompression_ratio, wire, &mut text);
    ex.vault_knows(&text).0
}

fn decode_all(
    codings: &[content::Coding],
    ratio: usize,
    data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut decoder = Decoder::new(codings, ratio)?;
    decoder.push(data, out)?;
    decoder.finish(out);
    Ok(())
}

/// The text with its edits, which are [`Edit::apart`].
pub(super) fn rewrite(text: &[u8], edits: &[Edit]) -> Bytes {
    let (mut out, mut at) = (BytesMut::with_capacity(text.len()), 0);
    for edit in edits {
        out.extend_from_slice(&text[at..edit.span.start]);
        out.extend_from_slice(&edit.with);
        at = edit.span.end;
    }
    out.extend_from_slice(&text[at..]);
    out.freeze()
}

/// Digests of a body that has been rewritten are of another body.
fn stale_digests(headers: &mut HeaderMap) {
    for name in ["content-md5", "digest", "content-digest", "repr-digest"] {
        headers.remove(HeaderName::from_static(name));
    }
}

fn through_window(
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    direction: Direction,
    headers: &HeaderMap,
    source: Source,
) -> Result<Body, Stop> {
    let decoder = match content::codings(headers) {
        Codings::Identity => None,
        Codings::Known(list) => match Decoder::new(&list, live.limits.decompression_ratio) {
            Ok(decoder) => Some(decoder),
            Err(why) => return Err(Stop::Refused(ex.refuse(unreadable(direction, Some(why))))),
        },
        Codings::Unknown if live.mode == Mode::Permissive => return Ok(Body::untouched(source)),
        Codings::Unknown => return Err(Stop::Refused(ex.refuse(unreadable(direction, None)))),
    };
    let length = content::length(headers);
    let window = Window::new(live.clone(), ex.clone(), direction, source, decoder, length.is_some());
    Ok(Body::window(window.into_stream(), length))
}

/// A value in what a coding carries beside the text: a gzip header's name or comment, a skippable zstd frame.
pub(super) fn beside_the_text() -> Denial {
    Denial::forbidden(
        "body",
        "secret_blocked",
        "content_encoding",
        "A vault value stands in the body under a coding that is not declared, or in a coding's own framing.",
        "Leave the value out.",
    )
}

/// The body cannot be looked into.
pub(super) fn unreadable(direction: Direction, why: Option<DecodeError>) -> Denial {
    let (what, status) = match direction {
        Direction::Request => ("request", 403),
        Direction::Response => ("answer", 502),
    };
    let message = match why {
        None => format!("The {what}'s body is in a coding that cannot be looked through."),
        Some(why) => format!("The {what}'s body cannot be looked through: {why}."),
    };
    Denial::forbidden(
        "body",
        if why == Some(DecodeError::Bomb) { "body_bomb" } else { "body_unreadable" },
        "content_encoding",
        message,
        "Send or ask for it uncompressed, or in gzip, deflate, br or zstd.",
    )
    .with_status(status)
}
