//! The vault: secrets at rest, and the engine that keeps them from leaving.

pub mod scrub;
