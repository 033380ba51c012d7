//! `kith import` and `kith export` as people run them: the built program against a service that it
//! serves itself.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]
#![expect(unreachable_pub, reason = "the modules are those of one program")]

mod data;
mod export;
mod output;
mod program;
mod resume;
mod stopping;
mod wrong;
