//! Every counter the program has, in one table. Relaxed atomics: each is true by itself, no two are read together.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

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
    /// Times the vault's files were read; requests read none.
    VaultReads = "katana_vault_reads_total",
    /// Credentials put in.
    Injected = "katana_injected_total",
    /// Vault values taken out.
    Scrubbed = "katana_scrubbed_total",
    /// Tokens obtained.
    TokensObtained = "katana_tokens_obtained_total",
    /// Calls for a token that failed.
    TokensFailed = "katana_tokens_failed_total",
    /// Token calls of agents that katana answered.
    TokenCallsAnswered = "katana_token_calls_answered_total",
    /// Requests signed.
    Signed = "katana_signed_total",
    /// Findings of the scanner.
    Findings = "katana_findings_total",
    /// Findings that the allow-list let pass.
    FindingsAllowed = "katana_findings_allowed_total",
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
    /// Whole days until the interception authority ends; only its proxy sets it.
    CaDaysLeft = "katana_ca_days_left",
}

/// One thread's share of all values, on cache lines of its own: threads that count do not wait for each other.
#[repr(align(128))]
struct Share([AtomicI64; ALL.len()]);

/// Threads beyond this many count in one another's shares, which costs time and no truth.
const SHARES: usize = 64;

static VALUES: [Share; SHARES] = [const { Share([const { AtomicI64::new(0) }; ALL.len()]) }; SHARES];

thread_local! {
    static MINE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % SHARES
    };
}

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
        // a thread that is ending has no share any more
        let mine = MINE.try_with(|mine| *mine).unwrap_or(0);
        VALUES[mine].0[self as usize].fetch_add(n, Relaxed);
    }

    /// Sets a gauge that nothing adds to.
    pub fn set(self, n: i64) {
        VALUES[0].0[self as usize].store(n, Relaxed);
    }

    /// Its value now, over all threads.
    #[must_use]
    pub fn value(self) -> i64 {
        VALUES.iter().map(|share| share.0[self as usize].load(Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_adds_up() {
        let before = Metric::AuditFailed.value();
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(|| (0..1000).for_each(|_| Metric::AuditFailed.inc())))
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert!(Metric::AuditFailed.value() >= before + 8000);
    }
}
