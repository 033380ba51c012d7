//! The routes of the service: every place that names them says the same, and each answers through
//! the adapter of its Lambda function.
//!
//! The route tables of the functions are the truth; `template.yaml`, the router of `cargo lambda
//! watch`, `openapi.json` and the events in `events/` are compared with them. The events then go
//! through `lambda_http` as the Lambda runtime sends them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]
#![expect(unreachable_pub, reason = "the modules are those of one program")]

mod adapter;
mod answers;
mod description;
mod events;
mod gateway;
mod oauth;
mod prepared;
mod structure;
mod tables;
mod template;
mod watch;
