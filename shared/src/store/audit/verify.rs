//! The verification of chains: that no entry was changed, removed, swapped or added since the
//! service wrote it.
//!
//! The item that guards a chain is read first, then the entries, newest first. An entry may be gone
//! once its time is over, which the entry after it says (rule AU-11). Sequences without an entry are
//! no fault: the audit was off, or only index entries changed. When the audit was on is taken from
//! the entries of the settings, and not from the settings, which no code covers. The time is read
//! once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::chain::{Head, StoredEntry};
use super::chain_walk::{AuditFault, ChainReport, ChainWalk, Expected};
use super::key::AuditKey;
use super::read::start_of;
use super::users::HEAD;
use crate::domain::audit::{AuditTimes, Chain, LedgerChain, Previous};
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::domain::user::User;
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::forget::is_unfinished;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::listing::{ChangeWindow, WalkPosition};
use crate::store::table::{Range, Table};

/// How many entries are read at once.
const READ_AT_ONCE: usize = 100;
/// How often a chain is verified anew that grows meanwhile.
const TURNS: usize = 5;

/// The results of the verification of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Users whose chains were verified.
    pub users: u64,
    /// Chains of the ledger that were.
    pub ledgers: u64,
    /// The entries of all of them.
    pub entries: u64,
    /// How often sequences are missing for a reason that is no fault.
    pub gaps: u64,
    /// What is wrong.
    pub faults: Vec<(Chain, Version, AuditFault)>,
}

impl AuditReport {
    /// The report of one user.
    #[must_use]
    pub fn of_user(user: UserId, found: ChainReport) -> Self {
        let mut report = Self { users: 1, ..Self::default() };
        report.add(Chain::User(user), found);
        report
    }

    /// The first fault: that with the lowest sequence of the first chain with one.
    #[must_use]
    pub fn first_fault(&self) -> Option<(Chain, Version, AuditFault)> {
        self.faults.first().copied()
    }

    /// Adds the results of another verification.
    pub fn join(&mut self, other: Self) {
        self.users += other.users;
        self.ledgers += other.ledgers;
        self.entries += other.entries;
        self.gaps += other.gaps;
        self.faults.extend(other.faults);
    }

    fn add(&mut self, chain: Chain, report: ChainReport) {
        self.entries += report.entries;
        self.gaps += report.gaps;
        let faults = report.faults.into_iter();
        self.faults.extend(faults.map(|(sequence, fault)| (chain, sequence, fault)));
    }
}

/// Where the verification of a tenant goes on: in the ledger, then among the users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyPosition {
    /// How many chains of the ledger were verified.
    ledgers: usize,
    /// In the chain after them: the entry that is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<Previous>,
    /// Where the walk over the users goes on.
    users: WalkPosition,
}

impl VerifyPosition {
    /// Whether everything was verified.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        self.users.is_end()
    }

    /// Whether all chains of the ledger were verified, and users are next.
    #[must_use]
    pub fn is_among_users(&self) -> bool {
        self.ledgers >= LedgerChain::all().count()
    }

    /// The first chain of the ledger again, and the users where the walk over them is: their first
    /// one again after the last.
    #[must_use]
    pub fn next_day(&self) -> Self {
        let users = if self.is_end() { WalkPosition::default() } else { self.users.clone() };
        Self { ledgers: 0, entry: None, users }
    }
}

impl Table {
    /// The key of the audit if there is one. It is not made: what it did not write cannot be
    /// verified by it.
    pub async fn find_audit_key(&self) -> Result<Option<&AuditKey>> {
        match self.get(&Key::audit_key()).await? {
            Some(_) => self.audit_key().await.map(Some),
            None => Ok(None),
        }
    }

    /// Walks over a chain, from its newest entry or another one on; the entry that is next if
    /// `until` has come before its end.
    async fn walk_chain(
        &self,
        walk: &mut ChainWalk<'_>,
        from: Option<&Previous>,
        until: Option<Timestamp>,
    ) -> Result<Option<Previous>> {
        let (tenant, chain) = (walk.tenant, walk.chain);
        let first = Key::audit_entry(tenant, chain, Version(0));
        let start = start_of(&first);
        let above = |entry: &Previous| {
            Key::audit_entry(tenant, chain, entry.sequence.next()).sk().to_owned()
        };
        let mut after = from.map(above);
        let now = walk.now;
        loop {
            let limit = i32::try_from(READ_AT_ONCE).ok();
            let range = Range::StartsWith(start);
            let page = self.query_back(first.pk(), range, after.as_deref(), limit).await?;
            for item in page.items.iter().filter(|item| !item.is_expired(now)) {
                walk.take(item)?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(None);
            }
            if let Expected::Entry(entry) = &walk.expected
                && until.is_some_and(|until| self.env.clock.now() >= until)
            {
                return Ok(Some(entry.clone()));
            }
        }
    }

