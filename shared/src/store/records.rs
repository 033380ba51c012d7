//! Idempotency records in the table: what was answered to a request that carried an Idempotency-Key
//! (rule I1).
//!
//! The answer is sealed before it comes here, under a key that only the caller's Idempotency-Key
//! opens.

use super::item::Item;
use super::keys::Key;
use super::table::Table;
use super::write::{Condition, Failed, Write};
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, ProfileId, TenantId, UserId};
use crate::world::Timestamp;

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The sealed answer.
    pub sealed: Vec<u8>,
    /// What the answer shows: a replay is not found once it is forgotten.
    pub about: Option<About>,
}

/// What an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A user.
    User(UserId),
    /// The profile in a system.
    Profile(PartyId, ProfileId),
}

impl Table {
    /// Reads a record.
    pub async fn find_record(&self, tenant: &TenantId, scope: &str) -> Result<Option<Record>> {
        let item = self.get(&Key::idempotency(tenant, scope)).await?;
        Ok(item.map(|item| Record {
            sealed: item.get_bytes("sealed").unwrap_or_default().to_vec(),
            about: About::of(&item),
        }))
    }

    /// Stores a record that goes with no other write.
    pub async fn put_record(&self, record: Write) -> Result<()> {
        self.commit(vec![record]).await.map_err(|failed| match failed {
            Failed::Conditions(_) => Error::AlreadyRecorded,
            failed => failed.into(),
        })
    }

    /// Whether what an answer shows is still there.
    pub async fn is_there(&self, tenant: &TenantId, about: &About) -> Result<bool> {
        Ok(match about {
            About::User(user) => self.find_user(tenant, *user).await?.is_some(),
            About::Profile(system, id) => self.find_profile(tenant, system, *id).await?.is_some(),
        })
    }
}

impl About {
    fn of(item: &Item) -> Option<Self> {
        let user = || item.holder().map(Self::User);
        let (system, id) = match item.get_text("profile") {
            Some(profile) => profile.split_once('#')?,
            None => return user(),
        };
        Some(Self::Profile(system.parse().ok()?, id.parse().ok()?))
    }
}

impl Record {
    /// The write that stores the record until `until`; it goes into the transaction of the effect.
    #[must_use]
    pub fn write(self, tenant: &TenantId, scope: &str, until: Timestamp) -> Write {
        let mut item =
            Item::at(&Key::idempotency(tenant, scope)).bytes("sealed", self.sealed).expiring(until);
        match self.about {
            Some(About::User(user)) => item = item.text("holder", user.to_string()),
            Some(About::Profile(system, id)) => {
                item = item.text("profile", format!("{system}#{id}"));
            }
            None => {}
        }
        Write::Put(item, Condition::Absent)
    }
}
