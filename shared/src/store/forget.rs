//! Forgetting a user, in three steps of which the first decides.
//!
//! F1 makes the person invisible and each unique value free in one transaction; before it the
//! counters of wrong passwords at the username are deleted. F2 deletes the person's other items
//! and sessions, F3 files the tombstone. Every function can repeat each step, also several at once;
//! until F3 the tombstone stands in the index partition `SWEEP`, where unfinished erasures are
//! found.
//!
//! INVARIANT: a child is deleted with its look-ups or after them. So each item that remains names
//! the look-ups that must still be deleted.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::audit::{HEAD, Record, with_head};
use super::consents::keep_proof;
use super::index::SortRange;
use super::item::Item;
use super::keys::{self, FORGOTTEN, Key, PROFILE, SWEEP};
use super::people::{owned_by_login, owned_by_name};
use super::retry::Retry;
use super::table::Table;
use super::user_writes::remove;
use super::users::StoredUser;
use super::write::{CommitError, Condition, MAX_WRITES, Write};
use crate::domain::audit::{AuditSettings, LedgerChain, Level, Operation};
use crate::domain::author::{Author, Reason};
use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::Lookup;
use crate::domain::people::counters_of;
use crate::domain::schema::Schema;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// How long a filed tombstone stays for synchronising, in seconds: 90 days.
const TOMBSTONE_SECONDS: i64 = 90 * 24 * 3600;

/// How long a request erases what the person owned elsewhere, in seconds; then the sweeper goes on.
pub(super) const REQUEST_SECONDS: i64 = 15;

/// What became of a page of a user's children.
enum ErasedPage {
    /// All of them are gone.
    Whole,
    /// Some are left: the user does not own what they name.
    Foreign,
    /// Somebody else was writing one of the items.
    Contended,
}

/// The most bytes of items that one transaction deletes. The items of a transaction have at most
/// 4 MB together; whether deleted ones count is not documented.
const MAX_DELETED_BYTES: usize = 3 * 1024 * 1024;

