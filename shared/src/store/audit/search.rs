//! The audit of a whole tenant, newest first: the chains of its ledger, and the entries of users by
//! the days of the index, merged by time.
//!
//! Entries of the ledger are strongly consistent. Those of users are named by the index, which is
//! behind the table by a moment, and are read themselves. What is left of forgotten users is not
//! listed.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::key::AuditKey;
use super::read::{AuditFilter, read_entry};
use crate::domain::audit::{Chain, LedgerChain, ReadEntry};
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::index::{Position, SortRange};
use crate::store::keys::{self, AUDIT_SHARDS, Key};
use crate::store::table::Table;

/// How many entries of a source are read at once.
const READ_AT_ONCE: usize = 25;
/// How many entries one page is looked for among, of all sources together.
const LOOKED_THROUGH: usize = 2000;
/// The seconds of a day.
const DAY_SECONDS: i64 = 24 * 3600;

/// What is looked for in the audit of a tenant.
#[derive(Clone, Copy)]
pub struct AuditSearch<'s> {
    /// From this time on.
    pub from: Timestamp,
    /// The entries of that time that are wanted.
    pub filter: AuditFilter<'s>,
    /// The chains of the ledger among which they may be.
    pub chains: &'s [LedgerChain],
    /// Whether they may be entries of users.
    pub users: bool,
}

/// Where a search goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditPosition {
    /// The end of the time that the first page was looked for in.
    pub to: Timestamp,
    /// A time of the day whose entries of users are next.
    day: Timestamp,
    /// In each shard of this day: after this entry.
    shards: [Option<Position>; AUDIT_SHARDS as usize],
    /// In each chain of the ledger: before this sequence.
    chains: BTreeMap<String, u64>,
}

/// An entry that was found.
struct Found {
    at: Timestamp,
    place: Place,
    read: ReadEntry,
    bytes: usize,
}

/// Where a source goes on.
#[derive(Clone)]
enum Place {
    Shard(Position),
    Chain(Version),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Shard(u8),
    Chain(LedgerChain),
}

struct Source {
    from: Origin,
    ahead: VecDeque<Found>,
    /// Where it is to be read on.
    after: Option<Place>,
    ended: bool,
}

impl Source {
    const fn new(from: Origin, after: Option<Place>) -> Self {
        Self { from, ahead: VecDeque::new(), after, ended: false }
    }
}

struct Search<'s> {
    table: &'s Table,
    tenant: &'s TenantId,
    key: Option<&'s AuditKey>,
    wanted: AuditSearch<'s>,
    position: AuditPosition,
    sources: Vec<Source>,
    looked_through: usize,
}

impl AuditPosition {
    /// The start of a search.
    #[must_use]
    pub fn start(to: Timestamp) -> Self {
        Self { to, day: to, shards: Default::default(), chains: BTreeMap::new() }
    }
}

impl Table {
    /// Reads a page of the audit of a tenant, of so many entries and bytes at most, and the position
    /// of the next page. A page may be empty before the last. Without the key what is sealed stays
    /// so.
    pub async fn search_audit(
        &self,
        tenant: &TenantId,
        key: Option<&AuditKey>,
        wanted: AuditSearch<'_>,
        position: AuditPosition,
        (size, most_bytes): (usize, usize),
    ) -> Result<(Vec<ReadEntry>, Option<AuditPosition>)> {
        let mut sources = Vec::new();
        for chain in self.ledger_chains(tenant, wanted.chains).await? {
            let before = position.chains.get(&chain.to_string()).copied().map(Version);
            sources.push(Source::new(Origin::Chain(chain), before.map(Place::Chain)));
        }
        let looked_through = 0;
        let mut search =
            Search { table: self, tenant, key, wanted, position, sources, looked_through };
        if wanted.users {
            search.open_day();
        }
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < size {
            if !search.read_ahead().await? {
                return Ok((entries, Some(search.into_position())));
            }
            let Some(found) = search.take() else { return Ok((entries, None)) };
            bytes += found.bytes;
            if bytes > most_bytes && !entries.is_empty() {
                return Ok((entries, Some(search.into_position())));
            }
            search.note(&found.place, found.read.chain);
            entries.push(found.read);
        }
        let more = !search.read_ahead().await? || search.sources.iter().any(Source::has_more);
        Ok((entries, more.then(|| search.into_position())))
    }

