//! The interception authority, the leaves it signs for hosts, and the roots that upstreams are verified against.
//! Keeps keys to itself: no private key leaves this module but as a signer. Knows no sockets and no HTTP.

mod error;
mod profile;
pub mod keeper;
mod certificate;
mod layout;
mod authority;
mod make;
mod rotate;
mod leaves;
mod mint;
mod roots;
pub mod trust;
#[cfg(test)]
mod tests;

pub use authority::{Authority, Next};
pub use certificate::Certificate;
pub use error::Error;
pub use leaves::Leaves;
pub use roots::{bundle, roots, system_trusts};
pub use rotate::{Known, Rotation, Stamp, cancel, commit, known, protect, rotate, stamp};
