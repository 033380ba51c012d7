//! A tenant's listing: its shards merged in the order of change, with the users behind their
//! entries; or its shards walked one after another.
//!
//! The index is a moment behind the table, and holds only ids and times of change. The users
//! themselves are read from the table, so a page shows their current state, even if the entry is
//! older.

use std::collections::{HashMap, VecDeque};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::index::{Position, SortRange};
use super::item::Item;
use super::keys::{self, FORGOTTEN, Key, SHARDS, listing_shard};
use super::table::Table;
use super::users::StoredUser;
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::env::Timestamp;

/// The most entries of a shard that are read at once.
const MAX_AHEAD: usize = 200;

/// Sorts before every time. DynamoDB refuses an empty text in a condition on a key.
const EARLIEST: &str = "0";

/// An entry of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListingEntry {
    shard: usize,
    /// The user that was changed.
    pub user: UserId,
    /// When, according to the index.
    pub at: Timestamp,
    /// Whether a tombstone was filed then.
    forgotten: bool,
}

/// The position of an entry in its shard.
type EntryPosition = (i64, UserId, bool);

impl ListingEntry {
    const fn position(&self) -> EntryPosition {
        (self.at.millis(), self.user, self.forgotten)
    }
}

/// The position in the index of an entry that stands there.
fn position(tenant: &TenantId, (at, user, forgotten): EntryPosition) -> Position {
    let end = if forgotten { FORGOTTEN } else { "" };
    Position::of(&Key::user(tenant, user), format!("{}{end}", Timestamp::from_millis(at)))
}

/// The position in a merged listing: in each shard after this entry, or before its first one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPositions([Option<EntryPosition>; SHARDS as usize]);

impl ShardPositions {
    /// Goes past an entry.
    pub fn advance(&mut self, entry: &ListingEntry) {
        if let Some(place) = self.0.get_mut(entry.shard) {
            *place = Some(entry.position());
        }
    }
}

/// The user that an entry of the listing leads to.
#[derive(Clone, Debug)]
pub enum ListedUser {
    /// A user.
    User(Box<StoredUser>),
    /// The tombstone of a user who was deleted at this time, be the erasure finished or not.
    Forgotten(Timestamp),
}

/// A shard as it is read.
#[derive(Debug)]
struct Shard {
    pk: String,
    after: Option<Position>,
    ahead: VecDeque<ListingEntry>,
    limit: usize,
    ended: bool,
    /// The last tombstone that was skipped since an entry was taken.
    skipped: Option<EntryPosition>,
}

/// The entries of all shards, the oldest change first.
#[derive(Debug)]
pub struct Listing<'t> {
    table: &'t Table,
    since: Option<String>,
    with_forgotten: bool,
    shards: Vec<Shard>,
}

impl Table {
    /// The changes of a tenant's users from `since` on and after `place`, with deleted users if
    /// there is a `since`. `wanted` is how many the caller expects to take.
    #[must_use]
    pub fn listing(
        &self,
        tenant: &TenantId,
        since: Option<Timestamp>,
        place: &ShardPositions,
        wanted: usize,
    ) -> Listing<'_> {
        let shard = |(shard, place): (u8, &Option<EntryPosition>)| Shard {
            pk: listing_shard(tenant, shard),
            after: place.map(|mark| position(tenant, mark)),
            ahead: VecDeque::new(),
            // Twice a fair share: few shards have to be read again.
            limit: wanted / usize::from(SHARDS) * 2 + 4,
            ended: false,
            skipped: None,
        };
        let shards = (0..SHARDS).zip(&place.0).map(shard).collect();
        Listing {
            table: self,
            since: since.map(|since| since.to_string()),
            with_forgotten: since.is_some(),
            shards,
        }
    }

    /// The users and tombstones of some entries, by user. A tombstone past its time is left out.
    pub async fn read_listed(
        &self,
        tenant: &TenantId,
        entries: &[ListingEntry],
    ) -> Result<HashMap<UserId, ListedUser>> {
        let mut keys: Vec<_> = entries.iter().map(|entry| Key::user(tenant, entry.user)).collect();
        // A user who was changed while the shard was read stands there twice, and DynamoDB reads an
        // item once.
        keys.sort_unstable();
        keys.dedup();
        let items = self.get_many(&keys).await?;
        items.iter().map(listed).collect()
    }
}

fn listed(item: &Item) -> Result<(UserId, ListedUser)> {
    if let Some(user) = StoredUser::read(item)? {
        return Ok((user.value.id, ListedUser::User(Box::new(user))));
    }
    let owner = keys::owner_of_partition(item.key().pk()).map(|(_, user)| user);
    let deleted_at = item.get_text("deleted_at").and_then(Timestamp::parse);
    let (owner, at) =
        owner.zip(deleted_at).ok_or_else(|| Error::unexpected("cannot read a stored tombstone"))?;
    Ok((owner, ListedUser::Forgotten(at)))
}

