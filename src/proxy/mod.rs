//! Bytes ⇄ exchanges: the request path. A request enters by `listener`, and the files below stand in the order it
//! passes them. What is ruled on stands in `pipeline`; here is how it travels.

mod listener;
mod wire;
mod pace;
mod framing;
mod connection;
mod connect;
mod opening;
mod serve;
mod authority;
mod headers;
mod forward;
mod rehearse;
mod reply;
mod tunnel;
mod error;
mod live;
pub mod tls;
mod body;
mod upstream;

pub use body::decode::{DecodeError, Decoder};
pub use error::Error;
pub use framing::{Fault, HeadWatch};
pub use listener::{Bound, Listening, Server};
pub use live::{Live, Outlet, Shared};
pub use rehearse::{Dial, dial, request as rehearse};
pub use upstream::resolve::Overrides;
