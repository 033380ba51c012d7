//! `/identity/users…`

mod attributes;
mod block;
mod change;
mod create;
mod forget;
mod query;
