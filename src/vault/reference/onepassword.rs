//! 1Password, through its command-line tool: `op read` with the reference and nothing else of katana's but what the tool signs
//! in with.

use super::{Fault, World, program};
use crate::base::secret::Secret;
use std::time::Duration;

/// What the tool signs in with.
const SIGNS_IN_WITH: &[&str] =
    &["OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN", "OP_ACCOUNT", "OP_CONFIG_DIR"];

pub(super) fn check(reference: &str) -> Result<(), &'static str> {
    let parts = reference.strip_prefix("op://").map(|r| r.split('/').collect::<Vec<_>>()).unwrap_or_default();
    let good = matches!(parts.len(), 3 | 4) && parts.iter().all(|p| !p.trim().is_empty());
    if good { Ok(()) } else { Err("is no reference of 1Password: op://vault/item/field is") }
}

pub(super) fn read(reference: &str, world: &World, patience: Duration) -> Result<Secret, Fault> {
    let argv = ["op", "read", "--no-newline", reference].map(str::to_owned);
    program::run(&argv, &world.environment(SIGNS_IN_WITH), patience)
}
