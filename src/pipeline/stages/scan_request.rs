//! `scan_request`: secrets that no vault knows, on their way out. What stands in an auth header is ordinary traffic;
//! what the vault knows is left to `scrub_secrets`.

use super::head_text::{Field, with_head};
use super::{refuse, settled, switched, threshold};
use crate::audit;
use crate::config::{BodyScan, Mode};
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{BodyNeed, Chunk, ChunkVerdict, Direction, Stage, StageError, Verdict};
use crate::pipeline::{Denial, RequestHead};
use crate::scanner::{self, Finding, Scanner, Surface};
use http::HeaderName;
use std::sync::Arc;

/// The stage.
pub struct ScanRequest {
    scanner: Arc<Scanner>,
    on: bool,
    bodies: BodyScan,
    mode: Mode,
    whole: usize,
}

impl ScanRequest {
    /// The engine, whether it is switched on, for which hosts' bodies, how strictly, and up to which size whole.
    #[must_use]
    pub fn new(scanner: Arc<Scanner>, on: bool, bodies: BodyScan, mode: Mode, whole: usize) -> Self {
        Self { scanner, on, bodies, mode, whole }
    }

    /// Notes a finding; a denial if it is sure enough for the mode.
    fn judge(&self, ex: &Exchange, finding: &Finding, place: &'static str) -> Option<Denial> {
        ex.note(audit::Finding {
            scanner: finding.rule.clone(),
            category: finding.family.as_str().into(),
            confidence: finding.confidence,
            place: place.into(),
        });
        threshold(self.mode).filter(|t| finding.confidence >= *t).map(|_| {
            Denial::forbidden(
                STAGE,
                "secret_detected",
                finding.rule.to_string(),
                format!("The {place} holds what looks like a secret ({}).", finding.rule),
                "Leave it out. If it is a credential the agent needs, the operator puts it in the vault.",
            )
        })
    }

    fn scan_head(&self, ex: &Exchange, head: &RequestHead) -> Option<Denial> {
        with_head(head, |text| {
            let mut findings = Vec::new();
            let (target, headers) = text.text().split_at(text.headers_at());
            self.scanner.find(scanner::Direction::Request, Surface::Url, target, &mut findings);
            let in_target = findings.len();
            self.scanner.find(scanner::Direction::Request, Surface::Header, headers, &mut findings);
            let mut denial = None;
            for (i, mut finding) in findings.into_iter().enumerate() {
                if i >= in_target {
                    finding.start += text.headers_at();
                    finding.end += text.headers_at();
                }
                let span = finding.start..finding.end;
                let fields = text.fields(&head.headers, &span);
                let in_auth = fields.iter().all(|(f, _)| matches!(f, Field::Value(n, _) if is_auth(n)));
                if in_auth || known_to_vault(ex, text.text(), &finding) {
                    continue;
                }
                if i < in_target {
                    ex.hide(span);
                }
                let place = fields.first().map_or("request head", |(f, _)| f.place());
                denial = denial.or(self.judge(ex, &finding, place));
            }
            denial
        })
    }
}

const STAGE: &str = "scan_request";

/// Headers in which a credential is where it belongs.
const AUTH_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-auth-token",
    "private-token",
    "job-token",
    "x-amz-security-token",
    "x-vault-token",
    "dd-api-key",
    "dd-application-key",
];

fn is_auth(name: &HeaderName) -> bool {
    AUTH_HEADERS.contains(&name.as_str())
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
        let mut denial = None;
        for finding in settled(&self.scanner, scanner::Direction::Request, chunk) {
            if !known_to_vault(ex, chunk.text, &finding) {
                denial = denial.or(self.judge(ex, &finding, "request body"));
            }
        }
        Ok(denial.map_or(ChunkVerdict::Forward, ChunkVerdict::Abort))
    }
}
