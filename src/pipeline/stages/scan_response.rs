//! `scan_response`: injections on their way to the agent, and what models call tools with. Text of a known modest length is cleared whole, so that a
//! denial can still be an answer; event streams and large bodies are looked into as they pass, and end where the
//! injection begins.

use super::{switched, verdicts};
use crate::audit;
use crate::base::host::Host;
use crate::config::BodyScan;
use crate::pipeline::Denial;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::seen_tools::{Remark, SeenTools};
use crate::pipeline::stage::{BodyNeed, Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
use crate::pipeline::{ResponseHead, content};
use crate::scanner::{Judge, Listed, Stream, Surface, coded};
use std::sync::Arc;

/// The stage.
pub struct ScanResponse {
    judge: Arc<Judge>,
    tools: Arc<SeenTools>,
    on: bool,
    bodies: BodyScan,
    whole: usize,
}

impl ScanResponse {
    /// Who judges, which tools were seen before, whether it is switched on, for which hosts' bodies, and up to which size whole.
    #[must_use]
    pub fn new(judge: Arc<Judge>, tools: Arc<SeenTools>, on: bool, bodies: BodyScan, whole: usize) -> Self {
        Self { judge, tools, on, bodies, whole }
    }

    fn applies(&self, ex: &Exchange, direction: Direction) -> bool {
        direction == Direction::Response && self.on && switched(&self.bodies, &ex.authority.host)
    }
}

impl ScanResponse {
    /// What a server says of its tools, against what it said before.
    fn listing(&self, ex: &Exchange, listed: &[Listed]) -> Option<Denial> {
        if listed.is_empty() {
            return None;
        }
        let to = &ex.authority;
        let server = SeenTools::server(&to.host.to_string(), to.port, ex.path());
        let mut denial = None;
        for remark in self.tools.look(&server, listed) {
            let (rule, tool) = match &remark {
                Remark::Changed(tool) => (CHANGED, tool),
                Remark::Shadowed(tool) => ("mcp.shadowed_tool", tool),
            };
            let confidence = coded(rule).and_then(|c| c.confidence).unwrap_or(100);
            if let Some(reason) = self.judge.allows(rule, Some(&to.host), tool) {
                ex.reason(format!("{rule} is allowed: {reason}"));
                continue;
            }
            ex.note(audit::Finding {
                scanner: rule.into(),
                category: "mcp".into(),
                confidence,
                place: "response body: tool description".into(),
                surface: Some(Surface::ToolDescription.as_str().into()),
                views: None,
            });
            if self.judge.threshold().is_some_and(|t| confidence >= t) {
                denial.get_or_insert_with(|| changed(tool, &to.host));
            }
        }
        denial
    }
}

const CHANGED: &str = "mcp.rug_pull";

fn changed(tool: &str, host: &Host) -> Denial {
    Denial::forbidden(
        STAGE,
        "tool_changed",
        CHANGED,
        format!(
            "The server says something else of its tool {} than when it was first seen.",
            tool.escape_debug()
        ),
        format!(
            "The operator looks at what it says now, and if it is as it should be: katana rules accept-tools {host}"
        ),
    )
}

const STAGE: &str = "scan_response";

impl Stage for ScanResponse {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn response(&self, ex: &Exchange, head: &mut ResponseHead) -> Result<Verdict, StageError> {
        if self.applies(ex, Direction::Response) {
            match content::events(&head.headers) {
                Some(content::Events::Lines) => ex.passes_as(Stream::of_lines()),
                Some(content::Events::Events) => ex.passes_as(Stream::of_events()),
                None => {}
            }
        }
        Ok(Verdict::Continue)
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        if self.applies(ex, direction) { BodyNeed::Whole { limit: self.whole } } else { BodyNeed::Skip }
    }

    async fn chunk(
        &self,
        ex: &Exchange,
        direction: Direction,
        chunk: &mut Chunk<'_>,
    ) -> Result<ChunkVerdict, StageError> {
        if !self.applies(ex, direction) {
            return Ok(ChunkVerdict::Forward);
        }
        let verdict = verdicts::of_chunk(&self.judge, ex, direction, chunk);
        let denial = verdicts::rule(&self.judge, ex, direction, &verdict, &|_| false);
        let denial = denial.or_else(|| self.listing(ex, &verdict.listed));
        Ok(denial.map_or(ChunkVerdict::Forward, ChunkVerdict::Abort))
    }
}
