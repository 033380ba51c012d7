//! `/identity/users…`

mod attributes;
mod batch;
mod block;
mod change;
mod create;
mod forget;
mod query;
mod upsert;
mod upsert_races;
