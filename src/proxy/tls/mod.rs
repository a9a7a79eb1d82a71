//! TLS on both sides: towards clients with minted leaves, towards upstream with verified certificates.

pub mod accept;
pub mod dial;
