//! katana: a forward proxy for AI agents. The map, from the ground up; each module uses only what stands above it here.

pub mod base;
pub mod telemetry;
pub mod config;
pub mod audit;
pub mod vault;
pub mod certs;
pub mod scanner;
pub mod policy;
pub mod broker;
pub mod pipeline;
pub mod proxy;
pub mod app;
pub mod cli;
