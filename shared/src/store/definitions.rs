//! Definitions in the table: one query loads a tenant's configuration, and each change of it moves
//! the partition's epoch.
//!
//! A change is decided on all definitions as they are and committed together with the epoch under
//! the version that was read: changes of one tenant are one after another, so names stay unique and
//! no category goes while an attribute is put into it.

use std::sync::PoisonError;

use super::item::Item;
use super::keys::{self, Key};
use super::retry::Retry;
use super::table::{Range, Table};
use super::write::{CommitError, Condition, MAX_WRITES, Write};
use crate::domain::audit::AuditSettings;
use crate::domain::author::{Author, Writer};
use crate::domain::consent::Consent;
use crate::domain::definition::{
    AttributeDefinition, Category, Definition, DefinitionKind, PersonaDefinition,
    UserProfileDefinition, Workflow,
};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::TenantId;
use crate::domain::people::SignInSettings;
use crate::domain::schema::{Epoch, LookupForms, Schema, StoredDefinition};
use crate::domain::scope::Scope;
use crate::domain::sso::{Application, AuthenticationServer};
use crate::domain::system::System;
use crate::domain::versioned::{Version, Versioned, WriteLog, content};

/// The edit of a definition.
pub enum DefinitionEdit<T> {
    /// It is new.
    Create(T),
    /// It changes.
    Replace(T),
    /// Nothing changes.
    Keep,
    /// Deletes it, if no user was ever given a value of it.
    Delete,
    /// Deletes it, after a walk has found that no user has a value of it and none can get one.
    Purge,
}

/// A definition or value that no user holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// A value or persona of a definition that takes no new assignments: it can be deleted (rule
    /// D6).
    Definition(DefinitionKind, String),
    /// These deprecated values of an attribute: they can be removed.
    Values(String, Vec<String>),
}

impl Unused {
    /// The mark of it at its definition, as that was loaded.
    fn mark(&self, schema: &Schema) -> Option<Write> {
        let key = |kind, id: &str| Key::definition(&schema.tenant, kind, id);
        match self {
            Self::Definition(kind, id) => {
                let (version, used) = schema.mark(*kind, id)?;
                used.then(|| Write::MarkUnused(key(*kind, id), version))
            }
            Self::Values(id, values) => {
                let kind = DefinitionKind::Attribute;
                let (version, _) = schema.mark(kind, id)?;
                Some(Write::MarkUnheld(key(kind, id), version, values.clone()))
            }
        }
    }
}

impl Table {
    /// Loads a tenant's configuration.
    pub async fn schema(&self, tenant: &TenantId) -> Result<Schema> {
        let mut schema = Schema::empty(tenant.clone());
        let items = self.query_all(&keys::partition_of_definitions(tenant), Range::All).await?;
        for item in &items {
            let key = item.key();
            if key == Key::epoch(tenant) {
                schema.epoch = epoch_of(item);
                let forms = item.get_text("forms").and_then(|forms| forms.parse().ok());
                schema.forms = forms.unwrap_or_default();
                continue;
            }
            schema.stored += 1;
            schema.bytes += item.get_text("doc").map_or(0, str::len);
            let kind = key.sk().split_once('#').map(|(kind, _)| kind);
            match DefinitionKind::ALL.into_iter().find(|k| Some(k.prefix()) == kind) {
                Some(DefinitionKind::Category) => take::<Category>(&mut schema, item)?,
                Some(DefinitionKind::Attribute) => take::<AttributeDefinition>(&mut schema, item)?,
                Some(DefinitionKind::Persona) => take::<PersonaDefinition>(&mut schema, item)?,
                Some(DefinitionKind::Profile) => take::<UserProfileDefinition>(&mut schema, item)?,
                Some(DefinitionKind::Workflow) => take::<Workflow>(&mut schema, item)?,
                Some(DefinitionKind::Server) => take::<AuthenticationServer>(&mut schema, item)?,
                Some(DefinitionKind::Application) => take::<Application>(&mut schema, item)?,
                Some(DefinitionKind::System) => take::<System>(&mut schema, item)?,
                Some(DefinitionKind::Audit) => take::<AuditSettings>(&mut schema, item)?,
                Some(DefinitionKind::Consent) => take::<Consent>(&mut schema, item)?,
                Some(DefinitionKind::SignIn) => take::<SignInSettings>(&mut schema, item)?,
                None => {}
            }
        }
        schema.prefer_stored_personas();
        Ok(schema)
    }

