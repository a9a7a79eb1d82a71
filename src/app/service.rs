//! The seam between the proxy and everything that starts, watches and stops it: two traits and the error they share.
//! Knows no HTTP and no pipeline, so that the daemon, the control socket and `run` are tested against a fake.

use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::config::Config;
use serde_json::Value;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A running proxy as the rest of the program sees it.
pub trait Service: Send + Sync + 'static {
    /// Where it listens, after bind.
    fn local(&self) -> Listening;

    /// An object of counters and states. Keys others rely on: `config_digest`, `ca.fingerprint`, `ca.days_left`,
    /// `vault` (state in a word), `audit_head` (hex), `counters.{requests,injected,scrubbed,denied}`.
    fn status(&self) -> Value;

    /// Builds the configuration anew, whole, and swaps it in.
    ///
    /// # Errors
    /// Why the old one stays.
    fn reload(&self) -> Result<Value, String>;

    /// Stops accepting, waits for exchanges under way, closes, writes the audit out. `true` when all ended in time. Blocks.
    /// Called with no patience while another call still waits, it closes at once and lets both return. `status` still
    /// answers afterwards, with the final counters and audit head.
    fn drain(&self, patience: Duration) -> bool;
}

/// Makes services out of configurations.
pub trait Start: Send + Sync {
    /// Builds everything and binds; the service accepts connections when this returns.
    ///
    /// # Errors
    /// What could not be built, why, and what to do about it.
    fn start(&self, config: Arc<Config>, paths: &Paths) -> Result<Arc<dyn Service>, Error>;

    /// What a child behind the proxy is handed. Starts nothing and listens nowhere.
    ///
    /// # Errors
    /// As for [`Start::start`]: the CA or the vault could not be opened.
    fn issue(&self, config: &Config, paths: &Paths) -> Result<Issue, Error>;
}

/// Where a service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// A TCP address with its real port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Listening {
    /// As `proxy.listen` is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => (!path.is_empty()).then(|| Self::Unix(PathBuf::from(path))),
            None => text.parse().ok().map(Self::Tcp),
        }
    }

    /// The proxy URL clients use; none for a Unix socket. A wildcard address is reached on loopback.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let Self::Tcp(at) = self else { return None };
        Some(format!("http://{}", reachable(*at)))
    }

    /// The same place as clients dial it: loopback instead of a wildcard.
    #[must_use]
    pub fn dialled(&self) -> Self {
        match self {
            Self::Tcp(at) => Self::Tcp(reachable(*at)),
            Self::Unix(path) => Self::Unix(path.clone()),
        }
    }
}

fn reachable(mut at: SocketAddr) -> SocketAddr {
    if at.ip().is_unspecified() {
        at.set_ip(match at {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    at
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "{at}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a child behind the proxy is handed.
#[derive(Clone, Debug, Default)]
pub struct Issue {
    /// The interception CA's certificate, PEM; the next one's after it while one takes over from another.
    pub ca_pem: String,
    /// System roots, the configuration's extra roots and the CA: PEM, one after the other.
    pub bundle_pem: String,
    /// SHA-256 of the CA's certificate, as `status` shows it.
    pub ca_fingerprint: String,
    /// The secrets; their values are only there to be taken out of the child's environment.
    pub secrets: Vec<Kept>,
}

/// One secret of the vault and what stands for it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The vault entry's name, and the name of the child's variable.
    pub name: Arc<str>,
    /// The value.
    pub value: Secret,
    /// What the child gets instead.
    pub placeholder: Arc<str>,
}

/// Something that did not start, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Error {
    /// A stable short name.
    pub code: &'static str,
    /// What failed, in one clause.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
    /// Refused for safety, rather than not possible.
    pub refused: bool,
}

impl Error {
    /// Could not be done.
    pub fn new(
        code: &'static str,
        what: impl Into<String>,
        why: impl fmt::Display,
        next: impl Into<String>,
    ) -> Self {
        Self { code, what: what.into(), why: why.to_string(), next: next.into(), refused: false }
    }

    /// The same, for a refusal.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { refused: true, ..self }
    }

    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_listener_is_reached_on_loopback() {
        let url = |t: &str| Listening::parse(t).unwrap().url();
        assert_eq!(url("0.0.0.0:8443").as_deref(), Some("http://127.0.0.1:8443"));
        assert_eq!(url("[::]:1").as_deref(), Some("http://[::1]:1"));
        assert_eq!(url("unix:/run/k.sock"), None);
        assert_eq!(Listening::parse("unix:/run/k.sock").unwrap().to_string(), "unix:/run/k.sock");
        assert_eq!(Listening::parse("localhost:1"), None);
        assert_eq!(Listening::parse("unix:"), None);
    }
}
