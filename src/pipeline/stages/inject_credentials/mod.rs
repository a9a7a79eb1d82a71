//! `inject_credentials`: the last before the wire. In the declared slot of a declared host a placeholder becomes the
//! value, and an empty slot is filled. On the way back, an injected value that upstream reflects becomes the
//! placeholder again.

mod choice;
pub(super) mod refusal;
mod fill;
mod echo;

use super::refuse;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{
    BodyNeed, Chunk, ChunkVerdict, Direction, Edit, Replaced, Stage, StageError, Verdict,
};
use crate::pipeline::{RequestHead, ResponseHead};
use choice::Choice;
use http::HeaderMap;

/// The stage.
pub struct InjectCredentials {
    on: bool,
    whole: usize,
}

impl InjectCredentials {
    /// Is it switched on, and up to which size is a body with slots in it taken whole?
    #[must_use]
    pub fn new(on: bool, whole: usize) -> Self {
        Self { on, whole }
    }
}

const STAGE: &str = "inject_credentials";

impl Stage for InjectCredentials {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        match choice::choose(ex, head, self.on) {
            Choice::Nothing => Ok(Verdict::Continue),
            Choice::Refuse(denial) => refuse(denial),
            Choice::Put(puts) => {
                fill::head(ex, head, &puts)?;
                Ok(Verdict::Continue)
            }
        }
    }

    async fn response(&self, ex: &Exchange, head: &mut ResponseHead) -> Result<Verdict, StageError> {
        if !ex.echoing().is_empty() {
            echo::unecho(ex, &mut head.headers)?;
        }
        Ok(Verdict::Continue)
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        match direction {
            Direction::Request if ex.body_slots().is_some() => BodyNeed::Whole { limit: self.whole },
            Direction::Response if !ex.echoing().is_empty() => BodyNeed::Window,
            _ => BodyNeed::Skip,
        }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        if direction == Direction::Request {
            return match fill::body(ex, chunk, self.on)? {
                Some(denial) => Ok(ChunkVerdict::Abort(denial)),
                None => Ok(ChunkVerdict::Forward),
            };
        }
        if !ex.echoing().is_empty() {
            let (hits, hold) = if chunk.end && chunk.seen == 0 {
                (echo::in_whole(ex, chunk.text), chunk.text.len())
            } else {
                echo::in_piece(ex, chunk.text)
            };
            chunk.hold_from(hold);
            for hit in hits.iter().filter(|h| chunk.end || h.start < hold) {
                let held = hit.secret as usize;
                let with = ex.vault.held[held].placeholder.as_bytes().into();
                chunk.edits.push(Edit { span: hit.start..hit.end, with, what: Replaced::Echo(held) });
            }
        }
        Ok(ChunkVerdict::Forward)
    }

    async fn trailers(
        &self,
        ex: &Exchange,
        direction: Direction,
        trailers: &mut HeaderMap,
    ) -> Result<ChunkVerdict, StageError> {
        if direction == Direction::Response && !ex.echoing().is_empty() {
            echo::unecho(ex, trailers)?;
        }
        Ok(ChunkVerdict::Forward)
    }
}

#[cfg(test)]
mod tests;
