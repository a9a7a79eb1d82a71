//! `ignore_hosts`: hosts that are tunnelled untouched, exact or `*.suffix`, never a regular expression.
//! What is tunnelled is still audited, and still dialled under the destination guard.

use crate::base::glob::HostPattern;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Stage, StageError, Verdict};

/// The stage.
pub struct IgnoreHosts {
    patterns: Vec<HostPattern>,
}

impl IgnoreHosts {
    /// From the configured patterns.
    #[must_use]
    pub fn new(patterns: Vec<HostPattern>) -> Self {
        Self { patterns }
    }
}

impl Stage for IgnoreHosts {
    fn name(&self) -> &'static str {
        "ignore_hosts"
    }

    async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
        let ignored = self.patterns.iter().any(|p| p.matches(&ex.authority.host));
        Ok(if ignored { Verdict::Bypass } else { Verdict::Continue })
    }
}
