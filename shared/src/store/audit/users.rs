//! The entry of a user's write, and how the user's item names it.

use super::chain::{Head, NewEntry, StoredEntry};
use super::key::AuditKey;
use crate::domain::audit::{
    AuditSettings, Chain, Change, Derivation, Detail, Entry, Level, Operation,
};
use crate::domain::author::Author;
use crate::domain::error::Result;
use crate::domain::id::{DefinitionId, TenantId, UserId};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::{Version, Versioned};
use crate::store::item::Item;
use crate::store::keys;
use crate::store::table::{Range, Table};
use crate::store::user_writes::put_unchanged;
use crate::store::users::StoredUser;
use crate::store::write::{Condition, Write};

/// The attribute of a user that names the last entry.
pub(in crate::store) const HEAD: &str = "audit";

/// What an entry tells of a write of a user.
pub(in crate::store) struct UserRecord {
    /// What was done; by the author's request if nothing else is said.
    pub operation: Option<Operation>,
    /// The fields that changed.
    pub changes: Vec<Change>,
}

/// What a transaction that changes a child of a user writes of the user: the put of the user, or the
/// check that was there before there was an audit, and the entry.
pub(in crate::store) struct ChildGuard {
    /// The write of the user's item.
    pub user: Write,
    /// The entry.
    pub entry: Option<Write>,
}

impl ChildGuard {
    /// Whether the user is written, and may therefore have been written by somebody else.
    pub(in crate::store) const fn is_audited(&self) -> bool {
        self.entry.is_some()
    }
}

impl Table {
    /// The entry of the write that makes `next` of `before`, and the attribute of the user that
    /// names it; nothing if the tenant has no audit.
    pub(in crate::store) async fn user_entry(
        &self,
        author: &Author,
        schema: &Schema,
        before: Option<&StoredUser>,
        next: &Versioned<User>,
        record: UserRecord,
    ) -> Result<Option<(Vec<u8>, Write)>> {
        let settings = schema.audit();
        if settings.level == Level::Off {
            return Ok(None);
        }
        let (tenant, user) = (&schema.tenant, next.value.id);
        let key = self.audit_key().await?;
        let chain = Chain::User(user);
        let head = match before {
            None => None,
            Some(before) => match before.head().and_then(Head::parse) {
                Some(head) => Some(head),
                // No entry yet, or an older version of the service wrote the user last.
                None => self.newest(key, tenant, user, before.version()).await?,
            },
        };
        // The time of a change of the profile is that of its last change; that of a child is now.
        let moved = before.is_none_or(|before| before.tag() != next.tag());
        let changed_at = next.value.updated_at;
        let at = if moved { changed_at } else { self.env.clock.now().max(changed_at) };
        let UserRecord { operation, changes } = record;
        let operation = match (operation, before) {
            (Some(operation), _) => operation,
            (None, None) => Operation::UserCreate,
            (None, Some(_)) => author.operation,
        };
        let entry = Entry {
            at,
            operation,
            actor: author.of_user(user).audit_actor(),
            via: author.via(),
            request_id: author.request_id.clone(),
            target: None,
            changes: changes.iter().map(Change::field).collect(),
            derived: derivations(&changes, schema),
            facts: None,
            previous: None,
        };
        let detail = Detail::of(author.note.clone(), changes);
        let place = (tenant, chain, next.version());
        let new = NewEntry { entry, detail };
        let (item, head) = new.link((key, &self.env), &settings, place, head.as_ref())?;
        Ok(Some((head.to_bytes(), Write::Put(item, Condition::Guarded))))
    }

    /// The newest entry before the next version of a user whose item names none.
    async fn newest(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        user: UserId,
        version: Version,
    ) -> Result<Option<Head>> {
        let partition = keys::partition_of_user(tenant, user);
        let range = Range::StartsWith(keys::Children::AuditEntries.prefix());
        // An entry past this version is none of this chain: those before it are not behind it.
        let after = keys::Child::AuditEntry(version.next()).to_string();
        let page = self.query_back(&partition, range, Some(&after), Some(1)).await?;
        let newest = page.items.first();
        let entry = newest.and_then(|item| Some((StoredEntry::read(item)?, item)));
        Ok(entry.map(|(entry, item)| entry.as_head(key, item, (tenant, Chain::User(user)))))
    }

    /// What a transaction that changes a child of this user writes of the user: with an audit the
    /// user in its next version and the entry, else the check that is `usual`.
    pub(in crate::store) async fn guard_child(
        &self,
        author: &Author,
        schema: &Schema,
        user: &StoredUser,
        record: UserRecord,
        usual: Write,
    ) -> Result<ChildGuard> {
        let next = user.unchanged();
        let entry = self.user_entry(author, schema, Some(user), &next, record).await?;
        Ok(match entry {
            None => ChildGuard { user: usual, entry: None },
            Some((head, entry)) => {
                let put = put_unchanged(&schema.tenant, user, &next, head);
                ChildGuard { user: put, entry: Some(entry) }
            }
        })
    }

    /// The settings by which a tenant's writes are audited, and whether they are at all.
    pub(in crate::store) fn is_audited(schema: &Schema) -> bool {
        let AuditSettings { level, .. } = schema.audit();
        level != Level::Off
    }
}

/// The workflows that moved some of these fields.
fn derivations(changes: &[Change], schema: &Schema) -> Vec<Derivation> {
    let mut found: Vec<Derivation> = Vec::new();
    for change in changes {
        let id = change.pointer.rsplit_once("/attributes/").map(|(_, id)| id);
        let definition = id.and_then(|id| schema.attributes.get(id));
        let derived = definition.and_then(|entry| entry.stored.value.derived.as_ref());
        let Some(workflow) = derived.map(|derived| derived.workflow_id) else { continue };
        match found.iter_mut().find(|known| known.workflow == workflow) {
            Some(known) => known.pointers.push(change.pointer.clone()),
            None => found.push(Derivation {
                workflow,
                revision: revision(workflow, schema),
                pointers: vec![change.pointer.clone()],
            }),
        }
    }
    found
}

fn revision(workflow: DefinitionId, schema: &Schema) -> u64 {
    schema.workflows.get(&workflow.to_string()).map_or(0, |entry| entry.stored.rev)
}

/// The item of a user with the name of its last entry.
pub(in crate::store) fn with_head(item: Item, head: Option<&[u8]>) -> Item {
    match head {
        Some(head) => item.bytes(HEAD, head.to_vec()),
        None => item,
    }
}
