//! A profile as it was: its entries taken back until the version or the time that is asked for.

use std::collections::{BTreeSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::chain::{Head, StoredEntry};
use super::key::AuditKey;
use crate::domain::audit::{Chain, ChangeKind, ChangedField, Detail, Entry, Past, Previous};
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::user::User;
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::item::Item;
use crate::store::table::Table;
use crate::store::users::StoredUser;

/// How many entries are read at once.
const READ_AT_ONCE: usize = 50;

const NOT_KEPT: &str = "the audit did not keep the values of every change since then; ask for a later \
                        version";
const UNREADABLE: &str =
    "an audit entry between then and now cannot be read; run `kith audit verify`";

/// When a profile is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As of this version.
    Version(Version),
    /// As of this time.
    Time(Timestamp),
}

/// A profile as it was.
#[derive(Clone, Debug)]
pub struct PastProfile {
    /// The profile, with whatever the unknown fields have now.
    pub user: User,
    /// The stored pointers whose value then is not known.
    pub unknown: BTreeSet<String>,
    /// Its version.
    pub version: Version,
}

/// An entry of the way back.
struct Step {
    sequence: Version,
    mac: String,
    entry: Entry,
    detail: Detail,
}

/// The entries of a user from the newest on.
struct WayBack<'w> {
    table: &'w Table,
    key: &'w AuditKey,
    tenant: &'w TenantId,
    chain: Chain,
    read: VecDeque<Item>,
    next: Option<String>,
    ended: bool,
}

impl WayBack<'_> {
    async fn step(&mut self) -> Result<Option<Step>> {
        while self.read.is_empty() && !self.ended {
            let after = self.next.take();
            let page = self
                .table
                .chain_back(self.tenant, self.chain, after.as_deref(), READ_AT_ONCE)
                .await?;
            self.ended = page.next.is_none();
            self.next = page.next;
            self.read.extend(page.items);
        }
        let Some(item) = self.read.pop_front() else { return Ok(None) };
        let unreadable = || Error::Conflict(UNREADABLE.to_owned());
        let stored = StoredEntry::read(&item).ok_or_else(unreadable)?;
        if !stored.is_authentic(self.key, self.tenant, self.chain) {
            return Err(unreadable());
        }
        let detail = stored.open(self.key, self.tenant, self.chain).ok_or_else(unreadable)?;
        let entry = stored.entry.ok_or_else(unreadable)?;
        let (sequence, mac) = (stored.sequence, URL_SAFE_NO_PAD.encode(&stored.mac));
        Ok(Some(Step { sequence, mac, entry, detail }))
    }
}

impl Moment {
    fn is_reached(self, sequence: Version, at: Timestamp) -> bool {
        match self {
            Self::Version(version) => sequence <= version,
            Self::Time(time) => at <= time,
        }
    }

    /// Whether the profile before the write of this sequence is the one that is asked for.
    fn is_just_before(self, sequence: Version) -> bool {
        matches!(self, Self::Version(version) if version.next() == sequence)
    }
}

fn ended() -> Error {
    let detail = "the audit entries that lead back to then have ended, or the audit began later; ask for \
                  a later version, and see the oldest entry at GET /identity/users/{user_id}/audit";
    Error::AuditEnded(detail)
}

/// What was taken back last, and what it says of the entry before.
struct Above {
    /// Its sequence; above the newest entry the version after that of the user.
    sequence: Version,
    /// The entry that has to be next.
    previous: Option<Previous>,
    /// Whether all changes between the two are known: without an entry only index entries changed.
    /// Not so if the audit was off, or if an older version of the service wrote.
    complete: bool,
}

impl Above {
    /// What the user's item says of the newest entry.
    fn of_user(user: &StoredUser, key: &AuditKey, tenant: &TenantId) -> Result<Self> {
        let (version, chain) = (user.version(), Chain::User(user.value.id));
        let head = user.head().map(|bytes| {
            let head = Head::parse(bytes).filter(|head| head.is_authentic(key, tenant, chain));
            head.ok_or_else(|| Error::Conflict(UNREADABLE.to_owned()))
        });
        let head = head.transpose()?;
        let complete = head.as_ref().is_some_and(|head| head.version == version);
        Ok(Self { sequence: version.next(), previous: head.map(|head| head.previous()), complete })
    }

