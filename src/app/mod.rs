//! Wiring: what the engines, the pipeline and the proxy become when they are one running program: started,
//! watched, reloaded, stopped; and the child that runs behind it.

pub mod service;
pub mod pid;
pub mod control;
pub mod signals;
pub mod serve;
pub mod daemon;
pub mod ca;
mod assemble;
mod keep;
pub mod build;
mod running;
mod watch;
mod references;
pub mod run;
mod scratch;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod scan;
pub mod tools;
