//! The audit trail: whether its chain holds, and whether it can be written.

use super::{Finding, Patient, State};
use crate::audit::{Reason, verify};
use rustix::fs::{Access, access};
use serde_json::json;

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let path = patient.paths.audit();
    if !path.exists() {
        return Finding::new("audit", State::Absent, "none yet").next("the first request begins it");
    }
    let head = match verify(&path) {
        Ok(head) => head,
        Err(broken) => {
            let state = if matches!(broken.reason, Reason::Io(_)) { State::Unknown } else { State::Bad };
            let what = format!("{}, line {}: {}", broken.segment.display(), broken.line, broken.reason);
            return Finding::new("audit", state, what)
                .next("`katana audit verify` shows the place; see docs/audit.md")
                .details(json!({ "code": broken.reason.code() }));
        }
    };
    let details = json!({ "path": path, "records": head.records, "head": head.hash });
    let short = head.hash.get(..12).unwrap_or_default();
    let closed = [Some(path.as_path()), path.parent()]
        .into_iter()
        .flatten()
        .find(|p| access(*p, Access::WRITE_OK).is_err());
    if let Some(closed) = closed {
        let what = format!("{} cannot be written; strict and max deny everything then", closed.display());
        return Finding::new("audit", State::Bad, what)
            .next("give it back to this user, mode 700 for directories and 600 for files")
            .details(details);
    }
    let what = format!("{} records, the chain holds, head {short}", head.records);
    Finding::new("audit", State::Good, what).details(details)
}
