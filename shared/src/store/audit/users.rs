//! The entry of a user's write, and how the user's item names it.

use super::chain::{Head, NewEntry};
use super::key::AuditKey;
use crate::domain::audit::{
    AuditSettings, Chain, Change, Derivation, Detail, Entry, Level, Operation, Restart,
    RestartCause,
};
use crate::domain::author::Author;
use crate::domain::error::Result;
use crate::domain::id::{DefinitionId, TenantId};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::{Version, Versioned};
use crate::store::item::Item;
use crate::store::table::Table;
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
    pub(in crate::store) const fn puts_user(&self) -> bool {
        matches!(self.user, Write::Put(..))
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
        let (head, restart) = match before {
            None => (None, None),
            Some(before) => self.last_entry(key, tenant, before).await?,
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
            via: author.via(),
            request_id: author.request_id.clone(),
            changes: changes.iter().map(Change::field).collect(),
            derived: derivations(&changes, schema),
            ..Entry::new(at, operation, author.of_user(user).audit_actor())
        };
        let detail = Detail::of(author.note.clone(), changes);
        let place = (tenant, chain, next.version());
        let new = NewEntry { entry, detail };
        let last = (head.as_ref(), restart);
        let (item, head) = new.link((key, &self.env), &settings, place, last)?;
        Ok(Some((head.to_bytes(), Write::Put(item, Condition::Guarded))))
    }

    /// The last entry of a user, and why the chain does not simply go on after it, if it does not:
    /// then verification asks whether that can be (rule AU-07).
    async fn last_entry(
        &self,
        key: &AuditKey,
        tenant: &TenantId,
        before: &StoredUser,
    ) -> Result<(Option<Head>, Option<Restart>)> {
        let (chain, version) = (Chain::User(before.value.id), before.version());
        let head = before.head().and_then(Head::parse);
        let head = head.filter(|head| head.is_authentic(key, tenant, chain));
        let cause = match &head {
            Some(named) if named.version == version => return Ok((head, None)),
            Some(named) if named.version < version => RestartCause::Behind,
            _ if before.head().is_none() => RestartCause::Absent,
            _ => RestartCause::Changed,
        };
        let (head, cause) = if cause == RestartCause::Behind {
            (head, cause)
        } else {
            // An entry past this version is none of this chain: those before it are not behind it.
            match self.newest_entry(tenant, chain, Some(version.next())).await? {
                Some(newest) => match newest.as_head(key, tenant, chain) {
                    Some(head) => (Some(head), cause),
                    None => (None, RestartCause::Changed),
                },
                None => (None, cause),
            }
        };
        let restart = Restart { cause, changed_at: Some(before.value.updated_at) };
        Ok((head, Some(restart)))
    }

    /// The attribute of a user whose index entries alone change, which leaves no entry: it names the
    /// same last entry in the next version. `None` if it is to stay as it is.
    pub(in crate::store) async fn carried_head(
        &self,
        schema: &Schema,
        before: &StoredUser,
        next: Version,
    ) -> Result<Option<Vec<u8>>> {
        let head = before.head().and_then(Head::parse);
        let Some(head) = head.filter(|_| Self::is_audited(schema)) else { return Ok(None) };
        let (key, tenant) = (self.audit_key().await?, &schema.tenant);
        let chain = Chain::User(before.value.id);
        // What is wrong with it stays seen.
        let good = head.version == before.version() && head.is_authentic(key, tenant, chain);
        Ok(good.then(|| head.carried_to(next, key, tenant, chain).to_bytes()))
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
                let put = put_unchanged(&schema.tenant, user, &next, Some(&head));
                ChildGuard { user: put, entry: Some(entry) }
            }
        })
    }

    /// As [`Table::guard_child`], for a change that ends all sessions of the user: the user is
    /// written without an audit too.
    pub(in crate::store) async fn guard_signed_out(
        &self,
        author: &Author,
        schema: &Schema,
        user: &StoredUser,
        record: UserRecord,
    ) -> Result<ChildGuard> {
        let mut next = user.unchanged();
        next.value.signed_out = next.version().0;
        let entry = self.user_entry(author, schema, Some(user), &next, record).await?;
        let (head, entry) = entry.unzip();
        let head = head.as_deref().or_else(|| user.head());
        let put = put_unchanged(&schema.tenant, user, &next, head);
        Ok(ChildGuard { user: put, entry })
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
