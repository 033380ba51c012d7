//! The verification of what people sign in with: each password, passkey and one-time link is one that
//! its user names, and what a user names is there.

use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::people::{LinkName, LoginFacts};
use shared::store::keys::{Children, kind_of, partition_of_user};
use shared::store::table::Range;
use shared::store::{Item, Key, Table};

use super::{OwnedKeys, holds};

/// The credentials and one-time links that a scan has found.
#[derive(Default)]
pub(super) struct Credentials {
    /// Those that users name.
    pub(super) named: OwnedKeys,
    /// Those that are there, with the users that they name.
    pub(super) held: OwnedKeys,
}

/// The credentials or the one-time link that a child of a user names.
pub(super) fn named(tenant: &TenantId, user: UserId, child: &Item) -> Vec<Key> {
    let key = child.key();
    if Children::Login.include(&key) {
        let Ok(facts) = child.read::<LoginFacts>() else { return Vec::new() };
        let password = facts.value.password.as_ref().map(|_| Key::password(tenant, user));
        let passkeys = facts.value.passkeys.iter();
        return passkeys.map(|passkey| Key::passkey(tenant, &passkey.id)).chain(password).collect();
    }
    if Children::Links.include(&key) {
        let name = child.read::<LinkName>().ok();
        return name.map(|name| Key::link(tenant, &name.value.hash)).into_iter().collect();
    }
    Vec::new()
}

/// What is wrong with them. Each suspected fault is read again.
pub(super) async fn check(
    table: &Table,
    tenant: &TenantId,
    Credentials { named, held }: Credentials,
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (user, key) in named.difference(&held) {
        // An erasure deletes a credential before what names it.
        let is_live = table.find_user(tenant, *user).await?.is_some();
        let named = is_live && names(table, tenant, *user, key).await?;
        if named && !holds(table, *user, key).await? {
            let kind = kind_of(key);
            problems.push(format!("user {user} names a credential that does not exist: {kind}"));
        }
    }
    for (user, key) in held.difference(&named) {
        if holds(table, *user, key).await? && !names(table, tenant, *user, key).await? {
            let kind = kind_of(key);
            problems.push(format!("a credential names user {user}, who does not name it: {kind}"));
        }
    }
    Ok(problems)
}

/// Whether a user names a credential now.
async fn names(table: &Table, tenant: &TenantId, user: UserId, key: &Key) -> Result<bool> {
    let items = table.query_all(&partition_of_user(tenant, user), Range::StartsWith("L")).await?;
    Ok(items.iter().any(|item| named(tenant, user, item).contains(key)))
}
