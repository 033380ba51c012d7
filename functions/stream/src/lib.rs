//! Change events: the function reads the table's stream and publishes that a user was created,
//! updated or deleted, and at which version, and that a consent was granted, withdrawn or expired.
//!
//! An event holds the id of the user and no personal data; subscribers read the user from the
//! service. Events come at least once, and events of one user in the order of their versions. The
//! user is read when the event is made, so a repeat has the version of that time.

mod batch;
mod bridge;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use shared::domain::Result;
use shared::domain::consent::HistoryKind;
use shared::domain::id::{PartyId, TenantId, UserId};
use shared::store::Table;
use shared::store::keys::{self, NamedConsent};
use shared::store::user_state::UserState;

pub use batch::{BatchFailures, StreamBatch, handle};
pub use bridge::{EventBridge, client_settings};

/// The source of all events.
pub const SOURCE: &str = "kith";

/// The kind of a change event.
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
        }
    }

    /// What an entry of the history of a consent is told as; refusals are not told.
    const fn of_consent(kind: HistoryKind) -> Option<Self> {
        match kind {
            HistoryKind::Granted => Some(Self::ConsentGranted),
            HistoryKind::Withdrawn => Some(Self::ConsentWithdrawn),
            HistoryKind::Expired => Some(Self::ConsentExpired),
            HistoryKind::Denied => None,
        }
    }
}

/// The user that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventDetail {
    /// The user's id.
    pub id: UserId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// Of a user: how many writes there were, this one included. Of two events the higher one is the
    /// newer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The consent that the event is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<PartyId>,
    /// The system for which the person decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<PartyId>,
    /// Of a consent: the number of the entry of its history. Of two events of one user, consent and
    /// audience the higher one is the newer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

/// An event, with the members that subscribers of EventBridge see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Always [`SOURCE`].
    pub source: &'static str,
    /// Whether the user was created, updated or deleted.
    #[serde(rename = "detail-type")]
    pub kind: EventKind,
    /// Which user.
    pub detail: EventDetail,
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
        let detail = EventDetail {
            id: user,
            tenant: tenant.clone(),
            version: None,
            consent: Some(consent),
            audience,
            sequence: Some(sequence),
        };
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

/// The changes of one user.
#[derive(Default)]
struct UserChanges {
    positions: Vec<usize>,
    inserted: bool,
}

/// Publishes changes: one event for each user, however many of its writes there are, in the order
/// of the last write of each.
pub async fn publish(table: &Table, changes: &[UserChange], sink: &impl EventSink) -> Unpublished {
    let mut unpublished = Unpublished::default();
    let mut users: BTreeMap<(TenantId, UserId), UserChanges> = BTreeMap::new();
    let (mut events, mut of_events) = (Vec::new(), Vec::new());
    for (position, change) in changes.iter().enumerate() {
        match keys::owner_of_partition(&change.partition) {
            Some((tenant, user)) if change.entry.is_some() => {
                let event = change.consent_event(&tenant, user);
                of_events.extend(event.is_some().then(|| vec![position]));
                events.extend(event);
            }
            Some(user) => {
                let changed = users.entry(user).or_default();
                changed.positions.push(position);
                changed.inserted |= change.inserted;
            }
            None => unpublished.unreadable.push(position),
        }
    }
    let mut users: Vec<_> = users.into_iter().collect();
    users.sort_by_key(|(_, changed)| changed.positions.last().copied());
    let wanted: Vec<_> = users.iter().map(|(user, _)| user.clone()).collect();
    let states = match read_states(table, &wanted).await {
        Ok(states) => states,
        Err(error) => {
            tracing::error!(operation = "publish", cause = %error);
            let of_users = users.into_iter().flat_map(|(_, changed)| changed.positions);
            unpublished.delayed = of_users.chain(of_events.into_iter().flatten()).collect();
            return unpublished.sorted();
        }
    };
    for ((tenant, id), changed) in users {
        let user = (tenant, id);
        let (kind, version) = match states.get(&user) {
            Some(UserState::Alive(version)) if changed.inserted => (EventKind::Created, version.0),
            Some(UserState::Alive(version)) => (EventKind::Updated, version.0),
            Some(UserState::Deleted(version)) => (EventKind::Deleted, version.0),
            Some(UserState::Unreadable) => {
                unpublished.unreadable.extend(changed.positions);
                continue;
            }
            // The tombstone is past its time.
            None => continue,
        };
        let (tenant, id) = user;
        let version = Some(version);
        let (consent, audience, sequence) = (None, None, None);
        let detail = EventDetail { id, tenant, version, consent, audience, sequence };
        events.push(Event { source: SOURCE, kind, detail });
        of_events.push(changed.positions);
    }
    if !events.is_empty() {
        for failed in sink.publish(&events).await {
            unpublished.delayed.extend(of_events.get(failed).into_iter().flatten());
        }
    }
    unpublished.sorted()
}

/// The states of users; none is read where no user was written.
async fn read_states(
    table: &Table,
    users: &[(TenantId, UserId)],
) -> Result<HashMap<(TenantId, UserId), UserState>> {
    if users.is_empty() { Ok(HashMap::new()) } else { table.states(users).await }
}

impl Unpublished {
    fn sorted(mut self) -> Self {
        self.delayed.sort_unstable();
        self.unreadable.sort_unstable();
        self
    }
}
