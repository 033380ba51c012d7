//! The scopes that a person granted to clients (rule G15).

use crate::domain::error::{Error, Result};
use crate::domain::id::{ClientId, TenantId, UserId};
use crate::domain::people::ClientConsent;
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::{Child, Children, Key};
use crate::store::retry::Retry;
use crate::store::table::Table;
use crate::store::users::check_exists;
use crate::store::write::{CommitError, Condition, Write};

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

    /// Adds scopes to what a person granted to a client.
    pub async fn put_client_consent(
        &self,
        tenant: &TenantId,
        user: UserId,
        granted: &ClientConsent,
    ) -> Result<()> {
        let client = &granted.client;
        let scopes: Vec<_> = granted.scopes.iter().map(String::as_str).collect();
        let mut retry = Retry::of(self);
        loop {
            let stored = self.find_client_consent(tenant, user, client).await?;
            let before = stored.as_ref().map(|stored| &stored.value);
            if before.is_some_and(|before| before.covers(&scopes)) {
                return Ok(());
            }
            let next = ClientConsent::extended(before, client.clone(), &scopes, granted.at);
            let condition =
                stored.as_ref().map_or(Condition::Absent, |s| Condition::Version(s.version()));
            let next = match &stored {
                Some(stored) => stored.changed_to(next),
                None => Versioned::first(next),
            };
            let item = Item::at(&Key::child(tenant, user, Child::ClientConsent(client)))
                .versioned(&next)
                .text("holder", user.to_string());
            let writes = vec![Write::Put(item, condition), check_exists(tenant, user)];
            match self.commit(writes).await {
                Ok(()) => return Ok(()),
                Err(failed) if failed.at(1) => return Err(Error::NotFound),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Takes back what a person granted to a client, and ends the refresh tokens that the client
    /// has of the person; `false` if nothing was granted.
    pub async fn delete_client_consent(
        &self,
        tenant: &TenantId,
        user: UserId,
        client: &ClientId,
    ) -> Result<bool> {
        let there = self.find_client_consent(tenant, user, client).await?.is_some();
        if there {
            let key = Key::child(tenant, user, Child::ClientConsent(client));
            self.delete_keys(&[key]).await?;
        }
        self.delete_families(tenant, user, |name| name.client == *client).await?;
        Ok(there)
    }
}
