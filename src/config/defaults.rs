//! What holds when nothing is written, and the commented file that says so.

use super::{
    Audit, BodyScan, Ca, Config, KeySource, Limits, Listen, Mode, OnSecret, Preset, PrivateDestinations,
    Proxy, Upstream, Vault,
};
use crate::base::glob::HostPattern;
use crate::base::host::Host;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The commented default configuration that `config init` writes.
pub const COMMENTED: &str = include_str!("../../config/katana.yaml");

/// Signature services whose clients pin what they talk to; nothing of an agent's goes there.
const PINNED: [&str; 3] = ["rekor.sigstore.dev", "fulcio.sigstore.dev", "tuf-repo-cdn.sigstore.dev"];

impl Default for Config {
    fn default() -> Self {
        let mut config = Self {
            source: None,
            digest: String::new(),
            policy_preset: Preset::Balanced,
            policy_path: None,
            scan_inputs: true,
            scan_outputs: true,
            log_level: tracing::Level::INFO,
            log_json: false,
            proxy: Proxy::default(),
            credentials: Vec::new(),
            vault: Vault::default(),
            ca: Ca::default(),
            audit: Audit::default(),
            warnings: Vec::new(),
            origins: Vec::new(),
        };
        config.digest = config.fingerprint();
        config
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            listen: Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 8443))),
            mode: Mode::Strict,
            ignore_hosts: PINNED.iter().map(|h| HostPattern::Exact(Host::Name((*h).into()))).collect(),
            allowed_domains: Vec::new(),
            denied_domains: Vec::new(),
            private: PrivateDestinations::default(),
            inject_credentials: true,
            scan_request_bodies: BodyScan::default(),
            scan_response_bodies: BodyScan::default(),
            on_secret: OnSecret::Scrub,
            limits: Limits::default(),
            upstream: Upstream::default(),
        }
    }
}

impl Default for BodyScan {
    fn default() -> Self {
        Self { default: true, hosts: Vec::new() }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self { tls_verify: true, extra_roots: Vec::new(), resolve: Vec::new() }
    }
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            key_source: KeySource::Auto,
            key_file: None,
            keep_versions: 5,
            reference_ttl: Duration::from_secs(300),
            reference_failure_ttl: Duration::from_secs(30),
            reference_timeout: Duration::from_secs(10),
            passphrase_file: None,
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { max_size_mb: 10, sync: false, batch_delay: Duration::from_millis(50) }
    }
}
