//! The state of users for change events: their versions and whether they are deleted. No personal
//! data is read.

use std::collections::HashMap;

use super::forget::is_unfinished;
use super::item::Item;
use super::keys::{self, Key};
use super::table::Table;
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;

/// The attributes that tell the state of a user.
const STATE_ATTRIBUTES: [&str; 6] = ["pk", "sk", "version", "deleted_at", "gsi1pk", "expires_at"];

/// The state of a user after its last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// Alive, at this version.
    Alive(Version),
    /// Deleted, by the write that made this version.
    Deleted(Version),
    /// The item lacks an attribute that it must have.
    Unreadable,
}

impl UserState {
    fn of(item: &Item) -> Self {
        match item.version() {
            None => Self::Unreadable,
            Some(version) if !item.is_tombstone() => Self::Alive(version),
            Some(version) if is_unfinished(item) => Self::Deleted(version),
            // Filing the tombstone is a further write, which callers do not see.
            Some(version) => version.before().map_or(Self::Unreadable, Self::Deleted),
        }
    }
}

impl Table {
    /// The states of these users. Users whose tombstones have expired are left out.
    pub async fn states(
        &self,
        users: &[(TenantId, UserId)],
    ) -> Result<HashMap<(TenantId, UserId), UserState>> {
        let wanted: Vec<_> = users.iter().map(|(tenant, id)| Key::user(tenant, *id)).collect();
        let items = self.get_parts(&wanted, &STATE_ATTRIBUTES).await?;
        Ok(items
            .iter()
            .filter_map(|item| {
                Some((keys::owner_of_partition(item.key().pk())?, UserState::of(item)))
            })
            .collect())
    }
}