impl Table {
    /// Forgets a user: at the first commit the person is invisible and every unique value is free
    /// (F1), then the person's other items are deleted (F2), then the tombstone is filed for
    /// systems that synchronise (F3).
    ///
    /// `check` sees the user before the first write. An interrupted erasure continues where it
    /// stopped. `author` is the caller who erases; records about the erasure go into the
    /// transaction of the tombstone. With a `schema` the last administrator of the tenant stays; an
    /// operator gives none.
    pub async fn forget_user(
        &self,
        author: &Author,
        schema: Option<&Schema>,
        id: UserId,
        check: impl Fn(&StoredUser) -> Result<()>,
    ) -> Result<()> {
        // The ledger never forgets: it must not name a person by what an issuer calls the person.
        let author = &author.of_user(id);
        let tenant = &author.tenant;
        let key = Key::user(tenant, id);
        let until = self.env.clock.now().plus_seconds(REQUEST_SECONDS);
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let item = self.get(&key).await?.ok_or(Error::NotFound)?;
            let Some(live) = StoredUser::read(&item)? else {
                return if is_unfinished(&item) {
                    self.finish_in_request(tenant, id, &item, until).await
                } else if item.log().contains(write_id) {
                    // Another function has finished this very erasure.
                    Ok(())
                } else {
                    Err(Error::NotFound)
                };
            };
            check(&live)?;
            // Read as late as can be: a hold that begins after this read does not stop the commit.
            let settings = self.settings_for_erasure(author).await?;
            let deleted_at = self.env.clock.now().max(live.value.updated_at.next());
            let version = live.version().next();
            let tombstone =
                tombstone(&key, version, &live, deleted_at).listed(SWEEP, deleted_at.to_string());
            let mut writes =
                vec![Write::Put(tombstone.clone(), Condition::Version(live.version()))];
            writes.extend(live.lookups().iter().map(|lookup| remove(tenant, lookup, id)));
            let (chain, record) = (LedgerChain::of_forget(id), record(&live));
            writes.extend(self.append(author, &settings, chain, record).await?);
            if let Some(schema) = schema {
                let guard = Box::pin(self.guard_administrators(schema, &live.value, None));
                writes.extend(guard.await?);
            }
            // A closed counter stays for years, and the tombstone does not have the username.
            for counter in counters_of(tenant, &live.value.username) {
                self.clear_attempts(&counter).await?;
            }
            match self.commit_user_writes(write_id, writes).await {
                Ok(()) => return self.finish_in_request(tenant, id, &tombstone, until).await,
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// The settings of the audit, unless they forbid this author to erase anything.
    pub(super) async fn settings_for_erasure(&self, author: &Author) -> Result<AuditSettings> {
        let mut settings = self.audit_settings(&author.tenant).await?;
        // A cold process may wait for KMS.
        if settings.level != Level::Off && self.loaded_audit_key().is_none() {
            self.audit_key().await?;
            settings = self.audit_settings(&author.tenant).await?;
        }
        let is_held = settings.legal_hold && author.reason != Reason::Replay;
        if is_held { Err(Error::LegalHold) } else { Ok(settings) }
    }

    /// The users whose erasure was interrupted, or is under way, and since when.
    pub async fn unfinished_forgets(&self) -> Result<Vec<(TenantId, UserId, Timestamp)>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.query_index(SWEEP, SortRange::All, after.as_ref(), None).await?;
            found.extend(page.keys.iter().zip(&page.positions).filter_map(|(key, position)| {
                let (tenant, user) = keys::owner_of_partition(key.pk())?;
                let since = Timestamp::parse(position.sort()).unwrap_or(Timestamp::from_millis(0));
                Some((tenant, user, since))
            }));
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Goes on with the erasure of a user if it is under way, also one of another request, until it
    /// is finished or `until` has come; whether it finished one.
    pub async fn resume_forget(
        &self,
        tenant: &TenantId,
        id: UserId,
        until: Timestamp,
    ) -> Result<bool> {
        let item = self.get(&Key::user(tenant, id)).await?;
        // The index may be behind: what was finished meanwhile has left.
        match item.filter(is_unfinished) {
            Some(item) => self.finish_forget(tenant, id, &item, until).await,
            None => Ok(false),
        }
    }

    /// Finishes the erasure in the request that asks for it. A person with very many audit entries
    /// takes longer than a request may: the sweeper goes on, and the caller asks again.
    async fn finish_in_request(
        &self,
        tenant: &TenantId,
        id: UserId,
        tombstone: &Item,
        until: Timestamp,
    ) -> Result<()> {
        if self.finish_forget(tenant, id, tombstone, until).await? {
            return Ok(());
        }
        Err(Error::Unavailable("the erasure has begun and goes on".to_owned()))
    }

    /// Steps F2 and F3 of a forget whose tombstone is written; safe to repeat, also by several at
    /// once. Children go page by page: a person may have more entries than a process can hold.
    /// `false` if `until` has come before the end.
    async fn finish_forget(
        &self,
        tenant: &TenantId,
        id: UserId,
        tombstone: &Item,
        until: Timestamp,
    ) -> Result<bool> {
        let mut foreign = BTreeSet::new();
        let mut retry = Retry::of(self);
        let (partition, mut after) = (keys::partition_of_user(tenant, id), None);
        loop {
            // An item past its time keeps its values until DynamoDB removes it.
            let page = self.query_stored_page(&partition, after.as_deref()).await?;
            let children: Vec<_> =
                page.items.iter().filter(|item| item.key().sk() != PROFILE).collect();
            if children.is_empty() && page.next.is_none() {
                // No session begins any more: each one is put with the user.
                self.forget_sessions(tenant, id).await?;
                return self.file_tombstone(tenant, id, tombstone).await.map(|()| true);
            }
            match self.forget_children(tenant, id, &children, &mut foreign).await? {
                ErasedPage::Whole => {
                    after = page.next;
                    retry = Retry::of(self);
                    if self.env.clock.now() >= until {
                        return Ok(false);
                    }
                }
                ErasedPage::Foreign => retry.at_once()?,
                ErasedPage::Contended => retry.again().await?,
            }
        }
    }

    /// Step F2 of one page: deletes children of a user and the look-ups that they own. A look-up
    /// that belongs to another user, or no longer to this one, is added to `foreign` and left alone
    /// in the next turn.
    async fn forget_children(
        &self,
        tenant: &TenantId,
        id: UserId,
        children: &[&Item],
        foreign: &mut BTreeSet<Key>,
    ) -> Result<ErasedPage> {
        let mut seen = foreign.clone();
        let mut writes = Vec::new();
        for child in children {
            // DynamoDB takes one write of an item in a transaction, and two children may own one
            // look-up.
            let lookups = owned_lookups(tenant, id, child)?.into_iter();
            writes.extend(lookups.filter(|write| seen.insert(write.key())).map(|write| (write, 0)));
            writes.push((Write::Delete(child.key(), Condition::Owner(id)), child.size()));
        }
        for some in transactions(writes) {
            match self.commit(some.clone()).await {
                Ok(()) => {}
                Err(CommitError::Contended) => return Ok(ErasedPage::Contended),
                Err(CommitError::Conditions(failed)) => {
                    foreign.extend(
                        failed.iter().filter_map(|(index, _)| Some(some.get(*index)?.key())),
                    );
                    return Ok(ErasedPage::Foreign);
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Ok(ErasedPage::Whole)
    }

    /// Step F3: the tombstone goes into the listing under the time of this step. So a system that
    /// polls by time sees it, even if the erasure was interrupted for long.
    async fn file_tombstone(&self, tenant: &TenantId, id: UserId, tombstone: &Item) -> Result<()> {
        let version =
            tombstone.version().ok_or_else(|| Error::unexpected("a tombstone has a version"))?;
        let deleted_at = tombstone.get_text("deleted_at").and_then(Timestamp::parse);
        let deleted_at = deleted_at.ok_or_else(|| Error::unexpected("a tombstone has its time"))?;
        let mut retry = Retry::of(self);
        loop {
            // A system that synchronises may already have passed the time of the first step.
            let filed_at = self.env.clock.now().max(deleted_at);
            let filed = with_head(Item::at(&Key::user(tenant, id)), tombstone.get_bytes(HEAD))
                .text("deleted_at", deleted_at.to_string())
                .guarded(version.next(), &tombstone.log())
                .listed(keys::listing(tenant, id), format!("{filed_at}{FORGOTTEN}"))
                .expiring(filed_at.plus_seconds(TOMBSTONE_SECONDS));
            let writes = vec![Write::Put(filed, Condition::Version(version))];
            match self.commit_user_writes(self.write_id(), writes).await {
                // If another function filed the tombstone first, the erasure is complete too.
                Ok(()) | Err(CommitError::Conditions(_)) => return Ok(()),
                Err(CommitError::Contended) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

fn tombstone(key: &Key, version: Version, live: &StoredUser, deleted_at: Timestamp) -> Item {
    with_head(Item::at(key), live.head())
        .text("deleted_at", deleted_at.to_string())
        .guarded(version, &live.log)
}

/// What the ledger tells of an erasure, without personal data: the user, how many entries it had at
/// most, and the head of its chain (rule AU-19).
fn record(live: &StoredUser) -> Record {
    let head = live.head().map(|head| URL_SAFE_NO_PAD.encode(head));
    let facts = json!({ "version": live.version().0, "head": head });
    Record {
        operation: Operation::UserForget,
        target: Some(live.value.id.to_string()),
        changes: Vec::new(),
        facts: Some(facts),
    }
}

/// Whether the item is the tombstone of an unfinished erasure.
pub(super) fn is_unfinished(item: &Item) -> bool {
    item.is_tombstone() && item.get_text("gsi1pk") == Some(SWEEP)
}

/// Divides deletes, each with the bytes of its item, into transactions.
fn transactions(writes: Vec<(Write, usize)>) -> Vec<Vec<Write>> {
    let mut transactions: Vec<Vec<Write>> = Vec::new();
    let mut bytes = MAX_DELETED_BYTES;
    for (write, size) in writes {
        bytes += size;
        match transactions.last_mut() {
            Some(last) if last.len() < MAX_WRITES && bytes <= MAX_DELETED_BYTES => last.push(write),
            _ => {
                transactions.push(vec![write]);
                bytes = size;
            }
        }
    }
    transactions
}

/// The writes that take away what a child owns elsewhere: the look-up of its id, and those of its
/// values. A child that leaves a proof behind adds that.
fn owned_lookups(tenant: &TenantId, id: UserId, child: &Item) -> Result<Vec<Write>> {
    let forward =
        child.get_text("forward").map(|pk| Write::Delete(Key::forward(pk), Condition::Owner(id)));
    let lookups: Result<Vec<Lookup>, _> =
        child.get_texts("ix").into_iter().map(str::parse).collect();
    let lookups = lookups
        .map_err(|_| Error::unexpected("cannot read the stored index entries of a child"))?;
    let removed = lookups.iter().map(|lookup| remove(tenant, lookup, id));
    let signs_in = owned_by_login(tenant, id, child)?.into_iter();
    let signs_in = signs_in.chain(owned_by_name(tenant, id, child)?);
    let proof = keep_proof(tenant, child);
    Ok(forward.into_iter().chain(removed).chain(signs_in).chain(proof).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d7_a_transaction_of_an_erasure_ends_at_100_writes_or_3_mb() {
        let user = UserId::new(uuid::Uuid::nil());
        let write = || Write::Delete(Key::forward("x"), Condition::Owner(user));
        let sizes = |items: &[(usize, usize)]| {
            let writes =
                items.iter().flat_map(|(count, size)| (0..*count).map(|_| (write(), *size)));
            transactions(writes.collect()).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[(250, 0)]), [100, 100, 50]);
        // 25 profiles of 190 KB.
        assert_eq!(sizes(&[(25, 190 * 1024)]), [16, 9]);
        assert_eq!(sizes(&[(1, 4 * 1024 * 1024), (1, 0)]), [1, 1]);
        assert_eq!(sizes(&[(3, 1024 * 1024), (97, 0), (1, 0)]), [100, 1]);
    }
}