    fn is_followed_by(&self, step: &Step) -> bool {
        let named = |entry: &Previous| entry.sequence == step.sequence && entry.mac == step.mac;
        self.previous.as_ref().is_some_and(named)
    }

    /// Refuses a gap in which something may have changed that no entry tells of.
    fn check(&self) -> Result<()> {
        if self.complete { Ok(()) } else { Err(Error::Conflict(NOT_KEPT.to_owned())) }
    }
}

/// Refuses an entry whose values the tenant did not keep.
fn check_kept(step: &Step) -> Result<()> {
    let needed = |field: &ChangedField| !field.secret && field.kind != ChangeKind::Added;
    if step.detail.values.is_empty() && step.entry.changes.iter().any(needed) {
        return Err(Error::Conflict(NOT_KEPT.to_owned()));
    }
    Ok(())
}

impl Table {
    /// A user's profile as it was. Not found before the user was created.
    pub async fn profile_at(
        &self,
        tenant: &TenantId,
        key: &AuditKey,
        user: &StoredUser,
        moment: Moment,
    ) -> Result<PastProfile> {
        let newest = user.version();
        let exists = match moment {
            Moment::Version(version) => (Version::FIRST..=newest).contains(&version),
            Moment::Time(time) => time >= user.value.created_at,
        };
        if !exists {
            return Err(Error::NotFound);
        }
        let mut past = Past::of(&user.value)?;
        let chain = Chain::User(user.value.id);
        let (read, next) = (VecDeque::new(), None);
        let mut way = WayBack { table: self, key, tenant, chain, read, next, ended: false };
        let mut above = Above::of_user(user, key, tenant)?;
        let landing = loop {
            let step = way.step().await?;
            // Somebody may have written since the user was read.
            let step = step.filter(|step| step.sequence < above.sequence);
            let Some(step) = step else {
                if !way.ended || !way.read.is_empty() {
                    continue;
                }
                break None;
            };
            let exact = moment.is_just_before(above.sequence);
            if !above.is_followed_by(&step) {
                // An older version of the service wrote last, which names no entry.
                if above.sequence > newest && above.previous.is_none() && !exact {
                    above.check()?;
                }
                break None;
            }
            let reached = moment.is_reached(step.sequence, step.entry.at);
            if step.sequence.next() < above.sequence && !(reached && exact) {
                above.check()?;
            }
            if reached {
                break Some(step);
            }
            check_kept(&step)?;
            past.take_back(&step.entry, &step.detail);
            let complete = step.entry.restart.is_none();
            above = Above { sequence: step.sequence, previous: step.entry.previous, complete };
        };
        let (lowest, untouched) = (above.sequence, above.sequence > newest);
        let now = self.env.clock.now();
        let missing = above.previous.as_ref().is_some_and(|entry| entry.ends > now);
        if landing.is_none() && missing && !moment.is_just_before(lowest) {
            return Err(Error::Conflict(UNREADABLE.to_owned()));
        }
        let version = match (moment, &landing) {
            (Moment::Version(version), Some(_)) => version,
            (Moment::Version(version), None) if moment.is_just_before(lowest) => version,
            (Moment::Time(_), Some(_)) if untouched => newest,
            (Moment::Time(_), Some(step)) => step.sequence,
            (Moment::Time(_), None) if lowest == Version::FIRST => return Err(Error::NotFound),
            (_, None) => return Err(ended()),
        };
        // In a gap that ends just above, something may have changed that no entry tells of.
        let certain = landing.filter(|step| step.sequence == version || above.complete);
        let updated_at = if past.has_moved() {
            changed_at(&mut way, certain).await?
        } else {
            Some(user.value.updated_at)
        };
        let (user, unknown) = past.end(updated_at)?;
        Ok(PastProfile { user, unknown, version })
    }
}

/// When the profile was last changed by this entry or one before it.
async fn changed_at(way: &mut WayBack<'_>, landing: Option<Step>) -> Result<Option<Timestamp>> {
    let Some(mut step) = landing else { return Ok(None) };
    while !Past::concerns(&step.entry) {
        if step.entry.restart.is_some() {
            return Ok(None);
        }
        let previous = step.entry.previous.as_ref().map(|previous| previous.sequence);
        match way.step().await? {
            Some(next) if previous == Some(next.sequence) => step = next,
            _ => return Ok(None),
        }
    }
    Ok(Some(step.entry.at))
}
