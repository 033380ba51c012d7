//! The features of `kith serve` for local development: tokens of people, sample events, and the
//! table for functions that run elsewhere. The tests run the built program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod events;
mod people;
mod service;
mod tokens;
mod words;
