//! The service on this machine: the DynamoDB table inside the process, and all functions on one
//! port.
//!
//! `kith serve`, the tests and the benches start the service with it. This is the only package that
//! depends on the embedded engine. It adds no behaviour to the service: it serves the functions' own
//! routers.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod connections;
pub mod cors;
pub mod demo;
mod dynamodb;
pub mod embedded;
pub mod events;
mod failure;
pub mod identity_provider;
pub mod serve;
pub mod table;

pub use self::failure::Failure;
