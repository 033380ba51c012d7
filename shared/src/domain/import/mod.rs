//! Files of people: CSV (RFC 4180) and NDJSON, as imports read and exports write them.
//!
//! A row becomes the document of a user, as `POST /identity/users` takes it. In CSV a column is a
//! field: `username`, `email_verified`, `personas`, `attributes.<category>.<name>`, …; a mapping
//! gives columns of other names their field, or leaves them out. An empty cell is `null`, which
//! clears; where nothing can be cleared it is not there.
//!
//! | cell of | holds |
//! |---|---|
//! | a predefined field | the text |
//! | `email_verified` | `true` or `false` |
//! | an attribute | one value, or all as a JSON array; what starts with `{` is one JSON value. Columns of one attribute add up |
//! | `consents` | what the person decided about consents, as a JSON array; exports leave it empty |
//! | `personas` | names with their scopes, `member;buyer(shop-1,shop-2)`, or a JSON array of personas |
//!
//! A spreadsheet takes a cell that starts with a sign as `=` for a formula. Exports put an
//! apostrophe before such a cell, and imports take it away.

pub mod apply;
mod cells;
mod columns;
mod discreet;
mod job;
mod records;
mod rows;
mod task;
mod width;

pub use self::cells::guarded;
pub use self::columns::{Columns, Mapping};
pub use self::job::{
    Import, ImportState, KEPT_SECONDS, RowCounts, RowReport, RowStatus, WAITING_SECONDS,
};
pub use self::records::{AFTER_QUOTE, Dialect, Place, RecordScanner, ScannedRecord};
pub use self::rows::{
    ImportRow, PersonKey, encoding_fault, keys, line, not_utf8, read, read_known,
};
pub use self::task::{
    MAX_ROW, PART_ROWS, RowContent, RowTask, TaskMaker, contended, document_of, parts,
};
pub use self::width::MAX_COLUMNS;
use super::string_enum::string_enum;

/// The most rows of one import.
pub const MAX_ROWS: usize = 5000;
/// The most bytes of one import.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

string_enum! {
    /// How the rows of a file are written.
    Format {
        /// Comma-separated values with a header; semicolons and tabs are recognised.
        Csv = "csv",
        /// One JSON object a line.
        Ndjson = "ndjson",
    }
}

string_enum! {
    /// The kind of values that an import has for HASH attributes.
    HashedValues {
        /// The secrets themselves, which are hashed.
        Plain = "plain",
        /// Hashes of Argon2id in the PHC string format, which are kept.
        Argon2id = "argon2id",
        /// Hashes of bcrypt, which are kept.
        Bcrypt = "bcrypt",
        /// Hashes of PBKDF2 in the PHC string format, which are kept.
        Pbkdf2 = "pbkdf2",
    }
}

string_enum! {
    /// How to treat a row whose user exists.
    Mode {
        /// It is an error.
        Create = "create",
        /// It changes the user.
        Upsert = "upsert",
    }
}

#[cfg(test)]
mod tests;
