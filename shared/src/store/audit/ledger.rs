//! The ledger of a tenant: what changed of its configuration, who was forgotten, who read values.

use serde_json::Value;

use super::chain::{Head, NewEntry};
use super::users::HEAD;
use crate::domain::audit::{
    AuditSettings, Chain, Change, Detail, Entry, LedgerChain, Level, Operation, Restart,
    RestartCause,
};
use crate::domain::author::Author;
use crate::domain::definition::DefinitionKind;
use crate::domain::error::Result;
use crate::domain::field::pointer;
use crate::domain::id::TenantId;
use crate::domain::versioned::Version;
use crate::store::item::Item;
use crate::store::keys::{self, Key};
use crate::store::retry::Retry;
use crate::store::table::{Range, Table};
use crate::store::write::{CommitError, Condition, Write};

/// What an entry of the ledger tells.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was done.
    pub operation: Operation,
    /// What it was done to: `clients/<id>`, say, or the id of a user.
    pub target: Option<String>,
    /// The fields that changed.
    pub changes: Vec<Change>,
    /// What else is known, without personal data.
    pub facts: Option<Value>,
}

/// The end of a chain of the ledger.
#[derive(Default)]
struct LastOfLedger {
    /// The last entry.
    head: Option<Head>,
    /// Why the chain does not simply go on after it.
    restart: Option<Restart>,
    /// The sequence of the newest stored entry, authentic or not.
    taken: Option<Version>,
}

