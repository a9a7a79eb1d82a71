//! `enforce_policy`: asks the policy engine about the destination and about the request.

use super::readings::readings;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Stage, StageError, Verdict};
use crate::pipeline::{Denial, RequestHead};
use crate::policy::{Action, Decision, Engine, Request};
use std::sync::Arc;

/// The stage.
pub struct EnforcePolicy {
    engine: Arc<Engine>,
}

impl EnforcePolicy {
    /// Asks this engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

impl Stage for EnforcePolicy {
    fn name(&self) -> &'static str {
        "enforce_policy"
    }

    fn always(&self) -> bool {
        true
    }

    async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
        Ok(settle(ex, &self.engine.connect(&ex.authority.host, ex.authority.port)))
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        // a header may stand there more than once, and make it another request: every reading must be permitted
        let lines = if head.headers.len() == head.headers.keys_len() { 1 } else { longest(&head.headers) };
        let Some(readings) = readings(head) else { return Ok(Verdict::Refuse(overridden())) };
        for (nth, (method, path)) in (0..lines).flat_map(|nth| readings.iter().map(move |r| (nth, r))) {
            let decision = self.engine.decide(&Request {
                host: &ex.authority.host,
                port: ex.authority.port,
                method,
                path,
                header: &|name| {
                    let all = head.headers.get_all(name);
                    all.iter().nth(nth).or_else(|| all.iter().next()).and_then(|v| v.to_str().ok())
                },
            });
            match settle(ex, &decision) {
                Verdict::Continue => {}
                other => return Ok(other),
            }
        }
        Ok(Verdict::Continue)
    }
}

/// How often the header that stands there most often does.
fn longest(headers: &http::HeaderMap) -> usize {
    headers.keys().map(|name| headers.get_all(name).iter().count()).max().unwrap_or(1)
}

fn overridden() -> Denial {
    Denial::forbidden(
        "enforce_policy",
        "policy_denied",
        "method_override",
        "The request's headers name more methods or targets in place of its own than can be judged.",
        "Send the method and the target as they are meant, without X-HTTP-Method-Override, X-Original-URL and the like.",
    )
}

fn settle(ex: &Exchange, decision: &Decision) -> Verdict {
    if decision.action != Action::Allow {
        ex.reason(format!("{}: {}", decision.rule, decision.action.as_str()));
    }
    if decision.permitted {
        return Verdict::Continue;
    }
    Verdict::Refuse(Denial::forbidden(
        "enforce_policy",
        if decision.action == Action::Deny { "policy_denied" } else { "policy_escalated" },
        decision.rule.to_string(),
        format!("Policy does not allow this request ({}).", decision.reason),
        "Use another way, or ask the operator: `katana check URL` shows the rule that decides.",
    ))
}
