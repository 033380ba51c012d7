//! The commands, one module each: `run` does what its options say and returns the exit code.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod credential;
pub(crate) mod definition;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod mail;
pub(crate) mod man;
pub(crate) mod openapi;
pub(crate) mod people;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod table;
pub(crate) mod tenant;
#[cfg(test)]
mod testing;
pub(crate) mod token;
pub(crate) mod tour;
