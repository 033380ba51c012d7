//! Change events: who reads the table's stream tells others that a user was created, updated or
//! deleted, and at which version. If the stream function is handed audit entries of users, it tells
//! of each of them too.
//!
//! An event names the user and says nothing of the person; who wants to know more asks the service.
//! Events come at least once, and those of one user in the order of their versions: the user is
//! read when the event is made, so a repeat says what is true by then.

mod batch;
mod bridge;
mod outgoing;

use serde::Serialize;
use shared::domain::audit::{Actor, Operation, Via};
use shared::domain::id::{TenantId, UserId};
use shared::env::Timestamp;
use shared::store::Table;

pub use batch::{BatchFailures, StreamBatch, handle};
pub use bridge::{EventBridge, client_settings};
use outgoing::Outgoing;

/// The source of all events.
pub const SOURCE: &str = "kith";

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum EventKind {
    /// It was made.
    #[serde(rename = "user.created")]
    Created,
    /// It was changed.
    #[serde(rename = "user.updated")]
    Updated,
    /// It was forgotten.
    #[serde(rename = "user.deleted")]
    Deleted,
    /// A write of it left an audit entry.
    #[serde(rename = "kith.audit")]
    Audit,
}

impl EventKind {
    /// The name that subscribers know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "user.created",
            Self::Updated => "user.updated",
            Self::Deleted => "user.deleted",
            Self::Audit => "kith.audit",
        }
    }
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventDetail {
    /// A user that changed.
    User(UserDetail),
    /// An audit entry of a user.
    Audit(Box<AuditDetail>),
}

/// The user that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserDetail {
    /// The user's id.
    pub id: UserId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// How many writes of the user there were, this one included: of two events the higher one is
    /// the newer.
    pub version: u64,
}

/// The audit entry that an event is about: neither values nor reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditDetail {
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user's id.
    pub user: UserId,
    /// The sequence of the entry: the version of the user that the write left.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What was done.
    pub operation: Operation,
    /// Who did it.
    pub actor: Actor,
    /// How it came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The id of the request, as logs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The first fields that changed, as JSON Pointers into the stored profile.
    pub pointers: Vec<String>,
    /// How many more fields changed. EventBridge takes 256 KB at once.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_pointers: usize,
}

/// The most pointers of an event.
pub const MAX_POINTERS: usize = 100;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// An event, with the members that subscribers of EventBridge see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Always [`SOURCE`].
    pub source: &'static str,
    /// What it tells.
    #[serde(rename = "detail-type")]
    pub kind: EventKind,
    /// Of whom.
    pub detail: EventDetail,
}

impl EventDetail {
    /// The user whom the event is about.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::User(detail) => detail.id,
            Self::Audit(detail) => detail.user,
        }
    }

    /// The version of the user that it tells of.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::User(detail) => detail.version,
            Self::Audit(detail) => detail.sequence,
        }
    }
}

/// Where events go.
pub trait EventSink {
    /// Publishes events in their order and returns the positions of those that it did not, of which
    /// it has logged why.
    fn publish(&self, events: &[Event]) -> impl Future<Output = Vec<usize>> + Send;
}

/// A write of a user, as a stream record reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The partition key of the user's item.
    pub partition: String,
    /// Whether the item was not there before.
    pub inserted: bool,
}

/// The changes that were not published, by their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpublished {
    /// Those that can be published later.
    pub delayed: Vec<usize>,
    /// Those of users whose items cannot be read, now or later.
    pub unreadable: Vec<usize>,
}

/// Publishes changes: one event for each user, however many of its writes there are, in the order of
/// the last write of each.
pub async fn publish(table: &Table, changes: &[UserChange], sink: &impl EventSink) -> Unpublished {
    let mut outgoing = Outgoing::default();
    outgoing.add_users(table, changes.iter().enumerate()).await;
    outgoing.send(sink).await
}
