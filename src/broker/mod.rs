//! What a credential that is not a plain value comes to: tokens obtained, requests signed. Synchronous, knows no HTTP
//! types: calls and answers are plain data, and who carries them is the proxy's affair.

pub mod error;
pub mod purse;
pub mod call;
pub mod jwt;
pub mod grant;
pub mod line;
pub mod minted;
pub mod sigv4;

pub use call::{Answer, Call, Granted};
pub use error::Error;
pub use line::{Line, Source, Standing, Token};
pub use minted::Minted;
pub use purse::Purse;
