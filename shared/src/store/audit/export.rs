//! Reading the entries of an hour for their export: those of the ledger in the order of their
//! chains, then those of users by the index.
//!
//! An entry of the ledger is exported with the first hour whose export comes to it: each chain goes
//! on after its last exported entry, so that no clock makes an entry be left out or be told twice.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::StoredEntry;
use crate::domain::audit::{Chain, DigestLink, ExportedEntry, ExportedHead, Hour, LedgerChain};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::{Version, Versioned};
use crate::store::index::{Position, SortRange};
use crate::store::item::Item;
use crate::store::keys::{self, AUDIT_SHARDS, Key, Walk};
use crate::store::table::{Range, Table};

/// How many entries are read at once.
const READ_AT_ONCE: i32 = 100;

/// Where the export of an hour goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPosition {
    /// The last exported entry of each chain of the ledger, by its name.
    ledger: BTreeMap<String, Exported>,
    /// The shard of the index that is next; the first while the ledger is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<u8>,
    /// In that shard: after this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Position>,
}

/// An entry of the ledger that was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Exported {
    sequence: Version,
    mac: String,
}

impl ExportPosition {
    /// Where the export of the next hour begins.
    #[must_use]
    pub fn next_hour(&self) -> Self {
        Self { ledger: self.ledger.clone(), shard: None, after: None }
    }

    /// Whether the hour is exported.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.shard.is_some_and(|shard| shard >= AUDIT_SHARDS)
    }

    /// The last exported entries of the ledger.
    #[must_use]
    pub fn heads(&self) -> Vec<ExportedHead> {
        let heads = self.ledger.iter().map(|(chain, last)| ExportedHead {
            chain: chain.clone(),
            sequence: last.sequence,
            mac: last.mac.clone(),
        });
        heads.collect()
    }
}

/// A part of the entries of an hour.
#[derive(Clone, Debug)]
pub struct ExportPart {
    /// The events, one a line.
    pub lines: Vec<u8>,
    /// How many entries could not be read.
    pub unreadable: u64,
    /// Where the next part begins.
    pub next: ExportPosition,
}

/// Lines with what they are sorted by.
#[derive(Default)]
struct Part {
    lines: Vec<(Chain, Version, String)>,
    unreadable: u64,
}

impl Part {
    /// Adds the line of an item that is an entry; its time decides whether it is one of the hour.
    fn add(&mut self, tenant: &TenantId, chain: Chain, stored: &StoredEntry) {
        let Some(entry) = &stored.entry else {
            self.unreadable += 1;
            return;
        };
        let (sequence, mac) = (stored.sequence, &stored.mac);
        let event: Value = ExportedEntry { chain, sequence, mac, entry }.to_ocsf(tenant);
        self.lines.push((chain, sequence, event.to_string()));
    }

    /// The lines in the order of their chains. Clocks may be against the order of a chain.
    fn into_lines(mut self) -> Vec<u8> {
        self.lines.sort_by_key(|(chain, sequence, _)| (*chain, *sequence));
        let mut text = Vec::new();
        for (.., line) in self.lines {
            text.extend(line.into_bytes());
            text.push(b'\n');
        }
        text
    }
}

impl Table {
    /// Reads about `size` entries of an hour from a position on; those of users only if they are
    /// wanted. The same part of an hour that has ended is always the same, save for entries that
    /// are gone.
    pub async fn export_part(
        &self,
        tenant: &TenantId,
        hour: Hour,
        position: &ExportPosition,
        users: bool,
        size: usize,
    ) -> Result<ExportPart> {
        let (mut part, mut next) = (Part::default(), position.clone());
        if next.shard.is_none()
            && self.export_ledger(tenant, hour, &mut next, &mut part, size).await?
        {
            next.shard = Some(if users { 0 } else { AUDIT_SHARDS });
        }
        while part.lines.len() < size
            && let Some(shard) = next.shard.filter(|shard| *shard < AUDIT_SHARDS)
        {
            let after = next.after.take();
            next.after = self.export_shard(tenant, hour, shard, after, &mut part).await?;
            if next.after.is_none() {
                next.shard = Some(shard + 1);
            }
        }
        let unreadable = part.unreadable;
        Ok(ExportPart { lines: part.into_lines(), unreadable, next })
    }

