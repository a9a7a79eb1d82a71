//! Arguments → one library call → text or JSON. One file per subcommand.

pub mod context;
pub mod outcome;
pub mod run;
pub mod proxy;
pub mod status;
