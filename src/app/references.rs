//! Asks the backends of the vault's references when their answers run out, on a thread of its own that may wait for them: neither
//! a request nor the watching of files does. The thread ends with the proxy.

use super::running::Running;
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);

/// Starts asking.
pub(super) fn start(running: &Arc<Running>) {
    let (weak, references) = (Arc::downgrade(running), running.references.clone());
    let spawned = std::thread::Builder::new().name("references".into()).spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            if weak.upgrade().is_none_or(|r| r.has_ended()) {
                return;
            }
            // nothing of the proxy is held while a backend is waited for
            if references.refresh()
                && let Some(running) = weak.upgrade()
            {
                running.references_changed();
            }
        }
    });
    if let Err(why) = spawned {
        tracing::error!(%why, "references will not be resolved anew");
    }
}
