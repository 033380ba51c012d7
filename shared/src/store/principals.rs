//! Principals in the table: which token issuers a person came from.
//!
//! A base profile id finds its user; the user's own partition holds one principal per
//! authentication server, which a forget finds. The look-up says which user has the id and whether
//! the principal is unlinked, so a sign-in need not read the principal.

use std::collections::{HashMap, HashSet};

use super::audit::{ChildGuard, UserRecord};
use super::item::Item;
use super::keys::{Child, Children, Key};
use super::retry::Retry;
use super::table::Table;
use super::users::{StoredUser, check_exists};
use super::write::{CommitError, Condition, Write};
use crate::domain::audit::{Change, Operation, diff_child};
use crate::domain::author::Author;
use crate::domain::definition::DefinitionKind;
use crate::domain::error::{Error, Result};
use crate::domain::id::{BaseId, PartyId, TenantId, UserId, UserName};
use crate::domain::schema::Schema;
use crate::domain::sso::{Principal, SYSTEM};
use crate::domain::versioned::Versioned;

/// The user that a base profile id is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundUser {
    /// The user; perhaps a tombstone by now.
    pub user: UserId,
    /// Whether sign-ins are refused.
    pub unlinked: bool,
}

impl BoundUser {
    /// Refuses a sign-in that was unlinked.
    pub fn check_linked(self) -> Result<()> {
        if self.unlinked { Err(unlinked()) } else { Ok(()) }
    }
}

/// A change of the link between a user and an authentication server.
#[derive(Clone, Copy, Debug)]
pub struct LinkChange<'l> {
    /// The user.
    pub user: UserId,
    /// The authentication server.
    pub server: &'l PartyId,
    /// Linked, or else unlinked.
    pub linked: bool,
}

/// Why a sign-in is refused that was unlinked.
#[must_use]
pub fn unlinked() -> Error {
    Error::NotAllowed(
        "the user is unlinked from this authentication server; an administrator can link it again"
            .to_owned(),
    )
}

impl Table {
    /// Looks a base profile id up.
    pub async fn find_base(&self, tenant: &TenantId, id: &BaseId) -> Result<Option<BoundUser>> {
        let Some(item) = self.get(&Key::base(tenant, id)).await? else {
            return Ok(None);
        };
        let user =
            item.owner().ok_or_else(|| Error::unexpected("a base profile id has no owner"))?;
        Ok(Some(BoundUser { user, unlinked: item.is_marked("unlinked") }))
    }

    /// The id of the user who is named; whether the user is live is for the caller to see.
    pub async fn resolve(&self, tenant: &TenantId, name: &UserName) -> Result<Option<UserId>> {
        match name {
            UserName::User(id) => Ok(Some(*id)),
            UserName::Base(id) => Ok(self.find_base(tenant, id).await?.map(|base| base.user)),
        }
    }

    /// The ids of the users who are named; names without a holder are left out. The caller checks
    /// whether a user is live.
    pub async fn resolve_all(
        &self,
        tenant: &TenantId,
        names: &HashSet<UserName>,
    ) -> Result<HashMap<UserName, UserId>> {
        let mut users = HashMap::with_capacity(names.len());
        let mut bases = HashMap::new();
        for name in names {
            match name {
                UserName::User(id) => drop(users.insert(name.clone(), *id)),
                UserName::Base(id) => drop(bases.insert(Key::base(tenant, id), name.clone())),
            }
        }
        let keys: Vec<_> = bases.keys().cloned().collect();
        let items = self.get_many(&keys).await?;
        users.extend(
            items.iter().filter_map(|item| Some((bases.remove(&item.key())?, item.owner()?))),
        );
        Ok(users)
    }

    /// Reads the user who is named, by id or by base profile id; a forgotten one is not found.
    pub async fn find_named(
        &self,
        tenant: &TenantId,
        name: &UserName,
    ) -> Result<Option<StoredUser>> {
        match self.resolve(tenant, name).await? {
            Some(user) => self.find_user(tenant, user).await,
            None => Ok(None),
        }
    }

