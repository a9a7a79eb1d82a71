//! `Pipeline`: asks the stages in their order and turns their answers into one ruling. A stage that errors or panics
//! refuses (unless the mode is permissive and it merely erred): that is decided in `settle`, and nowhere else.

use super::exchange::Exchange;
use super::stage::{
    BodyNeed, Chunk, ChunkVerdict, Claim, Departure, Direction, OwnAnswer, Rewrite, Settled, Stage,
    StageError, Verdict,
};
use super::{Denial, RequestHead, ResponseHead};
use crate::base::host::Authority;
use futures_util::FutureExt;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What an error in a stage comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailMode {
    /// A denial.
    Closed,
    /// A line in the log.
    Open,
}

/// Proof that the pipeline has let this value through. Upstream and tunnel take nothing else, and only this
/// module can make one.
///
/// ```compile_fail
/// let forged = katana::pipeline::Cleared(());
/// ```
#[derive(Debug)]
pub struct Cleared<T>(T);

impl<T> Cleared<T> {
    /// The value, to be sent.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The value, to be read.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Cleared<RequestHead> {
    /// The headers, whose framing follows a body that was rewritten.
    pub fn framing(&mut self) -> &mut http::HeaderMap {
        &mut self.0.headers
    }
}

impl Cleared<ResponseHead> {
    /// The headers, whose framing follows a body that was rewritten.
    pub fn framing(&mut self) -> &mut http::HeaderMap {
        &mut self.0.headers
    }
}

/// What becomes of a head.
#[derive(Debug)]
pub enum Ruling<T> {
    /// It goes on, and its body will be looked into.
    Forward(Cleared<T>),
    /// It goes on, and nothing of it is looked into.
    Untouched(Cleared<T>),
    /// It does not.
    Refuse(Denial),
}

/// What asking the stages about a request's head comes to.
#[derive(Debug)]
pub enum Asked {
    /// They have ruled.
    Ruled(Ruling<RequestHead>),
    /// One of them may answer it, once it has seen the body.
    Claimed(Claimed),
}

/// A request that a stage has claimed, and the stages behind it have not ruled on.
#[derive(Debug)]
pub struct Claimed {
    head: RequestHead,
    at: usize,
}

impl Claimed {
    /// The head.
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        &self.head
    }
}

/// What became of a claimed request.
#[derive(Debug)]
pub enum Disposed {
    /// This is the answer; nothing goes upstream.
    Answered(OwnAnswer),
    /// The other stages have ruled after all.
    Ruled(Ruling<RequestHead>),
}

/// The stages, in the order they run.
pub struct Pipeline<S> {
    stages: Box<[S]>,
    fail: FailMode,
    failing: AtomicBool,
}

impl<S: Stage> Pipeline<S> {
    /// Stages in the order they rule on requests; responses go through them in reverse.
    #[must_use]
    pub fn new(stages: impl IntoIterator<Item = S>, fail: FailMode) -> Self {
        Self { stages: stages.into_iter().collect(), fail, failing: AtomicBool::new(false) }
    }

