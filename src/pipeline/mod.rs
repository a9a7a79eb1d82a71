//! Exchanges → rulings. What runs, in which order, and what becomes of its answer stand here; bytes and sockets do not.

pub mod access;
pub mod exchange;
pub mod denial;
pub mod stage;
pub mod ruling;
pub mod content;
pub mod tokens;
pub mod seen_tools;
pub mod slot;
pub mod stages;

pub use access::Access;
pub use denial::Denial;
pub use exchange::{Book, Client, Exchange, Outcome, Scheme, nowhere};
pub use ruling::{Asked, Claimed, Cleared, Disposed, FailMode, Pipeline, Ruling};
pub use stage::{
    BodyNeed, Chunk, ChunkVerdict, Claim, Departure, Direction, Edit, OwnAnswer, Replaced, Rewrite, Settled,
    Stage, StageError, Verdict,
};
pub use tokens::{Caller, Keeper, Tokens};

/// A request without its body.
pub type RequestHead = http::request::Parts;
/// A response without its body.
pub type ResponseHead = http::response::Parts;
