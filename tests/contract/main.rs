//! The contract of the service over HTTP, one module per group of routes, and what no single request shows: races, faults and cost.
//!
//! Each test is a sentence that begins with the rule it pins (`rules.md`).

mod cost;
mod definitions;
mod edge;
mod faults;
mod model;
mod personas;
mod races;
mod sso;
mod tenants;
mod token;
mod users;
