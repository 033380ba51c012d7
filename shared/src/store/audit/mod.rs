//! The audit in the table: entries as items, each authenticated and linked to the one before.
//!
//! An entry of a user is a child of the user and is put in the transaction of the write that it
//! tells of; its sequence is the version that the write leaves. An entry of the tenant's ledger is
//! put together with the head of its chain. The item that guards the chain (the user, or the head)
//! keeps the last entry's sequence and code, so that an entry can be appended without a read and a
//! cut tail is seen (ADR 0059).

mod chain;
mod chain_walk;
mod configuration;
mod export;
mod exported;
mod kept;
mod key;
mod ledger;
mod past;
mod read;
mod search;
mod users;
mod verify;

pub use self::chain::{Head, NewEntry, StoredEntry};
pub use self::chain_walk::{AuditFault, ChainReport};
pub use self::export::{AuditFaultAt, ExportPart, ExportPosition, PartSize};
pub use self::kept::Kept;
pub use self::key::AuditKey;
pub(super) use self::key::AuditKeys;
pub use self::ledger::Record;
pub use self::past::{Moment, PastProfile};
pub use self::read::{AuditFilter, AuditPage};
pub use self::search::{AuditPosition, AuditSearch};
pub(super) use self::users::{ChildGuard, HEAD, UserRecord, with_head};
pub use self::verify::{AuditReport, VerifyPosition};
