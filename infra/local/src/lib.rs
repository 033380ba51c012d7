//! The service on this machine: the DynamoDB table inside the process, and all functions on one
//! port.
//!
//! `kith serve`, the tests and the benches start the service with it. This is the only package that
//! depends on the embedded engine. It adds no behaviour to the service: it serves the functions'
//! own routers.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod base_url;
mod connections;
pub mod cors;
pub mod demo;
mod dynamodb;
pub mod embedded;
pub mod events;
mod failure;
pub mod identity_provider;
pub mod mail;
pub mod serve;
pub mod table;

pub use self::failure::Failure;

/// Whether a URL is that of a service on this machine: its host is loopback.
#[must_use]
pub fn is_of_this_machine(url: &str) -> bool {
    url.parse::<axum::http::Uri>()
        .is_ok_and(|uri| uri.authority().is_some_and(dynamodb::is_this_machine))
}
