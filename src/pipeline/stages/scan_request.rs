//! `scan_request`: secrets that no vault knows, on their way out; what tools are called with, and what they gave, on its way to a model. What goes to the host it is meant for, where it belongs,
//! is ordinary traffic; what the vault knows is left to `scrub_secrets`.

use super::belonging::{Belonging, Slot, basic, names_signing_key, takes_in_body};
use super::head_text::with_head;
use super::{refuse, switched, verdicts};
use crate::config::BodyScan;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{BodyNeed, Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
use crate::pipeline::{Denial, RequestHead};
use crate::scanner::{Family, Finding, Judge, Surface};
use std::sync::Arc;

/// The stage.
pub struct ScanRequest {
    judge: Arc<Judge>,
    on: bool,
    bodies: BodyScan,
    whole: usize,
}

impl ScanRequest {
    /// Who judges, whether it is switched on, for which hosts' bodies, and up to which size whole.
    #[must_use]
    pub fn new(judge: Arc<Judge>, on: bool, bodies: BodyScan, whole: usize) -> Self {
        Self { judge, on, bodies, whole }
    }

    /// Notes a finding; a denial if it is sure enough for the mode.
    fn judge(
        &self,
        ex: &Exchange,
        finding: &Finding,
        surface: Surface,
        place: &'static str,
    ) -> Option<Denial> {
        ex.note(verdicts::noted(finding, surface, place.into()));
        self.judge.threshold().filter(|t| finding.confidence >= *t).map(|_| {
            Denial::forbidden(
                STAGE,
                "secret_detected",
                finding.rule.to_string(),
                format!("The {place} holds what looks like a secret ({}).", finding.rule),
                "Leave it out. If it is a credential the agent needs, the operator puts it in the vault.",
            )
        })
    }

    /// What counts in a text of the head.
    fn find(&self, ex: &Exchange, surface: Surface, text: &[u8], out: &mut Vec<Finding>) {
        let verdict = verdicts::of_text(&self.judge, ex, surface, text);
        verdicts::allowed(ex, &verdict);
        out.extend(verdict.findings);
    }

    fn scan_head(&self, ex: &Exchange, head: &RequestHead) -> Option<Denial> {
        let in_fields = with_head(head, |text| {
            let mut findings = Vec::new();
            let (target, headers) = text.text().split_at(text.headers_at());
            self.find(ex, Surface::Url, target, &mut findings);
            let in_target = findings.len();
            self.find(ex, Surface::Header, headers, &mut findings);
            if findings.is_empty() {
                return None;
            }
            for finding in &mut findings[in_target..] {
                finding.start += text.headers_at();
                finding.end += text.headers_at();
            }
            let belonging = Belonging::new(&self.judge, ex, head);
            let mut denial = None;
            for (i, finding) in findings.iter().enumerate() {
                let span = finding.start..finding.end;
                let fields = text.fields(&head.headers, &span);
                let slot = Slot::of(fields.iter().map(|(f, _)| f));
                // another kind of the same look may be meant for this host
                let at_home = |f: &Finding| overlap(f, finding) && belonging.at_home(f) == Some(true);
                let ordinary = belonging.is_ordinary(finding, slot)
                    || findings.iter().any(at_home)
                    || i < in_target && names_signing_key(target, finding);
                if i < in_target {
                    ex.hide(span);
                }
                // a kind that is surer of the same bytes speaks for them
                let outdone =
                    findings.iter().any(|f| f.confidence > finding.confidence && overlap(f, finding));
                if ordinary || outdone || known_to_vault(ex, text.text(), finding) {
                    continue;
                }
                let surface = if i < in_target { Surface::Url } else { Surface::Header };
                let place = fields.first().map_or("request head", |(f, _)| f.place());
                denial = denial.or(self.judge(ex, finding, surface, place));
            }
            denial
        });
        in_fields.or_else(|| self.scan_basic(ex, head))
    }

    /// A name is asked of servers all over the world: as it stands, and with its labels put together.
    fn scan_host(&self, ex: &Exchange, name: &str) -> Option<Denial> {
        let joined: String = name.split('.').collect();
        let text = [name, &joined].join("\n");
        let mut findings = Vec::new();
        self.find(ex, Surface::Url, text.as_bytes(), &mut findings);
        findings.retain(|f| f.family == Family::Secret);
        if !findings.is_empty() {
            ex.hide_host();
        }
        let mut denial = None;
        for finding in findings {
            denial = denial.or(self.judge(ex, &finding, Surface::Url, "name of the host"));
        }
        denial
    }

    /// A name and password in base64: both may be tokens, and meant for another host.
    fn scan_basic(&self, ex: &Exchange, head: &RequestHead) -> Option<Denial> {
        let mut denial = None;
        for pair in basic(head) {
            let mut findings = Vec::new();
            self.find(ex, Surface::Header, &pair, &mut findings);
            for finding in findings {
                let belonging = Belonging::new(&self.judge, ex, head);
                if !belonging.is_ordinary(&finding, Slot::Auth) && !known_to_vault(ex, &pair, &finding) {
                    denial = denial.or(self.judge(ex, &finding, Surface::Header, "request header"));
                }
            }
        }
        denial
    }
}

const STAGE: &str = "scan_request";

/// No shorter name holds a secret.
const SHORTEST_HOST: usize = 32;

fn overlap(a: &Finding, b: &Finding) -> bool {
    a.start < b.end && b.start < a.end
}

/// Is the finding something that the vault holds, or a placeholder? Asked only of findings, so it may cost.
fn known_to_vault(ex: &Exchange, text: &[u8], finding: &Finding) -> bool {
    let matcher = &ex.vault.matcher;
    if matcher.is_empty() {
        return false;
    }
    let reach = matcher.max_hold();
    let start = finding.start.saturating_sub(reach);
    let end = (finding.end + reach).min(text.len());
    let mut hits = Vec::new();
    matcher.scan(&text[start..end], &mut hits);
    hits.iter().any(|h| h.start + start < finding.end && finding.start < h.end + start)
}

impl Stage for ScanRequest {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
        let name = ex.authority.host.name().filter(|n| self.on && n.len() >= SHORTEST_HOST);
        name.and_then(|name| self.scan_host(ex, name)).map_or(Ok(Verdict::Continue), refuse)
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        if !self.on {
            return Ok(Verdict::Continue);
        }
        self.scan_head(ex, head).map_or(Ok(Verdict::Continue), refuse)
    }

    fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
        if direction == Direction::Request && self.on && switched(&self.bodies, &ex.authority.host) {
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
        if direction == Direction::Response || !self.on || !switched(&self.bodies, &ex.authority.host) {
            return Ok(ChunkVerdict::Forward);
        }
        let verdict = verdicts::of_chunk(&self.judge, ex, direction, chunk);
        let text = chunk.text;
        let passes = |f: &Finding| takes_in_body(&self.judge, ex, f) || known_to_vault(ex, text, f);
        let denial = verdicts::rule(&self.judge, ex, direction, &verdict, &passes);
        Ok(denial.map_or(ChunkVerdict::Forward, ChunkVerdict::Abort))
    }

    async fn trailers(
        &self,
        ex: &Exchange,
        direction: Direction,
        trailers: &mut http::HeaderMap,
    ) -> Result<ChunkVerdict, StageError> {
        let looks = direction == Direction::Request && self.on && switched(&self.bodies, &ex.authority.host);
        let mut denial = None;
        for (name, value) in trailers.iter().filter(|_| looks) {
            let line = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
            let mut findings = Vec::new();
            self.find(ex, Surface::Header, &line, &mut findings);
            findings.retain(|f| !known_to_vault(ex, &line, f));
            for finding in findings {
                denial = denial.or(self.judge(ex, &finding, Surface::Header, "request trailer"));
            }
        }
        Ok(denial.map_or(ChunkVerdict::Forward, ChunkVerdict::Abort))
    }
}
