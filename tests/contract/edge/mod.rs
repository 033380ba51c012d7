//! Rules of every route: preconditions, bodies, limits, retries with a key, cursors, and the order
//! of refusals.

mod bodies;
mod cursors;
mod headers;
mod idempotency;
mod items;
mod limits;
pub mod logs;
mod messages;
mod precedence;
mod preconditions;
