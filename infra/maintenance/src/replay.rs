//! Publishes again what became of users, for subscribers that missed events.

use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::env::Timestamp;
use shared::store::Table;
use shared::store::keys::Key;
use shared::store::listing::ShardPositions;
use stream::{EventSink, Unpublished, UserChange, publish};

/// How many entries of the listing are read and published at once.
const BATCH: usize = 500;

/// The outcome of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many users were published.
    pub published: usize,
    /// The users who cannot be read.
    pub unreadable: Vec<UserId>,
    /// The first user whose event was not published, and the time of the change. No later event was
    /// published.
    pub stopped_at: Option<(UserId, Timestamp)>,
}

/// Publishes an event for each user of a tenant who was created, changed or deleted since a time,
/// in the order of the changes. A user who was created since is published as changed.
pub async fn replay(
    table: &Table,
    tenant: &TenantId,
    since: Timestamp,
    sink: &impl EventSink,
) -> Result<Replayed> {
    let mut listing = table.listing(tenant, Some(since), &ShardPositions::default(), BATCH);
    let mut replayed = Replayed::default();
    loop {
        let entries = listing.take(BATCH).await?;
        if entries.is_empty() {
            return Ok(replayed);
        }
        let change = |user| UserChange {
            partition: Key::user(tenant, user).pk().to_owned(),
            inserted: false,
            entry: None,
        };
        let changes: Vec<_> = entries.iter().map(|entry| change(entry.user)).collect();
        let Unpublished { delayed, unreadable } = publish(table, &changes, sink).await;
        replayed.published += changes.len() - delayed.len() - unreadable.len();
        let user = |position: &usize| entries.get(*position).map(|entry| (entry.user, entry.at));
        replayed.unreadable.extend(unreadable.iter().filter_map(user).map(|(user, _)| user));
        replayed.stopped_at = delayed.first().and_then(user);
        if replayed.stopped_at.is_some() {
            return Ok(replayed);
        }
    }
}
