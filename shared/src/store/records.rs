//! Idempotency records in the table: what was answered to a request that carried an Idempotency-Key (rule I1).
//!
//! The answer is sealed before it comes here, under a key that only the caller's Idempotency-Key opens.

use super::commit::{Condition, Write};
use super::item::Item;
use super::keys::Key;
use super::table::Table;
use crate::domain::error::Result;
use crate::domain::id::{TenantId, UserId};
use crate::world::Timestamp;

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The sealed answer.
    pub sealed: Vec<u8>,
    /// The user that the answer shows: a replay is not found once it is forgotten.
    pub user: Option<UserId>,
}

impl Table {
    /// Reads a record.
    pub async fn find_record(&self, tenant: &TenantId, scope: &str) -> Result<Option<Record>> {
        let item = self.get(&Key::idempotency(tenant, scope)).await?;
        Ok(item.map(|item| Record {
            sealed: item.get_bytes("sealed").unwrap_or_default().to_vec(),
            user: item.get_text("holder").and_then(|id| id.parse().ok()),
        }))
    }
}

impl Record {
    /// The write that stores the record until `until`; it goes into the transaction of the effect.
    #[must_use]
    pub fn write(self, tenant: &TenantId, scope: &str, until: Timestamp) -> Write {
        let mut item = Item::at(&Key::idempotency(tenant, scope)).bytes("sealed", self.sealed).expiring(until);
        if let Some(user) = self.user {
            item = item.text("holder", user.to_string());
        }
        Write::Put(item, Condition::Absent)
    }
}
