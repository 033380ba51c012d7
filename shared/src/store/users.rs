//! Users in the table: reading them by their ids and by the look-ups they own.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::audit::HEAD;
use super::item::Item;
use super::keys::{self, Key};
use super::table::{Range, Table};
use super::write::{Condition, Write};
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::{self, Lookup};
use crate::domain::user::User;
use crate::domain::versioned::Versioned;

/// The attribute of a user that says which version ended all sessions.
pub(super) const SIGNED_OUT: &str = "signed_out";

/// A user as read from the table, with its look-ups; never a tombstone.
#[derive(Clone, Debug)]
pub struct StoredUser {
    stored: Versioned<User>,
    lookups: BTreeSet<Lookup>,
    size: usize,
    head: Option<Vec<u8>>,
}

impl Deref for StoredUser {
    type Target = Versioned<User>;

    fn deref(&self) -> &Versioned<User> {
        &self.stored
    }
}

impl StoredUser {
    pub(super) fn read(item: &Item) -> Result<Option<Self>> {
        if item.is_tombstone() {
            return Ok(None);
        }
        let lookups: Result<_, _> = item.get_texts("ix").into_iter().map(str::parse).collect();
        let lookups = lookups
            .map_err(|_| Error::unexpected("cannot read the stored index entries of a user"))?;
        let size = item.get_text("doc").map_or(0, str::len);
        let head = item.get_bytes(HEAD).map(<[u8]>::to_vec);
        let mut stored: Versioned<User> = item.read()?;
        stored.value.signed_out = item.get_number(SIGNED_OUT).unwrap_or_default();
        Ok(Some(Self { stored, lookups, size, head }))
    }

    /// The look-ups that the user owns, as stored.
    #[must_use]
    pub const fn lookups(&self) -> &BTreeSet<Lookup> {
        &self.lookups
    }

    /// The attribute that names the user's last audit entry, if it has one.
    #[must_use]
    pub fn head(&self) -> Option<&[u8]> {
        self.head.as_deref()
    }

    /// The bytes of the stored content, near enough those of the profile that callers see.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Whether the index entry of this look-up of the user stands at a position in its partition.
    #[must_use]
    pub fn has_entry_at(&self, tenant: &TenantId, lookup: &Lookup, position: &str) -> bool {
        Key::lookup(tenant, lookup, self.value.id).sk() == position
    }

    /// The user as stored, without its look-ups.
    #[must_use]
    pub fn into_stored(self) -> Versioned<User> {
        self.stored
    }
}

/// Some users that a look-up finds, each with its position, and whether there are more.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// The users and where they stand.
    pub users: Vec<(UserId, String)>,
    /// The position after which to go on, if there is more.
    pub next: Option<String>,
}

impl Entries {
    /// The owner of a unique value, or the users who share an e-mail address, by their ids.
    fn of_item(item: &Item, after: Option<&str>, limit: usize) -> Self {
        let mut ids: Vec<_> = item
            .get_text("holder")
            .into_iter()
            .chain(item.get_set("users").iter().map(String::as_str))
            .collect();
        ids.retain(|id| after.is_none_or(|after| *id > after));
        ids.sort_unstable();
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).map(|id| (*id).to_owned());
        Self {
            users: ids
                .into_iter()
                .filter_map(|id| Some((id.parse().ok()?, id.to_owned())))
                .collect(),
            next,
        }
    }
}

impl Table {
    /// Reads a user; a forgotten one is not found.
    pub async fn find_user(&self, tenant: &TenantId, id: UserId) -> Result<Option<StoredUser>> {
        match self.get(&Key::user(tenant, id)).await? {
            Some(item) => StoredUser::read(&item),
            None => Ok(None),
        }
    }

    /// Reads a user that must be there.
    pub async fn get_user(&self, tenant: &TenantId, id: UserId) -> Result<StoredUser> {
        self.find_user(tenant, id).await?.ok_or(Error::NotFound)
    }

    /// Reads users in the order of `ids`; those that are not found are left out.
    pub async fn find_users(&self, tenant: &TenantId, ids: &[UserId]) -> Result<Vec<StoredUser>> {
        let keys: Vec<_> = ids.iter().map(|id| Key::user(tenant, *id)).collect();
        let mut users = Vec::with_capacity(ids.len());
        for item in self.get_many(&keys).await? {
            users.extend(StoredUser::read(&item)?);
        }
        users.sort_by_key(|user| ids.iter().position(|id| *id == user.value.id));
        Ok(users)
    }

    /// The users whose value equals that of a look-up, from its strongly consistent items, in a
    /// fixed order; at most `limit` of those after the position `after`. Values that were cut
    /// may bring users with another value along: the caller compares.
    pub async fn users_of(
        &self,
        tenant: &TenantId,
        lookup: &Lookup,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Entries> {
        let pk = keys::partition_of_lookup(tenant, lookup);
        let mut equal = String::new();
        let range = match lookup {
            Lookup::Unique { .. } | Lookup::Email { .. } => {
                let item = self.get(&Key::stored(&pk, "-")).await?.unwrap_or_default();
                return Ok(Entries::of_item(&item, after, limit));
            }
            Lookup::Exact { .. } => Range::All,
            Lookup::Prefix { folded, .. } => {
                equal = format!("{folded}#");
                Range::StartsWith(&equal)
            }
        };
        let page = self.query(&pk, range, after, i32::try_from(limit).ok()).await?;
        // A longer value with a `#` of its own starts the same way.
        let entry = |item: &Item| {
            let position = item.key().sk().to_owned();
            let whole = equal.is_empty() || position.len() == equal.len() + 36;
            keys::user_of_entry(&position).filter(|_| whole).map(|user| (user, position))
        };
        Ok(Entries { users: page.items.iter().filter_map(entry).collect(), next: page.next })
    }

    /// The user that the first of these look-ups of a unique value finds.
    pub async fn holder_of(&self, tenant: &TenantId, lookups: &[Lookup]) -> Result<Option<UserId>> {
        for lookup in lookups {
            let found = self.users_of(tenant, lookup, None, 1).await?;
            if let Some((user, _)) = found.users.first() {
                return Ok(Some(*user));
            }
        }
        Ok(None)
    }

    /// The users with a value of `attribute` whose folded form starts so, from strongly consistent
    /// items, in the order of the values; at most `limit` of them after the position `after`.
    /// A user with several such values is found by each. A start that was cut, or that ends
    /// with a `#`, may bring users with another value along: the caller compares.
    pub async fn users_starting(
        &self,
        tenant: &TenantId,
        attribute: &str,
        start: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Entries> {
        let pk = keys::partition_of_lookup(tenant, &Lookup::prefix(attribute, start));
        let range = Range::StartsWith(lookup::cut(start));
        let page = self.query(&pk, range, after, i32::try_from(limit).ok()).await?;
        let entry = |item: &Item| {
            let position = item.key().sk().to_owned();
            keys::user_of_entry(&position).map(|user| (user, position))
        };
        Ok(Entries { users: page.items.iter().filter_map(entry).collect(), next: page.next })
    }
}

/// The check that a user is still there: a request that writes a child of the user without the user
/// itself commits it too.
#[must_use]
pub fn check_exists(tenant: &TenantId, user: UserId) -> Write {
    Write::Check(Key::user(tenant, user), Condition::NotDeleted)
}
