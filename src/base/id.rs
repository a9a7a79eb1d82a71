//! Names for exchanges and runs: short, unguessable enough to tell two processes apart, sortable within one.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names one exchange: a random prefix per process and a counter, printed as `k7f3a9c21-1f`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId {
    process: u32,
    number: u64,
}

impl ExchangeId {
    /// The next one of this process.
    #[must_use]
    pub fn next() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        Self { process: process_id(), number: NUMBER.fetch_add(1, Ordering::Relaxed) }
    }
}

/// Random once per process; 0 only if the system has no randomness, which costs uniqueness and nothing else.
fn process_id() -> u32 {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    *PROCESS.get_or_init(|| getrandom::u32().unwrap_or(0))
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{:08x}-{:x}", self.process, self.number)
    }
}

impl fmt::Debug for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `n` random bytes.
///
/// # Errors
/// When the operating system gives none.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
    Ok(bytes)
}
