//! Logs, and the names of all metrics in one table.

pub mod log;
pub mod metrics;