    /// Notes in the epoch which forms the index entries of the tenant's users have from now on;
    /// `false` when the configuration was changed meanwhile. A function of a version that knows no
    /// forms loses the note with the next change of a definition, and the migration begins again.
    pub async fn set_forms(&self, schema: &Schema, forms: LookupForms) -> Result<bool> {
        let Some(epoch) = &schema.epoch else { return Ok(false) };
        let write = Write::SetForms(Key::epoch(&schema.tenant), epoch.version, forms.name());
        match self.commit(vec![write]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Contended | CommitError::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// The tenant's epoch: while it stands, a loaded configuration is true.
    pub async fn epoch(&self, tenant: &TenantId) -> Result<Option<Epoch>> {
        Ok(self.get(&Key::epoch(tenant)).await?.as_ref().and_then(epoch_of))
    }

    /// Changes one definition: loads the configuration, passes the definition with this id to
    /// `decide` if it exists, and commits the decision. If another request has changed any
    /// definition meanwhile, calls `decide` again.
    ///
    /// `record` returns further writes for the same transaction. Of these writes the first alone may
    /// be refused, as an idempotency record. Returns the changed definition, or `None` if it was
    /// deleted.
    pub async fn edit_definition<T: Definition>(
        &self,
        author: &Author,
        id: Option<&str>,
        mut decide: impl FnMut(Option<&StoredDefinition<T>>, &Schema) -> Result<DefinitionEdit<T>>,
        mut record: impl FnMut(&Versioned<T>) -> Result<Vec<Write>>,
    ) -> Result<Option<Versioned<T>>> {
        let tenant = &author.tenant;
        let write_id = self.write_id();
        let mut tried = None;
        let mut retry = Retry::of(self);
        loop {
            let schema = self.schema(tenant).await?;
            if schema.epoch.as_ref().is_some_and(|epoch| epoch.log.contains(write_id)) {
                return Ok(tried.flatten());
            }
            let current = id.and_then(|id| T::collection(&schema).get(id));
            let (next, write) = match (decide(current, &schema)?, current) {
                (DefinitionEdit::Keep, current) => {
                    return Ok(current.map(|entry| entry.stored.clone()));
                }
                (DefinitionEdit::Create(value), _) => {
                    let next = Versioned::first(value);
                    check_room(&schema, None, &next)?;
                    let item = definition_item(tenant, &next);
                    (Some(next), Write::Put(item, Condition::Absent))
                }
                (DefinitionEdit::Replace(value), Some(entry)) => {
                    let value = if entry.used {
                        value.once_used(&entry.stored.value, &entry.unheld)?
                    } else {
                        value
                    };
                    let next = entry.stored.changed_to(value);
                    check_room(&schema, Some(&entry.stored), &next)?;
                    let mut item = definition_item(tenant, &next).marked("used", entry.used);
                    let unheld = next.value.still_unheld(&entry.unheld);
                    if !unheld.is_empty() {
                        item = item.texts("unheld", unheld);
                    }
                    (Some(next), Write::Put(item, unchanged(entry)))
                }
                (DefinitionEdit::Delete, Some(entry)) if entry.used => {
                    return Err(Error::InUse(T::KIND.in_use().to_owned()));
                }
                (DefinitionEdit::Delete | DefinitionEdit::Purge, Some(entry)) => {
                    let key = Key::definition(tenant, T::KIND, &entry.stored.value.key());
                    (None, Write::Delete(key, unchanged(entry)))
                }
                (
                    DefinitionEdit::Replace(_) | DefinitionEdit::Delete | DefinitionEdit::Purge,
                    None,
                ) => {
                    return Err(Error::NotFound);
                }
            };
            let mut writes = match &next {
                Some(next) => record(next)?,
                None => Vec::new(),
            };
            let recorded = !writes.is_empty();
            writes.push(move_epoch(tenant, schema.epoch.as_ref(), schema.forms));
            writes.push(write);
            writes.extend(self.guard_rights(author, &schema, current, next.as_ref()).await?);
            let before = current.map(|entry| &entry.stored.value);
            let after = next.as_ref().map(|next| &next.value);
            writes.extend(move_trust(tenant, before, after));
            writes.extend(self.definition_entry(author, &schema, before, after).await?);
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(next),
                Err(failed) if recorded && failed.at(0) => return Err(Error::AlreadyRecorded),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
            tried = Some(next);
        }
    }

    /// The write that keeps an administrator for the tenant, if the change of a definition takes that
    /// right from those who hold it. An operator may take it from all.
    async fn guard_rights<T: Definition>(
        &self,
        author: &Author,
        schema: &Schema,
        current: Option<&StoredDefinition<T>>,
        next: Option<&Versioned<T>>,
    ) -> Result<Option<Write>> {
        let (Some(current), Some(next)) = (current, next) else { return Ok(None) };
        let grants = |value: &T| value.grants().allows(Scope::Administrator);
        let loses = grants(&current.stored.value) && !grants(&next.value);
        if !loses || matches!(author.writer, Writer::Service) {
            return Ok(None);
        }
        let mut after = schema.clone();
        let entry = StoredDefinition { stored: next.clone(), ..current.clone() };
        T::collection_mut(&mut after).insert(next.value.key(), entry);
        self.guard_administrators_of_definition(schema, &after).await
    }

    /// Marks definitions as assigned before the first value of them is written (rule D6): once per
    /// process and version, and not at all where the loaded configuration shows the mark. If a
    /// definition has changed since it was loaded, the decision is outdated: the mark must freeze
    /// the same `search` and enumeration values that the decision used.
    pub(super) async fn mark_used(
        &self,
        schema: &Schema,
        held: impl IntoIterator<Item = (DefinitionKind, String)>,
    ) -> Result<()> {
        for (kind, id) in held {
            let Some((version, false)) = schema.mark(kind, &id) else { continue };
            let mark = (Key::definition(&schema.tenant, kind, &id), version);
            let known = || self.marked.lock().unwrap_or_else(PoisonError::into_inner);
            if known().contains(&mark) {
                continue;
            }
            let mut retry = Retry::of(self);
            loop {
                match self.commit(vec![Write::MarkUsed(mark.0.clone(), version)]).await {
                    Ok(()) => break,
                    Err(CommitError::Contended) => retry.again().await?,
                    Err(CommitError::Conditions(_)) => return Err(Error::Outdated),
                    Err(failed) => return Err(failed.into()),
                }
            }
            known().insert(mark);
        }
        Ok(())
    }

    /// Notes values and definitions that no user holds, at definitions that are unchanged since
    /// they were loaded. Returns the number of notes. The epoch changes, so that every cache reads
    /// the configuration again.
    pub async fn mark_unused(&self, schema: &Schema, unused: &[Unused]) -> Result<u64> {
        let Some(mut epoch) = schema.epoch.clone() else { return Ok(0) };
        let mut noted = 0;
        for some in unused.chunks(MAX_WRITES - 1) {
            let marks = some.iter().filter_map(|unused| unused.mark(schema));
            let moved = move_epoch(&schema.tenant, Some(&epoch), schema.forms);
            let writes: Vec<_> = std::iter::once(moved).chain(marks).collect();
            let marks = writes.len() as u64 - 1;
            match self.commit(writes).await {
                Ok(()) => noted += marks,
                // They are looked for again.
                Err(CommitError::Contended | CommitError::Conditions(_)) => break,
                Err(failed) => return Err(failed.into()),
            }
            epoch.version = epoch.version.next();
        }
        Ok(noted)
    }

    /// The tenants that trust a token issuer, each with the claim that names the tenant in the
    /// issuer's tokens.
    pub async fn trusting(&self, issuer: &str) -> Result<Vec<(TenantId, String)>> {
        let items = self.query_all(&keys::partition_of_trust(issuer), Range::All).await?;
        let trust =
            |item: &Item| Some((item.key().sk().parse().ok()?, item.get_text("claim")?.to_owned()));
        Ok(items.iter().filter_map(trust).collect())
    }
}

/// The most definitions of a tenant.
pub const MAX_DEFINITIONS: usize = 2000;
/// The most bytes of all definitions of a tenant. Every function that serves the tenant holds them.
pub const MAX_DEFINITION_BYTES: usize = 4 * 1024 * 1024;

/// Refuses a definition that would make the tenant's configuration too large. A change that does
/// not enlarge the definition is always possible.
fn check_room<T: Definition>(
    schema: &Schema,
    before: Option<&Versioned<T>>,
    next: &Versioned<T>,
) -> Result<()> {
    let size = content(&next.value).len();
    let added = size.saturating_sub(before.map_or(0, |before| content(&before.value).len()));
    let bytes = schema.bytes + added;
    if before.is_none() && schema.stored >= MAX_DEFINITIONS {
        let detail =
            format!("expected at most {MAX_DEFINITIONS} definitions of a tenant; delete one first");
        return Err(Error::invalid("", Code::TooMany, detail));
    }
    if added > 0 && bytes > MAX_DEFINITION_BYTES {
        let detail = format!(
            "expected at most {MAX_DEFINITION_BYTES} bytes of definitions of a tenant, found {bytes} \
             with this one"
        );
        return Err(Error::invalid("", Code::TooLarge, detail));
    }
    Ok(())
}

/// The definition is as it was read, the mark of its use included: a put must not lose a mark set
/// meanwhile. A built-in definition must not be stored yet.
const fn unchanged<T>(entry: &StoredDefinition<T>) -> Condition {
    if entry.built_in {
        Condition::Absent
    } else if entry.used {
        Condition::Version(entry.stored.version)
    } else {
        Condition::Unused(entry.stored.version)
    }
}

fn take<T: Definition>(schema: &mut Schema, item: &Item) -> Result<()> {
    let stored = item.read::<T>()?;
    let key = stored.value.key();
    T::collection_mut(schema).insert(
        key,
        StoredDefinition {
            stored,
            used: item.is_used(),
            unheld: item.get_texts("unheld").into_iter().map(str::to_owned).collect(),
            built_in: false,
        },
    );
    Ok(())
}

pub(super) fn definition_item<T: Definition>(tenant: &TenantId, definition: &Versioned<T>) -> Item {
    Item::at(&Key::definition(tenant, T::KIND, &definition.value.key()))
        .versioned(definition)
        .marked("deprecated", definition.value.is_deprecated())
}

fn epoch_of(item: &Item) -> Option<Epoch> {
    item.version().map(|version| Epoch { version, log: item.log() })
}

pub(super) fn move_epoch(tenant: &TenantId, epoch: Option<&Epoch>, forms: LookupForms) -> Write {
    let (version, condition, log) = match epoch {
        None => (Version::FIRST, Condition::Absent, WriteLog::default()),
        Some(epoch) => (epoch.version.next(), Condition::Version(epoch.version), epoch.log.clone()),
    };
    let item = Item::at(&Key::epoch(tenant)).guarded(version, &log);
    let item =
        if forms == LookupForms::default() { item } else { item.text("forms", forms.name()) };
    Write::Put(item, condition)
}

/// The writes that keep the list of trusted issuers in step with a server. The epoch guards them,
/// because a tenant's changes happen one after another. Each change of a server repeats these
/// writes, because some servers are older than the list.
fn move_trust<'w, T: Definition>(
    tenant: &'w TenantId,
    before: Option<&'w T>,
    after: Option<&'w T>,
) -> impl Iterator<Item = Write> + 'w {
    let (before, after) = (before.and_then(T::trusted_issuer), after.and_then(T::trusted_issuer));
    let gone = before
        .map(|(issuer, _)| issuer)
        .filter(|gone| after.is_none_or(|(issuer, _)| issuer != *gone));
    let gone = gone.map(|issuer| Write::Delete(Key::trust(issuer, tenant), Condition::Guarded));
    let trusted = |(issuer, claim)| Item::at(&Key::trust(issuer, tenant)).text("claim", claim);
    gone.into_iter().chain(after.map(|after| Write::Put(trusted(after), Condition::Guarded)))
}
