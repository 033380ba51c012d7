//! The operator's and newcomer's program: the whole service on one port, a tour of it, and the
//! table's upkeep.
//!
//! This is the only package beside the tests that may depend on the embedded engine. It adds no
//! behaviour to the service: what it serves are the functions' own routers.
//!
//! `println!` and `eprintln!` panic when nobody reads; [`output`] does not.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod check;
pub mod cli;
pub mod clients;
pub mod demo;
pub mod embedded;
pub mod events;
pub mod export;
pub mod forget;
pub mod import;
pub mod keys;
pub mod openapi;
pub mod output;
pub mod purge;
pub mod remote;
pub mod serve;
pub mod table;
pub mod tour;
pub mod traces;
