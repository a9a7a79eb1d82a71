//! The vault: secrets on disk, the placeholders that stand for them, and which of them belongs where.
//! Synchronous, knows no HTTP. The request path reads a [`Generation`] and never the disk.

pub mod error;
pub mod value;
pub mod takes;
pub mod place;
pub mod key;
mod seal;
mod document;
mod disk;
pub mod held;
pub mod store;
pub mod placeholder;
pub mod providers;
pub mod credentials;
mod parts;
pub mod scrub;
pub mod generation;
pub mod harden;

pub use error::Error;
pub use generation::Generation;
pub use harden::harden_process;
pub use held::{Alias, Barred, Held, Standing};
pub use place::{KeyPlace, Place, Stamp, place};
pub use providers::Providers;
pub use store::{Listing, Meta, Report, Vault};
pub use takes::slot_takes;
pub use value::Name;
