//! The purge of a definition: deletes one that was assigned once and that nobody holds any
//! more.
//!
//! One transaction cannot know whether somebody still holds a value, so the API deletes no such
//! definition before the sweeper has looked. An operator who does not want to wait uses this. It
//! deprecates the definition first, so that no new value can be written; waits until no function can
//! still write by a configuration from before; walks all users; and deletes it if nobody holds it
//! and nobody touched it meanwhile (rule D6).

use std::time::Duration;

use shared::app::SETTLED_SECONDS;
use shared::domain::definition::{AttributeDefinition, Definition, PersonaDefinition};
use shared::domain::error::{Error, Result};
use shared::domain::id::{TenantId, UserId};
use shared::domain::versioned::Version;
use shared::store::Table;
use shared::store::definitions::DefinitionEdit;
use shared::store::listing::{ChangeWindow, WalkPosition};

/// How long to wait until no function writes by the configuration before, with a margin for clocks
/// that differ.
pub const SETTLED: Duration = Duration::from_secs(SETTLED_SECONDS.unsigned_abs() + 5);
/// How many users are read at once.
const PAGE: usize = 100;
/// How many users of a definition are named.
const NAMED: usize = 10;

/// The result of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurgeOutcome {
    /// The definition is gone.
    Gone,
    /// Users hold it: how many, and some of them. It stays, deprecated.
    InUse(usize, Vec<UserId>),
    /// The tenant has no attribute or persona definition with this id.
    Unknown,
}

/// Deletes the attribute or persona definition with this id if nobody holds it.
pub async fn purge(
    table: &Table,
    tenant: &TenantId,
    id: &str,
    wait: Duration,
) -> Result<PurgeOutcome> {
    let schema = table.schema(tenant).await?;
    if AttributeDefinition::collection(&schema).get(id).is_some() {
        purge_kind::<AttributeDefinition>(table, tenant, id, wait, |d| AttributeDefinition {
            deprecated: true,
            ..d
        })
        .await
    } else if PersonaDefinition::collection(&schema).get(id).is_some() {
        purge_kind::<PersonaDefinition>(table, tenant, id, wait, |d| PersonaDefinition {
            deprecated: true,
            ..d
        })
        .await
    } else {
        Ok(PurgeOutcome::Unknown)
    }
}

async fn purge_kind<T: Definition>(
    table: &Table,
    tenant: &TenantId,
    id: &str,
    wait: Duration,
    deprecated: impl Fn(T) -> T,
) -> Result<PurgeOutcome> {
    let deprecate = |entry: Option<&shared::domain::schema::StoredDefinition<T>>, schema: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored.value;
        current.check_removable(schema)?;
        Ok(if current.is_deprecated() {
            DefinitionEdit::Keep
        } else {
            DefinitionEdit::Replace(deprecated(current.clone()))
        })
    };
    let settled =
        table.edit_definition::<T>(tenant, Some(id), deprecate, |_| Ok(Vec::new())).await?;
    let version = settled.ok_or(Error::NotFound)?.version();
    tokio::time::sleep(wait).await;
    let holders = holders(table, tenant, id).await?;
    if !holders.is_empty() {
        return Ok(PurgeOutcome::InUse(holders.len(), holders.into_iter().take(NAMED).collect()));
    }
    delete::<T>(table, tenant, id, version).await.map(|()| PurgeOutcome::Gone)
}

async fn delete<T: Definition>(
    table: &Table,
    tenant: &TenantId,
    id: &str,
    version: Version,
) -> Result<()> {
    let decide = |entry: Option<&shared::domain::schema::StoredDefinition<T>>, schema: &_| {
        let current = &entry.ok_or(Error::NotFound)?.stored;
        if current.version() != version {
            return Err(Error::Conflict(
                "the definition was changed meanwhile; run the command again".to_owned(),
            ));
        }
        current.value.check_removable(schema)?;
        Ok(DefinitionEdit::Purge)
    };
    table.edit_definition::<T>(tenant, Some(id), decide, |_| Ok(Vec::new())).await?;
    Ok(())
}

/// The users who hold a value or a persona of the definition, in their base profile or in a system.
async fn holders(table: &Table, tenant: &TenantId, id: &str) -> Result<Vec<UserId>> {
    let mut holders = Vec::new();
    let mut at = WalkPosition::default();
    while !at.is_end() {
        let page = table.walk_listing(tenant, ChangeWindow::default(), &at, PAGE).await?;
        let ids: Vec<_> = page.users.iter().map(|(user, _)| *user).collect();
        for user in table.find_users(tenant, &ids).await? {
            let profiles = table.profiles_of(tenant, user.value.id).await?;
            let overridden = profiles.iter().flat_map(|profile| profile.value.used_definitions());
            if user.value.used_definitions().chain(overridden).any(|(_, held)| held == id) {
                holders.push(user.value.id);
            }
        }
        at = page.next;
    }
    // A user that is written while the walk goes on is met again further on.
    holders.sort_unstable();
    holders.dedup();
    Ok(holders)
}
