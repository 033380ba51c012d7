//! Change events: the function reads the table's stream and publishes that a user was created,
//! updated or deleted, and at which version.
//!
//! An event holds the id of the user and no personal data; subscribers read the user from the
//! service. Events come at least once, and events of one user in the order of their versions. The
//! user is read when the event is made, so a repeat has the version of that time.

mod batch;
mod bridge;

use std::collections::BTreeMap;

use serde::Serialize;
use shared::domain::id::{TenantId, UserId};
use shared::store::Table;
use shared::store::keys;
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
}

impl EventKind {
    /// The name that subscribers know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "user.created",
            Self::Updated => "user.updated",
            Self::Deleted => "user.deleted",
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
    /// How many writes of the user there were, this one included: of two events the higher one is
    /// the newer.
    pub version: u64,
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
    for (position, change) in changes.iter().enumerate() {
        match keys::owner_of_partition(&change.partition) {
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
    let states = match table.states(&wanted).await {
        Ok(states) => states,
        Err(error) => {
            tracing::error!(operation = "publish", cause = %error);
            unpublished.delayed =
                users.into_iter().flat_map(|(_, changed)| changed.positions).collect();
            return unpublished.sorted();
        }
    };
    let (mut events, mut of_events) = (Vec::new(), Vec::new());
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
        events.push(Event { source: SOURCE, kind, detail: EventDetail { id, tenant, version } });
        of_events.push(changed.positions);
    }
    if !events.is_empty() {
        for failed in sink.publish(&events).await {
            unpublished.delayed.extend(of_events.get(failed).into_iter().flatten());
        }
    }
    unpublished.sorted()
}

impl Unpublished {
    fn sorted(mut self) -> Self {
        self.delayed.sort_unstable();
        self.unreadable.sort_unstable();
        self
    }
}
