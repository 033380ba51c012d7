//! One chain, walked from its newest entry to its oldest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::chain::{Head, NEVER, StoredEntry, listed_at};
use super::key::AuditKey;
use crate::domain::audit::{AuditTimes, Chain, Entry, Previous, RestartCause};
use crate::domain::error::{Error, Result};
use crate::domain::id::TenantId;
use crate::domain::string_enum::string_enum;
use crate::domain::versioned::Version;
use crate::env::Timestamp;
use crate::store::item::Item;

string_enum! {
    /// What is wrong with a chain.
    AuditFault {
        /// The item that guards the chain does not name its last entry any more.
        HeadMissing = "head-missing",
        /// What the guarding item says of the last entry was not written by the service.
        HeadChanged = "head-changed",
        /// There is no such entry, and its time is not over.
        EntryMissing = "entry-missing",
        /// The entry is not as the service wrote it.
        EntryChanged = "entry-changed",
        /// Nothing in the chain leads to the entry.
        EntryAdded = "entry-added",
        /// The guarding item did not lead to the entry before this one, though the audit was on.
        Restarted = "restarted",
    }
}

/// The results of the verification of one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Entries that were verified.
    pub entries: u64,
    /// How often sequences are missing for a reason that is no fault.
    pub gaps: u64,
    /// What is wrong, by sequence.
    pub faults: BTreeMap<Version, AuditFault>,
}

impl ChainReport {
    /// Leaves out entries above the version at which a chain was read that grows all the time.
    pub(super) fn forgive_growth(&mut self, version: Version) {
        let grown = |at: Version, fault| fault == AuditFault::EntryAdded && at > version;
        self.faults.retain(|at, fault| !grown(*at, *fault));
    }
}

/// What the next entry of a chain has to be.
pub(super) enum Expected {
    /// This one.
    Entry(Previous),
    /// None: the entry after it was the first.
    Nothing,
    /// Nobody knows: the guarding item or the entry after it is at fault.
    Anything,
}

/// A chain as it is verified.
pub(super) struct ChainWalk<'w> {
    pub(super) key: Option<&'w AuditKey>,
    pub(super) tenant: &'w TenantId,
    pub(super) chain: Chain,
    pub(super) now: Timestamp,
    pub(super) expected: Expected,
    /// The sequence above the next entry.
    pub(super) above: Version,
    /// The time of the newest entry that is as the service wrote it.
    pub(super) newest: Option<Timestamp>,
    /// When the tenant's audit was on.
    pub(super) times: &'w AuditTimes,
    /// The entry above the next one, and its time, if the guarding item did not lead to the next.
    pub(super) restarted: Option<(Version, Timestamp)>,
    pub(super) report: ChainReport,
}

impl<'w> ChainWalk<'w> {
    /// A walk that expects this entry, below `above`.
    pub(super) fn of(
        (key, times): (Option<&'w AuditKey>, &'w AuditTimes),
        (tenant, chain): (&'w TenantId, Chain),
        now: Timestamp,
        (expected, above): (Expected, Version),
    ) -> Self {
        let (newest, restarted, report) = (None, None, ChainReport::default());
        Self { key, tenant, chain, now, expected, above, newest, times, restarted, report }
    }

    pub(super) fn fault(&mut self, sequence: Version, fault: AuditFault) {
        self.report.faults.entry(sequence).or_insert(fault);
    }

    fn key(&self) -> Result<&'w AuditKey> {
        self.key.ok_or_else(|| {
            let detail = "there are audit entries, but the key of the audit (`K#audit`) is not in \
                          the table: nothing can be verified without it";
            Error::Conflict(detail.to_owned())
        })
    }

    /// Starts at the head of the chain; the version of the guarding item in which it was written.
    pub(super) fn start(&mut self, head: Option<&[u8]>) -> Result<Option<Version>> {
        let Some(bytes) = head else { return Ok(None) };
        let key = self.key()?;
        let Some(head) = Head::parse(bytes) else {
            self.fault(self.above, AuditFault::HeadChanged);
            return Ok(None);
        };
        if !head.is_authentic(key, self.tenant, self.chain) || head.version >= self.above {
            self.fault(head.sequence, AuditFault::HeadChanged);
            return Ok(None);
        }
        self.expected = Expected::Entry(head.previous());
        Ok(Some(head.version))
    }

