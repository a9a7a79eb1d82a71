//! `Stage`: what takes part in ruling on an exchange, and the words it answers in.

use super::exchange::Exchange;
use super::{Denial, RequestHead, ResponseHead};
use std::ops::Range;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Agent to origin.
    Request,
    /// Origin to agent.
    Response,
}

/// A stage's answer before any byte has moved.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The next stage rules.
    Continue,
    /// No further stage is asked, and nothing is looked into.
    Bypass,
    /// This stage may answer the request itself, and wants to see its body. A request's head only.
    Claim,
    /// It ends here.
    Refuse(Denial),
}

/// A stage's answer to a piece of a body.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum ChunkVerdict {
    /// Up to where the chunk says, with its edits.
    Forward,
    /// The body ends here.
    Abort(Denial),
}

/// How a body has to travel. The greediest stage decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyNeed {
    /// Untouched.
    Skip,
    /// As it comes, held back only where a match may be under way.
    Window,
    /// Cleared whole before anything of it moves on; a body over the limit travels as `Window`.
    Whole {
        /// Bytes.
        limit: usize,
    },
}

/// A replacement of some of a chunk's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which bytes of the chunk's text.
    pub span: Range<usize>,
    /// What stands there instead.
    pub with: Box<[u8]>,
    /// What the replacement means for the exchange; noted once it is made.
    pub what: Replaced,
}

impl Edit {
    /// Edits in the order of the text. Those that overlap become one: what the first says, in place of all that any of them
    /// meant to take out.
    #[must_use]
    pub fn apart(edits: &[Self]) -> Vec<Self> {
        let mut sorted = edits.to_vec();
        sorted.sort_by_key(|e| (e.span.start, std::cmp::Reverse(e.span.end)));
        let mut apart: Vec<Self> = Vec::with_capacity(sorted.len());
        for edit in sorted {
            match apart.last_mut() {
                Some(last) if edit.span.start < last.span.end => {
                    last.span.end = last.span.end.max(edit.span.end);
                }
                _ => apart.push(edit),
            }
        }
        apart
    }
}

/// What a replacement was for. Secrets by their index in the vault generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// A vault value on its way out.
    Value(usize),
    /// An injected credential that upstream reflected.
    Echo(usize),
    /// A placeholder in its slot of the body.
    Placeholder {
        /// The secret.
        held: usize,
        /// Which of the exchange's body slots.
        nth: usize,
    },
    /// A token that was obtained, on its way out where it does not belong.
    Token(usize),
}

/// What a stage answers by itself: nothing goes upstream.
#[derive(Debug)]
pub struct OwnAnswer {
    /// The status.
    pub status: u16,
    /// A JSON document.
    pub body: Vec<u8>,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claim {
    /// It was one: here is the answer.
    Answer(OwnAnswer),
    /// The body says that it was none: the stages behind rule.
    Dropped,
    /// It ends here.
    Refuse(Denial),
}

/// A request's body on the point of leaving.
#[derive(Clone, Copy, Debug)]
pub enum Settled<'a> {
    /// This is all of it.
    Whole(&'a [u8]),
    /// It passes, and is not known yet.
    Passing,
}

/// A stage's last word on a request.
pub enum Departure {
    /// The body goes as it is.
    AsIs,
    /// The body is rewritten as it passes.
    Rewrite(Box<dyn Rewrite>),
    /// It does not leave.
    Refuse(Denial),
}

/// Rewrites a body as it passes, without changing its length.
pub trait Rewrite: Send {
    /// Takes bytes in; what can be sent comes out.
    ///
    /// # Errors
    /// The denial: the body is not what its head says.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Denial>;

    /// The body's end.
    ///
    /// # Errors
    /// The denial: it is not complete.
    fn finish(&mut self) -> Result<(), Denial>;
}

/// A piece of a body, decoded. Stages read `text`, lower `hold`, and add edits.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The bytes, those held back from earlier chunks in front.
    pub text: &'a [u8],
    /// How many of them were shown before: what ends within them has been noted already.
    pub seen: usize,
    /// Is this the body's end?
    pub end: bool,
    /// Is this all of the body, and none of it has moved on?
    pub whole: bool,
    /// Up to where the text may move on; the rest is shown again with what follows it.
    pub hold: usize,
    /// Replacements; where those of several stages overlap, [`Edit::apart`] decides.
    pub edits: Vec<Edit>,
}

