//! The interception authority: how long it still holds, and whether this system trusts it.

use super::{Finding, Patient, State};
use crate::base::clock::Timestamp;
use crate::certs;
use serde_json::json;

/// From this many days on it is time to think of the next one.
const SOON: u64 = 30;

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let known = match certs::known(&patient.paths.ca()) {
        Ok(known) => known,
        Err(certs::Error::Absent { .. }) => {
            return Finding::new("ca", State::Absent, "none yet").next("`katana ca show` makes it");
        }
        Err(e) => return Finding::new("ca", State::Bad, e.to_string()).next(e.remedy()),
    };
    let Some(ca) = known.trusted.first() else {
        return Finding::new("ca", State::Absent, "none yet").next("`katana ca show` makes it");
    };
    let trusted = certs::system_trusts(ca);
    let left = ca.days_left();
    let details = json!({
        "fingerprint": ca.fingerprint(), "days_left": left, "trusted_by_system": trusted,
        "not_before": ca.not_before().to_string(), "not_after": ca.not_after().to_string(),
    });
    let store = if trusted { "trusted by this system's store" } else { "not in this system's store" };
    let what = format!("{left} days left, {store}");
    let finding = |state, what: String| Finding::new("ca", state, what).details(details.clone());
    let now = Timestamp::now();
    if now > ca.not_after() {
        return finding(State::Bad, format!("it ended at {}", ca.not_after()))
            .next("`katana ca rotate` makes the next one");
    }
    if now < ca.not_before() {
        return finding(State::Bad, format!("it begins at {}, which is yet to come", ca.not_before()))
            .next("set the clock of this machine");
    }
    if left < SOON {
        return finding(State::Warning, what).next("`katana ca rotate` makes the next one");
    }
    // `katana run` tells each client itself, so a store without it is no fault
    finding(State::Good, what)
}
