//! The code that the Kith functions share, in three layers: the edge (`http`), the rules (`domain`,
//! `auth`) and the table (`store`).
//!
//! A function is a router over [`app::App`] and a `main` of a few lines that calls
//! [`lambda::start`]; `kith serve` and the tests use the same routers through other adapters.

pub mod app;
pub mod archive;
pub mod auth;
pub mod aws;
pub mod domain;
pub mod env;
pub mod fetch;
pub mod filter;
pub mod http;
pub mod https;
pub mod import;
pub mod lambda;
pub mod log;
pub mod script;
pub mod seal;
pub mod store;
pub mod work;
pub mod writing;

pub use axum;
