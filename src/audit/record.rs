//! One audit record, as the program builds it. Cheap to build: borrowed or shared text, nothing serialised here.

use crate::base::clock::Timestamp;
use crate::base::host::Host;
use crate::base::id::ExchangeId;
use std::borrow::Cow;
use std::sync::Arc;

/// Text that is mostly known at compile time.
pub type Text = Cow<'static, str>;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A tool was called.
    ToolCall,
    /// A scanner found something outside an exchange.
    ScanHit,
    /// A policy ruled outside an exchange.
    PolicyEval,
    /// Tainted data reached a sink.
    TaintFlow,
    /// The vault was read or changed.
    VaultAccess,
    /// One exchange through the proxy.
    ProxyRequest,
    /// A process began to serve.
    SessionStart,
    /// It ended.
    SessionEnd,
    /// Configuration changed, or the trail itself had to be mended.
    ConfigChange,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ToolCall,
        Self::ScanHit,
        Self::PolicyEval,
        Self::TaintFlow,
        Self::VaultAccess,
        Self::ProxyRequest,
        Self::SessionStart,
        Self::SessionEnd,
        Self::ConfigChange,
    ];

    /// As it stands in `event_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::ScanHit => "scan_hit",
            Self::PolicyEval => "policy_eval",
            Self::TaintFlow => "taint_flow",
            Self::VaultAccess => "vault_access",
            Self::ProxyRequest => "proxy_request",
            Self::SessionStart => "session_start",
            Self::SessionEnd => "session_end",
            Self::ConfigChange => "config_change",
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It went through.
    Allow,
    /// It was refused.
    Deny,
    /// A person was, or would have had to be, asked.
    Escalate,
    /// It went through, and a rule wanted it noted.
    LogOnly,
    /// It was tunnelled untouched.
    Bypass,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Deny, Self::Escalate, Self::LogOnly, Self::Bypass];

    /// As it stands in `decision`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
            Self::LogOnly => "log_only",
            Self::Bypass => "bypass",
        }
    }
}

/// One entry of `scan_results`. Says what was found and where, never the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The scanner's rule.
    pub scanner: Arc<str>,
    /// The family it belongs to.
    pub category: Text,
    /// 0 to 100; written as 0 to 1.
    pub confidence: u8,
    /// `request header`, `response body: tool result`, …
    pub place: Text,
    /// Which part of a message it is.
    pub surface: Option<Text>,
    /// The views through which it was found, outermost first; none: as it stands.
    pub views: Option<Text>,
}

/// One audit record. What is `None` is left out of the line; `reasons` and `scan_results` are always there, and
/// `injected` and `scrubbed` are there whenever `exchange` is.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When.
    pub timestamp: Timestamp,
    /// What kind.
    pub event: Event,
    /// The tool, or the operation: `vault.set`, `proxy.start`.
    pub tool_name: Option<Text>,
    /// What it was done to: a vault entry's name, a preset, a file.
    pub subject: Option<Text>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Why, one clause each.
    pub reasons: Vec<Text>,
    /// The policy rule or stage that decided.
    pub rule: Option<Arc<str>>,
    /// The stable code of a denial or failure.
    pub code: Option<Text>,
    /// How it ended: `completed`, `cancelled`, `upstream_failed`, …
    pub outcome: Option<Text>,
    /// Where the text came from.
    pub taint_context: Option<serde_json::Value>,
    /// What the scanners found.
    pub scan_results: Vec<Finding>,
    /// The exchange.
    pub exchange: Option<ExchangeId>,
    /// Who asked: an address, a socket's peer.
    pub client: Option<Text>,
    /// The request's method.
    pub method: Option<Text>,
    /// Where it went.
    pub host: Option<Host>,
    /// The port there.
    pub port: Option<u16>,
    /// Path and query; go through [`redact_path`].
    pub path: Option<String>,
    /// The status the client saw.
    pub status: Option<u16>,
    /// Body bytes from the client.
    pub bytes_in: Option<u64>,
    /// Body bytes to the client.
    pub bytes_out: Option<u64>,
    /// From the request's head to the end of the answer, milliseconds.
    pub duration_ms: Option<u64>,
    /// How often, where one record stands for several.
    pub count: Option<u64>,
    /// Names of the secrets put in.
    pub injected: Vec<Arc<str>>,
    /// Names of the secrets taken out.
    pub scrubbed: Vec<Arc<str>>,
}

impl Record {
    /// A record with nothing but its kind and its time.
    #[must_use]
    pub fn new(event: Event, timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            event,
            tool_name: None,
            subject: None,
            decision: None,
            reasons: Vec::new(),
            rule: None,
            code: None,
            outcome: None,
            taint_context: None,
            scan_results: Vec::new(),
            exchange: None,
            client: None,
            method: None,
            host: None,
            port: None,
            path: None,
            status: None,
            bytes_in: None,
            bytes_out: None,
            duration_ms: None,
            count: None,
            injected: Vec::new(),
            scrubbed: Vec::new(),
        }
    }

    /// What the trail says about itself, now.
    pub(super) fn about_trail(code: &'static str, reason: String) -> Self {
        let mut record = Self::new(Event::ConfigChange, Timestamp::now());
        record.tool_name = Some(Cow::Borrowed("audit"));
        record.code = Some(Cow::Borrowed(code));
        record.reasons = vec![Cow::Owned(reason)];
        record
    }
}

/// Longest parameter name that is kept; what is longer is more likely a value in the wrong place.
const LONGEST_NAME: usize = 64;

/// The path as the audit keeps it: parameter names stay, their values become `…`, the fragment goes.
/// A parameter without `=` is all value.
#[must_use]
pub fn redact_path(path_and_query: &str) -> String {
    let target = path_and_query.split('#').next().unwrap_or_default();
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let mut out = String::with_capacity(target.len() + 8);
    out.push_str(path);
    out.push('?');
    for (i, pair) in query.split(['&', ';']).enumerate() {
        if i > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            _ if pair.is_empty() => {}
            Some((name, value)) => {
                out.push_str(if name.len() > LONGEST_NAME { "…" } else { name });
                out.push_str(if value.is_empty() { "=" } else { "=…" });
            }
            None => out.push('…'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_leave_the_path_and_names_stay() {
        for (given, want) in [
            ("/a/b", "/a/b"),
            ("/a?", "/a?"),
            ("/a?key=hunter2&q=1#frag", "/a?key=…&q=…"),
            ("/a?hunter2", "/a?…"),
            ("/a?k=a=b;l=c", "/a?k=…&l=…"),
            ("/a?k=&&l", "/a?k=&&…"),
            ("/a?k=v?x=hunter2", "/a?k=…"),
            ("/a#?k=hunter2", "/a"),
        ] {
            assert_eq!(redact_path(given), want, "{given}");
        }
        assert_eq!(redact_path(&format!("/a?{}=1", "s".repeat(65))), "/a?…=…");
    }

    #[test]
    fn names_of_kinds_are_all_different() {
        let names: std::collections::HashSet<_> = Event::ALL.iter().map(|e| e.as_str()).collect();
        assert_eq!(names.len(), Event::ALL.len());
    }
}
