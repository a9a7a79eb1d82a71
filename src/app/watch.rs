//! Watches the vault, the authority, the configuration file and the operator's rules, twice a second by their stamps: cheap, and the same on every file
//! system. The thread ends with the proxy.

use super::ca::Reminder;
use super::running::Running;
use super::service::Service;
use crate::base::clock::Timestamp;
use crate::certs;
use crate::vault;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const EVERY: Duration = Duration::from_millis(400);
/// How long after an authority that could not be taken up it is tried again, milliseconds.
const AGAIN: i64 = 5000;

/// Starts watching.
pub(super) fn start(running: &Arc<Running>) {
    let weak = Arc::downgrade(running);
    let (mut vault, mut config) = (vault_stamp(running), config_stamp(running));
    let (mut authority, mut tried) = (certs::stamp(&running.paths.ca()), 0);
    let mut reminder = Reminder::default();
    let spawned = std::thread::Builder::new().name("watch".into()).spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            let Some(running) = weak.upgrade().filter(|r| !r.has_ended()) else { return };
            let now = config_stamp(&running);
            if now != config {
                config = now;
                if let Err(why) = running.reload() {
                    tracing::error!(%why, "the changed configuration is refused: the old one stays");
                }
            }
            let now = vault_stamp(&running);
            if now != vault || running.vault_has_healed() || running.a_secret_has_expired() {
                vault = now;
                running.vault_changed();
            }
            let (now, clock) = (certs::stamp(&running.paths.ca()), Timestamp::now());
            let due = running.authority().next().is_some_and(|n| n.activates <= clock);
            let again = (due || running.authority_is_in_trouble()) && clock.0 - tried >= AGAIN;
            if now != authority || again {
                authority = now;
                running.authority_changed();
                tried = if running.authority_is_in_trouble() { clock.0 } else { 0 };
            }
            running.tell_uses();
            reminder.look(&running.authority(), clock);
        }
    });
    if let Err(why) = spawned {
        tracing::error!(%why, "changes of the vault and the configuration will not be followed");
    }
}

fn vault_stamp(running: &Running) -> Option<vault::Stamp> {
    vault::place(&running.paths, &running.config.load().vault).stamp().ok()
}

/// Time, length and inode.
type Mark = Option<(SystemTime, u64, u64)>;

/// Of the configuration file, the allow-list and every rule file: an editor that replaces one is seen as well as one that writes into
/// it.
fn config_stamp(running: &Running) -> Vec<Mark> {
    let config = running.config.load();
    let path: &Path = config.source.as_deref().unwrap_or(&running.paths.config);
    let own = &running.paths.rules;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(own.join("rules")).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.sort();
    let fixed = [path.to_owned(), own.join("allow.yaml"), own.join("rules")];
    fixed.iter().chain(&files).map(|p| mark(p)).collect()
}

fn mark(path: &Path) -> Mark {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len(), meta.ino()))
}
