//! One chain, walked from its newest entry to its oldest.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::chain::{Head, StoredEntry, listed_at};
use super::key::AuditKey;
use crate::domain::audit::{Chain, LedgerChain, Previous};
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
    pub(super) report: ChainReport,
}

impl<'w> ChainWalk<'w> {
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

    /// Starts at the head of the chain.
    pub(super) fn start(&mut self, head: Option<&[u8]>) -> Result<()> {
        let Some(bytes) = head else { return Ok(()) };
        let key = self.key()?;
        let Some(head) = Head::parse(bytes) else {
            self.fault(self.above, AuditFault::HeadChanged);
            return Ok(());
        };
        if !head.is_authentic(key, self.tenant, self.chain) || head.sequence >= self.above {
            self.fault(head.sequence, AuditFault::HeadChanged);
            return Ok(());
        }
        self.expected = Expected::Entry(head.previous());
        Ok(())
    }

    fn has_ended(&self, entry: &Previous) -> bool {
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
        let (mut ends, mut linked) = (None, true);
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
                ends = Some(entry.ends);
            }
        }
        self.report.entries += 1;
        good &= self.is_listed_right(item, &stored, ends);
        let entry = stored.entry.filter(|_| good);
        self.newest = self.newest.or(entry.as_ref().map(|entry| entry.at));
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
    fn is_listed_right(&self, item: &Item, stored: &StoredEntry, ends: Option<Timestamp>) -> bool {
        let seconds = item.ends().map(Timestamp::seconds);
        let never = matches!(self.chain, Chain::Ledger(LedgerChain::Forgets(_)));
        let ends_right = if never {
            seconds.is_none()
        } else {
            ends.is_none_or(|ends| seconds == Some(ends.seconds()))
        };
        let Chain::User(user) = self.chain else { return ends_right };
        let listed = item.get_text("gsi1pk").zip(item.get_text("gsi1sk"));
        let at = stored.entry.as_ref().map(|entry| entry.at);
        let listed_right = match (listed, at) {
            (None, _) => item.get_text("gsi1pk").or(item.get_text("gsi1sk")).is_none(),
            (Some((day, position)), Some(at)) => {
                let right = listed_at(self.tenant, user, at, stored.sequence);
                (day, position) == (right.0.as_str(), right.1.as_str())
            }
            (Some(_), None) => false,
        };
        ends_right && listed_right && item.get_text("holder") == Some(&user.to_string())
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
