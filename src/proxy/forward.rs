//! One exchange, top to bottom: where it goes, what the pipeline says, its body, upstream, and the same on the way back.

use super::authority;
use super::body::Body;
use super::body::admit::{Stop, admit, peek};
use super::body::source::Source;
use super::error::Error;
use super::headers;
use super::live::Live;
use super::reply;
use super::serve::Way;
use super::upstream::http::{self as upstream, Answer};
use crate::base::host::Authority;
use crate::pipeline::content::{self, Kind};
use crate::pipeline::{
    Asked, BodyNeed, Claimed, Cleared, Denial, Direction, Disposed, Exchange, Outcome, RequestHead,
    ResponseHead, Ruling, Scheme, nowhere,
};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRAILER};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// Serves one request.
pub(super) async fn exchange(way: Rc<Way>, request: Request<Incoming>) -> Response<Body> {
    let flight = way.pace.begin();
    let live = way.worker.shared.live.load_full();
    let (head, incoming) = request.into_parts();
    let fault = way.pace.fault();
    let to = match fault {
        None => authority::of(&way, &head.method, &head.uri, &head.headers),
        Some(fault) => Err(authority::malformed(fault.message())),
    };
    let ex = open(&way, &head, &to);
    let grpc = content::kind(&head.headers) == Kind::Grpc;
    let answered = match to {
        Err(denial) => Err(ex.refuse(denial)),
        Ok(_) => serve(&way, &live, &ex, head, incoming).await,
    };
    match answered {
        Ok(response) => {
            let (head, body) = response.into_parts();
            Response::from_parts(head, body.of(&ex, Direction::Response).busy(flight))
        }
        Err(denial) => {
            let denial = ex.refusal().unwrap_or(denial);
            let refusal = reply::refusal(&ex, &denial, grpc);
            if denial.status == 502 {
                ex.conclude(Outcome::Failed(denial.code));
            } else {
                // the guard refuses at dial, where no stage puts it down
                ex.refuse(denial);
            }
            let (mut head, body) = refusal.into_parts();
            if fault.is_some() {
                // where the next request would begin is anybody's guess
                head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Response::from_parts(head, body.of(&ex, Direction::Response).busy(flight))
        }
    }
}

fn open(way: &Way, head: &RequestHead, to: &Result<(Authority, Scheme), Denial>) -> Arc<Exchange> {
    let (authority, scheme) = match (to, &way.tunnel) {
        (Ok((authority, scheme)), _) | (Err(_), Some((authority, scheme))) => (authority.clone(), *scheme),
        (Err(_), None) => (nowhere(), Scheme::Http),
    };
    let book = &way.worker.shared.book;
    book.open(way.client.clone(), authority, scheme, head.method.clone(), head.uri.clone())
}

/// Under what a destination was ruled to be looked into: a configuration and a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruled {
    era: u64,
    generation: u64,
}

/// The way out and the way back.
async fn serve(
    way: &Rc<Way>,
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    head: RequestHead,
    incoming: Incoming,
) -> Result<Response<Body>, Denial> {
    let own = || headers::pseudonym(&way.worker.shared.via_key, &ex.authority.host);
    let via = way.via.as_ref().map_or_else(|| Cow::Owned(own()), Cow::from);
    let method = head.method.clone();
    let source = Source::request(incoming, live.limits.timeouts.idle);
    // a tunnel leads to one place: what was ruled on that place holds as long as what ruled stays the same
    let elsewhere = Cell::new(None);
    let ruled = if way.tunnel.is_some() { &way.ruled } else { &elsewhere };
    match outward(live, ex, &via, ruled, head, source).await? {
        Outward::Answered(response) => Ok(response),
        Outward::Send(head, body) => {
            let answer = upstream::send(way, live, ex, head, body).await?;
            back(way, live, ex, &method, answer).await
        }
    }
}

/// What the way out leads to.
pub(super) enum Outward {
    /// This goes on the wire.
    Send(Cleared<RequestHead>, Body),
    /// Nothing does: katana answers by itself.
    Answered(Response<Body>),
}

