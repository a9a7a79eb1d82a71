//! `inject_credentials`: the last before the wire. In the declared slot of a declared host a placeholder becomes the
//! value, and an empty slot is filled. On the way back, an injected value that upstream reflects becomes the
//! placeholder again.

use super::{bound, refuse};
use crate::pipeline::exchange::{Exchange, Scheme};
use crate::pipeline::slot::{self, Occupant};
use crate::pipeline::stage::{
    BodyNeed, Chunk, ChunkVerdict, Direction, Edit, Replaced, Stage, StageError, Verdict,
};
use crate::pipeline::{Denial, RequestHead, ResponseHead};
use crate::vault::scrub::Hit;
use http::{HeaderMap, HeaderValue};

/// The stage.
pub struct InjectCredentials {
    on: bool,
}

impl InjectCredentials {
    /// Is it switched on?
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self { on }
    }
}

const STAGE: &str = "inject_credentials";

impl Stage for InjectCredentials {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        let Some(binding) = bound(ex, head) else {
            return Ok(Verdict::Continue);
        };
        let Some((held, secret)) = binding.held.and_then(|i| Some((i, ex.vault.held.get(i)?))) else {
            return Ok(Verdict::Continue);
        };
        match slot::occupant(head, &binding.slot) {
            Occupant::Nothing => {}
            Occupant::One(v) if v.expose() == secret.placeholder.as_bytes() => {
                if !self.on || ex.scheme == Scheme::Http {
                    return refuse(not_injected(self.on));
                }
            }
            // the agent's own credential, or the value itself where it belongs: ordinary traffic
            Occupant::One(_) | Occupant::Unclear => return Ok(Verdict::Continue),
        }
        if !self.on || ex.scheme == Scheme::Http {
            return Ok(Verdict::Continue);
        }
        slot::fill(head, &binding.slot, &secret.value).map_err(|why| StageError(why.to_owned()))?;
        ex.injected(held);
        Ok(Verdict::Continue)
    }

    async fn response(&self, ex: &Exchange, head: &mut ResponseHead) -> Result<Verdict, StageError> {
        if ex.has_injected() {
            unecho(ex, &mut head.headers)?;
        }
        Ok(Verdict::Continue)
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        if direction == Direction::Response && ex.has_injected() { BodyNeed::Window } else { BodyNeed::Skip }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        if direction == Direction::Response && ex.has_injected() {
            let (hits, hold) = echoes(ex, chunk.text);
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
        if direction == Direction::Response && ex.has_injected() {
            unecho(ex, trailers)?;
        }
        Ok(ChunkVerdict::Forward)
    }
}

/// Every echo of what was injected, in order and not overlapping, and from where one may be under way.
fn echoes(ex: &Exchange, text: &[u8]) -> (Vec<Hit>, usize) {
    let (mut hits, mut hold) = (Vec::new(), text.len());
    for held in ex.injections() {
        if let Some(echo) = ex.vault.echo(held) {
            let mut own = Vec::new();
            hold = hold.min(echo.scan(text, &mut own));
            hits.extend(
                own.into_iter().map(|h| Hit { secret: u32::try_from(held).unwrap_or(u32::MAX), ..h }),
            );
        }
    }
    hits.sort_by_key(|h| h.start);
    let mut end = 0;
    hits.retain(|h| {
        let keep = h.start >= end;
        end = if keep { h.end } else { end };
        keep
    });
    (hits, hold)
}

/// Turns echoes in headers back.
fn unecho(ex: &Exchange, headers: &mut HeaderMap) -> Result<(), StageError> {
    for value in headers.values_mut() {
        let (hits, _) = echoes(ex, value.as_bytes());
        if hits.is_empty() {
            continue;
        }
        let (mut out, mut at) = (Vec::new(), 0);
        for hit in &hits {
            ex.unechoed(hit.secret as usize);
            out.extend_from_slice(&value.as_bytes()[at..hit.start]);
            out.extend_from_slice(ex.vault.held[hit.secret as usize].placeholder.as_bytes());
            at = hit.end;
        }
        out.extend_from_slice(&value.as_bytes()[at..]);
        *value =
            HeaderValue::from_bytes(&out).map_err(|_| StageError("an echo could not be taken out".into()))?;
    }
    Ok(())
}

fn not_injected(on: bool) -> Denial {
    let why = if on { "over plain http" } else { "while proxy.inject_credentials is off" };
    Denial::forbidden(
        STAGE,
        "credential_not_injected",
        "inject_credentials",
        format!("A placeholder stands in its slot, but no credential is put in {why}."),
        "Use https, or ask the operator to switch injection on.",
    )
}
