//! Idempotency records in the table: the answers to requests with an Idempotency-Key (rule I1).
//!
//! The answer is sealed before it comes here, under a key that only the caller's Idempotency-Key
//! opens.

use super::item::Item;
use super::keys::Key;
use super::table::Table;
use super::write::{CommitError, Condition, Write};
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, ProfileId, TenantId, UserId};
use crate::env::Timestamp;

/// An idempotency record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The sealed answer.
    pub sealed: Vec<u8>,
    /// The resource that the answer shows: once it is deleted, a replay answers 404.
    pub shows: Option<ShownResource>,
}

/// The resource that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownResource {
    /// A user.
    User(UserId),
    /// The profile in a system, and what was withheld from the system.
    Profile {
        /// The system.
        system: PartyId,
        /// The profile.
        id: ProfileId,
        /// What was withheld, as [`Withheld::fingerprint`] has it.
        ///
        /// [`Withheld::fingerprint`]: crate::domain::consent::Withheld::fingerprint
        withheld: String,
    },
}

impl Table {
    /// Reads a record.
    pub async fn find_record(
        &self,
        tenant: &TenantId,
        scope: &str,
    ) -> Result<Option<IdempotencyRecord>> {
        let item = self.get(&Key::idempotency(tenant, scope)).await?;
        Ok(item.map(|item| IdempotencyRecord {
            sealed: item.get_bytes("sealed").unwrap_or_default().to_vec(),
            shows: ShownResource::of(&item),
        }))
    }

    /// Stores a record without any other write.
    pub async fn put_record(&self, record: Write) -> Result<()> {
        self.commit(vec![record]).await.map_err(|failed| match failed {
            CommitError::Conditions(_) => Error::AlreadyRecorded,
            failed => failed.into(),
        })
    }
}

impl ShownResource {
    fn of(item: &Item) -> Option<Self> {
        let user = || item.owner().map(Self::User);
        let (system, id) = match item.get_text("profile") {
            Some(profile) => profile.split_once('#')?,
            None => return user(),
        };
        let withheld = item.get_text("withheld").unwrap_or_default().to_owned();
        Some(Self::Profile { system: system.parse().ok()?, id: id.parse().ok()?, withheld })
    }
}

impl IdempotencyRecord {
    /// The write that stores the record until `until`; it goes into the transaction of the effect.
    #[must_use]
    pub fn write(self, tenant: &TenantId, scope: &str, until: Timestamp) -> Write {
        let mut item =
            Item::at(&Key::idempotency(tenant, scope)).bytes("sealed", self.sealed).expiring(until);
        match self.shows {
            Some(ShownResource::User(user)) => item = item.text("holder", user.to_string()),
            Some(ShownResource::Profile { system, id, withheld }) => {
                item = item.text("profile", format!("{system}#{id}"));
                if !withheld.is_empty() {
                    item = item.text("withheld", withheld);
                }
            }
            None => {}
        }
        Write::Put(item, Condition::Absent)
    }
}
