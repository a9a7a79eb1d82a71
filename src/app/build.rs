//! Config → engines → Pipeline → Proxy.

use super::service::{Error, Issue, Service, Start};
use crate::base::paths::Paths;
use crate::config::Config;
use std::path::Path;
use std::sync::Arc;

/// Builds the whole program from a configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Build;

/// The configuration named on the command line, or the usual one, or the defaults.
///
/// # Errors
/// Every error of the file at once.
pub fn load_config(_named: Option<&Path>, _paths: &Paths) -> Result<Config, Error> {
    Err(unwired())
}

impl Start for Build {
    fn start(&self, _config: Arc<Config>, _paths: &Paths) -> Result<Arc<dyn Service>, Error> {
        Err(unwired())
    }

    fn issue(&self, _config: &Config, _paths: &Paths) -> Result<Issue, Error> {
        Err(unwired())
    }
}

fn unwired() -> Error {
    Error::new("not_wired", "the proxy did not start", "this build has no pipeline yet", "use a newer build")
}
