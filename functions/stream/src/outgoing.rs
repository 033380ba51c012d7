//! The events of some records of the stream, and which of them could not be published.

use std::collections::BTreeMap;

use shared::domain::id::{TenantId, UserId};
use shared::store::Table;
use shared::store::audit::StoredEntry;
use shared::store::keys::{self, Key};
use shared::store::user_state::UserState;

use crate::{
    AuditDetail, Event, EventDetail, EventKind, EventSink, MAX_POINTERS, SOURCE, Unpublished,
    UserChange, UserDetail,
};

/// The changes of one user.
#[derive(Default)]
struct UserChanges {
    positions: Vec<usize>,
    inserted: bool,
}

/// Events, each with the positions of the records that it tells of.
#[derive(Default)]
pub(crate) struct Outgoing {
    events: Vec<(Vec<usize>, Event)>,
    unpublished: Unpublished,
}

impl Outgoing {
    /// Adds one event for each user that changed, and one for each entry of the history of a
    /// consent; each change has its position.
    pub(crate) async fn add_changes<'c>(
        &mut self,
        table: &Table,
        changes: impl Iterator<Item = (usize, &'c UserChange)>,
    ) {
        let mut users: BTreeMap<(TenantId, UserId), UserChanges> = BTreeMap::new();
        for (position, change) in changes {
            match keys::owner_of_partition(&change.partition) {
                Some((tenant, user)) if change.entry.is_some() => {
                    let event = change.consent_event(&tenant, user);
                    self.events.extend(event.map(|event| (vec![position], event)));
                }
                Some(user) => {
                    let changed = users.entry(user).or_default();
                    changed.positions.push(position);
                    changed.inserted |= change.inserted;
                }
                None => self.unpublished.unreadable.push(position),
            }
        }
        if users.is_empty() {
            return;
        }
        let wanted: Vec<_> = users.keys().cloned().collect();
        let states = match table.states(&wanted).await {
            Ok(states) => states,
            Err(error) => {
                tracing::error!(operation = "publish", cause = %error);
                let positions = users.into_values().flat_map(|changed| changed.positions);
                self.unpublished.delayed.extend(positions);
                return;
            }
        };
        for (user, UserChanges { positions, inserted }) in users {
            let (kind, version) = match states.get(&user) {
                Some(UserState::Alive(version)) if inserted => (EventKind::Created, version.0),
                Some(UserState::Alive(version)) => (EventKind::Updated, version.0),
                Some(UserState::Deleted(version)) => (EventKind::Deleted, version.0),
                Some(UserState::Unreadable) => {
                    self.unpublished.unreadable.extend(positions);
                    continue;
                }
                // The tombstone is past its time.
                None => continue,
            };
            let (tenant, id) = user;
            let detail = EventDetail::User(UserDetail { id, tenant, version });
            self.events.push((positions, Event { source: SOURCE, kind, detail }));
        }
    }

    /// Adds an event for each audit entry of a user; each key has its position. An entry that is
    /// gone went with its user.
    pub(crate) async fn add_entries(&mut self, table: &Table, entries: BTreeMap<Key, usize>) {
        if entries.is_empty() {
            return;
        }
        let wanted: Vec<_> = entries.keys().cloned().collect();
        let stored = match table.audit_documents(&wanted).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::error!(operation = "publish", cause = %error);
                self.unpublished.delayed.extend(entries.into_values());
                return;
            }
        };
        for (key, stored) in stored {
            let Some(position) = entries.get(&key).copied() else { continue };
            match audit_detail(&key, stored) {
                Some(detail) => {
                    let (kind, detail) = (EventKind::Audit, EventDetail::Audit(Box::new(detail)));
                    self.events.push((vec![position], Event { source: SOURCE, kind, detail }));
                }
                None => self.unpublished.unreadable.push(position),
            }
        }
    }

    /// Publishes the events in the order of their last records.
    pub(crate) async fn send(self, sink: &impl EventSink) -> Unpublished {
        let Self { mut events, mut unpublished } = self;
        events.sort_by_key(|(positions, _)| positions.last().copied());
        let (positions, events): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        if !events.is_empty() {
            for failed in sink.publish(&events).await {
                unpublished.delayed.extend(positions.get(failed).into_iter().flatten());
            }
        }
        unpublished.delayed.sort_unstable();
        unpublished.unreadable.sort_unstable();
        unpublished
    }
}

/// The event of an entry; `None` if the entry cannot be read.
fn audit_detail(key: &Key, stored: StoredEntry) -> Option<AuditDetail> {
    let (tenant, user) = keys::owner_of_partition(key.pk())?;
    let (sequence, entry) = (stored.sequence.0, stored.entry?);
    let pointers = entry.pointers();
    let more_pointers = pointers.len().saturating_sub(MAX_POINTERS);
    let pointers = pointers.into_iter().take(MAX_POINTERS).map(str::to_owned).collect();
    Some(AuditDetail {
        tenant,
        user,
        sequence,
        at: entry.at,
        operation: entry.operation,
        pointers,
        more_pointers,
        actor: entry.actor,
        via: entry.via,
        request_id: entry.request_id,
    })
}
