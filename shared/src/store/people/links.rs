//! One-time links. A link is found by the hash of its token; its user names the newest link of each
//! kind, and only that one works.

use crate::domain::error::{Error, Result};
use crate::domain::id::{TenantId, UserId};
use crate::domain::people::{Link, LinkKind, LinkName, LinkToken};
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::{Child, Children, Key};
use crate::store::table::Table;
use crate::store::write::{Condition, Write};

impl Table {
    /// The link of a token, if it works: it is not over, it was not used, and it is the newest of its
    /// kind.
    pub async fn find_link(&self, token: &LinkToken) -> Result<Option<Versioned<Link>>> {
        let (tenant, hash) = (&token.tenant, token.hash());
        let Some(item) = self.get(&Key::link(tenant, &hash)).await? else { return Ok(None) };
        let link = item.read::<Link>()?;
        let name = self.link_name(tenant, link.value.user, link.value.kind).await?;
        Ok(name.is_some_and(|name| name.value.hash == hash).then_some(link))
    }

    /// The name of a person's newest link of a kind.
    pub async fn link_name(
        &self,
        tenant: &TenantId,
        user: UserId,
        kind: LinkKind,
    ) -> Result<Option<Versioned<LinkName>>> {
        let key = Key::child(tenant, user, Child::Link(kind));
        self.get(&key).await?.map(|item| item.read()).transpose()
    }
}

/// The writes of a new link, which takes the place of the `previous` one of its kind. They are
/// committed with a check that the user is live.
#[must_use]
pub fn link_writes(
    token: &LinkToken,
    link: &Link,
    previous: Option<&Versioned<LinkName>>,
) -> Vec<Write> {
    let (tenant, hash, user) = (&token.tenant, token.hash(), link.user);
    let item = Item::at(&Key::link(tenant, &hash))
        .versioned(&Versioned::first(link.clone()))
        .text("holder", user.to_string())
        .expiring(link.ends_at);
    let name = LinkName { hash, ends_at: link.ends_at };
    let condition = previous.map_or(Condition::Absent, |name| Condition::Version(name.version()));
    let next = match previous {
        Some(previous) => previous.changed_to(name),
        None => Versioned::first(name),
    };
    let name = Item::at(&Key::child(tenant, user, Child::Link(link.kind)))
        .versioned(&next)
        .text("holder", user.to_string())
        .expiring(link.ends_at);
    let replaced = previous.map(|previous| delete_item(tenant, user, &previous.value));
    [Write::Put(item, Condition::Absent), Write::Put(name, condition)]
        .into_iter()
        .chain(replaced)
        .collect()
}

/// The writes that use a link up: of many transactions with them one is committed (rule G45).
#[must_use]
pub fn use_link(token: &LinkToken, link: &Versioned<Link>) -> Vec<Write> {
    let (tenant, user) = (&token.tenant, link.value.user);
    // A newer link deletes this one, so its name cannot be another's.
    let name = Key::child(tenant, user, Child::Link(link.value.kind));
    vec![
        Write::Delete(Key::link(tenant, &token.hash()), Condition::Version(link.version())),
        Write::Delete(name, Condition::Guarded),
    ]
}

/// The writes that withdraw a person's newest link of a kind.
#[must_use]
pub fn delete_link(
    tenant: &TenantId,
    user: UserId,
    kind: LinkKind,
    name: &Versioned<LinkName>,
) -> Vec<Write> {
    let key = Key::child(tenant, user, Child::Link(kind));
    vec![
        Write::Delete(key, Condition::Version(name.version())),
        delete_item(tenant, user, &name.value),
    ]
}

fn delete_item(tenant: &TenantId, user: UserId, name: &LinkName) -> Write {
    Write::Delete(Key::link(tenant, &name.hash), Condition::Owner(user))
}

/// The write that deletes the link that this child names, if it names one.
pub(in crate::store) fn owned_by_name(
    tenant: &TenantId,
    user: UserId,
    child: &Item,
) -> Result<Option<Write>> {
    if !Children::Links.include(&child.key()) {
        return Ok(None);
    }
    let name =
        child.read::<LinkName>().map_err(|_| Error::unexpected("cannot read a link's name"))?;
    Ok(Some(delete_item(tenant, user, &name.value)))
}
