//! The purge of a definition: deletes a used definition that no user holds any more.
//!
//! One transaction cannot know whether a user still holds a value. So the API deletes a used
//! definition only after the sweeper has searched all users. An operator who does not want to wait
//! purges the definition. The purge first deprecates it, so that no new value can be written. It
//! waits until no function can still write by the earlier configuration, and walks all users. It
//! deletes the definition if no user holds it and no request changed it meanwhile (rule D6).

use std::time::Duration;

use shared::app::SETTLED_SECONDS;
use shared::domain::author::{Author, Reason};
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
    /// The definition was deleted.
    Gone,
    /// Users hold it: their number, and some of them. The definition stays deprecated.
    InUse(usize, Vec<UserId>),
    /// The tenant has no attribute or persona definition with this id.
    Unknown,
}

/// Deletes the attribute or persona definition with this id if no user holds it.
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
    let author = Author::service(tenant.clone(), Reason::Operator);
    let settled = table.edit_definition::<T>(&author, Some(id), deprecate, |_| Ok(None)).await?;
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
    let author = Author::service(tenant.clone(), Reason::Operator);
    table.edit_definition::<T>(&author, Some(id), decide, |_| Ok(None)).await?;
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
    // A user that is written during the walk appears again later in the listing.
    holders.sort_unstable();
    holders.dedup();
    Ok(holders)
}
