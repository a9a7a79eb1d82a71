//! Starts the whole program from a configuration, and hands a child what it needs to live behind it.

use super::assemble;
use super::ca;
use super::running::Running;
use super::service::{Error, Issue, Kept, Service, Start};
use crate::base::paths::Paths;
use crate::certs;
use crate::config::{Config, Problems};
use crate::vault::{self, Vault};
use std::path::Path;
use std::sync::Arc;

/// Builds the whole program from a configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Build;

/// The key of the address to listen at, as [`Config::origins`] names it.
pub const LISTEN: &str = "proxy.listen";
/// Where a value comes from that the command line overruled.
pub const COMMAND_LINE: &str = "--listen";

/// The configuration named on the command line, or the usual one, or the defaults.
///
/// # Errors
/// Every error of the file at once.
pub fn load_config(named: Option<&Path>, paths: &Paths) -> Result<Config, Error> {
    Config::load(named, paths, Config::process_env()).map_err(|problems| unusable(&problems))
}

pub(super) fn unusable(problems: &Problems) -> Error {
    let next = "mend the file; `katana config check` says when it is right";
    Error::new(problems.code(), "the configuration cannot be used", format!("\n{problems}"), next)
}

impl Start for Build {
    fn start(&self, config: Arc<Config>, paths: &Paths) -> Result<Arc<dyn Service>, Error> {
        vault::harden_process();
        vault::lock_all();
        let running: Arc<dyn Service> = Running::start(config, paths)?;
        Ok(running)
    }

    fn issue(&self, config: &Config, paths: &Paths) -> Result<Issue, Error> {
        let ca = ca::authority(config, paths)?;
        let trusted: Vec<_> = ca.trusted().cloned().collect();
        let mut bundle_pem = certs::bundle(&trusted);
        for path in &config.proxy.upstream.extra_roots {
            bundle_pem.push_str(&std::fs::read_to_string(path).map_err(|e| {
                let what = format!("{} cannot be read", path.display());
                Error::new("root_unusable", what, e, "mend proxy.upstream.extra_roots")
            })?);
        }
        let place = vault::place(paths, &config.vault);
        let mut held = Vault::open(&place).and_then(|v| v.hold()).map_err(|e| {
            let made = Error::new(e.code(), "the vault cannot be opened", &e, e.remedy());
            if e.is_tampering() { made.refused() } else { made }
        })?;
        // what a backend gives may stand in the environment a child inherits, and is no more for its eyes than the rest
        let references = assemble::references(config);
        references.fill(&mut held);
        if references.refresh() {
            references.fill(&mut held);
        }
        let secrets = held.into_iter().flat_map(|h| {
            // a value it had before is as little for the child as the present one
            let values = std::iter::once(h.value).chain(h.older);
            let kept = move |value| Kept { name: h.name.clone(), value, placeholder: h.placeholder.clone() };
            values.map(kept).collect::<Vec<_>>()
        });
        Ok(Issue {
            ca_fingerprint: ca.fingerprint(),
            ca_pem: trusted.iter().map(certs::Certificate::pem).collect(),
            bundle_pem,
            secrets: secrets.collect(),
        })
    }
}
