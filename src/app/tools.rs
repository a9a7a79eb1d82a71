//! Tools whose servers have changed what they say of them: an operator who has looked takes them as they are now.

use super::service::Error;
use crate::base::host::Host;
use crate::base::paths::Paths;
use crate::pipeline::seen_tools;

/// Forgets what a host's servers said of their tools; what they say next is taken as first seen, by a running proxy too. How many
/// tools that were.
///
/// # Errors
/// The host is none, or the file cannot be read or written.
pub fn accept(host: &str, paths: &Paths) -> Result<usize, Error> {
    let host = Host::parse(host)
        .map_err(|e| Error::new("bad_host", format!("{host} is no host"), e, "name the host alone"))?;
    seen_tools::accept(&paths.tools(), &host.to_string()).map_err(|e| {
        let what = format!("{} cannot be changed", paths.tools().display());
        Error::new("tools_unwritable", what, e, "make it writable for this user")
    })
}
