//! What `kith serve` offers a developer of this machine: tokens of people, sample events, and its
//! table for functions that run elsewhere. As people run them: the built program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod events;
mod service;
mod tokens;
mod words;
