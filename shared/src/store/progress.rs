//! The progress of walks over a tenant's users.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::Item;
use super::keys::{Key, Walk};
use super::table::Table;
use super::write::{CommitError, Condition, Write};
use crate::domain::error::Result;
use crate::domain::id::TenantId;
use crate::domain::versioned::Versioned;

impl Table {
    /// Reads the progress of a walk; `None` if it has not begun.
    pub async fn progress<P: DeserializeOwned>(
        &self,
        tenant: &TenantId,
        walk: Walk,
    ) -> Result<Option<Versioned<P>>> {
        self.get(&Key::progress(tenant, walk)).await?.map(|item| item.read()).transpose()
    }

    /// Notes the progress of a walk; `false` if another sweeper noted it since `before` was read.
    pub async fn note_progress<P: Serialize>(
        &self,
        tenant: &TenantId,
        walk: Walk,
        before: Option<&Versioned<P>>,
        next: &Versioned<P>,
    ) -> Result<bool> {
        let condition =
            before.map_or(Condition::Absent, |before| Condition::Version(before.version()));
        let item = Item::at(&Key::progress(tenant, walk)).versioned(next);
        match self.commit(vec![Write::Put(item, condition)]).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conditions(_) | CommitError::Contended) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }
}
