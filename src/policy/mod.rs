//! The policy: which requests go through. YAML rules, compiled; the highest priority that matches decides.
//! Rules on tool calls are read, checked and kept here; they rule once tool calls reach this program.

mod document;
mod domains;
mod engine;
mod examples;
mod paths;
mod preset;
mod read;
mod rule;
mod tool;

pub use engine::{Engine, Listing, Step};
pub use paths::normalise_path;
pub use preset::text as preset_text;

use crate::base::host::Host;
use std::borrow::Cow;
use std::sync::Arc;

/// What a request is ruled by.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Where it goes.
    pub host: &'a Host,
    /// The port there.
    pub port: u16,
    /// The method as it stands.
    pub method: &'a str,
    /// The path as it stands, escapes and all; a query behind it is not looked at.
    pub path: &'a str,
    /// A header's value by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Lets it through.
    Allow,
    /// Refuses it.
    Deny,
    /// Wants a person to decide; what happens without one is `escalate_action`.
    Escalate,
    /// Lets it through and notes it.
    LogOnly,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Escalate, Self::LogOnly];

    /// As it stands in a policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
            Self::LogOnly => "log_only",
        }
    }

    /// Does it stand in the way? Then one matching reading of a request is enough; else every reading must match.
    fn restricts(self) -> bool {
        matches!(self, Self::Deny | Self::Escalate)
    }
}

/// What `escalate` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscalateAction {
    /// Refused.
    Block,
    /// A person is asked; where there is nobody to ask, refused.
    Ask,
    /// Let through.
    AutoApprove,
}

/// The ruling on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the rule does.
    pub action: Action,
    /// The rule that decided: its name, `allowed_domains`, `denied_domains`, or `default`.
    pub rule: Arc<str>,
    /// Why, for the agent and the audit. Borrowed where the request is allowed.
    pub reason: Cow<'static, str>,
    /// Does the request go through?
    pub permitted: bool,
}

#[cfg(test)]
mod tests;
