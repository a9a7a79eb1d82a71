//! The one audit record that an exchange leaves: what of it may be shown, and that it is written whatever became of it.

use super::{Exchange, Ledger, Outcome, nowhere};
use crate::audit::{self, Decision, Event, Record};
use crate::telemetry::metrics::Metric;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Every exchange leaves exactly one record: refused, aborted and cancelled ones too.
impl Drop for Exchange {
    fn drop(&mut self) {
        Metric::ExchangesOpen.dec();
        let mut ledger = std::mem::take(&mut *self.ledger.lock());
        let outcome = ledger.outcome.take().unwrap_or(Outcome::Cancelled);
        match &outcome {
            Outcome::Opened => return,
            Outcome::Refused(_) => Metric::Denied.inc(),
            Outcome::Failed(_) => Metric::UpstreamFailed.inc(),
            Outcome::Cancelled => Metric::Cancelled.inc(),
            Outcome::Tunnelled => Metric::Tunnels.inc(),
            Outcome::Delivered => {}
        }
        Metric::Exchanges.inc();
        let record = self.record(&mut ledger, &outcome);
        if self.trail.append(record).is_err() {
            Metric::AuditFailed.inc();
            tracing::error!(exchange = %self.id, "the audit record of this exchange could not be written");
        }
    }
}

impl Exchange {
    fn record(&self, ledger: &mut Ledger, outcome: &Outcome) -> Record {
        let (decision, ended, code) = match outcome {
            Outcome::Delivered | Outcome::Opened => (Decision::Allow, "completed", None),
            Outcome::Tunnelled => (Decision::Bypass, "completed", None),
            Outcome::Refused(d) => (Decision::Deny, "denied", Some(d.code)),
            Outcome::Failed(code) => (Decision::Allow, "failed", Some(*code)),
            Outcome::Cancelled => (Decision::Allow, "cancelled", None),
        };
        let mut record = Record::new(Event::ProxyRequest, self.at);
        if let Outcome::Refused(d) = outcome {
            ledger.reasons.insert(0, d.message.to_string());
            record.rule = Some(d.rule.as_ref().into());
        }
        record.decision = Some(decision);
        record.outcome = Some(ended.into());
        record.code = code.map(Into::into);
        record.reasons = ledger.reasons.drain(..).map(Into::into).collect();
        record.scan_results = std::mem::take(&mut ledger.findings);
        record.exchange = Some(self.id);
        record.client = Some(self.client.to_string().into());
        if !self.unread {
            record.method = Some(self.shown_method().to_owned().into());
            record.path = (self.method != http::Method::CONNECT).then(|| self.shown_path(&ledger.hidden));
        }
        if self.host_is_secret() {
            record.reasons.push("the host's name is left out: it holds a vault value".into());
        } else if ledger.host_hidden {
            record.reasons.push("the host's name is left out: it holds what looks like a secret".into());
        } else if self.authority != nowhere() {
            record.host = Some(self.authority.host.clone());
        }
        record.port = (self.authority != nowhere()).then_some(self.authority.port);
        record.status = (ledger.status != 0).then_some(ledger.status);
        record.bytes_in = Some(self.bytes_in.load(Relaxed));
        record.bytes_out = Some(self.bytes_out.load(Relaxed));
        record.duration_ms = Some(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let injected: Vec<usize> = ledger.injected.iter().map(|(held, _)| *held).collect();
        record.injected = self.names(&injected);
        record.scrubbed = self.names(&ledger.scrubbed);
        record
    }

    fn names(&self, held: &[usize]) -> Vec<Arc<str>> {
        let mut names: Vec<_> =
            held.iter().filter_map(|i| self.vault.held.get(*i)).map(|h| h.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Path and query with everything hidden that a stage hid or the vault knows; query values never show.
    fn shown_path(&self, hidden: &[Range<usize>]) -> String {
        let raw = self.uri.path_and_query().map_or("/", |p| p.as_str());
        let mut spans = hidden.to_vec();
        if !self.vault.matcher.is_empty() {
            let mut hits = Vec::new();
            self.vault.matcher.find(raw.as_bytes(), &mut hits);
            spans.extend(hits.iter().map(|h| h.start..h.end));
        }
        if let Some(set) = self.minted() {
            let mut hits = Vec::new();
            set.matcher.find(raw.as_bytes(), &mut hits);
            spans.extend(hits.iter().map(|h| h.start..h.end));
        }
        audit::redact_path(&cut_out(raw, spans))
    }

    /// The method, unless the vault knows it for a secret in disguise.
    fn shown_method(&self) -> &str {
        if self.method_hit().is_some() { "…" } else { self.method.as_str() }
    }

    /// Does the vault know the host for a secret in disguise?
    fn host_is_secret(&self) -> bool {
        self.authority.host.name().is_some_and(|name| self.vault_knows(name.as_bytes()).0)
    }
}

/// The text with each span replaced by `…`; overlapping and out-of-range spans are taken as they come.
fn cut_out(text: &str, mut spans: Vec<Range<usize>>) -> String {
    if spans.is_empty() {
        return text.to_owned();
    }
    spans.sort_by_key(|s| s.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for span in spans {
        let (start, end) = (span.start.min(text.len()), span.end.min(text.len()));
        if let Some(kept) = text.get(at..start) {
            out.push_str(kept);
        }
        if end > at {
            out.push('…');
            at = end;
        }
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_spans_are_cut_out_whole() {
        assert_eq!(cut_out("/a/SECRET/b", std::iter::once(3..9).collect()), "/a/…/b");
        assert_eq!(cut_out("abcdef", vec![1..3, 2..4, 5..99]), "a……e…", "overlaps lose nothing to view");
        assert_eq!(cut_out("/x", vec![]), "/x");
    }
}
