//! The way out: names become addresses, addresses are judged and dialled, connections are kept and used again.

pub(super) mod resolve;
pub(super) mod dial;
pub(super) mod pool;
pub(super) mod http;
mod call;
