//! Forgetting a user, in three steps of which the first decides.
//!
//! F1 makes the person invisible and each unique value free in one transaction. F2 takes away what the person owned elsewhere, F3 files
//! the tombstone. Each step can be repeated, by anybody, also by several at once; until F3 the tombstone stands in the index partition
//! `SWEEP`, where unfinished erasures are found.

use super::commit::{Condition, Failed, Write};
use super::item::Item;
use super::keys::{self, Key, PROFILE, SWEEP};
use super::table::{Range, Sorts, Table};
use super::users::{LiveUser, TURNS, remove};
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;
use crate::world::Timestamp;

/// How long a tombstone stays for synchronising, in seconds: 90 days.
const TOMBSTONE_SECONDS: i64 = 90 * 24 * 3600;
/// How many children one transaction of a forget deletes, each with its look-up elsewhere.
const CHILDREN: usize = 40;

impl Table {
    /// Forgets a user: at the first commit the person is invisible and every unique value is free (F1), then what the person
    /// owned elsewhere goes (F2), then the tombstone is filed for those who synchronise (F3).
    ///
    /// `check` sees the user before anything happens. An erasure that was interrupted goes on where it stopped.
    pub async fn forget_user(
        &self,
        tenant: &TenantId,
        id: UserId,
        check: impl Fn(&LiveUser) -> Result<()>,
    ) -> Result<()> {
        let key = Key::user(tenant, id);
        for turn in 1..=TURNS {
            let item = self.get(&key).await?.ok_or(Error::NotFound)?;
            let Some(live) = LiveUser::read(&item)? else {
                return if item.get_text("gsi1pk") == Some(SWEEP) {
                    self.finish_forget(tenant, id, &item).await
                } else {
                    Err(Error::NotFound)
                };
            };
            check(&live)?;
            let deleted_at = self.world.clock.now().max(live.value.updated_at.next());
            let version = live.version().next();
            let tombstone = tombstone(&key, version, &live, deleted_at).listed(SWEEP, deleted_at.to_string());
            let mut writes = vec![Write::Put(tombstone.clone(), Condition::Version(live.version()))];
            writes.extend(live.lookups().iter().map(|lookup| remove(tenant, lookup, id)));
            match self.commit(writes).await {
                Ok(()) => return self.finish_forget(tenant, id, &tombstone).await,
                Err(Failed::Contended | Failed::Conditions(_)) => self.pause(turn).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// The users whose erasure was interrupted, or is under way.
    pub async fn unfinished_forgets(&self) -> Result<Vec<(TenantId, UserId)>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.query_index(SWEEP, Sorts::All, after.as_ref(), None).await?;
            found.extend(page.keys.iter().filter_map(|key| keys::owner_of_partition(key.pk())));
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Finishes an erasure; `false` when there is nothing left to do.
    pub async fn resume_forget(&self, tenant: &TenantId, id: UserId) -> Result<bool> {
        let item = self.get(&Key::user(tenant, id)).await?;
        // The index may be behind: what was finished meanwhile has left.
        match item.filter(|item| item.get_text("gsi1pk") == Some(SWEEP)) {
            Some(item) => self.finish_forget(tenant, id, &item).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Steps F2 and F3 of a forget whose tombstone is written; safe to repeat, also by several at once.
    pub async fn finish_forget(&self, tenant: &TenantId, id: UserId, tombstone: &Item) -> Result<()> {
        let mut turn = 0;
        while !self.forget_children(tenant, id, turn).await? {
            turn += 1;
            if turn > TURNS {
                return Err(Failed::Contended.into());
            }
        }
        self.file_tombstone(tenant, id, tombstone).await
    }

    /// Step F2, once: deletes what stands in the user's partition, each with its look-up elsewhere. Whether nothing was left.
    async fn forget_children(&self, tenant: &TenantId, id: UserId, turn: u32) -> Result<bool> {
        let items = self.query_all(&keys::partition_of_user(tenant, id), Range::All).await?;
        let children: Vec<_> = items.iter().filter(|item| item.key().sk() != PROFILE).collect();
        for some in children.chunks(CHILDREN) {
            let writes = some.iter().flat_map(|child| {
                let forward = child.get_text("forward").map(|pk| Key::stored(pk, "-"));
                std::iter::once(child.key()).chain(forward).map(|key| Write::Delete(key, Condition::Owner(id)))
            });
            match self.commit(writes.collect()).await {
                Ok(()) => {}
                // A look-up may belong to somebody else by now, if another repetition was faster: the next turn looks again.
                Err(Failed::Contended | Failed::Conditions(_)) => self.pause(turn + 1).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Ok(children.is_empty())
    }

    /// Step F3.
    async fn file_tombstone(&self, tenant: &TenantId, id: UserId, tombstone: &Item) -> Result<()> {
        let version = tombstone.version().ok_or_else(|| Error::unexpected("a tombstone has a version"))?;
        let deleted_at = tombstone.get_text("deleted_at").and_then(Timestamp::parse);
        let deleted_at = deleted_at.ok_or_else(|| Error::unexpected("a tombstone has its time"))?;
        let filed = Item::at(&Key::user(tenant, id))
            .text("deleted_at", deleted_at.to_string())
            .guarded(version.next(), &tombstone.log())
            .listed(keys::listing(tenant, id), deleted_at.to_string())
            .expiring(deleted_at.plus_seconds(TOMBSTONE_SECONDS));
        for turn in 1..=TURNS {
            match self.commit(vec![Write::Put(filed.clone(), Condition::Version(version))]).await {
                // Or somebody else filed it first: the erasure is as complete.
                Ok(()) | Err(Failed::Conditions(_)) => return Ok(()),
                Err(Failed::Contended) => self.pause(turn).await,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }
}

fn tombstone(key: &Key, version: Version, live: &LiveUser, deleted_at: Timestamp) -> Item {
    Item::at(key).text("deleted_at", deleted_at.to_string()).guarded(version, &live.log)
}