    /// Reads on in the ledger; whether its end was reached.
    async fn export_ledger(
        &self,
        tenant: &TenantId,
        hour: Hour,
        next: &mut ExportPosition,
        part: &mut Part,
        size: usize,
    ) -> Result<bool> {
        for (chain, head) in self.ledger_heads(tenant).await? {
            let name = chain.to_string();
            while next.ledger.get(&name).is_none_or(|last| last.sequence < head.sequence) {
                if part.lines.len() >= size {
                    return Ok(false);
                }
                let last = next.ledger.get(&name).map(|last| last.sequence);
                let (page, mut over) = self.chain_after(tenant, chain, last).await?;
                for stored in page {
                    if stored.entry.as_ref().is_some_and(|entry| entry.at >= hour.end()) {
                        over = true;
                        break;
                    }
                    part.add(tenant, Chain::Ledger(chain), &stored);
                    let mac = URL_SAFE_NO_PAD.encode(&stored.mac);
                    let sequence = stored.sequence;
                    next.ledger.insert(name.clone(), Exported { sequence, mac });
                }
                if over {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Entries of a chain of the ledger after a sequence, oldest first, and whether they are the
    /// last ones.
    async fn chain_after(
        &self,
        tenant: &TenantId,
        chain: LedgerChain,
        after: Option<Version>,
    ) -> Result<(Vec<StoredEntry>, bool)> {
        let partition = keys::partition_of_ledger(tenant);
        let start = format!("{chain}#");
        let key = |after| Key::audit_entry(tenant, Chain::Ledger(chain), after);
        let mut after = after.map(|after| key(after).sk().to_owned());
        loop {
            let range = Range::StartsWith(&start);
            let page = self.query(&partition, range, after.as_deref(), Some(READ_AT_ONCE)).await?;
            let entries: Vec<_> = page.items.iter().filter_map(StoredEntry::read).collect();
            after = page.next;
            // A page may have nothing but entries that are past their time.
            if after.is_none() || !entries.is_empty() {
                return Ok((entries, after.is_none()));
            }
        }
    }

    /// Reads a page of a shard of the index, and the entries that it names; where it goes on.
    async fn export_shard(
        &self,
        tenant: &TenantId,
        hour: Hour,
        shard: u8,
        after: Option<Position>,
        part: &mut Part,
    ) -> Result<Option<Position>> {
        let partition = keys::audit_shard(tenant, &hour.start().day(), shard);
        // The minutes of the hour go on with a colon.
        let (first, last) = (format!("{hour}:"), format!("{hour};"));
        let range = SortRange::Between(&first, &last);
        let page = self.query_index(&partition, range, after.as_ref(), Some(READ_AT_ONCE)).await?;
        let items = self.get_many(&page.keys).await?;
        let mut items: HashMap<_, _> = items.into_iter().map(|item| (item.key(), item)).collect();
        for key in &page.keys {
            let entry = items.remove(key).as_ref().and_then(StoredEntry::read);
            let owner = keys::owner_of_partition(key.pk());
            if let Some((entry, (_, user))) = entry.zip(owner) {
                part.add(tenant, Chain::User(user), &entry);
            }
        }
        Ok(page.next)
    }

    /// Reads what everybody sees who reads the audit of these entries of users. Nothing that is
    /// sealed is read; entries that are gone are left out.
    pub async fn audit_documents(&self, entries: &[Key]) -> Result<Vec<(Key, StoredEntry)>> {
        let items = self.get_parts(entries, &["pk", "sk", "doc", "expires_at"]).await?;
        let read = |item: &Item| Some((item.key(), StoredEntry::read(item)?));
        Ok(items.iter().filter_map(read).collect())
    }

    /// The last digest that was stored; `None` if there is none.
    pub async fn last_digest(&self, tenant: &TenantId) -> Result<Option<DigestLink>> {
        #[derive(Deserialize)]
        struct Stored {
            previous: Option<DigestLink>,
        }
        let stored: Option<Versioned<Stored>> = self.progress(tenant, Walk::Export).await?;
        Ok(stored.and_then(|stored| stored.value.previous))
    }

    /// The chains of the ledger that do not have any more what was exported of them: their head is
    /// before the last exported entry, or names another one in its place.
    pub async fn lost_of_ledger(
        &self,
        tenant: &TenantId,
        exported: &[ExportedHead],
    ) -> Result<Vec<LedgerChain>> {
        let heads = self.ledger_heads(tenant).await?;
        let lost = exported.iter().filter_map(|last| {
            let chain = last.chain.parse().ok()?;
            let kept = heads.get(&chain).is_some_and(|head| {
                head.sequence > last.sequence
                    || head.sequence == last.sequence
                        && URL_SAFE_NO_PAD.encode(head.entry) == last.mac
            });
            (!kept).then_some(chain)
        });
        Ok(lost.collect())
    }
}
