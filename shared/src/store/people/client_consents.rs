//! The scopes that a person granted to clients (rule G15).

use crate::domain::error::Result;
use crate::domain::id::{ClientId, TenantId, UserId};
use crate::domain::people::ClientConsent;
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::{Child, Children, Key};
use crate::store::table::Table;
use crate::store::write::{Condition, Write};

impl Table {
    /// What a person granted to a client.
    pub async fn find_client_consent(
        &self,
        tenant: &TenantId,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<Versioned<ClientConsent>>> {
        let key = Key::child(tenant, user, Child::ClientConsent(client));
        self.get(&key).await?.map(|item| item.read()).transpose()
    }

    /// What a person granted to clients.
    pub async fn client_consents(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<Versioned<ClientConsent>>> {
        let items = self.children(tenant, user, Children::ClientConsents).await?;
        items.iter().map(Item::read).collect()
    }
}

/// The write that puts what a person grants to a client, which was read as `stored`. It is
/// committed with a check that the user is live, or with the user.
#[must_use]
pub(crate) fn put_client_consent(
    tenant: &TenantId,
    user: UserId,
    stored: Option<&Versioned<ClientConsent>>,
    next: ClientConsent,
) -> Write {
    let condition = stored.map_or(Condition::Absent, |s| Condition::Version(s.version()));
    let next = match stored {
        Some(stored) => stored.changed_to(next),
        None => Versioned::first(next),
    };
    let key = Key::child(tenant, user, Child::ClientConsent(&next.value.client));
    let item = Item::at(&key).versioned(&next).text("holder", user.to_string());
    Write::Put(item, condition)
}

/// The write that takes back what a person granted to a client, as it was read.
#[must_use]
pub(crate) fn delete_client_consent(
    tenant: &TenantId,
    user: UserId,
    stored: &Versioned<ClientConsent>,
) -> Write {
    let key = Key::child(tenant, user, Child::ClientConsent(&stored.value.client));
    Write::Delete(key, Condition::Version(stored.version()))
}
