//! How far walks over a tenant's users are: the recomputation of derived attributes, and the
//! migration of index entries.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::Item;
use super::keys::Key;
use super::table::Table;
use super::write::{CommitError, Condition, Write};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::Versioned;

impl Table {
    /// Reads how far the recomputation is; `None` if there was none yet.
    pub async fn derivation<P: DeserializeOwned>(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Versioned<P>>> {
        self.get(&Key::derivation(tenant)).await?.map(|item| item.read()).transpose()
    }

    /// Notes how far the recomputation is; `false` if somebody else noted it since `before` was
    /// read.
    pub async fn note_derivation<P: Serialize>(
        &self,
        tenant: &TenantId,
        before: Option<&Versioned<P>>,
        next: &Versioned<P>,
    ) -> Result<bool> {
        self.note_progress(&Key::derivation(tenant), before, next).await
    }

    /// Reads how far the migration of index entries is; `None` if it has not begun.
    pub async fn migration<P: DeserializeOwned>(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<Versioned<P>>> {
        self.get(&Key::migration(tenant)).await?.map(|item| item.read()).transpose()
    }

    /// Notes how far that migration is, as [`Table::note_derivation`].
    pub async fn note_migration<P: Serialize>(
        &self,
        tenant: &TenantId,
        before: Option<&Versioned<P>>,
        next: &Versioned<P>,
    ) -> Result<bool> {
        self.note_progress(&Key::migration(tenant), before, next).await
    }

    async fn note_progress<P: Serialize>(
        &self,
        key: &Key,
        before: Option<&Versioned<P>>,
        next: &Versioned<P>,
    ) -> Result<bool> {
        let condition =
            before.map_or(Condition::Absent, |before| Condition::Version(before.version()));
        let item = Item::at(key).versioned(next);
        match self.commit(vec![Write::Put(item, condition)]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}
