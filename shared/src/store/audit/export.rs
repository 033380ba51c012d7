//! Reading the entries of an hour for their export: those of the ledger in the order of their
//! chains, then those of users by the index.
//!
//! The first step of an hour notes how far the chains of the ledger are. The export of the hour goes
//! on after the last exported entry of each chain, up to there, so that no clock makes an entry be
//! left out or be exported twice. What the service did not write is not exported, and is a fault.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::StoredEntry;
use super::chain_walk::AuditFault;
use super::key::AuditKey;
use crate::domain::audit::{Chain, Entry, ExportedEntry, ExportedHead, Hour, LedgerChain};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::index::{Position, SortRange};
use crate::store::item::Item;
use crate::store::keys::{self, AUDIT_SHARDS, Key};
use crate::store::table::{Range, Table};

/// How many entries are named at once.
const READ_AT_ONCE: i32 = 100;
/// How many entries of users are read at once: each may have what is sealed of 200 values.
const ITEMS_AT_ONCE: usize = 25;

/// A fault of a chain, at this sequence.
pub type AuditFaultAt = (Chain, Version, AuditFault);

/// After how much a part of an hour ends.
#[derive(Clone, Copy, Debug)]
pub struct PartSize {
    /// After about so many entries.
    pub entries: usize,
    /// After about so many bytes of lines.
    pub bytes: usize,
}

impl Default for PartSize {
    fn default() -> Self {
        Self { entries: 5000, bytes: 4 * 1024 * 1024 }
    }
}

/// Where the export of an hour goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPosition {
    /// The last exported entry of each chain of the ledger, by its name.
    ledger: BTreeMap<String, Exported>,
    /// What is exported with this hour; `None` before its first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extent: Option<Extent>,
    /// The shard of the index that is next; the first while the ledger is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<u8>,
    /// In that shard: after this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Position>,
}

/// What is exported with an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Extent {
    /// The last entry of each chain of the ledger, by its name.
    ledger: BTreeMap<String, Version>,
    /// Whether the index lists all entries of users of the hour.
    users: bool,
}

/// An entry of the ledger that was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Exported {
    sequence: Version,
    mac: String,
    /// The time from which it may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
}

impl ExportPosition {
    /// Where the export of the next hour begins.
    #[must_use]
    pub fn next_hour(&self) -> Self {
        Self { ledger: self.ledger.clone(), ..Self::default() }
    }

    /// Whether the first step of the hour is done.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.extent.is_some()
    }

    /// Whether the hour is exported.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.shard.is_some_and(|shard| shard >= AUDIT_SHARDS)
    }

    /// Whether the hour is exported with the entries of users.
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.extent.as_ref().is_some_and(|extent| extent.users)
    }

    /// The last exported entries of the ledger.
    #[must_use]
    pub fn heads(&self) -> Vec<ExportedHead> {
        let heads = self.ledger.iter().map(|(chain, last)| ExportedHead {
            chain: chain.clone(),
            sequence: last.sequence,
            mac: last.mac.clone(),
            ends: last.ends,
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
    /// What is wrong with the entries.
    pub faults: Vec<AuditFaultAt>,
    /// Where the next part begins.
    pub next: ExportPosition,
}

/// A part that is read.
struct Part<'p> {
    key: &'p AuditKey,
    tenant: &'p TenantId,
    size: PartSize,
    /// The lines with what they are sorted by.
    lines: Vec<(Chain, Version, String)>,
    bytes: usize,
    unreadable: u64,
    faults: Vec<AuditFaultAt>,
}

impl Part<'_> {
    const fn is_full(&self) -> bool {
        self.lines.len() >= self.size.entries || self.bytes >= self.size.bytes
    }

    /// Adds the line of an entry. Returns the entry if the service wrote it.
    fn add<'e>(&mut self, chain: Chain, stored: &'e StoredEntry) -> Option<&'e Entry> {
        let (sequence, mac) = (stored.sequence, &stored.mac);
        let written = stored.is_authentic(self.key, self.tenant, chain);
        if !written {
            self.faults.push((chain, sequence, AuditFault::EntryChanged));
        }
        let Some(entry) = stored.entry.as_ref().filter(|_| written) else {
            self.unreadable += 1;
            return None;
        };
        let event: Value = ExportedEntry { chain, sequence, mac, entry }.to_ocsf(self.tenant);
        let line = event.to_string();
        self.bytes += line.len();
        self.lines.push((chain, sequence, line));
        Some(entry)
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

/// What is wrong with the link of an entry of the ledger to the one that was exported before it.
fn broken_link(
    last: Option<&Exported>,
    entry: &Entry,
    now: Timestamp,
) -> Option<(Version, AuditFault)> {
    let named = entry.previous.as_ref();
    let before = last.map_or(Version(0), |last| last.sequence);
    match (last, named) {
        (None, None) => None,
        (Some(last), Some(named)) if named.sequence == before && named.mac == last.mac => None,
        // Entries between the two were exported nowhere.
        (_, Some(named)) if named.sequence > before => {
            (named.ends > now).then_some((named.sequence, AuditFault::EntryMissing))
        }
        _ => Some((before, AuditFault::EntryChanged)),
    }
}

