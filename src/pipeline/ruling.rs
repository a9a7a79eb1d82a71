//! `Pipeline`: asks the stages in their order and turns their answers into one ruling. A stage that errors or panics
//! refuses (unless the mode is permissive and it merely erred): that is decided in `settle`, and nowhere else.

use super::exchange::Exchange;
use super::stage::{BodyNeed, Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
use super::{Denial, RequestHead, ResponseHead};
use crate::base::host::Authority;
use futures_util::FutureExt;
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
        let mut bypassed = false;
        for stage in self.stages.iter() {
            if bypassed && !stage.always() {
                continue;
            }
            match self.settle(ex, stage, caught(stage.connect(ex)).await, Verdict::Continue) {
                Verdict::Continue => {}
                Verdict::Bypass => bypassed = true,
                Verdict::Refuse(denial) => return Ruling::Refuse(ex.refuse(denial)),
            }
        }
        let cleared = Cleared(ex.authority.clone());
        if bypassed { Ruling::Untouched(cleared) } else { Ruling::Forward(cleared) }
    }

    /// A head towards a destination that [`Pipeline::connect`] has ruled to be left untouched.
    pub fn unexamined(&self, _ruling: &Cleared<Authority>, head: RequestHead) -> Cleared<RequestHead> {
        Cleared(head)
    }

    /// Rules on a request's head.
    pub async fn request(&self, ex: &Exchange, mut head: RequestHead) -> Ruling<RequestHead> {
        for stage in &self.stages {
            match self.settle(ex, stage, caught(stage.request(ex, &mut head)).await, Verdict::Continue) {
                Verdict::Continue => {}
                Verdict::Bypass => return Ruling::Untouched(Cleared(head)),
                Verdict::Refuse(denial) => return Ruling::Refuse(ex.refuse(denial)),
            }
        }
        Ruling::Forward(Cleared(head))
    }

    /// Rules on a response's head, inner stages first, as the bytes come back.
    pub async fn response(&self, ex: &Exchange, mut head: ResponseHead) -> Ruling<ResponseHead> {
        for stage in self.stages.iter().rev() {
            match self.settle(ex, stage, caught(stage.response(ex, &mut head)).await, Verdict::Continue) {
                Verdict::Continue => {}
                Verdict::Bypass => return Ruling::Untouched(Cleared(head)),
                Verdict::Refuse(denial) => return Ruling::Refuse(ex.refuse(denial)),
            }
        }
        Ruling::Forward(Cleared(head))
    }

    /// How a body has to travel: as the greediest stage asks.
    pub fn body_need(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        self.stages.iter().map(|s| s.body(ex, direction)).max().unwrap_or(BodyNeed::Skip)
    }

    /// Rules on a piece of a body.
    pub async fn chunk(&self, ex: &Exchange, direction: Direction, chunk: &mut Chunk<'_>) -> ChunkVerdict {
        for stage in &self.stages {
            let said = caught(stage.chunk(ex, direction, chunk)).await;
            if let ChunkVerdict::Abort(denial) = self.settle(ex, stage, said, ChunkVerdict::Forward) {
                return ChunkVerdict::Abort(ex.refuse(denial));
            }
        }
        ChunkVerdict::Forward
    }

    /// Rules on a body's trailers.
    pub async fn trailers(
        &self,
        ex: &Exchange,
        direction: Direction,
        trailers: &mut http::HeaderMap,
    ) -> ChunkVerdict {
        for stage in &self.stages {
            let said = caught(stage.trailers(ex, direction, trailers)).await;
            if let ChunkVerdict::Abort(denial) = self.settle(ex, stage, said, ChunkVerdict::Forward) {
                return ChunkVerdict::Abort(ex.refuse(denial));
            }
        }
        ChunkVerdict::Forward
    }

    /// The one place where a failing stage becomes a decision.
    fn settle<V: Refusing>(&self, ex: &Exchange, stage: &S, said: Said<V>, go_on: V) -> V {
        let (why, may_pass) = match said {
            Said::Answer(v) => return v,
            Said::Broke(e) => (e.to_string(), self.fail == FailMode::Open),
            Said::Panicked => ("it panicked".to_owned(), false),
        };
        self.failing.store(true, Relaxed);
        tracing::error!(exchange = %ex.id, stage = stage.name(), %why, "a stage failed");
        ex.reason(format!("stage {} failed", stage.name()));
        if may_pass {
            return go_on;
        }
        V::refusing(Denial::unevaluated(
            stage.name(),
            "stage_failed",
            format!("The {} stage failed, so this request could not be evaluated.", stage.name()),
        ))
    }
}

/// What came back from a stage.
enum Said<V> {
    Answer(V),
    Broke(StageError),
    Panicked,
}

async fn caught<V>(hook: impl Future<Output = Result<V, StageError>>) -> Said<V> {
    match AssertUnwindSafe(hook).catch_unwind().await {
        Ok(Ok(v)) => Said::Answer(v),
        Ok(Err(e)) => Said::Broke(e),
        Err(_) => Said::Panicked,
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
