//! Reading the entries of one chain, newest first.

use super::chain::StoredEntry;
use super::key::AuditKey;
use crate::domain::audit::{Chain, Entry, ReadEntry};
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::table::{ItemPage, Range, Table};

/// How many entries are read at once.
const READ_AT_ONCE: usize = 50;
/// How many entries one page is looked for among. The page may be empty then and still have a next
/// one.
const LOOKED_THROUGH: usize = 500;
/// By how much the times of two entries of a chain may be against their order: clocks differ.
const SKEW_SECONDS: i64 = 3600;

/// Which entries are wanted.
#[derive(Clone, Copy)]
pub struct AuditFilter<'f> {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Until this time.
    pub to: Option<Timestamp>,
    /// Those that this accepts.
    pub wanted: &'f (dyn Fn(&Entry) -> bool + Sync),
    /// Whether entries that cannot be read are wanted: nobody knows what they tell of.
    pub unreadable: bool,
}

impl AuditFilter<'_> {
    /// Whether an entry is wanted.
    #[must_use]
    pub fn matches(&self, read: &ReadEntry) -> bool {
        let Some(entry) = &read.entry else { return self.unreadable };
        self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at <= to)
            && (self.wanted)(entry)
    }

    /// Whether no entry of the chain before this one is wanted.
    pub(super) fn is_over(&self, read: &ReadEntry) -> bool {
        let at = read.entry.as_ref().map(|entry| entry.at.plus_seconds(SKEW_SECONDS));
        self.from.zip(at).is_some_and(|(from, at)| at < from)
    }
}

/// A page of entries of a user, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<ReadEntry>,
    /// The sequence before which the next page begins; `None` on the last.
    pub next: Option<Version>,
}

/// The entry of an item. With the key what is sealed in it is opened, if the service wrote it there.
pub(super) fn read_entry(
    item: &Item,
    key: Option<&AuditKey>,
    tenant: &TenantId,
    chain: Chain,
) -> Option<ReadEntry> {
    let stored = StoredEntry::read(item)?;
    let authentic = key.filter(|key| stored.is_authentic(key, tenant, chain));
    let detail = authentic.and_then(|key| stored.open(key, tenant, chain));
    Some(ReadEntry { chain, sequence: stored.sequence, entry: stored.entry, detail })
}

impl Table {
    /// Reads a page of a user's entries before a sequence, of so many entries and bytes at most.
    /// Without the key what is sealed stays so.
    pub async fn audit_of(
        &self,
        (tenant, user): (&TenantId, UserId),
        key: Option<&AuditKey>,
        filter: AuditFilter<'_>,
        before: Option<Version>,
        (size, most_bytes): (usize, usize),
    ) -> Result<AuditPage> {
        let chain = Chain::User(user);
        let (mut page, mut bytes, mut looked_through) = (AuditPage::default(), 0, 0);
        let mut last = before;
        let mut position =
            before.map(|before| Key::audit_entry(tenant, chain, before).sk().to_owned());
        loop {
            let read = self.chain_back(tenant, chain, position.as_deref(), READ_AT_ONCE).await?;
            for item in &read.items {
                let Some(entry) = read_entry(item, key, tenant, chain) else { continue };
                let sequence = entry.sequence;
                if filter.is_over(&entry) {
                    return Ok(page);
                }
                if filter.matches(&entry) {
                    bytes += item.size();
                    let begun = !page.entries.is_empty();
                    if page.entries.len() == size || begun && bytes > most_bytes {
                        page.next = last;
                        return Ok(page);
                    }
                    page.entries.push(entry);
                }
                last = Some(sequence);
            }
            looked_through += READ_AT_ONCE;
            position = read.next;
            if position.is_none() {
                return Ok(page);
            }
            if looked_through >= LOOKED_THROUGH {
                page.next = last;
                return Ok(page);
            }
        }
    }

    /// The newest entry of a chain, before a sequence if one is given, as the table has it.
    pub(super) async fn newest_entry(
        &self,
        tenant: &TenantId,
        chain: Chain,
        before: Option<Version>,
    ) -> Result<Option<StoredEntry>> {
        let first = Key::audit_entry(tenant, chain, Version(0));
        let range = Range::StartsWith(start_of(&first));
        let after = before.map(|before| Key::audit_entry(tenant, chain, before));
        let after = after.as_ref().map(Key::sk);
        let page = self.query_back(first.pk(), range, after, Some(1)).await?;
        Ok(page.items.first().and_then(StoredEntry::read))
    }

    /// Reads items of entries of a chain after a position, newest first, at most `limit` of them.
    /// The chain ends before the first entry that has ended: those before it count as ended too.
    pub(super) async fn chain_back(
        &self,
        tenant: &TenantId,
        chain: Chain,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ItemPage> {
        let first = Key::audit_entry(tenant, chain, Version(0));
        let (range, limit) = (Range::StartsWith(start_of(&first)), i32::try_from(limit).ok());
        let mut page = self.query_back(first.pk(), range, after, limit).await?;
        let now = self.env.clock.now();
        if let Some(ended) = page.items.iter().position(|item| item.is_expired(now)) {
            page.items.truncate(ended);
            page.next = None;
        }
        Ok(page)
    }
}

/// What the sort keys of the entries of a chain begin with, given one of them.
pub(super) fn start_of(entry: &Key) -> &str {
    entry.sk().trim_end_matches(|c: char| c.is_ascii_digit())
}