/// The way out as far as the wire: what is sent, or why nothing is. A rehearsal goes this way too.
pub(super) async fn outward(
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    via: &str,
    ruled: &Cell<Option<Ruled>>,
    mut head: RequestHead,
    mut source: Source,
) -> Result<Outward, Denial> {
    headers::sanitize_request(&mut head.headers, &live.limits, via).map_err(|d| ex.refuse(d))?;
    let now = Ruled { era: live.era, generation: ex.vault.number };
    let mut untouched = None;
    if ruled.get() != Some(now) {
        match live.pipeline.connect(ex).await {
            Ruling::Refuse(denial) => return Err(denial),
            Ruling::Untouched(to) => untouched = Some(to),
            Ruling::Forward(_) => ruled.set(Some(now)),
        }
    }
    let ruling = match untouched {
        Some(to) => Ruling::Untouched(live.pipeline.unexamined(&to, head)),
        None => match live.pipeline.request(ex, head).await {
            Asked::Ruled(ruling) => ruling,
            // boxed: rare, and large enough to make every exchange large
            Asked::Claimed(claimed) => match Box::pin(answered(live, ex, claimed, &mut source)).await? {
                Disposed::Ruled(ruling) => ruling,
                Disposed::Answered(answer) => return Ok(Outward::Answered(reply::own(ex, answer))),
            },
        },
    };
    let (mut head, need) = match ruling {
        Ruling::Refuse(denial) => return Err(denial),
        Ruling::Untouched(head) => (head, BodyNeed::Skip),
        Ruling::Forward(head) => (head, live.pipeline.body_need(ex, Direction::Request)),
    };
    let body = match admit(live, ex, Direction::Request, need, head.framing(), source).await {
        Ok(body) => body,
        Err(Stop::Refused(denial)) => return Err(denial),
        Err(Stop::Broken(why)) => return Err(broken_off(ex, &why)),
    };
    let body = if ex.errand().is_some() {
        match live.pipeline.depart(ex, &mut head, body.settled())? {
            Some(rewrite) => body.rewritten(rewrite, ex),
            None => body,
        }
    } else {
        body
    };
    Ok(Outward::Send(head, body.of(ex, Direction::Request)))
}

/// The body of a request that a stage would answer itself; one that is too large for that goes the way of all.
async fn answered(
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    claimed: Claimed,
    source: &mut Source,
) -> Result<Disposed, Denial> {
    let body = peek(source, MOST_CLAIMED).await.map_err(|why| broken_off(ex, &why))?;
    Ok(live.pipeline.claimed(ex, claimed, body.as_deref()).await)
}

/// A call for a token is a few hundred bytes.
const MOST_CLAIMED: usize = 64 * 1024;

fn broken_off(ex: &Exchange, why: &Error) -> Denial {
    ex.conclude(Outcome::Cancelled);
    authority::malformed(format!("The request's body broke off ({}).", why.code()))
}

/// The way back.
async fn back(
    way: &Rc<Way>,
    live: &Arc<Live>,
    ex: &Arc<Exchange>,
    method: &Method,
    answer: Answer,
) -> Result<Response<Body>, Denial> {
    let (mut head, incoming) = answer.response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Denial::upstream("upstream_failed", "The destination changed the protocol unasked."));
    }
    headers::sanitize_response(&mut head.headers);
    let lease = answer.lease.map(|l| (l, Rc::downgrade(way)));
    let source = Source::response(incoming, live.limits.timeouts.idle, lease);
    let (mut head, need) = match live.pipeline.response(ex, head).await {
        Ruling::Refuse(denial) => return Err(denial),
        Ruling::Untouched(head) => (head, BodyNeed::Skip),
        Ruling::Forward(head) => (head, live.pipeline.body_need(ex, Direction::Response)),
    };
    ex.answered(head.get().status.as_u16());
    let body = if bodiless(method, head.get()) {
        Body::empty()
    } else {
        match admit(live, ex, Direction::Response, need, head.framing(), source).await {
            Ok(body) => body,
            Err(Stop::Refused(denial)) => return Err(denial),
            Err(Stop::Broken(why)) => {
                ex.conclude(Outcome::Failed("upstream_body"));
                return Err(Denial::upstream(
                    "upstream_failed",
                    format!("The answer broke off ({}).", why.code()),
                ));
            }
        }
    };
    let mut head = head.into_inner();
    if let Some(names) = body.trailer_names() {
        head.headers.remove(CONTENT_LENGTH);
        head.headers.insert(TRAILER, names);
    }
    head.version = http::Version::HTTP_11;
    if ex.has_injected() {
        // the words behind the status are the origin's own, and may reflect what was put in
        head.extensions.remove::<hyper::ext::ReasonPhrase>();
    }
    Ok(Response::from_parts(head, body))
}

/// An answer that has headers of a body and no body.
fn bodiless(method: &Method, head: &ResponseHead) -> bool {
    *method == Method::HEAD
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RESET_CONTENT
        )
}
