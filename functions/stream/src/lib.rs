//! Change events: the function reads the table's stream and publishes that a user was created,
//! updated or deleted, and at which version, and that a consent was granted, withdrawn or expired.
//! If the stream also delivers audit entries of users, the function publishes an event for each.
//!
//! An event holds the id of the user and no personal data; subscribers read the user from the
//! service. Events come at least once, and events of one user in the order of their versions. The
//! user is read when the event is made, so a repeat has the version of that time.

mod batch;
mod bridge;
mod outgoing;

use serde::Serialize;
use shared::domain::audit::{Actor, Operation, Via};
use shared::domain::consent::HistoryKind;
use shared::domain::id::{PartyId, TenantId, UserId};
use shared::env::Timestamp;
use shared::store::Table;
use shared::store::keys::{self, NamedConsent};

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
    /// The person agreed to something.
    #[serde(rename = "consent.granted")]
    ConsentGranted,
    /// The person does not agree any more to something.
    #[serde(rename = "consent.withdrawn")]
    ConsentWithdrawn,
    /// The time of something that the person agreed to is over.
    #[serde(rename = "consent.expired")]
    ConsentExpired,
    /// A write of a user left an audit entry.
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
            Self::ConsentGranted => "consent.granted",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::ConsentExpired => "consent.expired",
            Self::Audit => "kith.audit",
        }
    }

    /// The event of an entry of the history of a consent; a refusal has none.
    const fn of_consent(kind: HistoryKind) -> Option<Self> {
        match kind {
            HistoryKind::Granted => Some(Self::ConsentGranted),
            HistoryKind::Withdrawn => Some(Self::ConsentWithdrawn),
            HistoryKind::Expired => Some(Self::ConsentExpired),
            HistoryKind::Denied => None,
        }
    }
}

/// The subject of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventDetail {
    /// A user that changed.
    User(UserDetail),
    /// A consent of a user that changed.
    Consent(ConsentDetail),
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
    /// How many writes there were, this one included. Of two events the higher one is the newer.
    pub version: u64,
}

/// The consent that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsentDetail {
    /// The user's id.
    pub id: UserId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The consent.
    pub consent: PartyId,
    /// The system for which the person decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<PartyId>,
    /// The number of the entry of its history. Of two events of one user, consent and audience the
    /// higher one is the newer.
    pub sequence: u64,
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
    /// The kind of the event.
    #[serde(rename = "detail-type")]
    pub kind: EventKind,
    /// The subject of the event.
    pub detail: EventDetail,
}

impl EventDetail {
    /// The user whom the event is about.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::User(detail) => detail.id,
            Self::Consent(detail) => detail.id,
            Self::Audit(detail) => detail.user,
        }
    }

    /// The number that orders the events of one subject: the version of the user, or the sequence
    /// of the entry.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::User(detail) => detail.version,
            Self::Consent(detail) => detail.sequence,
            Self::Audit(detail) => detail.sequence,
        }
    }
}

/// Where events go.
pub trait EventSink {
    /// Publishes events in their order. Returns the positions of events that it could not publish,
    /// and logs the causes.
    fn publish(&self, events: &[Event]) -> impl Future<Output = Vec<usize>> + Send;
}

/// A write of a user, or of the history of a consent, as a stream record reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The partition key of the user's item.
    pub partition: String,
    /// Whether the item was not there before.
    pub inserted: bool,
    /// The entry of the history of a consent that was written, if it is one: its key says all that
    /// is told.
    pub entry: Option<NamedConsent>,
}

impl UserChange {
    /// The change that a record of this key reports; `None` if nobody is told of it.
    #[must_use]
    pub fn of(partition: &str, sort: &str, inserted: bool) -> Option<Self> {
        let entry = if sort == keys::PROFILE {
            None
        } else {
            Some(NamedConsent::of(sort).filter(|named| inserted && named.entry.is_some())?)
        };
        Some(Self { partition: partition.to_owned(), inserted, entry })
    }

    /// The event of an entry of a history.
    fn consent_event(&self, tenant: &TenantId, user: UserId) -> Option<Event> {
        let NamedConsent { consent, audience, entry } = self.entry.clone()?;
        let (sequence, kind) = entry?;
        let tenant = tenant.clone();
        let detail = ConsentDetail { id: user, tenant, consent, audience, sequence };
        let detail = EventDetail::Consent(detail);
        Some(Event { source: SOURCE, kind: EventKind::of_consent(kind)?, detail })
    }
}

/// The changes that were not published, by their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpublished {
    /// The changes that can be published later.
    pub delayed: Vec<usize>,
    /// The changes of users whose items are unreadable.
    pub unreadable: Vec<usize>,
}

/// Publishes changes: one event for each user, however many of its writes there are, and one for
/// each entry of the history of a consent. The events are in the order of the last write of each.
pub async fn publish(table: &Table, changes: &[UserChange], sink: &impl EventSink) -> Unpublished {
    let mut outgoing = Outgoing::default();
    outgoing.add_changes(table, changes.iter().enumerate()).await;
    outgoing.send(sink).await
}