impl Record {
    /// What changed between two documents, member by member.
    #[must_use]
    pub fn of_documents(
        operation: Operation,
        target: String,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Self {
        let members = |document: Option<&Value>| {
            document.and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let (mut before, after) = (members(before), members(after));
        let there = |value: Option<Value>| value.filter(|value| !value.is_null());
        let mut changes = Vec::new();
        let at = |name: &str| pointer("", name);
        for (name, to) in after {
            let from = there(before.remove(&name));
            changes.extend(Change::of(at(&name), from, there(Some(to)), false));
        }
        for (name, from) in before {
            changes.extend(Change::of(at(&name), there(Some(from)), None, false));
        }
        Self { operation, target: Some(target), changes, facts: None }
    }

    /// Whether it is told at this level.
    fn is_told(&self, settings: &AuditSettings) -> bool {
        settings.level != Level::Off || self.operation.is_always_told()
    }
}

impl Table {
    /// The settings of a tenant's audit as they are now, in one read.
    pub async fn audit_settings(&self, tenant: &TenantId) -> Result<AuditSettings> {
        let key = Key::definition(tenant, DefinitionKind::Audit, AuditSettings::KEY);
        let stored = self.get(&key).await?;
        let settings = stored.map(|item| item.read::<AuditSettings>()).transpose()?;
        Ok(settings.map(|settings| settings.value).unwrap_or_default())
    }

    /// The head of a chain of the ledger, and the version of its item.
    pub async fn ledger_head(
        &self,
        tenant: &TenantId,
        chain: LedgerChain,
    ) -> Result<Option<(Head, Version)>> {
        let item = self.get(&Key::ledger_head(tenant, chain)).await?;
        Ok(item.and_then(|item| {
            let head = Head::parse(item.get_bytes(HEAD)?)?;
            Some((head, item.version()?))
        }))
    }

    /// The items of the heads of a tenant's ledger.
    pub(super) async fn heads_of_ledger(&self, tenant: &TenantId) -> Result<Vec<Item>> {
        let partition = keys::partition_of_ledger(tenant);
        self.query_all(&partition, Range::StartsWith("HEAD#")).await
    }

    /// The writes that append an entry to a chain of the ledger: the head, then the entry. Nothing
    /// if the tenant has no audit and the record is not one that is always told. Somebody who
    /// appends meanwhile makes the first one's condition fail.
    pub(in crate::store) async fn append(
        &self,
        author: &Author,
        settings: &AuditSettings,
        chain: LedgerChain,
        record: Record,
    ) -> Result<Vec<Write>> {
        if !record.is_told(settings) {
            return Ok(Vec::new());
        }
        let item = self.get(&Key::ledger_head(&author.tenant, chain)).await?;
        self.append_to(item, author, settings, chain, record).await
    }

    /// As [`Table::append`], given the head's item.
    async fn append_to(
        &self,
        item: Option<Item>,
        author: &Author,
        settings: &AuditSettings,
        chain: LedgerChain,
        record: Record,
    ) -> Result<Vec<Write>> {
        let (tenant, key) = (&author.tenant, self.audit_key().await?);
        let version = item.as_ref().and_then(Item::version);
        let LastOfLedger { head, restart, taken } =
            self.last_of_ledger(item.as_ref(), tenant, chain).await?;
        let sequence = version.max(taken).map_or(Version::FIRST, Version::next);
        let Record { operation, target, changes, facts } = record;
        let entry = Entry {
            via: author.via(),
            request_id: author.request_id.clone(),
            target,
            changes: changes.iter().map(Change::field).collect(),
            facts,
            ..Entry::new(self.env.clock.now(), operation, author.audit_actor())
        };
        let detail = Detail::of(author.note.clone(), changes);
        let place = (tenant, Chain::Ledger(chain), sequence);
        let new = NewEntry { entry, detail };
        let last = (head.as_ref(), restart);
        let (entry, next) = new.link((key, &self.env), settings, place, last)?;
        let log = item.map(|item| item.log()).unwrap_or_default();
        let guard = Item::at(&Key::ledger_head(tenant, chain))
            .guarded(sequence, &log)
            .bytes(HEAD, next.to_bytes());
        let condition = version.map_or(Condition::Absent, Condition::Version);
        // An entry that stands there already is never overwritten.
        Ok(vec![Write::Put(guard, condition), Write::Put(entry, Condition::Absent)])
    }

    /// The last entry of a chain, and why the chain does not simply go on after it: its head is
    /// gone, or was not written by the service. Then the newest entry that is there counts.
    async fn last_of_ledger(
        &self,
        item: Option<&Item>,
        tenant: &TenantId,
        chain: LedgerChain,
    ) -> Result<LastOfLedger> {
        let (key, chain) = (self.audit_key().await?, Chain::Ledger(chain));
        let head = item.and_then(|item| Head::parse(item.get_bytes(HEAD)?));
        let version = item.and_then(Item::version);
        let good =
            |head: &Head| Some(head.version) == version && head.is_authentic(key, tenant, chain);
        if let Some(head) = head.filter(good) {
            let taken = Some(head.sequence);
            return Ok(LastOfLedger { head: Some(head), restart: None, taken });
        }
        let newest = self.newest_entry(tenant, chain, None).await?;
        let cause = match (item, &newest) {
            (None, None) => return Ok(LastOfLedger::default()),
            (None, Some(_)) => RestartCause::Absent,
            (Some(_), _) => RestartCause::Changed,
        };
        let restart = Restart { cause, changed_at: None };
        let head = newest.as_ref().and_then(|newest| newest.as_head(key, tenant, chain));
        let taken = newest.map(|newest| newest.sequence);
        Ok(LastOfLedger { head, restart: Some(restart), taken })
    }

    /// Appends an entry to a chain of the ledger in a transaction of its own.
    pub async fn record(
        &self,
        author: &Author,
        settings: &AuditSettings,
        chain: LedgerChain,
        record: Record,
    ) -> Result<()> {
        if !record.is_told(settings) {
            return Ok(());
        }
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let item = self.get(&Key::ledger_head(&author.tenant, chain)).await?;
            if item.as_ref().is_some_and(|item| item.log().contains(write_id)) {
                return Ok(());
            }
            let writes = self.append_to(item, author, settings, chain, record.clone()).await?;
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}
