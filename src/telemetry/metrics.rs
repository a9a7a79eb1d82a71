//! Every counter the program has, in one table. Relaxed atomics: each is true by itself, no two are read together.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal),+ $(,)?) => {
        /// One counter or gauge.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Metric { $($(#[doc = $doc])+ $variant),+ }
        /// All of them, with their exposed names.
        pub const ALL: &[(Metric, &str)] = &[$((Metric::$variant, $name)),+];
    };
}

metrics! {
    /// Client connections accepted.
    Connections = "katana_connections_total",
    /// Client connections open now.
    ConnectionsOpen = "katana_connections_open",
    /// Exchanges that have ended, however.
    Exchanges = "katana_exchanges_total",
    /// Exchanges under way now.
    ExchangesOpen = "katana_exchanges_open",
    /// Exchanges refused by a ruling.
    Denied = "katana_denied_total",
    /// Exchanges that failed upstream.
    UpstreamFailed = "katana_upstream_failed_total",
    /// Exchanges cut short by the client.
    Cancelled = "katana_cancelled_total",
    /// Credentials put in.
    Injected = "katana_injected_total",
    /// Vault values taken out.
    Scrubbed = "katana_scrubbed_total",
    /// Findings of the scanner.
    Findings = "katana_findings_total",
    /// Tunnels passed through untouched.
    Tunnels = "katana_tunnels_total",
    /// Body bytes from clients.
    BytesIn = "katana_bytes_in_total",
    /// Body bytes to clients.
    BytesOut = "katana_bytes_out_total",
    /// Upstream connections dialled.
    Dials = "katana_dials_total",
    /// Requests sent on an upstream connection that was there already.
    Reused = "katana_upstream_reused_total",
    /// Leaf certificates signed.
    Minted = "katana_leaves_minted_total",
    /// Audit records written.
    AuditRecords = "katana_audit_records_total",
    /// Audit writes that failed.
    AuditFailed = "katana_audit_failed_total",
    /// Configurations swapped in.
    Reloads = "katana_reloads_total",
    /// Configurations refused at reload.
    ReloadsFailed = "katana_reloads_failed_total",
}

static VALUES: [AtomicI64; ALL.len()] = [const { AtomicI64::new(0) }; ALL.len()];

impl Metric {
    /// Adds one.
    pub fn inc(self) {
        self.add(1);
    }

    /// Takes one away (gauges).
    pub fn dec(self) {
        self.add(-1);
    }

    /// Adds `n`.
    pub fn add(self, n: i64) {
        VALUES[self as usize].fetch_add(n, Relaxed);
    }

    /// Its value now.
    #[must_use]
    pub fn value(self) -> i64 {
        VALUES[self as usize].load(Relaxed)
    }
}
