//! What became of users, for those who are told of changes: their versions and no more. Nothing of
//! a person is read.

use std::collections::HashMap;

use super::forget::is_unfinished;
use super::item::Item;
use super::keys::{self, Key};
use super::table::Table;
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;

/// The attributes that say what became of a user.
const TOLD: [&str; 6] = ["pk", "sk", "version", "deleted_at", "gsi1pk", "expires_at"];

/// A user as of its last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Alive, at this version.
    Alive(Version),
    /// Forgotten, by the write that made this version.
    Forgotten(Version),
    /// The item does not say what it has to say.
    Unreadable,
}

impl State {
    fn of(item: &Item) -> Self {
        match item.version() {
            None => Self::Unreadable,
            Some(version) if !item.is_tombstone() => Self::Alive(version),
            Some(version) if is_unfinished(item) => Self::Forgotten(version),
            // Filing the tombstone was one write more, which nobody outside knows of.
            Some(version) => version.before().map_or(Self::Unreadable, Self::Forgotten),
        }
    }
}

impl Table {
    /// What became of these users; those of whom nothing is left are left out.
    pub async fn states(
        &self,
        users: &[(TenantId, UserId)],
    ) -> Result<HashMap<(TenantId, UserId), State>> {
        let wanted: Vec<_> = users.iter().map(|(tenant, id)| Key::user(tenant, *id)).collect();
        let items = self.get_parts(&wanted, &TOLD).await?;
        Ok(items
            .iter()
            .filter_map(|item| Some((keys::owner_of_partition(item.key().pk())?, State::of(item))))
            .collect())
    }
}