    /// Judges an entry that says that the guarding item did not lead to the one before it.
    fn judge_restart(&mut self, sequence: Version, entry: &Entry) {
        if let Some((above, at)) = self.restarted.take()
            && self.times.were_on(entry.at, at)
        {
            self.fault(above, AuditFault::Restarted);
        }
        let Some(restart) = entry.restart else { return };
        self.restarted = entry.previous.is_some().then_some((sequence, entry.at));
        let was_on = |changed_at| self.times.were_on(changed_at, entry.at);
        if restart.cause == RestartCause::Changed || restart.changed_at.is_none_or(was_on) {
            self.fault(sequence, AuditFault::Restarted);
        }
    }

    pub(super) fn has_ended(&self, entry: &Previous) -> bool {
        entry.ends.seconds() <= self.now.seconds()
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, item: &Item) -> Result<()> {
        let key = self.key()?;
        let Some(stored) = StoredEntry::read(item) else {
            self.fault(Version(0), AuditFault::EntryAdded);
            return Ok(());
        };
        let sequence = stored.sequence;
        let mut good = stored.is_authentic(key, self.tenant, self.chain);
        // What no code covers opens what one does.
        good &= stored.open(key, self.tenant, self.chain).is_some();
        let mut linked = true;
        match std::mem::replace(&mut self.expected, Expected::Anything) {
            Expected::Anything if sequence >= self.above => {
                self.fault(sequence, AuditFault::EntryAdded);
                return Ok(());
            }
            Expected::Anything => {}
            Expected::Nothing => {
                self.fault(sequence, AuditFault::EntryAdded);
                self.expected = Expected::Nothing;
                return Ok(());
            }
            Expected::Entry(entry) if sequence > entry.sequence => {
                self.fault(sequence, AuditFault::EntryAdded);
                self.expected = Expected::Entry(entry);
                return Ok(());
            }
            Expected::Entry(entry) if sequence < entry.sequence => {
                linked = false;
                if !self.has_ended(&entry) {
                    self.fault(entry.sequence, AuditFault::EntryMissing);
                }
            }
            Expected::Entry(entry) => {
                good &= URL_SAFE_NO_PAD.encode(&stored.mac) == entry.mac;
                let ends = stored.entry.as_ref().map(|entry| entry.ends.unwrap_or(NEVER));
                good &= ends == Some(entry.ends);
            }
        }
        self.report.entries += 1;
        good &= self.is_listed_right(item, &stored);
        let entry = stored.entry.filter(|_| good);
        if let Some(entry) = &entry {
            self.newest = self.newest.or(Some(entry.at));
            self.judge_restart(sequence, entry);
        }
        let previous = entry.map(|entry| entry.previous);
        if previous.is_none() {
            self.fault(sequence, AuditFault::EntryChanged);
        }
        self.report.gaps += u64::from(linked && sequence.next() < self.above);
        self.above = sequence;
        self.expected = match previous {
            Some(Some(previous)) => Expected::Entry(previous),
            Some(None) => Expected::Nothing,
            None => Expected::Anything,
        };
        Ok(())
    }

    /// Whether what no code covers says the same as what one does: the holder, the end and the
    /// place in the index.
    fn is_listed_right(&self, item: &Item, stored: &StoredEntry) -> bool {
        let Some(entry) = &stored.entry else { return false };
        let ends = item.is_marked("expires_at").then(|| item.ends().map(Timestamp::seconds));
        if ends != entry.ends.map(|ends| Some(ends.seconds())) {
            return false;
        }
        let Chain::User(user) = self.chain else { return true };
        let (day, position) = listed_at(self.tenant, user, entry.at, stored.sequence);
        let due = |text| entry.listed.then_some(text);
        item.get_text("gsi1pk") == due(day.as_str())
            && item.get_text("gsi1sk") == due(position.as_str())
            && item.get_text("holder") == Some(&user.to_string())
    }

    /// Looks at what had still to come after the last entry.
    pub(super) fn finish(mut self) -> ChainReport {
        let missing = match &self.expected {
            Expected::Entry(entry) if !self.has_ended(entry) => Some(entry.sequence),
            _ => None,
        };
        if let Some(missing) = missing {
            self.fault(missing, AuditFault::EntryMissing);
        }
        self.report
    }
}
