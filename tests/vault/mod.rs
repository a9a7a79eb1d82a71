//! The vault as a person has it: real commands, real keyrings, real users.

mod desktop;
mod keys;
mod keyring;
mod privacy;
