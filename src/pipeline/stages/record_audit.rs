//! `record_audit`: nothing leaves while the audit cannot be written. The record itself is the exchange's own, written
//! when it is dropped, so that no ending is without one.

use super::refuse;
use crate::audit::Trail;
use crate::config::Mode;
use crate::pipeline::exchange::Exchange;
use crate::pipeline::stage::{Stage, StageError, Verdict};
use crate::pipeline::{Denial, RequestHead};
use std::sync::Arc;

/// The stage.
pub struct RecordAudit {
    trail: Arc<Trail>,
    mode: Mode,
}

impl RecordAudit {
    /// Watches this trail; in permissive mode a broken one is only logged.
    #[must_use]
    pub fn new(trail: Arc<Trail>, mode: Mode) -> Self {
        Self { trail, mode }
    }

    fn rule(&self) -> Result<Verdict, StageError> {
        if self.trail.healthy() || self.mode == Mode::Permissive {
            return Ok(Verdict::Continue);
        }
        refuse(Denial::unevaluated(
            "record_audit",
            "audit_unwritable",
            "The audit cannot be written, so nothing is let out.",
        ))
    }
}

impl Stage for RecordAudit {
    fn name(&self) -> &'static str {
        "record_audit"
    }

    fn always(&self) -> bool {
        true
    }

    async fn connect(&self, _ex: &Exchange) -> Result<Verdict, StageError> {
        self.rule()
    }

    async fn request(&self, _ex: &Exchange, _head: &mut RequestHead) -> Result<Verdict, StageError> {
        self.rule()
    }
}