impl Listing<'_> {
    /// The next entries, at most `count`; fewer only at the end.
    pub async fn take(&mut self, count: usize) -> Result<Vec<ListingEntry>> {
        let mut entries = Vec::with_capacity(count);
        while entries.len() < count {
            match self.next().await? {
                Some(entry) => entries.push(entry),
                None => break,
            }
        }
        Ok(entries)
    }

    /// Whether all entries were taken.
    pub async fn is_at_end(&mut self) -> Result<bool> {
        self.read_ahead().await?;
        Ok(self.shards.iter().all(|shard| shard.ahead.is_empty()))
    }

    /// Moves past the skipped tombstones that follow the last taken entries. The caller has passed
    /// them all, so the next walk need not read them again.
    pub fn advance_past_skipped(&self, place: &mut ShardPositions) {
        for (place, shard) in place.0.iter_mut().zip(&self.shards) {
            *place = shard.skipped.or(*place);
        }
    }

    async fn next(&mut self) -> Result<Option<ListingEntry>> {
        self.read_ahead().await?;
        let first = self.shards.iter_mut().filter(|shard| !shard.ahead.is_empty());
        let first = first.min_by_key(|shard| shard.ahead.front().map(|entry| entry.at));
        Ok(first.and_then(|shard| {
            shard.skipped = None;
            shard.ahead.pop_front()
        }))
    }

    /// Reads further entries of every shard without one in memory. Otherwise the oldest entry is
    /// unknown.
    async fn read_ahead(&mut self) -> Result<()> {
        let (table, since, all) = (self.table, self.since.as_deref(), self.with_forgotten);
        let due = self
            .shards
            .iter_mut()
            .enumerate()
            .filter(|(_, shard)| shard.ahead.is_empty() && !shard.ended);
        try_join_all(due.map(|(number, shard)| shard.read(table, since, all, number))).await?;
        Ok(())
    }
}

impl Shard {
    async fn read(
        &mut self,
        table: &Table,
        since: Option<&str>,
        with_forgotten: bool,
        number: usize,
    ) -> Result<()> {
        let sorts = since.map_or(SortRange::All, SortRange::From);
        while self.ahead.is_empty() && !self.ended {
            let limit = i32::try_from(self.limit).ok();
            let page = table.query_index(&self.pk, sorts, self.after.as_ref(), limit).await?;
            self.limit = (self.limit * 2).min(MAX_AHEAD);
            for (key, position) in page.keys.iter().zip(&page.positions) {
                let owner = keys::owner_of_partition(key.pk());
                let time = position.sort().strip_suffix(FORGOTTEN);
                let forgotten = time.is_some();
                let entry = owner.zip(Timestamp::parse(time.unwrap_or(position.sort())));
                let ((_, user), at) = entry.ok_or_else(|| {
                    Error::unexpected("cannot read a stored entry of the listing")
                })?;
                let entry = ListingEntry { shard: number, user, at, forgotten };
                if with_forgotten || !forgotten {
                    self.ahead.push_back(entry);
                } else if self.ahead.is_empty() {
                    self.skipped = Some(entry.position());
                }
            }
            self.ended = page.next.is_none();
            self.after = page.next;
        }
        Ok(())
    }
}

/// The position in a walk over the listing, one shard after another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkPosition {
    shard: u8,
    /// The entry of the shard after which the walk goes on; `None` at its start.
    position: Option<Position>,
}

impl WalkPosition {
    /// After the last shard.
    pub const END: Self = Self { shard: SHARDS, position: None };

    /// Whether every shard was walked.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        self.shard >= SHARDS
    }
}

impl From<(u8, Option<Position>)> for WalkPosition {
    fn from((shard, position): (u8, Option<Position>)) -> Self {
        Self { shard, position }
    }
}

impl From<WalkPosition> for (u8, Option<Position>) {
    fn from(walk: WalkPosition) -> Self {
        (walk.shard, walk.position)
    }
}

/// The entries that a walk visits: changes within these times, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeWindow {
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The latest time.
    pub until: Option<Timestamp>,
}

/// A page of entries of a walk.
#[derive(Clone, Debug)]
pub struct WalkPage {
    /// The users, each with the position after its entry. A user who is changed during the walk may
    /// come twice, and one that was deleted may still be listed.
    pub users: Vec<(UserId, WalkPosition)>,
    /// Where the walk goes on.
    pub next: WalkPosition,
}

impl Table {
    /// Reads at most `limit` entries of a tenant's listing after a position, by one query. The page
    /// may be empty before the end, because it never reaches into the next shard.
    pub async fn walk_listing(
        &self,
        tenant: &TenantId,
        changed: ChangeWindow,
        from: &WalkPosition,
        limit: usize,
    ) -> Result<WalkPage> {
        if from.is_end() {
            return Ok(WalkPage { users: Vec::new(), next: WalkPosition::END });
        }
        let shard = from.shard;
        let bounds = [changed.from, changed.until].map(|time| time.map(|time| time.to_string()));
        let range = match &bounds {
            [None, None] => SortRange::All,
            [Some(from), None] => SortRange::From(from),
            [from, Some(until)] => SortRange::Between(from.as_deref().unwrap_or(EARLIEST), until),
        };
        let (partition, limit) = (listing_shard(tenant, shard), i32::try_from(limit).ok());
        let page = self.query_index(&partition, range, from.position.as_ref(), limit).await?;
        let users = page.keys.iter().zip(page.positions).filter_map(|(key, position)| {
            let (_, user) = keys::owner_of_partition(key.pk())?;
            Some((user, WalkPosition { shard, position: Some(position) }))
        });
        let next = match page.next {
            None => WalkPosition { shard: shard + 1, position: None },
            position => WalkPosition { shard, position },
        };
        Ok(WalkPage { users: users.collect(), next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_walks_are_read_as_they_were_stored() {
        let stored = r#"{"shard":3,"position":{"pk":"T#acme#U#x","sk":"PROFILE","sort":"2026"}}"#;
        let position: WalkPosition = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&position).unwrap(), stored);
        assert_eq!(position.shard, 3);
        let end: WalkPosition = serde_json::from_str(r#"{"shard":16,"position":null}"#).unwrap();
        assert_eq!(end, WalkPosition::END);
    }
}