impl Table {
    /// Notes what is exported with an hour: its first step. Returns what is wrong with the ledger:
    /// heads that the service did not write, and exported entries that it no longer has.
    pub async fn begin_hour(
        &self,
        tenant: &TenantId,
        hour: Hour,
        position: &ExportPosition,
    ) -> Result<(ExportPosition, Vec<AuditFaultAt>)> {
        let key = self.audit_key().await?;
        let mut faults = self.lost_of_ledger(tenant, &position.heads()).await?;
        let mut ledger = BTreeMap::new();
        for (chain, head) in self.ledger_heads(tenant).await? {
            let of_chain = Chain::Ledger(chain);
            if head.is_authentic(key, tenant, of_chain) {
                ledger.insert(chain.to_string(), head.sequence);
            } else {
                faults.push((of_chain, head.sequence, AuditFault::HeadChanged));
            }
        }
        let times = self.audit_times(Some(key), tenant).await?;
        let users = times.were_listed(hour.start(), hour.end());
        let extent = Some(Extent { ledger, users });
        Ok((ExportPosition { extent, ..position.clone() }, faults))
    }

    /// Reads a part of an hour that has begun, from a position on. The same part is always the same,
    /// save for entries that are gone or came late.
    pub async fn export_part(
        &self,
        tenant: &TenantId,
        hour: Hour,
        position: &ExportPosition,
        size: PartSize,
    ) -> Result<ExportPart> {
        let key = self.audit_key().await?;
        let (lines, bytes, unreadable, faults) = (Vec::new(), 0, 0, Vec::new());
        let mut part = Part { key, tenant, size, lines, bytes, unreadable, faults };
        let mut next = position.clone();
        if next.shard.is_none() && self.export_ledger(&mut next, &mut part).await? {
            next.shard = Some(if next.has_users() { 0 } else { AUDIT_SHARDS });
        }
        while !part.is_full()
            && let Some(shard) = next.shard.filter(|shard| *shard < AUDIT_SHARDS)
        {
            let after = next.after.take();
            next.after = self.export_shard(hour, shard, after, &mut part).await?;
            if next.after.is_none() {
                next.shard = Some(shard + 1);
            }
        }
        let (unreadable, faults) = (part.unreadable, std::mem::take(&mut part.faults));
        Ok(ExportPart { lines: part.into_lines(), unreadable, faults, next })
    }

    /// Reads on in the ledger; whether its end was reached.
    async fn export_ledger(&self, next: &mut ExportPosition, part: &mut Part<'_>) -> Result<bool> {
        let now = self.env.clock.now();
        let due = next.extent.iter().flat_map(|extent| &extent.ledger);
        let due: Vec<_> = due.map(|(name, end)| (name.clone(), *end)).collect();
        for (name, end) in due {
            let Ok(chain) = name.parse::<LedgerChain>() else { continue };
            loop {
                let last = next.ledger.get(&name).cloned();
                let mut after = last.as_ref().map(|last| last.sequence);
                if after.is_some_and(|after| after >= end) {
                    break;
                }
                if part.is_full() {
                    return Ok(false);
                }
                let (page, is_last) = self.chain_after(part.tenant, chain, after).await?;
                let mut before = last;
                for stored in page.iter().filter(|stored| stored.sequence <= end) {
                    let of_chain = Chain::Ledger(chain);
                    let entry = part.add(of_chain, stored);
                    let broken = entry.and_then(|entry| broken_link(before.as_ref(), entry, now));
                    part.faults.extend(broken.map(|(at, fault)| (of_chain, at, fault)));
                    before = Some(Exported {
                        sequence: stored.sequence,
                        mac: URL_SAFE_NO_PAD.encode(&stored.mac),
                        ends: stored.entry.as_ref().and_then(|entry| entry.ends),
                    });
                }
                after = page.last().map(|stored| stored.sequence);
                next.ledger.extend(before.map(|before| (name.clone(), before)));
                if is_last || after.is_some_and(|after| after >= end) {
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
        hour: Hour,
        shard: u8,
        after: Option<Position>,
        part: &mut Part<'_>,
    ) -> Result<Option<Position>> {
        let partition = keys::audit_shard(part.tenant, &hour.start().day(), shard);
        // The minutes of the hour go on with a colon.
        let (first, last) = (format!("{hour}:"), format!("{hour};"));
        let range = SortRange::Between(&first, &last);
        let page = self.query_index(&partition, range, after.as_ref(), Some(READ_AT_ONCE)).await?;
        for keys in page.keys.chunks(ITEMS_AT_ONCE) {
            for item in self.get_many(keys).await? {
                let owner = keys::owner_of_partition(item.key().pk());
                let Some((stored, (tenant, user))) = StoredEntry::read(&item).zip(owner) else {
                    continue;
                };
                let chain = Chain::User(user);
                if tenant != *part.tenant {
                    // Somebody has put it into the index of this tenant.
                    part.faults.push((chain, stored.sequence, AuditFault::EntryAdded));
                } else if let Some(entry) = part.add(chain, &stored)
                    && Hour::of(entry.at) != hour
                {
                    part.faults.push((chain, stored.sequence, AuditFault::EntryChanged));
                }
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
}
