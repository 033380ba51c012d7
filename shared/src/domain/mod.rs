//! The rules: the types of profiles and definitions, and the checks of stored values. They use no
//! layer above them: no table, no HTTP, no tokens, no processes, no I/O.

pub mod address;
pub mod audit;
pub mod author;
pub mod change_request;
pub mod client;
pub mod consent;
pub mod definition;
pub mod derive;
pub mod error;
pub mod field;
pub mod format;
pub mod hashing;
pub mod https_url;
pub mod id;
pub mod import;
pub mod json;
pub mod json_schema;
pub mod json_syntax;
pub mod jwk;
pub mod lookup;
pub mod patch;
pub mod people;
pub mod persona;
pub mod schema;
pub mod scope;
pub mod sign_in;
pub mod sso;
pub mod string_enum;
pub mod suggest;
pub mod system;
pub mod system_profile;
pub mod text;
pub mod user;
pub mod value;
pub mod versioned;
pub mod view;
pub mod write_context;

pub use author::Author;
pub use error::{Error, Result, Violation, Violations};
pub use json::Json;
pub use scope::{Scope, Scopes};
pub use versioned::{Tag, Version, Versioned};
pub use view::View;
pub use write_context::WriteContext;
