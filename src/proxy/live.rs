//! What every connection shares: `Live` is swapped whole at a reload, and an exchange keeps the one it began with.

use super::tls::accept::Acceptor;
use super::tls::dial::Dialer;
use super::upstream::resolve::Overrides;
use crate::config::{Limits, Mode, Timeouts};
use crate::pipeline::stages::{AnyStage, Guard};
use crate::pipeline::{Book, Pipeline};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// Everything that one configuration comes to, ready to serve.
pub struct Live {
    /// Counts configurations: connections of an earlier one are not used again.
    pub era: u64,
    /// The stages.
    pub pipeline: Pipeline<AnyStage>,
    /// How findings and failures are treated.
    pub mode: Mode,
    /// Limits.
    pub limits: Limits,
    /// The way out.
    pub outlet: Arc<Outlet>,
}

/// How any connection to the outside is opened, an agent's and katana's own.
pub struct Outlet {
    /// Judges addresses at dial.
    pub guard: Arc<Guard>,
    /// TLS towards upstream.
    pub dialer: Dialer,
    /// Names that are not asked of DNS.
    pub overrides: Overrides,
    /// Times.
    pub timeouts: Timeouts,
}

/// What outlives a reload.
pub struct Shared {
    /// Swapped whole.
    pub live: ArcSwap<Live>,
    /// Opens exchanges.
    pub book: Book,
    /// TLS towards clients.
    pub acceptor: Acceptor,
    /// Random per process: pseudonyms for `Via` are made with it.
    pub via_key: [u8; 16],
}
