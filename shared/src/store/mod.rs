//! The table: every read and write of the service, as conditions on items.
//!
//! One DynamoDB table holds everything. Reads are strongly consistent, writes are conditional,
//! several items change in one transaction, and nothing scans. `keys` names the items. `table` and
//! `index` read them. `write` describes writes and their conditions, `commit` commits them, and
//! `retry` repeats contended ones. The other modules say which items a use case touches.

pub mod audit;
pub mod change_requests;
pub mod clients;
pub mod commit;
pub mod consents;
pub mod definitions;
mod expression;
mod forget;
pub mod imports;
pub mod index;
pub mod item;
pub mod keys;
pub mod listing;
pub mod meter;
pub mod people;
pub mod principals;
mod progress;
pub mod records;
pub mod retry;
pub mod sign_in;
mod single_use;
pub mod subjects;
pub mod system_profiles;
pub mod table;
mod table_error;
pub mod tenants;
pub mod user_state;
pub mod user_writes;
pub mod users;
pub mod write;

pub use item::Item;
pub use keys::Key;
pub use retry::Retry;
pub use table::Table;
pub use write::{CommitError, Condition, Write};