impl<'a> Chunk<'a> {
    /// A chunk of which everything may move on.
    #[must_use]
    pub fn new(text: &'a [u8], seen: usize, end: bool) -> Self {
        Self { text, seen, end, whole: false, hold: text.len(), edits: Vec::new() }
    }

    /// A whole body, nothing of which has moved on.
    #[must_use]
    pub fn whole(text: &'a [u8]) -> Self {
        Self { whole: true, ..Self::new(text, 0, true) }
    }

    /// Nothing from `at` on may move on yet. Ignored at the body's end, where nothing can follow.
    pub fn hold_from(&mut self, at: usize) {
        if !self.end {
            self.hold = self.hold.min(at);
        }
    }
}

/// A stage broke. What follows from that is decided in one place, [`super::Pipeline`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StageError(pub String);

/// Takes part in ruling on exchanges. Every hook defaults to having nothing to say.
pub trait Stage: Send + Sync + 'static {
    /// Its name, for denials, metrics and audit.
    fn name(&self) -> &'static str;

    /// Is it asked about a destination even when an earlier stage has bypassed the rest?
    fn always(&self) -> bool {
        false
    }

    /// A CONNECT, or the destination of any other request.
    fn connect(&self, _ex: &Exchange) -> impl Future<Output = Result<Verdict, StageError>> {
        async { Ok(Verdict::Continue) }
    }

    /// A request's head.
    fn request(
        &self,
        _ex: &Exchange,
        _head: &mut RequestHead,
    ) -> impl Future<Output = Result<Verdict, StageError>> {
        async { Ok(Verdict::Continue) }
    }

    /// A request this stage has claimed, with its body.
    fn claimed(
        &self,
        _ex: &Exchange,
        _head: &RequestHead,
        _body: &[u8],
    ) -> impl Future<Output = Result<Claim, StageError>> {
        async { Ok(Claim::Dropped) }
    }

    /// A request whose body has been let in, on the point of leaving; asked only where [`Exchange::errand`] says so.
    ///
    /// # Errors
    /// When the stage breaks.
    fn depart(
        &self,
        _ex: &Exchange,
        _head: &mut RequestHead,
        _body: Settled<'_>,
    ) -> Result<Departure, StageError> {
        Ok(Departure::AsIs)
    }

    /// A response's head.
    fn response(
        &self,
        _ex: &Exchange,
        _head: &mut ResponseHead,
    ) -> impl Future<Output = Result<Verdict, StageError>> {
        async { Ok(Verdict::Continue) }
    }

    /// How a body has to travel, as far as this stage is concerned.
    fn body(&self, _ex: &Exchange, _direction: Direction) -> BodyNeed {
        BodyNeed::Skip
    }

    /// A piece of a body.
    fn chunk(
        &self,
        _ex: &Exchange,
        _direction: Direction,
        _chunk: &mut Chunk<'_>,
    ) -> impl Future<Output = Result<ChunkVerdict, StageError>> {
        async { Ok(ChunkVerdict::Forward) }
    }

    /// The trailers of a body.
    fn trailers(
        &self,
        _ex: &Exchange,
        _direction: Direction,
        _trailers: &mut http::HeaderMap,
    ) -> impl Future<Output = Result<ChunkVerdict, StageError>> {
        async { Ok(ChunkVerdict::Forward) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_that_overlap_take_out_all_that_any_of_them_meant() {
        let edit =
            |span: Range<usize>, with: &[u8]| Edit { span, with: with.into(), what: Replaced::Value(0) };
        let all = [
            edit(20..50, b"b"),
            edit(60..70, b"c"),
            edit(10..30, b"a"),
            edit(12..14, b"d"),
            edit(70..71, b"e"),
        ];
        let apart = Edit::apart(&all);
        let told: Vec<_> = apart.iter().map(|e| (e.span.clone(), &*e.with)).collect();
        assert_eq!(told, [(10..50, &b"a"[..]), (60..70, b"c"), (70..71, b"e")]);
    }
}
