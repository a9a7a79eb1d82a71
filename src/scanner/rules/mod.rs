//! Rules: read from YAML, checked, compiled, and tried where a keyword stands. Finding keywords is the search's business.

mod blob;
mod bounds;
mod catalogue;
mod context;
mod facts;
mod gate;
mod plain;
mod read;
mod rule;
mod shape;
mod validate;

pub use catalogue::BUILTIN;
pub use facts::Facts;
pub use rule::Rule;

pub(super) use plain::parse as parse_plain;
pub(super) use read::read;
