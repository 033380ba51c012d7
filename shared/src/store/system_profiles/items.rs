//! The items of system profiles, and the writes that put them.

use std::collections::BTreeSet;

use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, ProfileName, TenantId, UserId};
use crate::domain::lookup::Lookup;
use crate::domain::system_profile::SystemProfile;
use crate::domain::versioned::Versioned;
use crate::store::item::Item;
use crate::store::keys::{Child, Key};
use crate::store::user_writes::{add, remove};
use crate::store::users::StoredUser;
use crate::store::write::{Condition, Write};

/// The look-ups that the item of a system profile owns.
pub(super) fn owned_by(item: &Item) -> Result<BTreeSet<Lookup>> {
    let lookups: Result<_, _> = item.get_texts("ix").into_iter().map(str::parse).collect();
    lookups
        .map_err(|_| Error::unexpected("cannot read the stored index entries of a system profile"))
}

/// The writes that replace a profile that was read: first the profile, then the check of its base,
/// then the look-ups.
pub(super) fn writes_of(
    tenant: &TenantId,
    base: &StoredUser,
    read: &Versioned<SystemProfile>,
    next: &Versioned<SystemProfile>,
    owned: &BTreeSet<Lookup>,
    lookups: &BTreeSet<Lookup>,
) -> Vec<Write> {
    let user = base.value.id;
    let put = profile_item(tenant, user, next).texts("ix", lookups.iter().map(ToString::to_string));
    let mut writes =
        vec![Write::Put(put, Condition::Version(read.version)), check_unchanged(tenant, base)];
    writes.extend(lookups.difference(owned).map(|lookup| add(tenant, lookup, user)));
    writes.extend(owned.difference(lookups).map(|lookup| remove(tenant, lookup, user)));
    writes
}

pub(super) fn profile_key(tenant: &TenantId, user: UserId, system: &PartyId) -> Key {
    Key::child(tenant, user, Child::SystemProfile(system))
}

/// Where the user of a system profile that is named so is looked up.
pub(super) fn lookup_key(tenant: &TenantId, system: &PartyId, name: &ProfileName) -> Key {
    match name {
        ProfileName::Profile(id) => Key::profile(tenant, system, *id),
        ProfileName::Base(id) => Key::base(tenant, id),
    }
}

/// Checks that the base profile is unchanged since it was read: live, and of the same version.
pub(super) fn check_unchanged(tenant: &TenantId, base: &StoredUser) -> Write {
    Write::Check(Key::user(tenant, base.value.id), Condition::Version(base.version()))
}

fn profile_item(tenant: &TenantId, user: UserId, profile: &Versioned<SystemProfile>) -> Item {
    let SystemProfile { id, system, .. } = &profile.value;
    Item::at(&profile_key(tenant, user, system))
        .versioned(profile)
        .text("holder", user.to_string())
        .text("forward", Key::profile(tenant, system, *id).pk())
}

/// The writes that store a profile that did not exist and that overrides nothing: the profile, then
/// the look-up of its id. The caller that commits them checks that the user is live, or puts it.
#[must_use]
pub fn create_profile(
    tenant: &TenantId,
    user: UserId,
    profile: &Versioned<SystemProfile>,
) -> [Write; 2] {
    let SystemProfile { id, system, .. } = &profile.value;
    let lookup = Item::at(&Key::profile(tenant, system, *id)).text("holder", user.to_string());
    [
        Write::Put(profile_item(tenant, user, profile), Condition::Absent),
        Write::Put(lookup, Condition::Absent),
    ]
}