    /// The chains among these that have entries.
    async fn ledger_chains(
        &self,
        tenant: &TenantId,
        among: &[LedgerChain],
    ) -> Result<Vec<LedgerChain>> {
        if among.is_empty() {
            return Ok(Vec::new());
        }
        let heads = self.heads_of_ledger(tenant).await?;
        let named = |chain: &LedgerChain| {
            let key = Key::ledger_head(tenant, *chain);
            heads.iter().any(|head| head.key() == key)
        };
        Ok(among.iter().copied().filter(named).collect())
    }

    /// Whether each of these users is there.
    async fn are_live(
        &self,
        tenant: &TenantId,
        users: BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>> {
        let keys: Vec<_> = users.into_iter().map(|user| Key::user(tenant, user)).collect();
        let items = self.get_parts(&keys, &["pk", "sk", "deleted_at"]).await?;
        let live = items.iter().filter(|item| !item.is_tombstone());
        Ok(live
            .filter_map(|item| keys::owner_of_partition(item.key().pk()).map(|(_, user)| user))
            .collect())
    }
}

impl Source {
    fn has_more(&self) -> bool {
        !self.ahead.is_empty() || !self.ended
    }
}

impl Search<'_> {
    /// Adds the shards of the day at which the search is.
    fn open_day(&mut self) {
        self.sources.retain(|source| matches!(source.from, Origin::Chain(_)));
        for (shard, place) in (0..AUDIT_SHARDS).zip(&self.position.shards) {
            let after = place.clone().map(Place::Shard);
            self.sources.push(Source::new(Origin::Shard(shard), after));
        }
    }

    /// Reads on in every source of which no entry is at hand; `false` if enough was looked through.
    async fn read_ahead(&mut self) -> Result<bool> {
        loop {
            let due = self.sources.iter().enumerate();
            let due = due.filter(|(_, source)| source.ahead.is_empty() && !source.ended);
            let due: Vec<_> =
                due.map(|(i, source)| (i, source.from, source.after.clone())).collect();
            if due.is_empty() {
                let left =
                    |source: &Source| matches!(source.from, Origin::Shard(_)) && source.has_more();
                let earlier = self.position.day.plus_seconds(-DAY_SECONDS);
                let open = self.sources.iter().any(left);
                if !self.wanted.users || open || earlier.day() < self.wanted.from.day() {
                    return Ok(true);
                }
                self.position.day = earlier;
                self.position.shards = Default::default();
                self.open_day();
                continue;
            }
            if self.looked_through >= LOOKED_THROUGH {
                return Ok(false);
            }
            let reads = due.iter().map(|(_, from, after)| self.read(*from, after.clone()));
            let pages = try_join_all(reads).await?;
            for ((i, ..), page) in due.into_iter().zip(pages) {
                self.looked_through += page.passed;
                let Some(source) = self.sources.get_mut(i) else { continue };
                source.ended = page.next.is_none();
                source.after = page.next;
                source.ahead = page.found;
                let from = source.from;
                // What is not wanted need not be read again.
                if source.ahead.is_empty()
                    && let Some(place) = page.last
                {
                    self.pass(from, &place);
                }
            }
        }
    }

    async fn read(&self, from: Origin, after: Option<Place>) -> Result<SourcePage> {
        match (from, after) {
            (Origin::Shard(shard), after) => {
                let after =
                    if let Some(Place::Shard(position)) = after { Some(position) } else { None };
                self.read_shard(shard, after).await
            }
            (Origin::Chain(chain), after) => {
                let before =
                    if let Some(Place::Chain(before)) = after { Some(before) } else { None };
                self.read_chain(chain, before).await
            }
        }
    }

