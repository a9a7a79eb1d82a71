//! katana: a forward proxy for AI agents. The map, from the ground up; each module uses only what stands above it here.

pub mod base;
pub mod telemetry;
pub mod config;
pub mod scanner;
pub mod cli;