    /// Has any stage broken since the start?
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failing.load(Relaxed)
    }

    /// Rules on a destination before anything is opened towards it.
    pub async fn connect(&self, ex: &Exchange) -> Ruling<Authority> {
        let at = Cell::new(0);
        let asked = async {
            let mut bypassed = false;
            for (i, stage) in self.stages.iter().enumerate() {
                if bypassed && !stage.always() {
                    continue;
                }
                at.set(i);
                match self.settle(ex, stage, stage.connect(ex).await, Verdict::Continue) {
                    Verdict::Continue => {}
                    Verdict::Bypass => bypassed = true,
                    Verdict::Refuse(denial) => return Err(denial),
                    Verdict::Claim => return Err(self.broken(ex, stage.name(), "it claims a destination")),
                }
            }
            Ok(bypassed)
        };
        let cleared = || Cleared(ex.authority.clone());
        match self.caught(ex, &at, asked).await {
            Ok(true) => Ruling::Untouched(cleared()),
            Ok(false) => Ruling::Forward(cleared()),
            Err(denial) => Ruling::Refuse(ex.refuse(denial)),
        }
    }

    /// A head towards a destination that [`Pipeline::connect`] has ruled to be left untouched.
    pub fn unexamined(&self, _ruling: &Cleared<Authority>, head: RequestHead) -> Cleared<RequestHead> {
        Cleared(head)
    }

    /// Rules on a request's head, unless a stage claims it.
    pub async fn request(&self, ex: &Exchange, head: RequestHead) -> Asked {
        self.request_from(ex, head, 0).await
    }

    async fn request_from(&self, ex: &Exchange, mut head: RequestHead, from: usize) -> Asked {
        let at = Cell::new(from);
        let asked = async {
            for (i, stage) in self.stages.iter().enumerate().skip(from) {
                at.set(i);
                match self.settle(ex, stage, stage.request(ex, &mut head).await, Verdict::Continue) {
                    Verdict::Continue => {}
                    Verdict::Refuse(denial) => return Err(denial),
                    end => return Ok(end),
                }
            }
            Ok(Verdict::Continue)
        };
        match self.caught(ex, &at, asked).await {
            Ok(Verdict::Claim) => Asked::Claimed(Claimed { head, at: at.get() }),
            Ok(Verdict::Bypass) => Asked::Ruled(Ruling::Untouched(Cleared(head))),
            Ok(_) => Asked::Ruled(Ruling::Forward(Cleared(head))),
            Err(denial) => Asked::Ruled(Ruling::Refuse(ex.refuse(denial))),
        }
    }

    /// Shows the stage that claimed a request its body. `None` for a body that it will not look at.
    pub async fn claimed(&self, ex: &Exchange, claimed: Claimed, body: Option<&[u8]>) -> Disposed {
        let Claimed { head, at } = claimed;
        let cell = Cell::new(at);
        let (stage, fate) = (&self.stages[at], Cell::new(None));
        if let Some(body) = body {
            let asked = async {
                match stage.claimed(ex, &head, body).await {
                    Ok(claim) => fate.set(Some(claim)),
                    // an answer that cannot be given is not somebody else's to give, in any mode
                    Err(why) => return Err(self.broken(ex, stage.name(), &why.to_string())),
                }
                Ok(())
            };
            if let Err(denial) = self.caught(ex, &cell, asked).await {
                return Disposed::Ruled(Ruling::Refuse(ex.refuse(denial)));
            }
        }
        match fate.take() {
            Some(Claim::Answer(answer)) => Disposed::Answered(answer),
            Some(Claim::Refuse(denial)) => Disposed::Ruled(Ruling::Refuse(ex.refuse(denial))),
            Some(Claim::Dropped) | None => match self.request_from(ex, head, at + 1).await {
                Asked::Ruled(ruling) => Disposed::Ruled(ruling),
                // the body is spent on the first claim
                Asked::Claimed(_) => {
                    let denial = self.broken(ex, stage.name(), "a second stage claims the request");
                    Disposed::Ruled(Ruling::Refuse(ex.refuse(denial)))
                }
            },
        }
    }

    /// The last word on a request whose body has been let in: the head may still change with it.
    ///
    /// # Errors
    /// The denial.
    pub fn depart(
        &self,
        ex: &Exchange,
        head: &mut Cleared<RequestHead>,
        body: Settled<'_>,
    ) -> Result<Option<Box<dyn Rewrite>>, Denial> {
        let mut rewrite = None;
        for stage in &self.stages {
            // what is not signed as it should be does not leave, in any mode
            match stage.depart(ex, &mut head.0, body) {
                Ok(Departure::AsIs) => {}
                Ok(Departure::Rewrite(by)) => rewrite = Some(by),
                Ok(Departure::Refuse(denial)) => return Err(ex.refuse(denial)),
                Err(why) => return Err(ex.refuse(self.broken(ex, stage.name(), &why.to_string()))),
            }
        }
        Ok(rewrite)
    }

    /// Rules on a response's head, inner stages first, as the bytes come back.
    pub async fn response(&self, ex: &Exchange, mut head: ResponseHead) -> Ruling<ResponseHead> {
        let at = Cell::new(0);
        let asked = async {
            for (i, stage) in self.stages.iter().enumerate().rev() {
                at.set(i);
                match self.settle(ex, stage, stage.response(ex, &mut head).await, Verdict::Continue) {
                    Verdict::Continue => {}
                    Verdict::Bypass => return Ok(true),
                    Verdict::Refuse(denial) => return Err(denial),
                    Verdict::Claim => return Err(self.broken(ex, stage.name(), "it claims an answer")),
                }
            }
            Ok(false)
        };
        match self.caught(ex, &at, asked).await {
            Ok(true) => Ruling::Untouched(Cleared(head)),
            Ok(false) => Ruling::Forward(Cleared(head)),
            Err(denial) => Ruling::Refuse(ex.refuse(denial)),
        }
    }

    /// How a body has to travel: as the greediest stage asks.
    pub fn body_need(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        self.stages.iter().map(|s| s.body(ex, direction)).max().unwrap_or(BodyNeed::Skip)
    }

    /// Rules on a piece of a body.
    pub async fn chunk(&self, ex: &Exchange, direction: Direction, chunk: &mut Chunk<'_>) -> ChunkVerdict {
        let at = Cell::new(0);
        let asked = async {
            for (i, stage) in self.stages.iter().enumerate() {
                at.set(i);
                let said = stage.chunk(ex, direction, chunk).await;
                if let ChunkVerdict::Abort(denial) = self.settle(ex, stage, said, ChunkVerdict::Forward) {
                    return Err(denial);
                }
            }
            Ok(())
        };
        match self.caught(ex, &at, asked).await {
            Ok(()) => ChunkVerdict::Forward,
            Err(denial) => ChunkVerdict::Abort(ex.refuse(denial)),
        }
    }

    /// Rules on a body's trailers.
    pub async fn trailers(
        &self,
        ex: &Exchange,
        direction: Direction,
        trailers: &mut http::HeaderMap,
    ) -> ChunkVerdict {
        let at = Cell::new(0);
        let asked = async {
            for (i, stage) in self.stages.iter().enumerate() {
                at.set(i);
                let said = stage.trailers(ex, direction, trailers).await;
                if let ChunkVerdict::Abort(denial) = self.settle(ex, stage, said, ChunkVerdict::Forward) {
                    return Err(denial);
                }
            }
            Ok(())
        };
        match self.caught(ex, &at, asked).await {
            Ok(()) => ChunkVerdict::Forward,
            Err(denial) => ChunkVerdict::Abort(ex.refuse(denial)),
        }
    }

    /// Runs stages one after the other; a panic in the one that `at` names is a denial.
    async fn caught<T>(
        &self,
        ex: &Exchange,
        at: &Cell<usize>,
        asked: impl Future<Output = Result<T, Denial>>,
    ) -> Result<T, Denial> {
        match AssertUnwindSafe(asked).catch_unwind().await {
            Ok(said) => said,
            Err(_) => Err(self.broken(ex, self.stages[at.get()].name(), "it panicked")),
        }
    }

    /// The one place where a failing stage becomes a decision.
    fn settle<V: Refusing>(&self, ex: &Exchange, stage: &S, said: Result<V, StageError>, go_on: V) -> V {
        match said {
            Ok(verdict) => verdict,
            Err(why) => {
                let denial = self.broken(ex, stage.name(), &why.to_string());
                if self.fail == FailMode::Open { go_on } else { V::refusing(denial) }
            }
        }
    }

    fn broken(&self, ex: &Exchange, stage: &'static str, why: &str) -> Denial {
        self.failing.store(true, Relaxed);
        tracing::error!(exchange = %ex.id, stage, %why, "a stage failed");
        ex.reason(format!("stage {stage} failed"));
        let message = format!("The {stage} stage failed, so this request could not be evaluated.");
        Denial::unevaluated(stage, "stage_failed", message)
    }
}

/// Verdicts that can say no.
trait Refusing {
    fn refusing(denial: Denial) -> Self;
}

impl Refusing for Verdict {
    fn refusing(denial: Denial) -> Self {
        Self::Refuse(denial)
    }
}

impl Refusing for ChunkVerdict {
    fn refusing(denial: Denial) -> Self {
        Self::Abort(denial)
    }
}
