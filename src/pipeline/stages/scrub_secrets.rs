//! `scrub_secrets`: no vault value leaves, in any derived form, in any place; each becomes its placeholder, or the
//! request is refused (`on_secret: block`). A placeholder outside its slot is an attempt to carry it off: refused.

use super::claims::{self, Own, misplaced, note_attempt};
use super::encoded::{self, Under};
use super::head_text::{self, Field, with_head};
use super::refuse;
use crate::config::{Mode, OnSecret};
use crate::pipeline::exchange::Exchange;
use crate::pipeline::slot::{BodySlots, Stands};
use crate::pipeline::stage::{
    BodyNeed, Chunk, ChunkVerdict, Direction, Edit, Replaced, Stage, StageError, Verdict,
};
use crate::pipeline::{Denial, RequestHead};
use crate::scanner::views;
use crate::vault::scrub::{Hit, Kind};
use http::{HeaderMap, Uri};
use std::ops::Range;

/// The stage.
pub struct ScrubSecrets {
    on_secret: OnSecret,
    mode: Mode,
    whole: usize,
}

impl ScrubSecrets {
    /// What to do with a value, how strictly, and up to which size a body is cleared whole.
    #[must_use]
    pub fn new(on_secret: OnSecret, mode: Mode, whole: usize) -> Self {
        Self { on_secret, mode, whole }
    }

    /// What a hit comes to.
    fn judge(&self, ex: &Exchange, hit: &Hit, place: &'static str) -> Judgement {
        if hit.kind == Kind::Placeholder {
            note_attempt(ex, hit, place);
            if self.mode == Mode::Permissive {
                return Judgement::Leave;
            }
            return Judgement::Deny(misplaced(ex, hit, place));
        }
        if self.on_secret == OnSecret::Block || self.mode == Mode::Max {
            return Judgement::Deny(blocked(ex, hit, place));
        }
        Judgement::Replace
    }

    /// What stands under encodings of encodings cannot be replaced.
    fn judge_under(&self, ex: &Exchange, under: &Under, place: &str) -> Option<Denial> {
        match under {
            Under::Value(hit, path) => Some(blocked(ex, hit, &format!("{place}, encoded ({path})"))),
            Under::TooMany if self.mode == Mode::Permissive => {
                ex.reason(format!("more is encoded in the {place} than was looked through"));
                None
            }
            Under::TooMany => Some(too_many(place)),
        }
    }

    fn scrub_head(
        &self,
        ex: &Exchange,
        uri: Option<&mut Uri>,
        headers: &mut HeaderMap,
        hits: &[Placed],
        own: &[Own],
    ) -> Result<(), Denial> {
        let mut edits: Vec<(Field, Range<usize>, &str)> = Vec::new();
        for (hit, fields) in hits {
            let [(field, span)] = fields.as_slice() else {
                return Err(blocked(ex, hit, "request head, split over several fields"));
            };
            if own.iter().any(|o| o.holds(ex, hit, field, span)) {
                continue;
            }
            match self.judge(ex, hit, field.place()) {
                Judgement::Leave => {}
                Judgement::Deny(denial) => return Err(denial),
                Judgement::Replace => {
                    ex.scrubbed(hit.secret as usize);
                    edits.push((field.clone(), span.clone(), placeholder(ex, hit)));
                }
            }
        }
        let first = hits.first().map(|(h, _)| h);
        head_text::apply(uri, headers, &edits).map_err(|_| {
            first.map_or_else(
                || Denial::unevaluated(STAGE, "scrub_failed", "A field could not be scrubbed."),
                |h| blocked(ex, h, "request head"),
            )
        })
    }
}

const STAGE: &str = "scrub_secrets";

enum Judgement {
    Replace,
    Leave,
    Deny(Denial),
}

/// A hit, and every field it touches with the part in it.
type Placed = (Hit, Vec<(Field, Range<usize>)>);

