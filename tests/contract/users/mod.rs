//! `/identity/users…`

mod attributes;
mod batch;
mod block;
mod by;
mod change;
mod create;
mod forget;
mod kind;
mod query;
mod upsert;
mod upsert_races;
