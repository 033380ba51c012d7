//! System profiles in the table: each stands in the partition of its user, where a forget finds it, and a look-up of its id finds the user.

use super::commit::{Condition, Write};
use super::item::Item;
use super::keys::Key;
use super::table::Table;
use super::users::LiveUser;
use crate::domain::error::Result;
use crate::domain::id::{PartyId, ProfileId, TenantId, UserId};
use crate::domain::system_profile::SystemProfile;
use crate::domain::versioned::Versioned;

/// A system profile with the base profile that it inherits from, both as they were read.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The base profile.
    pub base: LiveUser,
    /// The system profile.
    pub profile: Versioned<SystemProfile>,
}

impl Table {
    /// Reads the profile of a user in a system.
    pub async fn profile_of(
        &self,
        tenant: &TenantId,
        user: UserId,
        system: &PartyId,
    ) -> Result<Option<Versioned<SystemProfile>>> {
        self.get(&profile_key(tenant, user, system)).await?.map(|item| item.read()).transpose()
    }

    /// Reads a system profile by its id, with its base profile; that of a forgotten person is not found.
    pub async fn find_profile(&self, tenant: &TenantId, system: &PartyId, id: ProfileId) -> Result<Option<Effective>> {
        let Some(lookup) = self.get(&Key::profile(tenant, system, id)).await? else {
            return Ok(None);
        };
        let Some(user) = lookup.get_text("holder").and_then(|id| id.parse().ok()) else {
            return Ok(None);
        };
        let found = self.find_profile_of(tenant, system, user).await?;
        // The user may have come back with another profile since the look-up was read.
        Ok(found.filter(|found| found.profile.value.id == id))
    }

    /// Reads the profile of a user in a system, with the user.
    pub async fn find_profile_of(
        &self,
        tenant: &TenantId,
        system: &PartyId,
        user: UserId,
    ) -> Result<Option<Effective>> {
        let Some(base) = self.find_user(tenant, user).await? else {
            return Ok(None);
        };
        let profile = self.profile_of(tenant, user, system).await?;
        Ok(profile.map(|profile| Effective { base, profile }))
    }
}

fn profile_key(tenant: &TenantId, user: UserId, system: &PartyId) -> Key {
    Key::child(tenant, user, &format!("SYS#{system}"))
}

/// The writes that store a profile that did not exist: the profile, then the look-up of its id. Whoever commits them checks that the user is
/// live, or puts it.
#[must_use]
pub fn create_profile(tenant: &TenantId, user: UserId, profile: &Versioned<SystemProfile>) -> [Write; 2] {
    let SystemProfile { id, system, .. } = &profile.value;
    let forward = Key::profile(tenant, system, *id);
    let item = Item::at(&profile_key(tenant, user, system))
        .versioned(profile)
        .text("holder", user.to_string())
        .text("forward", forward.pk());
    let lookup = Item::at(&forward).text("holder", user.to_string());
    [Write::Put(item, Condition::Absent), Write::Put(lookup, Condition::Absent)]
}
