//! Configuration: raw YAML (unknown keys refused) → checked values, every error at once with its place.
//! These are the checked values, which the rest of the program sees; nothing here is still text that could be wrong.

mod limits;
mod load;
mod check;
mod check_proxy;
mod check_credentials;
mod goes;
mod check_accounts;
mod reader;
mod field;
mod values;
mod slot;
mod problem;
mod defaults;
mod show;
mod show_credentials;
mod weaken;
pub mod account;
pub mod yaml;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use defaults::COMMENTED;
pub use goes::Goes;
pub use limits::{Limits, Timeouts};
pub use problem::{Place, Problem, Problems};
pub use slot::{Slot, SlotError};

use crate::base::glob::{Glob, HostPattern};
use crate::base::net::Cidr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from; `None`: defaults.
    pub source: Option<PathBuf>,
    /// First 16 hex digits of the SHA-256 of the effective values.
    pub digest: String,
    /// The preset whose rules apply when no policy file is named.
    pub policy_preset: Preset,
    /// A policy file that wins over the preset.
    pub policy_path: Option<PathBuf>,
    /// Scan what the agent sends.
    pub scan_inputs: bool,
    /// Scan what the agent receives.
    pub scan_outputs: bool,
    /// Log level: error, warn, info, debug, trace.
    pub log_level: tracing::Level,
    /// One JSON object a line instead of text.
    pub log_json: bool,
    /// The proxy.
    pub proxy: Proxy,
    /// Which secret goes where, beside the built-in providers and before them.
    pub credentials: Vec<Credential>,
    /// The vault.
    pub vault: Vault,
    /// The interception authority.
    pub ca: Ca,
    /// The audit.
    pub audit: Audit,
    /// What is odd but no error: variables that set nothing, values another key overrules.
    pub warnings: Vec<String>,
    /// Which key was set where: `("proxy.listen", "config.yaml:3:11")`, `("log_level", "KATANA_LOG_LEVEL")`.
    pub origins: Vec<(String, String)>,
}

/// A built-in policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Everything that can be refused is.
    Max,
    /// The default.
    Balanced,
    /// Watches, refuses little.
    Permissive,
}

/// How findings and failures are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Log and pass.
    Permissive,
    /// Fail closed.
    Strict,
    /// Strict, and everything that can be blocked is.
    Max,
}

/// Where the proxy listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// What happens to a vault value found on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSecret {
    /// Replace it by its placeholder and forward.
    Scrub,
    /// Refuse the request.
    Block,
}

/// The `proxy` section.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it listens.
    pub listen: Listen,
    /// How findings and failures are treated.
    pub mode: Mode,
    /// Hosts that are tunnelled untouched.
    pub ignore_hosts: Vec<HostPattern>,
    /// Hosts that may be reached; empty: all.
    pub allowed_domains: Vec<HostPattern>,
    /// Hosts that may not; a bare name denies what is below it too. Wins over `allowed_domains`.
    pub denied_domains: Vec<HostPattern>,
    /// Which destinations that are not public may be reached.
    pub private: PrivateDestinations,
    /// Put vault credentials in.
    pub inject_credentials: bool,
    /// Look into request bodies.
    pub scan_request_bodies: BodyScan,
    /// Look into response bodies.
    pub scan_response_bodies: BodyScan,
    /// What happens to a vault value on its way out.
    pub on_secret: OnSecret,
    /// Limits.
    pub limits: Limits,
    /// The way out.
    pub upstream: Upstream,
}

/// Which destinations that are not public may be reached. Metadata services only by their exact address.
#[derive(Clone, Debug, Default)]
pub struct PrivateDestinations {
    /// `true` in the file: all but metadata services.
    pub all: bool,
    /// By name.
    pub hosts: Vec<HostPattern>,
    /// By network.
    pub nets: Vec<Cidr>,
}

/// A switch, and the hosts for which it stands the other way.
#[derive(Clone, Debug)]
pub struct BodyScan {
    /// For hosts that no pattern names.
    pub default: bool,
    /// First match wins.
    pub hosts: Vec<(HostPattern, bool)>,
}

/// The `proxy.upstream` section.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Verify certificates. `false` refuses to start together with `inject_credentials`.
    pub tls_verify: bool,
    /// PEM files of further roots.
    pub extra_roots: Vec<PathBuf>,
    /// Names that are not asked of DNS: `(host, port or any, address to dial)`.
    pub resolve: Vec<(HostPattern, Option<u16>, SocketAddr)>,
}

/// One entry of `credentials`: which secret goes to which hosts, in which slot, for which methods and paths.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The vault entry's name.
    pub secret: String,
    /// Hosts, each with a port or any.
    pub hosts: Vec<(HostPattern, Option<u16>)>,
    /// Where it stands in a request.
    pub slot: Slot,
    /// Methods, upper case; empty: all.
    pub methods: Vec<String>,
    /// Paths; empty: all.
    pub paths: Vec<Glob>,
    /// What it is when it is no plain value; `secret` is then the entry whose placeholder stands for the token.
    pub account: Option<Arc<Account>>,
}

/// The `vault` section.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Where the master key comes from.
    pub key_source: KeySource,
    /// The key file; default: `vault.key` beside the vault.
    pub key_file: Option<PathBuf>,
    /// How many values of a name are kept, the present one included.
    pub keep_versions: usize,
    /// How long what a reference gave may be used.
    pub reference_ttl: Duration,
    /// How long a reference that gave nothing is left alone.
    pub reference_failure_ttl: Duration,
    /// How long a reference is waited for.
    pub reference_timeout: Duration,
    /// A file with the passphrase, for a machine on which nobody types it.
    pub passphrase_file: Option<PathBuf>,
}

/// Where the master key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The first that has it: environment, systemd credential, passphrase file, key file, kernel keyring, OS keyring. A new
    /// key goes to the OS keyring where that works, else to a key file.
    Auto,
    /// The OS keyring.
    Keyring,
    /// The Linux kernel's keyring.
    Kernel,
    /// A systemd credential.
    Systemd,
    /// A file that a passphrase opens.
    Passphrase,
    /// A 0600 file.
    File,
    /// `KATANA_VAULT_KEY`.
    Env,
}

/// The `ca` section.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ca {
    /// `key_protection: vault`: the authority's key lies on disk sealed by the vault.
    pub sealed: bool,
}

/// The `audit` section.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Segment size in MiB at which it rotates.
    pub max_size_mb: u64,
    /// Wait for the disk before a request leaves.
    pub sync: bool,
    /// Longest time a record stays in memory in batch mode.
    pub batch_delay: Duration,
}
