//! Items that exist for a time and are written once: assertions and proofs that were used, tokens
//! that were revoked, failures that are counted. Each ends by itself.

use super::item::Item;
use super::keys::{Key, SingleUse};
use super::table::Table;
use super::write::{CommitError, Condition, Write};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::env::Timestamp;

impl Table {
    /// Notes until a time that an assertion or a proof was used; `false` if it was used before.
    pub async fn use_once(
        &self,
        tenant: &TenantId,
        used: SingleUse<'_>,
        until: Timestamp,
    ) -> Result<bool> {
        self.note_until(&Key::single_use(tenant, used), until).await
    }

    /// Notes until a time that an access token is revoked. A token that is revoked already stays
    /// revoked.
    pub async fn revoke_access_token(
        &self,
        tenant: &TenantId,
        jti: &str,
        until: Timestamp,
    ) -> Result<()> {
        self.note_until(&Key::revoked(tenant, jti), until).await.map(|_| ())
    }

    /// Whether an access token is revoked.
    pub async fn is_revoked(&self, tenant: &TenantId, jti: &str) -> Result<bool> {
        Ok(self.get(&Key::revoked(tenant, jti)).await?.is_some())
    }

    /// Counts a failed authentication from an address, for one client or for any, in a window that
    /// ends at a time. `false` if the window has `most` already.
    pub async fn count_failure(
        &self,
        window: i64,
        (address, client): (&str, Option<&str>),
        most: u32,
        until: Timestamp,
    ) -> Result<bool> {
        self.once(Write::Count(Key::failures(window, address, client), most, until)).await
    }

    /// How many failures an address has in a window, as [`Table::count_failure`] counts them.
    pub async fn failures(
        &self,
        window: i64,
        (address, client): (&str, Option<&str>),
    ) -> Result<u32> {
        let item = self.get(&Key::failures(window, address, client)).await?;
        let counted = item.and_then(|item| item.get_number("counted")).unwrap_or_default();
        Ok(u32::try_from(counted).unwrap_or(u32::MAX))
    }

    async fn note_until(&self, key: &Key, until: Timestamp) -> Result<bool> {
        self.once(Write::Put(Item::at(key).expiring(until).logged(), Condition::Absent)).await
    }

    async fn once(&self, write: Write) -> Result<bool> {
        match self.commit(vec![write]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_)) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}
