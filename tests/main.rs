//! The integration tests, one binary: the program is started as a person starts it, with real sockets and real TLS.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "a test stops at the first fault, loudly, and hands over what it has made"
)]

mod architecture;
mod support;
mod proxy;
mod scanner;
mod broker;
mod cli;
mod certs;
mod clients;
mod vault;
mod docs;
mod regression;
mod fuzz;
