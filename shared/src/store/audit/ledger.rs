//! The ledger of a tenant: what changed of its configuration, who was forgotten, who read values.

use serde_json::Value;

use super::chain::{Head, NewEntry};
use crate::domain::audit::{
    AuditSettings, Chain, Change, Detail, Entry, LedgerChain, Level, Operation,
};
use crate::domain::author::Author;
use crate::domain::definition::DefinitionKind;
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::Version;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::retry::Retry;
use crate::store::table::Table;
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
        let at = |name: &str| crate::domain::field::pointer("", name);
        for (name, to) in after {
            let from = there(before.remove(&name));
            changes.extend(Change::of(at(&name), from, there(Some(to)), false));
        }
        for (name, from) in before {
            changes.extend(Change::of(at(&name), there(Some(from)), None, false));
        }
        Self { operation, target: Some(target), changes, facts: None }
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
            let head = Head::parse(item.get_bytes("audit")?)?;
            Some((head, item.version()?))
        }))
    }

    /// The writes that append an entry to a chain of the ledger: the head, then the entry. Nothing
    /// if the tenant has no audit. Somebody who appends meanwhile makes the first one's condition
    /// fail.
    pub(in crate::store) async fn append(
        &self,
        author: &Author,
        settings: &AuditSettings,
        chain: LedgerChain,
        record: Record,
    ) -> Result<Vec<Write>> {
        if settings.level == Level::Off {
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
        let head = item.as_ref().and_then(|item| Head::parse(item.get_bytes("audit")?));
        let version = item.as_ref().and_then(Item::version);
        let sequence = version.map_or(Version::FIRST, Version::next);
        let Record { operation, target, changes, facts } = record;
        let entry = Entry {
            at: self.env.clock.now(),
            operation,
            actor: author.audit_actor(),
            via: author.via(),
            request_id: author.request_id.clone(),
            target,
            changes: changes.iter().map(Change::field).collect(),
            derived: Vec::new(),
            facts,
            previous: None,
        };
        let detail = Detail::of(author.note.clone(), changes);
        let place = (tenant, Chain::Ledger(chain), sequence);
        let new = NewEntry { entry, detail };
        let (entry, next) = new.link((key, &self.env), settings, place, head.as_ref())?;
        let log = item.map(|item| item.log()).unwrap_or_default();
        let guard = Item::at(&Key::ledger_head(tenant, chain))
            .guarded(sequence, &log)
            .bytes("audit", next.to_bytes());
        let condition = version.map_or(Condition::Absent, Condition::Version);
        Ok(vec![Write::Put(guard, condition), Write::Put(entry, Condition::Guarded)])
    }

    /// Appends an entry to a chain of the ledger in a transaction of its own.
    pub async fn record(
        &self,
        author: &Author,
        settings: &AuditSettings,
        chain: LedgerChain,
        record: Record,
    ) -> Result<()> {
        if settings.level == Level::Off {
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
