//! The ground floor: small types and operating-system manners that every other module leans on.
//! Knows no protocol, no configuration and no other module of this crate.

pub mod host;
pub mod net;
pub mod glob;
pub mod secret;
pub mod id;
pub mod clock;
pub mod paths;
pub mod atomic;
pub mod lock;
