//! Change events: who reads the table's stream tells others that a user was created, updated or
//! deleted, and at which version.
//!
//! An event names the user and says nothing of the person; who wants to know more asks the service.
//! Events come at least once, and those of one user in the order of their versions: the user is
//! read when the event is made, so a repeat says what is true by then.

mod batch;
mod bridge;

use std::collections::BTreeMap;

use serde::Serialize;
use shared::domain::id::{TenantId, UserId};
use shared::store::Table;
use shared::store::changes::State;
use shared::store::keys;

pub use batch::{Batch, Failures, handle};
pub use bridge::{EventBridge, client_settings};

/// The source of all events.
pub const SOURCE: &str = "kith";

/// What became of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
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

impl Kind {
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
pub struct Detail {
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
    /// What became of the user.
    #[serde(rename = "detail-type")]
    pub kind: Kind,
    /// Which user.
    pub detail: Detail,
}

/// Where events go.
pub trait Sink {
    /// Publishes events in their order and returns the positions of those that it did not, of which
    /// it has logged why.
    fn publish(&self, events: &[Event]) -> impl Future<Output = Vec<usize>> + Send;
}

/// A write of a user, as the stream shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The partition key of the user's item.
    pub partition: String,
    /// Whether the item was not there before.
    pub inserted: bool,
}

/// The changes that are not told of, by their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// Those that can be told later.
    pub delayed: Vec<usize>,
    /// Those of users who cannot be read, now or later.
    pub unreadable: Vec<usize>,
}

/// The changes of one user.
#[derive(Default)]
struct Changed {
    positions: Vec<usize>,
    inserted: bool,
}

/// Tells of changes: one event for each user, whatever number of its writes there is, in the order
/// of their last ones.
pub async fn publish(table: &Table, changes: &[Change], sink: &impl Sink) -> Untold {
    let mut untold = Untold::default();
    let mut users: BTreeMap<(TenantId, UserId), Changed> = BTreeMap::new();
    for (position, change) in changes.iter().enumerate() {
        match keys::owner_of_partition(&change.partition) {
            Some(user) => {
                let changed = users.entry(user).or_default();
                changed.positions.push(position);
                changed.inserted |= change.inserted;
            }
            None => untold.unreadable.push(position),
        }
    }
    let mut users: Vec<_> = users.into_iter().collect();
    users.sort_by_key(|(_, changed)| changed.positions.last().copied());
    let wanted: Vec<_> = users.iter().map(|(user, _)| user.clone()).collect();
    let states = match table.states(&wanted).await {
        Ok(states) => states,
        Err(error) => {
            tracing::error!(operation = "publish", cause = %error);
            untold.delayed = users.into_iter().flat_map(|(_, changed)| changed.positions).collect();
            return untold.sorted();
        }
    };
    let (mut events, mut of_events) = (Vec::new(), Vec::new());
    for ((tenant, id), changed) in users {
        let user = (tenant, id);
        let (kind, version) = match states.get(&user) {
            Some(State::Alive(version)) if changed.inserted => (Kind::Created, version.0),
            Some(State::Alive(version)) => (Kind::Updated, version.0),
            Some(State::Forgotten(version)) => (Kind::Deleted, version.0),
            Some(State::Unreadable) => {
                untold.unreadable.extend(changed.positions);
                continue;
            }
            // The tombstone is past its time.
            None => continue,
        };
        let (tenant, id) = user;
        events.push(Event { source: SOURCE, kind, detail: Detail { id, tenant, version } });
        of_events.push(changed.positions);
    }
    if !events.is_empty() {
        for failed in sink.publish(&events).await {
            untold.delayed.extend(of_events.get(failed).into_iter().flatten());
        }
    }
    untold.sorted()
}

impl Untold {
    fn sorted(mut self) -> Self {
        self.delayed.sort_unstable();
        self.unreadable.sort_unstable();
        self
    }
}
