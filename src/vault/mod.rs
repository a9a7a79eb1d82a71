//! The vault: secrets on disk, the placeholders that stand for them, and which of them belongs where.
//! Synchronous, knows no HTTP. The request path reads a [`Generation`] and never the disk.

pub mod error;
pub mod value;
pub mod takes;
pub mod place;
pub mod key;
mod seal;
mod entry;
mod runs;
mod document;
mod disk;
mod write;
mod rotation;
mod sentinel;
mod breaker;
pub mod held;
mod hold;
mod listing;
pub mod store;
mod change;
pub mod custody;
pub mod ca_key;
pub mod placeholder;
pub mod providers;
pub mod credentials;
mod parts;
pub mod scrub;
pub mod generation;
pub mod harden;
pub mod import;
pub mod reference;
#[cfg(test)]
mod bench;

pub use change::{BACKENDS, Expiry, Going, Meta, Overlap};
pub use custody::Custody;
pub use error::Error;
pub use generation::Generation;
pub use harden::{Hardening, harden_process, hardening, lock_all};
pub use held::{Alias, Barred, Held, Standing};
pub use listing::{Listing, Report, Version};
pub use place::{KeyPlace, Place, Stamp, place};
pub use providers::Providers;
pub use rotation::Rotation;
pub use runs::Issued;
pub use sentinel::{Locked, Sentinel};
pub use store::Vault;
pub use takes::slot_takes;
pub use value::Name;
pub use write::Healed;
