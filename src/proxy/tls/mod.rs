//! TLS on both sides: towards clients with minted leaves, towards upstream with verified certificates.

pub mod accept;
pub mod dial;
mod read_ahead;

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::{DEFAULT_CIPHER_SUITES, cipher_suite};

/// rustls's own suites, the one that costs least first: AES-128 with SHA-256, which processors do in hardware.
fn suites() -> Vec<SupportedCipherSuite> {
    let first = cipher_suite::TLS13_AES_128_GCM_SHA256;
    let rest = DEFAULT_CIPHER_SUITES.iter().filter(|s| **s != first).copied();
    std::iter::once(first).chain(rest).collect()
}
