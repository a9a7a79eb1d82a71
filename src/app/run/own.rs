//! Placeholders of one run: the child gets its own, so that one that turns up elsewhere says which run it came from. They are
//! honoured until the run ends.

use crate::app::daemon;
use crate::app::service::{Error, Issue, Kept};
use crate::base::id;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::config::Config;
use crate::vault::{self, Vault};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a running proxy may take to notice that the vault has placeholders more.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at it.
const EVERY: Duration = Duration::from_millis(50);

/// A run whose placeholders are honoured. It ends with the value.
pub(super) struct OwnRun {
    vault: Vault,
    run: String,
    placeholders: HashMap<Arc<str>, Arc<str>>,
}

impl OwnRun {
    /// Fresh placeholders for every entry of the vault.
    ///
    /// # Errors
    /// The vault's.
    pub(super) fn begin(config: &Config, paths: &Paths) -> Result<Self, Error> {
        let failed = |e: vault::Error| {
            let made = Error::new(e.code(), "the run got no placeholders of its own", &e, e.remedy());
            if e.is_tampering() { made.refused() } else { made }
        };
        let bytes = id::random::<6>().map_err(|e| {
            Error::new("no_randomness", "the run got no name", e, "check the system's randomness")
        })?;
        let run = format!("run-{}", data_encoding::HEXLOWER.encode(&bytes));
        let vault = Vault::open(&vault::place(paths, &config.vault)).map_err(failed)?;
        let placeholders = vault.issue_run(&run).map_err(failed)?.into_iter().collect();
        Ok(Self { vault, run, placeholders })
    }

    /// Its name, as denials and the audit have it.
    pub(super) fn name(&self) -> &str {
        &self.run
    }

    /// The child is handed this run's placeholders, and those it would have had from elsewhere become them too.
    pub(super) fn put_into(&self, issue: &mut Issue) {
        let mut usual = Vec::new();
        for kept in &mut issue.secrets {
            let Some(own) = self.placeholders.get(&kept.name) else { continue };
            let before = std::mem::replace(&mut kept.placeholder, own.clone());
            usual.push(Kept {
                name: kept.name.clone(),
                value: Secret::from(&*before),
                placeholder: own.clone(),
            });
        }
        issue.secrets.extend(usual);
    }

    /// Waits until the proxy that runs already honours them.
    ///
    /// # Errors
    /// It does not in time.
    pub(super) fn await_taken_up(&self, paths: &Paths) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        while !self.placeholders.is_empty() {
            match daemon::status(paths) {
                Ok(status) if self.is_known_to(&status) => return Ok(()),
                Ok(_) if Instant::now() < until => thread::sleep(EVERY),
                Ok(_) => {
                    let why = format!("it does not know {} yet", self.run);
                    let what = "the running proxy has not taken up the run's placeholders";
                    return Err(Error::new(
                        "run_unknown",
                        what,
                        why,
                        "see `katana status`, or use --private",
                    ));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn is_known_to(&self, status: &Value) -> bool {
        status["vault_runs"].as_array().is_some_and(|all| all.iter().any(|r| r.as_str() == Some(&self.run)))
    }
}

impl Drop for OwnRun {
    fn drop(&mut self) {
        if let Err(why) = self.vault.end_run(&self.run) {
            tracing::error!(run = self.run, %why, "the run's placeholders could not be ended: they stay honoured");
        }
    }
}
