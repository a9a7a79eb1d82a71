//! The scanner as it comes: what it must leave alone, and what the documentation says of it.

mod allocations;
mod catalogue;
mod ordinary;
mod own_rules;
mod traffic;