impl Stage for ScrubSecrets {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
        if let Some(code) = ex.vault.sealed.filter(|_| self.mode != Mode::Permissive) {
            let message = "The vault cannot be read, so nothing can be checked for its values.";
            return refuse(Denial::unevaluated(STAGE, code, message));
        }
        let Some(name) = ex.authority.host.name().filter(|_| !ex.vault.matcher.is_empty()) else {
            return Ok(Verdict::Continue);
        };
        let mut hits = Vec::new();
        ex.vault.matcher.find(name.as_bytes(), &mut hits);
        match hits.first() {
            None => Ok(Verdict::Continue),
            Some(hit) if hit.kind == Kind::Placeholder => {
                note_attempt(ex, hit, "host name");
                refuse(misplaced(ex, hit, "host name"))
            }
            Some(hit) => refuse(blocked(ex, hit, "host name")),
        }
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        if ex.vault.matcher.is_empty() {
            return Ok(Verdict::Continue);
        }
        if let Some(hit) = ex.method_hit() {
            return refuse(blocked(ex, &hit, "method"));
        }
        let (hits, under) = with_head(head, |text| {
            let mut hits = Vec::new();
            ex.vault.matcher.find(text.text(), &mut hits);
            let under = encoded::find(ex, text.text(), &hits);
            let placed = hits.into_iter().map(|h| {
                let fields = text.fields(&head.headers, &(h.start..h.end));
                (h, fields)
            });
            (placed.collect::<Vec<_>>(), under)
        });
        if let Some(denial) = under.and_then(|u| self.judge_under(ex, &u, "request head")) {
            return refuse(denial);
        }
        if hits.is_empty() {
            return Ok(Verdict::Continue);
        }
        let own = Own::all(ex, head);
        match self.scrub_head(ex, Some(&mut head.uri), &mut head.headers, &hits, &own) {
            Ok(()) => Ok(Verdict::Continue),
            Err(denial) => refuse(denial),
        }
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        if direction == Direction::Request && !ex.vault.matcher.is_empty() {
            BodyNeed::Whole { limit: self.whole }
        } else {
            BodyNeed::Skip
        }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        if direction == Direction::Response || ex.vault.matcher.is_empty() {
            return Ok(ChunkVerdict::Forward);
        }
        let mut hits = Vec::new();
        let hold = if chunk.end {
            ex.vault.matcher.find(chunk.text, &mut hits);
            chunk.text.len()
        } else {
            ex.vault.matcher.scan(chunk.text, &mut hits)
        };
        let under = encoded::find(ex, chunk.text, &hits);
        if !chunk.end {
            chunk.hold_from(hold.min(views::settled(chunk.text)));
            // what begins behind the hold may yet turn out to be something else; it is shown again
            hits.retain(|h| h.start < hold);
        }
        if let Some(denial) = under.and_then(|u| self.judge_under(ex, &u, "request body")) {
            return Ok(ChunkVerdict::Abort(denial));
        }
        let own = if chunk.whole && !hits.is_empty() { claims::in_body(ex, chunk.text) } else { Vec::new() };
        for hit in &hits {
            let here = |s: &Stands| {
                s.of == hit.secret as usize && s.span.start <= hit.start && hit.end <= s.span.end
            };
            if own.iter().any(here) {
                continue;
            }
            let slotted = |s: &BodySlots| !chunk.whole && s.has(hit.secret as usize);
            if hit.kind == Kind::Placeholder && ex.body_slots().is_some_and(slotted) {
                return Ok(ChunkVerdict::Abort(in_stream(ex, hit)));
            }
            match self.judge(ex, hit, "request body") {
                Judgement::Leave => {}
                Judgement::Deny(denial) => return Ok(ChunkVerdict::Abort(denial)),
                Judgement::Replace => {
                    let with = placeholder(ex, hit).as_bytes().into();
                    let what = Replaced::Value(hit.secret as usize);
                    chunk.edits.push(Edit { span: hit.start..hit.end, with, what });
                }
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
        if direction == Direction::Response || ex.vault.matcher.is_empty() {
            return Ok(ChunkVerdict::Forward);
        }
        let text = head_text::HeadText::write(Vec::new(), None, trailers);
        let mut hits = Vec::new();
        ex.vault.matcher.find(text.text(), &mut hits);
        let under = encoded::find(ex, text.text(), &hits);
        if let Some(denial) = under.and_then(|u| self.judge_under(ex, &u, "trailers")) {
            return Ok(ChunkVerdict::Abort(denial));
        }
        let hits: Vec<_> = hits
            .into_iter()
            .map(|h| {
                let fields = text.fields(trailers, &(h.start..h.end));
                (h, fields)
            })
            .collect();
        Ok(match self.scrub_head(ex, None, trailers, &hits, &[]) {
            Ok(()) => ChunkVerdict::Forward,
            Err(denial) => ChunkVerdict::Abort(denial),
        })
    }
}

fn name<'a>(ex: &'a Exchange, hit: &Hit) -> &'a str {
    ex.vault.held.get(hit.secret as usize).map_or("?", |h| &h.name)
}

fn placeholder<'a>(ex: &'a Exchange, hit: &Hit) -> &'a str {
    ex.vault.held.get(hit.secret as usize).map_or("…", |h| &h.placeholder)
}

fn blocked(ex: &Exchange, hit: &Hit, place: &str) -> Denial {
    Denial::forbidden(
        STAGE,
        "secret_blocked",
        format!("vault:{}", name(ex, hit)),
        format!("A vault value ({}) stands in the {place}.", name(ex, hit)),
        "Leave the value out; where a credential belongs, send its placeholder and katana puts the value in.",
    )
}

/// A value may be among what was not looked through.
fn too_many(place: &str) -> Denial {
    Denial::forbidden(
        STAGE,
        "too_many_encodings",
        "engine.too_many_encodings",
        format!(
            "More is encoded in the {place} than can be looked through, so a vault value may be hidden there."
        ),
        "Send it in smaller pieces, or less of it under encodings of encodings.",
    )
}

/// A placeholder of a body slot in a body of which part has gone, so that nothing can be put in.
fn in_stream(ex: &Exchange, hit: &Hit) -> Denial {
    Denial::forbidden(
        STAGE,
        "placeholder_in_stream",
        format!("placeholder:{}", name(ex, hit)),
        format!(
            "The placeholder of {} belongs into the body, but this body is not held whole, so nothing can be put in.",
            name(ex, hit)
        ),
        "Send a body within proxy.limits.whole_body in one go, or put the placeholder into a slot of the head.",
    )
}