    async fn read_shard(&self, shard: u8, after: Option<Position>) -> Result<SourcePage> {
        let partition = keys::audit_shard(self.tenant, &self.position.day.day(), shard);
        // What is at the last millisecond goes on with a `#`.
        let (first, last) = (self.wanted.from.to_string(), format!("{}$", self.position.to));
        let range = SortRange::Between(&first, &last);
        let limit = i32::try_from(READ_AT_ONCE).ok();
        let page = self.table.query_index_back(&partition, range, after.as_ref(), limit).await?;
        let items = self.table.get_many(&page.keys).await?;
        let mut items: HashMap<_, _> = items.into_iter().map(|item| (item.key(), item)).collect();
        let mut found = VecDeque::new();
        let (passed, last) = (page.keys.len(), page.positions.last().cloned().map(Place::Shard));
        for (key, position) in page.keys.into_iter().zip(page.positions) {
            let Some((_, user)) = keys::owner_of_partition(key.pk()) else { continue };
            let Some(item) = items.remove(&key) else { continue };
            let read = read_entry(&item, self.key, self.tenant, Chain::User(user));
            let Some(read) = read.filter(|read| self.wanted.filter.matches(read)) else { continue };
            let time = position.sort().split('#').next().and_then(Timestamp::parse);
            let at = time.unwrap_or(self.position.day);
            found.push_back(Found { at, place: Place::Shard(position), bytes: item.size(), read });
        }
        let users = found.iter().filter_map(|found| owner(&found.read)).collect();
        let live = self.table.are_live(self.tenant, users).await?;
        found.retain(|found| owner(&found.read).is_some_and(|user| live.contains(&user)));
        Ok(SourcePage { found, next: page.next.map(Place::Shard), last, passed })
    }

    async fn read_chain(&self, chain: LedgerChain, before: Option<Version>) -> Result<SourcePage> {
        let chain = Chain::Ledger(chain);
        let after =
            before.map(|before| Key::audit_entry(self.tenant, chain, before).sk().to_owned());
        let page =
            self.table.chain_back(self.tenant, chain, after.as_deref(), READ_AT_ONCE).await?;
        let (mut found, mut last, mut over) = (VecDeque::new(), None, false);
        let (passed, mut at) = (page.items.len(), self.position.to);
        for item in &page.items {
            let Some(read) = read_entry(item, self.key, self.tenant, chain) else { continue };
            over |= self.wanted.filter.is_over(&read);
            last = Some(Place::Chain(read.sequence));
            at = read.entry.as_ref().map_or(at, |entry| entry.at);
            if at <= self.position.to && self.wanted.filter.matches(&read) {
                let place = Place::Chain(read.sequence);
                found.push_back(Found { at, place, bytes: item.size(), read });
            }
        }
        let next = page.next.as_deref().filter(|_| !over).and_then(keys::sequence_of_entry);
        Ok(SourcePage { found, next: next.map(Place::Chain), last, passed })
    }

    /// The newest entry that is at hand; of several of one time that of the first source.
    fn take(&mut self) -> Option<Found> {
        let at = |source: &Source| source.ahead.front().map(|found| found.at);
        let newest = self.sources.iter().filter_map(at).max()?;
        self.sources.iter_mut().find(|source| at(source) == Some(newest))?.ahead.pop_front()
    }

    /// Goes past an entry that is on the page.
    fn note(&mut self, place: &Place, chain: Chain) {
        let from = match (place, chain) {
            (Place::Chain(_), Chain::Ledger(chain)) => Origin::Chain(chain),
            (Place::Shard(_), Chain::User(user)) => Origin::Shard(self.shard_of(user)),
            _ => return,
        };
        self.pass(from, place);
    }

    fn shard_of(&self, user: UserId) -> u8 {
        let day = self.position.day.day();
        let partition = keys::audit_day(self.tenant, &day, user);
        let shard = |shard: &u8| keys::audit_shard(self.tenant, &day, *shard) == partition;
        (0..AUDIT_SHARDS).find(shard).unwrap_or_default()
    }

    fn pass(&mut self, from: Origin, place: &Place) {
        match (from, place) {
            (Origin::Shard(shard), Place::Shard(position)) => {
                if let Some(slot) = self.position.shards.get_mut(usize::from(shard)) {
                    *slot = Some(position.clone());
                }
            }
            (Origin::Chain(chain), Place::Chain(sequence)) => {
                self.position.chains.insert(chain.to_string(), sequence.0);
            }
            _ => {}
        }
    }

    fn into_position(self) -> AuditPosition {
        self.position
    }
}

fn owner(read: &ReadEntry) -> Option<UserId> {
    if let Chain::User(user) = read.chain { Some(user) } else { None }
}

/// What was read of a source.
struct SourcePage {
    found: VecDeque<Found>,
    next: Option<Place>,
    /// The last of what was read.
    last: Option<Place>,
    /// How much was read.
    passed: usize,
}