    /// Verifies the chain of a user; nothing if there is no such user, or if an erasure is under
    /// way.
    pub async fn verify_user(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Option<ChainReport>> {
        let key = self.find_audit_key().await?;
        let times = self.audit_times(key, tenant).await?;
        self.verify_chain_of(key, tenant, &times, user).await
    }

    /// When the tenant's audit was on, by the entries of its settings that the service wrote. What is
    /// wrong with this chain is found by its own verification.
    pub(super) async fn audit_times(
        &self,
        key: Option<&AuditKey>,
        tenant: &TenantId,
    ) -> Result<AuditTimes> {
        let mut times = AuditTimes::default();
        let Some(key) = key else { return Ok(times) };
        let chain = Chain::Ledger(LedgerChain::Settings);
        let first = Key::audit_entry(tenant, chain, Version(0));
        let range = Range::StartsWith(start_of(&first));
        let items = self.query_all(first.pk(), range).await?;
        let entries = items.iter().filter_map(StoredEntry::read);
        for stored in entries.filter(|stored| stored.is_authentic(key, tenant, chain)) {
            if let Some(entry) = stored.entry.filter(|entry| entry.operation.is_of_settings()) {
                times.take(entry.at, entry.facts.as_ref());
            }
        }
        Ok(times)
    }

    /// Whether the audit of the tenant was ever on or set.
    pub async fn has_audit(&self, tenant: &TenantId) -> Result<bool> {
        Ok(self.get(&Key::ledger_head(tenant, LedgerChain::Settings)).await?.is_some())
    }

    /// The heads of all chains of a tenant's ledger as log lines name them: the chain, the sequence,
    /// and the start of the last entry's code.
    pub async fn ledger_heads_in_words(&self, tenant: &TenantId) -> Result<Vec<String>> {
        let heads = self.ledger_heads(tenant).await?;
        let in_words = |(chain, head): (&LedgerChain, &Head)| {
            let code = URL_SAFE_NO_PAD.encode(head.entry);
            format!("{chain}:{}:{}", head.sequence.0, code.get(..16).unwrap_or_default())
        };
        Ok(heads.iter().map(in_words).collect())
    }

    /// The heads of a tenant's ledger.
    pub(super) async fn ledger_heads(
        &self,
        tenant: &TenantId,
    ) -> Result<BTreeMap<LedgerChain, Head>> {
        let heads = self.heads_of_ledger(tenant).await?;
        let head = |item: &Item| {
            let chain = item.key().sk().strip_prefix("HEAD#")?.parse().ok()?;
            Some((chain, Head::parse(item.get_bytes(HEAD)?)?))
        };
        Ok(heads.iter().filter_map(head).collect())
    }

    async fn verify_chain_of(
        &self,
        key: Option<&AuditKey>,
        tenant: &TenantId,
        times: &AuditTimes,
        user: UserId,
    ) -> Result<Option<ChainReport>> {
        let (now, mut turn) = (self.env.clock.now(), 0);
        loop {
            let Some(item) = self.get(&Key::user(tenant, user)).await? else { return Ok(None) };
            if is_unfinished(&item) {
                return Ok(None);
            }
            let version = item.version().unwrap_or(Version::FIRST);
            let chain = Chain::User(user);
            let expected = (Expected::Anything, version.next());
            let mut walk = ChainWalk::of((key, times), (tenant, chain), now, expected);
            let head = item.get_bytes(HEAD);
            let named_in = walk.start(head)?;
            let ended = matches!(&walk.expected, Expected::Entry(newest) if walk.has_ended(newest));
            if item.is_tombstone() {
                // The entries are gone with the person.
                walk.expected = Expected::Nothing;
            }
            self.walk_chain(&mut walk, None, None).await?;
            if let Some(changed_at) = changed_at(&item) {
                let newest = walk.newest;
                let was_on = |at| times.were_on(at, now);
                let behind = named_in.is_some_and(|named_in| named_in < version);
                if head.is_none() && times.were_on(changed_at, changed_at) {
                    walk.fault(version, AuditFault::HeadMissing);
                } else if behind && was_on(newest.unwrap_or(changed_at)) {
                    walk.fault(version, AuditFault::HeadChanged);
                }
                // An earlier name of the last entry was put back, and the entries after it were
                // taken away. The last entry may have ended before older ones do.
                let after = !ended && newest.is_some_and(|newest| changed_at > newest);
                if after && times.were_on(changed_at, changed_at) {
                    walk.fault(version, AuditFault::EntryMissing);
                }
            }
            let mut report = walk.finish();
            turn += 1;
            if turn == TURNS {
                report.forgive_growth(version);
            }
            if report.faults.is_empty() || turn == TURNS {
                return Ok(Some(report));
            }
            // Somebody may have written meanwhile.
            let again = self.get(&Key::user(tenant, user)).await?;
            if again.is_some_and(|again| again.version() == Some(version)) {
                return Ok(Some(report));
            }
        }
    }

    /// Verifies a tenant from a position on, until `until` has come, with at most so many users: the
    /// chains of the ledger first. Returns where to go on.
    pub async fn verify_tenant(
        &self,
        tenant: &TenantId,
        mut position: VerifyPosition,
        until: Timestamp,
        most_users: usize,
    ) -> Result<(AuditReport, VerifyPosition)> {
        let key = self.find_audit_key().await?;
        let times = self.audit_times(key, tenant).await?;
        let mut report = AuditReport::default();
        let is_due = || self.env.clock.now() < until;
        while let Some(chain) = LedgerChain::all().nth(position.ledgers) {
            if !is_due() {
                return Ok((report, position));
            }
            let entry = position.entry.take();
            let (found, next) =
                self.verify_ledger((key, &times), tenant, chain, entry, until).await?;
            report.add(Chain::Ledger(chain), found);
            if next.is_some() {
                position.entry = next;
                return Ok((report, position));
            }
            report.ledgers += 1;
            position.ledgers += 1;
        }
        let mut left = most_users;
        while !position.users.is_end() && left > 0 && is_due() {
            let window = ChangeWindow::default();
            let limit = left.min(READ_AT_ONCE);
            // They may change while a large tenant is verified.
            let times = self.audit_times(key, tenant).await?;
            let page = self.walk_listing(tenant, window, &position.users, limit).await?;
            let mut next = page.next;
            for (user, place) in page.users {
                let found = self.verify_chain_of(key, tenant, &times, user).await?;
                if let Some(found) = found {
                    report.users += 1;
                    report.add(Chain::User(user), found);
                }
                left = left.saturating_sub(1);
                if !is_due() {
                    next = place;
                    break;
                }
            }
            position.users = next;
        }
        Ok((report, position))
    }

    /// Verifies a chain of the ledger, from its head or from an entry on; the entry at which to go
    /// on if `until` has come.
    async fn verify_ledger(
        &self,
        (key, times): (Option<&AuditKey>, &AuditTimes),
        tenant: &TenantId,
        chain: LedgerChain,
        entry: Option<Previous>,
        until: Timestamp,
    ) -> Result<(ChainReport, Option<Previous>)> {
        let (now, mut turn) = (self.env.clock.now(), 0);
        let guard = Key::ledger_head(tenant, chain);
        loop {
            let item = self.get(&guard).await?.unwrap_or_default();
            let version = item.version();
            let expected = match &entry {
                Some(entry) => (Expected::Entry(entry.clone()), entry.sequence.next()),
                None => (Expected::Anything, version.unwrap_or(Version(0)).next()),
            };
            let chain = Chain::Ledger(chain);
            let mut walk = ChainWalk::of((key, times), (tenant, chain), now, expected);
            if entry.is_none() {
                match item.get_bytes(HEAD) {
                    Some(head) => {
                        let named_in = walk.start(Some(head))?;
                        if let Some(named_in) = named_in.filter(|at| Some(*at) != version) {
                            walk.fault(named_in, AuditFault::HeadChanged);
                        }
                    }
                    // A chain without a head has no entry.
                    None => walk.expected = Expected::Nothing,
                }
            }
            let next = self.walk_chain(&mut walk, entry.as_ref(), Some(until)).await?;
            let mut report = if next.is_some() { walk.report } else { walk.finish() };
            turn += 1;
            if turn == TURNS {
                report.forgive_growth(version.unwrap_or(Version(0)));
            }
            let again = if report.faults.is_empty() || turn == TURNS || entry.is_some() {
                None
            } else {
                self.get(&guard).await?
            };
            if again.is_none_or(|again| again.version() == version) {
                return Ok((report, next));
            }
        }
    }
}

/// When the profile was last changed; `None` for a tombstone.
fn changed_at(item: &Item) -> Option<Timestamp> {
    Some(item.read::<User>().ok()?.value.updated_at)
}
