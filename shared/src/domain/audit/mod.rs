//! The audit: what was done to a profile or to a tenant's configuration, by whom and why.
//!
//! An entry names an operation, its actor and the fields that changed. The values of these fields
//! are kept apart from the entry: they are sealed, and a reader needs a scope of its own for them.
//! Entries of one user, or of one part of a tenant's ledger, form a chain: `store::audit`.

mod attribute_filter;
mod chain;
mod diff;
mod digest;
mod entry;
mod fold;
mod hour;
mod ocsf;
mod operation;
mod render;
mod settings;
mod times;

pub use self::attribute_filter::AttributeFilter;
pub use self::chain::{Chain, LedgerChain};
pub use self::diff::{
    diff_child, diff_client_consent, diff_client_tokens, diff_consent, diff_profile, diff_user,
};
pub use self::digest::{
    Digest, DigestLink, ExportedHead, ExportedObject, FORM, SignedDigest, sha256,
};
pub use self::entry::{
    Actor, ActorKind, Change, ChangeKind, ChangedField, ChangedValue, Derivation, Detail, Entry,
    Previous, Restart, RestartCause, Via, digest_of, is_digest,
};
pub use self::fold::Past;
pub use self::hour::Hour;
pub use self::ocsf::{ExportedEntry, OCSF};
pub use self::operation::Operation;
pub use self::render::{ReadEntry, Reader, pointer_shown};
pub use self::settings::{AuditSettings, Level};
pub use self::times::AuditTimes;
