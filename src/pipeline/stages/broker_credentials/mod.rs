//! `broker_credentials`: credentials that are obtained or made for each request. A placeholder in its slot, or nothing there,
//! becomes the account's token; a request that is signed with a placeholder is signed anew. Tokens that are out are
//! taken out everywhere else, on the way out and on the way back.

mod bearer;
mod outgoing;
mod echo;
pub(super) mod signing;
mod departing;

use super::claims::bound;
use super::desk::Desk;
use super::refuse;
use crate::config::{Mode, OnSecret};
use crate::pipeline::exchange::{Errand, Exchange};
use crate::pipeline::stage::{
    BodyNeed, Chunk, ChunkVerdict, Departure, Direction, Settled, Stage, StageError, Verdict,
};
use crate::pipeline::{RequestHead, ResponseHead};
use http::{HeaderMap, StatusCode};

/// The stage.
pub struct BrokerCredentials {
    desk: Desk,
    /// Is a token that an agent sends refused, rather than replaced?
    blocks: bool,
    whole: usize,
}

impl BrokerCredentials {
    /// At this desk; `whole`: up to which size a body is cleared whole.
    #[must_use]
    pub fn new(desk: Desk, on_secret: OnSecret, whole: usize) -> Self {
        let blocks = on_secret == OnSecret::Block || desk.mode == Mode::Max;
        Self { desk, blocks, whole }
    }
}

const STAGE: &str = "broker_credentials";

/// A body that a signature has to cover is held up to this size, when nothing says what it hashes to.
const MOST_HASHED: usize = 32 * 1024 * 1024;

impl Stage for BrokerCredentials {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        if ex.vault.bindings.accounts().is_empty() {
            return Ok(Verdict::Continue);
        }
        if let Err(denial) = outgoing::head(ex, head, self.blocks) {
            return refuse(denial);
        }
        let bound = bound(ex, head);
        if bound.iter().all(|b| b.account.is_none()) {
            return Ok(Verdict::Continue);
        }
        if let Err(denial) = signing::judge(&self.desk, ex, head, &bound) {
            return refuse(denial);
        }
        // boxed: rare, and large enough to make every exchange large
        match Box::pin(bearer::put(&self.desk, ex, head, &bound)).await? {
            Ok(()) => Ok(Verdict::Continue),
            Err(denial) => refuse(denial),
        }
    }

    fn depart(
        &self,
        ex: &Exchange,
        head: &mut RequestHead,
        body: Settled<'_>,
    ) -> Result<Departure, StageError> {
        match ex.errand() {
            Some(Errand::Sign(signing)) => departing::sign(ex, signing, head, body),
            _ => Ok(Departure::AsIs),
        }
    }

    async fn response(&self, ex: &Exchange, head: &mut ResponseHead) -> Result<Verdict, StageError> {
        if let Some(Errand::Token(account, token)) = ex.errand()
            && head.status == StatusCode::UNAUTHORIZED
        {
            self.desk.tokens.refused(account, token);
        }
        if let Some(set) = echo::reflected(ex) {
            echo::unecho(ex, &set, &mut head.headers)?;
        }
        Ok(Verdict::Continue)
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        match direction {
            Direction::Request => match ex.errand() {
                Some(Errand::Sign(signing)) if signing.whole => {
                    BodyNeed::Whole { limit: MOST_HASHED.max(self.whole) }
                }
                _ if ex.minted().is_some() => BodyNeed::Whole { limit: self.whole },
                _ => BodyNeed::Skip,
            },
            Direction::Response if echo::reflected(ex).is_some() => BodyNeed::Window,
            Direction::Response => BodyNeed::Skip,
        }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        match direction {
            Direction::Request => Ok(outgoing::chunk(ex, chunk, self.blocks)),
            Direction::Response => {
                echo::chunk(ex, chunk);
                Ok(ChunkVerdict::Forward)
            }
        }
    }

    async fn trailers(
        &self,
        ex: &Exchange,
        direction: Direction,
        trailers: &mut HeaderMap,
    ) -> Result<ChunkVerdict, StageError> {
        match direction {
            Direction::Request => match outgoing::fields(ex, trailers, self.blocks) {
                Ok(()) => Ok(ChunkVerdict::Forward),
                Err(denial) => Ok(ChunkVerdict::Abort(denial)),
            },
            Direction::Response => {
                if let Some(set) = echo::reflected(ex) {
                    echo::unecho(ex, &set, trailers)?;
                }
                Ok(ChunkVerdict::Forward)
            }
        }
    }
}
