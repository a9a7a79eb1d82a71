//! The integration tests, one binary: the program is started as a person starts it, with real sockets and real TLS.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests stop at the first fault, loudly")]

mod architecture;
