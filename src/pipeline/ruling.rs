//! `Pipeline`: asks the stages in their order and turns their answers into one ruling. A stage that errors or panics
//! refuses (unless the mode is permissive and it merely erred): that is decided in `settle`, and nowhere else.

use super::exchange::Exchange;
use super::stage::{BodyNeed, Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
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

    /// Rules on a request's head.
    pub async fn request(&self, ex: &Exchange, mut head: RequestHead) -> Ruling<RequestHead> {
        let at = Cell::new(0);
        let asked = async {
            for (i, stage) in self.stages.iter().enumerate() {
                at.set(i);
                match self.settle(ex, stage, stage.request(ex, &mut head).await, Verdict::Continue) {
                    Verdict::Continue => {}
                    Verdict::Bypass => return Ok(true),
                    Verdict::Refuse(denial) => return Err(denial),
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
