//! The interception authority, the leaves it signs for hosts, and the roots that upstreams are verified against.
//! Keeps keys to itself: no private key leaves this module but as a signer. Knows no sockets and no HTTP.

mod error;
mod profile;
mod authority;
mod make;
mod leaves;
mod mint;
mod roots;
#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use error::Error;
pub use leaves::Leaves;
pub use roots::{bundle, roots};
