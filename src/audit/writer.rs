//! The one thread that writes. It is woken when idle only; under load it comes by every few milliseconds and takes what
//! has gathered. A disk that refuses is tried again until it takes the records or the process ends.

use super::Error;
use super::record::Record;
use super::store::Store;
use super::trail::{Shared, State};
use crate::base::clock::Timestamp;
use crate::telemetry::metrics::Metric;
use parking_lot::MutexGuard;
use std::time::{Duration, Instant};

/// Between two batches under load.
const LINGER: Duration = Duration::from_millis(20);
/// Between two tries at a disk that refuses.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Writer<'a> {
    pub shared: &'a Shared,
    pub store: Store,
    pub batch: Vec<Record>,
    /// When what is written must be synced.
    pub due: Option<Instant>,
    /// When the disk began to refuse.
    pub refused_since: Option<Timestamp>,
    /// The last sync failed.
    pub sync_refused: bool,
}

impl Writer<'_> {
    /// Until the trail is closed and everything is on the disk, or the disk refuses the last try.
    pub(super) fn run(mut self) {
        loop {
            let closing = self.take();
            let written = self.write();
            if written && self.must_sync(closing) {
                self.sync();
            }
            let mut state = self.shared.state.lock();
            let failing = state.failure.is_some();
            if closing && failing {
                let lost = (self.batch.len() + state.records.len()) as u64 + state.lost;
                tracing::error!(lost, "the audit trail is closed with records that the disk did not take");
            }
            if closing
                && (failing || (state.records.is_empty() && self.due.is_none() && !self.store.has_notes()))
            {
                break;
            }
            if failing && !state.closing {
                self.shared.work.wait_for(&mut state, RETRY);
            } else if !self.shared.sync && !state.closing && state.flush_to <= state.durable {
                self.shared.work.wait_for(&mut state, LINGER);
            }
        }
    }

    /// Waits for work and takes it; true when the trail is closing.
    fn take(&mut self) -> bool {
        let mut state = self.shared.state.lock();
        loop {
            let urgent = state.flush_to > state.durable || state.closing || self.store.has_notes();
            if !self.batch.is_empty() || urgent || !state.records.is_empty() {
                break;
            }
            state.idle = true;
            match self.due {
                None => self.shared.work.wait(&mut state),
                Some(due) if self.shared.work.wait_until(&mut state, due).timed_out() => {
                    state.idle = false;
                    break;
                }
                Some(_) => {}
            }
            state.idle = false;
        }
        if self.batch.is_empty() && !state.records.is_empty() {
            std::mem::swap(&mut self.batch, &mut state.records);
            self.shared.room.notify_all();
        }
        state.closing
    }

    /// Writes the batch; false when the disk refused.
    fn write(&mut self) -> bool {
        if self.batch.is_empty() && !self.store.has_notes() {
            return true;
        }
        let before = self.batch.len();
        let result = self.store.write(&mut self.batch);
        let written = before - self.batch.len();
        if written > 0 || result.is_ok() {
            self.due.get_or_insert_with(|| Instant::now() + self.shared.batch_delay);
            Metric::AuditRecords.add(i64::try_from(written).unwrap_or(i64::MAX));
        }
        let mut state = self.shared.state.lock();
        state.written += written as u64;
        state.head = self.store.head();
        if result.is_ok() && self.sync_refused {
            return true; // not well before a sync has gone through
        }
        self.settle(state, result)
    }

    fn sync(&mut self) {
        let result = self.store.sync();
        self.sync_refused = result.is_err();
        let mut state = self.shared.state.lock();
        if result.is_ok() {
            self.due = None;
            state.durable = state.written;
            if let Some(note) = gap(self.refused_since.take(), std::mem::take(&mut state.lost)) {
                self.store.note(note);
            }
        }
        self.settle(state, result);
    }

    /// Tells everybody who waits how it went; gives `result.is_ok()` back.
    fn settle(&mut self, mut state: MutexGuard<'_, State>, result: Result<(), Error>) -> bool {
        let fine = result.is_ok();
        state.tries += 1;
        if let Err(e) = result {
            Metric::AuditFailed.inc();
            if state.failure.is_none() {
                tracing::error!(error = %e, "the audit trail cannot be written");
            }
            self.refused_since.get_or_insert_with(Timestamp::now);
            state.failure = Some(e.to_string());
        } else {
            state.failure = None;
        }
        self.shared.announce(&mut state);
        fine
    }

    fn must_sync(&self, closing: bool) -> bool {
        let Some(due) = self.due else { return false };
        self.shared.sync || closing || Instant::now() >= due || self.shared.state.lock().flush_to_pending()
    }
}

/// The record that tells what a refusing disk or a full queue cost, if it cost something.
fn gap(refused_since: Option<Timestamp>, lost: u64) -> Option<Record> {
    let since = refused_since.map(|t| format!(" since {t}")).unwrap_or_default();
    match lost {
        0 if since.is_empty() => None,
        0 => {
            let reason = format!("no record could be written{since}; none is lost");
            Some(Record::about_trail("audit_delayed", reason))
        }
        n => {
            let reason = format!("{n} records are lost: they could not be written{since}, nor kept");
            Some(Record::about_trail("audit_gap", reason))
        }
    }
}