    /// The principals of a user that are stored: those of servers whose subjects signed in, or that
    /// were unlinked.
    pub async fn principals(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<Versioned<Principal>>> {
        let items = self.children(tenant, user, Children::Principals).await?;
        items.iter().map(Item::read).collect()
    }

    /// The principal of a user at a server, if it is stored.
    pub async fn find_principal(
        &self,
        tenant: &TenantId,
        user: UserId,
        server: &PartyId,
    ) -> Result<Option<Versioned<Principal>>> {
        self.get(&principal_key(tenant, user, server)).await?.map(|item| item.read()).transpose()
    }

    /// Leaves a live user linked to a server or unlinked from it. In each attempt `decide` says
    /// whether the current principal may change, given its user, and `record` returns further writes
    /// for the same transaction, given the new principal. Nothing is written if the principal is in
    /// that state already and there is no record.
    pub async fn link(
        &self,
        author: &Author,
        schema: &Schema,
        link: LinkChange<'_>,
        decide: impl Fn(&StoredUser, &Versioned<Principal>) -> Result<()>,
        record: impl Fn(&Versioned<Principal>) -> Result<Option<Write>>,
    ) -> Result<Versioned<Principal>> {
        let tenant = &author.tenant;
        let LinkChange { user, server, linked } = link;
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let base = self.get_user(tenant, user).await?;
            let stored = self.find_principal(tenant, user, server).await?;
            let condition = stored
                .as_ref()
                .map_or(Condition::Absent, |stored| Condition::Version(stored.version));
            let before = stored.as_ref().map(|stored| stored.value.clone());
            let current =
                stored.unwrap_or_else(|| Versioned::first(Principal::pending(server.clone())));
            if current.log.contains(write_id) {
                return Ok(current);
            }
            decide(&base, &current)?;
            let moves = current.value.linked != linked;
            let next = match (moves, condition) {
                (false, _) => current,
                (true, Condition::Absent) => Versioned::first(current.value.set(linked)),
                (true, _) => current.changed_to(current.value.set(linked)),
            };
            let mut writes: Vec<_> = record(&next)?.into_iter().collect();
            let (recorded, mut guard, mut last) = (writes.len(), None, None);
            if moves {
                self.mark_used(schema, [(DefinitionKind::Server, server.to_string())]).await?;
                let operation =
                    if linked { Operation::PrincipalLink } else { Operation::PrincipalUnlink };
                let changes = principal_change(before.as_ref(), &next.value);
                let record = UserRecord { operation: Some(operation), changes };
                guard = Some(if linked || server.as_str() != SYSTEM {
                    let usual = check_exists(tenant, user);
                    self.guard_child(author, schema, &base, record, usual).await?
                } else {
                    // A person who may not sign in any more is signed out.
                    self.guard_signed_out(author, schema, &base, record).await?
                });
                if !linked && server.as_str() == SYSTEM && !author.is_operator() {
                    last = Box::pin(self.guard_administrators(schema, &base.value, None)).await?;
                }
            }
            if let Some(guard) = &guard {
                writes.push(guard.user.clone());
                writes.extend(store_principal(tenant, user, &next, condition));
                writes.extend(guard.entry.clone());
                writes.extend(last);
            }
            if writes.is_empty() {
                return Ok(next);
            }
            let audited = guard.as_ref().is_some_and(ChildGuard::puts_user);
            match self.commit_user_writes(write_id, writes).await {
                Ok(()) => return Ok(next),
                Err(failed) if recorded == 1 && failed.at(0) => return Err(Error::AlreadyRecorded),
                // With an audit the user may only have been changed: the next turn reads it.
                Err(failed) if failed.at(recorded) && !audited => return Err(Error::NotFound),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

/// What the audit tells of a principal that changes.
#[must_use]
pub fn principal_change(before: Option<&Principal>, after: &Principal) -> Vec<Change> {
    let at = crate::domain::field::pointer("/principals", after.server.as_str());
    diff_child(at, before, Some(after))
}

fn principal_key(tenant: &TenantId, user: UserId, server: &PartyId) -> Key {
    Key::child(tenant, user, Child::Principal(server))
}

/// The writes that store a principal, which is as it was read under `condition`: the principal
/// itself first, then the look-up of its base profile id if it has one. The caller that commits
/// them checks that the user is live, or puts it.
#[must_use]
pub fn store_principal(
    tenant: &TenantId,
    user: UserId,
    principal: &Versioned<Principal>,
    condition: Condition,
) -> Vec<Write> {
    let Principal { server, base, linked, .. } = &principal.value;
    let mut item = Item::at(&principal_key(tenant, user, server))
        .versioned(principal)
        .text("holder", user.to_string());
    let mut writes = Vec::new();
    if let Some(base) = base {
        let key = Key::base(tenant, base);
        item = item.text("forward", key.pk());
        let lookup = Item::at(&key).text("holder", user.to_string()).marked("unlinked", !linked);
        let free =
            if condition == Condition::Absent { Condition::Absent } else { Condition::Owner(user) };
        writes.push(Write::Put(lookup, free));
    }
    writes.insert(0, Write::Put(item, condition));
    writes
}
