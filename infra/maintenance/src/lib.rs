//! The operator's tasks on a table of Kith, deployed or on this machine: verify it, forget people
//! everywhere, search it for traces of them, purge definitions, publish events again, and verify
//! exports of the audit.
//!
//! Some of it scans the table, which the deployed functions have no right to. Results are values;
//! the program `kith` says them, and the tests assert them.

pub mod check;
pub mod digests;
pub mod forget;
pub mod people;
pub mod purge;
pub mod replay;
mod scan;
pub mod traces;
