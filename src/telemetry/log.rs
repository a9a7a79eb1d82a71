//! The log: on stderr, as text for people or as one JSON object a line for machines. Never on stdout, never a secret.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How much is said, and how.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The least that is said.
    pub level: tracing::Level,
    /// One JSON object a line.
    pub json: bool,
}

/// Starts the log of this process. A second call changes nothing.
pub fn start(style: Style) {
    // the wire's own crates are only of interest when everything is
    let others = if style.level == tracing::Level::TRACE { "debug" } else { "warn" };
    let filter = EnvFilter::new(format!("{others},katana={}", style.level));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let _ = if style.json {
        log.json().flatten_event(true).try_init()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
}
