//! The circuit breaker: failed integrity checks are counted beside the vault, over processes; after five in a row the vault is
//! locked, so that whoever tries has to be looked at by a person.

use super::error::Error;
use super::place::Place;
use crate::base::atomic;
use crate::base::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// Failed checks in a row that lock the vault.
const MOST: u32 = 5;

/// What stands beside the vault after a failed check.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Failures {
    /// In a row.
    count: u32,
    /// When the last was.
    at: String,
}

impl Place {
    /// A check failed. The fifth in a row locks the vault.
    pub(super) fn failed(&self, why: &Error) {
        let count = self.failures().count.saturating_add(1);
        let failures = Failures { count, at: Timestamp::now().to_string() };
        let text = serde_json::to_string(&failures).unwrap_or_default() + "\n";
        if let Err(e) = atomic::write(&self.failure_count(), text.as_bytes(), 0o600) {
            tracing::warn!(error = %e, "a failed check of the vault could not be counted");
        }
        if count >= MOST {
            let reason = format!("{count} integrity checks failed in a row; the last: {why}");
            match self.lock(&reason, "the circuit breaker") {
                Ok(_) => tracing::error!(%reason, "the vault is locked"),
                Err(e) => tracing::error!(error = %e, "the vault should be locked and could not be"),
            }
        }
    }

    /// A check went well, or a person unlocked the vault: counting begins anew.
    pub(super) fn passed(&self) {
        let count = self.failure_count();
        // not there is the rule, and a look is all it may cost
        if std::fs::symlink_metadata(&count).is_err() {
            return;
        }
        match std::fs::remove_file(count) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(error = %e, "the count of failed checks could not be reset");
            }
            _ => {}
        }
    }

    fn failures(&self) -> Failures {
        // what cannot be read counts from the beginning: the vault itself is refused all the same
        let bytes = atomic::read_private(&self.failure_count()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn failure_count(&self) -> PathBuf {
        self.file.with_extension("failures")
    }
}

#[cfg(test)]
mod tests {
    use crate::vault::Vault;
    use crate::vault::bench::Bench;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn broken() -> (Bench, Vec<u8>) {
        let bench = Bench::new();
        bench.set("A", "a-value-here").unwrap();
        let good = fs::read(&bench.place.file).unwrap();
        fs::write(&bench.place.file, b"broken").unwrap();
        (bench, good)
    }

    #[test]
    fn the_fifth_failure_in_a_row_locks() {
        let (bench, good) = broken();
        let codes: Vec<_> = (0..6).map(|_| bench.open().map(drop).unwrap_err().code()).collect();
        assert_eq!(codes[..5], ["vault_tampered"; 5]);
        assert_eq!(codes[5], "vault_locked");
        let mode = fs::metadata(bench.place.failure_count()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&bench.place.file, good).unwrap();
        let e = bench.open().map(drop).unwrap_err();
        assert!(e.to_string().contains("circuit breaker: 5 integrity checks failed"), "{e}");
        bench.place.unlock().unwrap();
        bench.open().unwrap();
        assert!(!bench.place.failure_count().exists());
    }

    #[test]
    fn a_good_open_counts_from_the_beginning_and_a_mere_look_does_not_count() {
        let (bench, good) = broken();
        for round in 0..3 {
            for _ in 0..4 {
                assert_eq!(bench.open().map(drop).unwrap_err().code(), "vault_tampered", "round {round}");
            }
            for _ in 0..9 {
                let e = Vault::look_with(&bench.place, bench.keys(None)).map(drop).unwrap_err();
                assert_eq!(e.code(), "vault_tampered");
            }
            fs::write(&bench.place.file, &good).unwrap();
            bench.open().unwrap();
            fs::write(&bench.place.file, b"broken").unwrap();
        }
    }
}
