//! The contract of the service over HTTP, one module per group of routes, and what no single
//! request shows: races, faults and cost.
//!
//! Each test is a sentence that begins with the rule it pins (`docs/reference/rules.md`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::float_cmp,
    reason = "helpers of tests fail by panicking; capacity units are halves and wholes, which \
              compare exactly"
)]
#![expect(unreachable_pub, reason = "the modules are those of one program")]

mod approvals;
mod audit;
mod callers;
mod clients;
mod consents;
mod cost;
mod credentials;
mod data;
mod definitions;
mod derived;
mod edge;
mod events;
mod exports;
mod faults;
mod forgetting;
mod forks;
mod formats;
mod imports;
mod lifecycle;
mod login;
mod login_pages;
mod mail;
mod model;
mod oauth;
mod oidc;
mod passkeys;
mod people;
mod personas;
mod principals;
mod profiles;
mod properties;
mod purge;
mod queries;
mod races;
mod remote;
mod rights;
mod sessions;
mod site;
mod sso;
mod sync;
mod systems;
mod tasks;
mod tenants;
mod token;
mod users;
mod work;
