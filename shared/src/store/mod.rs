//! The table: every read and write of the service, as conditions on items.
//!
//! One DynamoDB table holds everything. Reads are strongly consistent, writes are conditional,
//! several items change in one transaction, and nothing scans. `keys` names the items, `table`
//! reads them, `commit` writes them, the rest says which items a use case touches.

pub mod change_requests;
pub mod changes;
pub mod clients;
pub mod commit;
pub mod definitions;
mod expression;
mod forget;
pub mod imports;
pub mod item;
pub mod keys;
pub mod listing;
pub mod meter;
mod once;
pub mod principals;
pub mod records;
pub mod sign_in;
pub mod subjects;
pub mod system_profiles;
pub mod table;
pub mod user_writes;
pub mod users;

pub use commit::{Condition, Failed, Write};
pub use item::Item;
pub use keys::Key;
pub use table::Table;
