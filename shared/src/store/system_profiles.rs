//! System profiles in the table: each stands in the partition of its user, where a forget finds it,
//! and a look-up of its id finds the user.
//!
//! A profile's item stores the look-ups of the values that it overrides (`ix`). Every transaction
//! that touches them also puts or deletes the profile under the version that was read, and checks
//! that the base profile is unchanged since it was read, and so live.

mod items;

use std::collections::{BTreeSet, HashMap, HashSet};

pub use self::items::create_profile;
use self::items::{check_unchanged, lookup_key, owned_by, profile_key, writes_of};
use super::audit::UserRecord;
use super::consents::governing_keys;
use super::item::Item;
use super::keys::{Children, Key};
use super::retry::Retry;
use super::table::Table;
use super::user_writes::remove;
use super::users::StoredUser;
use super::write::{CommitError, Condition, Write};
use crate::domain::audit::{Operation, diff_profile};
use crate::domain::author::Author;
use crate::domain::consent::Withheld;
use crate::domain::error::{Code, Error, Result, Violations};
use crate::domain::id::{PartyId, ProfileId, ProfileName, TenantId, UserId};
use crate::domain::lookup::{self, Lookup, MAX_CHANGED};
use crate::domain::schema::Schema;
use crate::domain::system_profile::SystemProfile;
use crate::domain::user::User;
use crate::domain::versioned::{Tag, Versioned};

/// A system profile with the base profile that it inherits from, both as they were read.
#[derive(Clone, Debug)]
pub struct EffectiveProfile {
    /// The base profile.
    pub base: StoredUser,
    /// The system profile.
    pub profile: Versioned<SystemProfile>,
    /// What the system does not get, because the person does not agree.
    pub withheld: Withheld,
}

impl EffectiveProfile {
    /// The tag of the effective view.
    #[must_use]
    pub fn tag(&self) -> Tag {
        SystemProfile::tag(&self.profile, &self.base, &self.withheld)
    }

    /// The base profile as far as the system gets it.
    #[must_use]
    pub fn visible_base(&self) -> User {
        self.withheld.mask_user(&self.base.value)
    }

    /// The system profile as far as the system gets it.
    #[must_use]
    pub fn visible_profile(&self) -> SystemProfile {
        self.withheld.mask_profile(&self.profile.value)
    }

    /// The person as the system sees it.
    #[must_use]
    pub fn user(&self) -> User {
        self.visible_profile().effective(&self.visible_base())
    }
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

    /// The profiles of a user in all systems.
    pub async fn profiles_of(
        &self,
        tenant: &TenantId,
        user: UserId,
    ) -> Result<Vec<Versioned<SystemProfile>>> {
        let items = self.children(tenant, user, Children::SystemProfiles).await?;
        items.iter().map(Item::read).collect()
    }

    /// Reads a system profile by its id, with its base profile; that of a forgotten person is not
    /// found.
    pub async fn find_profile(
        &self,
        schema: &Schema,
        system: &PartyId,
        id: ProfileId,
    ) -> Result<Option<EffectiveProfile>> {
        self.find_named_profile(schema, system, &ProfileName::Profile(id)).await
    }

    /// Reads a system profile by its id or by a base profile id of its person.
    pub async fn find_named_profile(
        &self,
        schema: &Schema,
        system: &PartyId,
        name: &ProfileName,
    ) -> Result<Option<EffectiveProfile>> {
        let user = self.owner_of(&schema.tenant, system, name).await?;
        let Some(user) = user else { return Ok(None) };
        Ok(self.read_profile(schema, system, user, name).await?.map(|(found, _)| found))
    }

    /// Reads the profiles of some users in a system, in no order; users without one and forgotten
    /// ones are left out.
    pub async fn find_profiles_of(
        &self,
        schema: &Schema,
        system: &PartyId,
        users: &HashSet<UserId>,
    ) -> Result<Vec<EffectiveProfile>> {
        let tenant = &schema.tenant;
        let keys: Vec<_> = users
            .iter()
            .flat_map(|user| {
                let consents = governing_keys(schema, *user, Some(system));
                consents.into_iter().chain([profile_key(tenant, *user, system)])
            })
            .collect();
        let (mut profiles, mut consents) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for item in self.get_many(&keys).await? {
            let Some(user) = item.owner() else { continue };
            if Children::SystemProfiles.include(&item.key()) {
                profiles.insert(user, item);
            } else {
                consents.entry(user).or_default().push(item);
            }
        }
        let ids: Vec<_> = profiles.keys().copied().collect();
        let bases = self.find_users(tenant, &ids).await?.into_iter();
        let found =
            bases.filter_map(|base| profiles.remove(&base.value.id).map(|item| (base, item)));
        let effective = |(base, item): (StoredUser, Item)| {
            let decided = consents.get(&base.value.id).map(Vec::as_slice).unwrap_or_default();
            let withheld = self.withheld_in(schema, decided, Some(system))?;
            Ok(EffectiveProfile { base, profile: item.read()?, withheld })
        };
        found.map(effective).collect()
    }

    /// The users whose system profiles are named, as the look-ups say; names that nobody holds are
    /// left out.
    pub async fn holders_of(
        &self,
        tenant: &TenantId,
        system: &PartyId,
        names: &HashSet<ProfileName>,
    ) -> Result<HashMap<ProfileName, UserId>> {
        let mut by_key: HashMap<_, _> =
            names.iter().map(|name| (lookup_key(tenant, system, name), name.clone())).collect();
        let keys: Vec<_> = by_key.keys().cloned().collect();
        let items = self.get_many(&keys).await?;
        Ok(items
            .iter()
            .filter_map(|item| Some((by_key.remove(&item.key())?, item.owner()?)))
            .collect())
    }

    pub(super) async fn owner_of(
        &self,
        tenant: &TenantId,
        system: &PartyId,
        name: &ProfileName,
    ) -> Result<Option<UserId>> {
        let item = self.get(&lookup_key(tenant, system, name)).await?;
        Ok(item.as_ref().and_then(Item::owner))
    }

    /// Reads the named profile of `user`, with the look-ups that it owns.
    async fn read_profile(
        &self,
        schema: &Schema,
        system: &PartyId,
        user: UserId,
        name: &ProfileName,
    ) -> Result<Option<(EffectiveProfile, BTreeSet<Lookup>)>> {
        let tenant = &schema.tenant;
        let keys = [Key::user(tenant, user), profile_key(tenant, user, system)];
        let consents = governing_keys(schema, user, Some(system));
        let items = self.get_many(&[&keys[..], &consents].concat()).await?;
        let [base, item] = keys.map(|key| items.iter().find(|item| item.key() == key));
        let base = base.map(StoredUser::read).transpose()?.flatten();
        let Some((base, item)) = base.zip(item) else { return Ok(None) };
        let profile: Versioned<SystemProfile> = item.read()?;
        // The user may have come back with another profile since the look-up was read.
        if matches!(name, ProfileName::Profile(id) if *id != profile.value.id) {
            return Ok(None);
        }
        let lookups = owned_by(item)?;
        let withheld = self.withheld_in(schema, &items, Some(system))?;
        Ok(Some((EffectiveProfile { base, profile, withheld }, lookups)))
    }

    /// Changes the system profile that is named: reads it, lets `edit` decide, writes what it
    /// decides under the versions of profile and base that were read, and calls `edit` again if
    /// another request wrote either meanwhile. `None` writes nothing.
    pub async fn change_profile(
        &self,
        author: &Author,
        schema: &Schema,
        system: &PartyId,
        name: &ProfileName,
        mut edit: impl FnMut(&EffectiveProfile) -> Result<Option<SystemProfile>> + Send,
    ) -> Result<EffectiveProfile> {
        let tenant = &author.tenant;
        let write_id = self.write_id();
        let user = self.owner_of(tenant, system, name).await?.ok_or(Error::NotFound)?;
        let mut retry = Retry::of(self);
        loop {
            let read = self.read_profile(schema, system, user, name).await?;
            let (found, owned) = read.ok_or(Error::NotFound)?;
            if found.profile.log.contains(write_id) {
                return Ok(found);
            }
            schema.check_covers(&found.profile.value.effective(&found.base.value))?;
            let Some(profile) = edit(&found)? else { return Ok(found) };
            self.mark_used(schema, profile.used_definitions()).await?;
            let (next, mut writes) = self.next_profile(schema, &found, &owned, profile)?;
            self.audit_profile(author, schema, &found, Some(&next.value), &mut writes).await?;
            match self.commit_user_writes(write_id, writes).await {
                Ok(()) => return Ok(EffectiveProfile { profile: next, ..found }),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// The profile as the next write leaves it, and the writes: the profile first, then the check
    /// of its base, then look-ups.
    fn next_profile(
        &self,
        schema: &Schema,
        found: &EffectiveProfile,
        owned: &BTreeSet<Lookup>,
        mut profile: SystemProfile,
    ) -> Result<(Versioned<SystemProfile>, Vec<Write>)> {
        let tenant = &schema.tenant;
        let mut violations = Violations::default();
        let lookups = profile.lookups(&found.profile.value, schema, &mut violations);
        let changed = lookups.symmetric_difference(owned).count();
        if changed > MAX_CHANGED {
            let detail = format!(
                "expected at most {MAX_CHANGED} index entries to change at once, found {changed}; \
                 override fewer searchable values at once"
            );
            violations.add("", Code::TooMany, detail);
        }
        violations.check(())?;
        profile.updated_at = self.env.clock.now().max(found.profile.value.updated_at.next());
        let next = found.profile.changed_to(profile);
        let writes = writes_of(tenant, &found.base, &found.profile, &next, owned, &lookups);
        Ok((next, writes))
    }

    /// Gives the system profiles of a user the look-ups that they are to have, without another
    /// change; whether one got others.
    pub async fn reindex_profiles(&self, schema: &Schema, user: UserId) -> Result<bool> {
        let tenant = &schema.tenant;
        let mut changed = false;
        let mut retry = Retry::of(self);
        'read: loop {
            let Some(base) = self.find_user(tenant, user).await? else { return Ok(changed) };
            for item in self.children(tenant, user, Children::SystemProfiles).await? {
                let profile: Versioned<SystemProfile> = item.read()?;
                let owned = owned_by(&item)?;
                let due = profile.value.lookups(&profile.value, schema, &mut Violations::default());
                if due == owned {
                    continue;
                }
                let lookups = lookup::step(&owned, &due)?;
                let next = profile.unchanged();
                let writes = writes_of(tenant, &base, &profile, &next, &owned, &lookups);
                match self.commit(writes).await {
                    Ok(()) => {
                        changed = true;
                        if lookups != due {
                            continue 'read;
                        }
                    }
                    Err(CommitError::Contended | CommitError::Conditions(_)) => {
                        retry.again().await?;
                        continue 'read;
                    }
                    Err(failed) => return Err(failed.into()),
                }
            }
            return Ok(changed);
        }
    }

    /// Forgets the person in one system: the profile, the look-up of its id and those of what it
    /// overrides go at once; the base profile stays. `check` sees the profile before.
    pub async fn forget_profile(
        &self,
        author: &Author,
        schema: &Schema,
        system: &PartyId,
        name: &ProfileName,
        mut check: impl FnMut(&EffectiveProfile) -> Result<()> + Send,
    ) -> Result<()> {
        let tenant = &author.tenant;
        let user = self.owner_of(tenant, system, name).await?.ok_or(Error::NotFound)?;
        let write_id = self.write_id();
        let mut retry = Retry::of(self);
        loop {
            let Some((found, owned)) = self.read_profile(schema, system, user, name).await? else {
                // This request, or another deletion, has deleted the profile meanwhile.
                return if retry.attempt() == 1 { Err(Error::NotFound) } else { Ok(()) };
            };
            check(&found)?;
            self.settings_for_erasure(author).await?;
            let SystemProfile { id, system, .. } = &found.profile.value;
            let own = Condition::Version(found.profile.version);
            let mut writes = vec![
                Write::Delete(profile_key(tenant, user, system), own),
                check_unchanged(tenant, &found.base),
                Write::Delete(Key::profile(tenant, system, *id), Condition::Owner(user)),
            ];
            writes.extend(owned.iter().map(|lookup| remove(tenant, lookup, user)));
            self.audit_profile(author, schema, &found, None, &mut writes).await?;
            match self.commit_user_writes(write_id, writes).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Contended | CommitError::Conditions(_)) => retry.again().await?,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Puts the base profile in the place of its check, which is the second of these writes, and
    /// adds the entry, if the tenant has an audit: a system profile changes or goes.
    async fn audit_profile(
        &self,
        author: &Author,
        schema: &Schema,
        found: &EffectiveProfile,
        next: Option<&SystemProfile>,
        writes: &mut Vec<Write>,
    ) -> Result<()> {
        let operation =
            if next.is_some() { Operation::ProfileChange } else { Operation::ProfileForget };
        let changes = diff_profile(Some(&found.profile.value), next, schema);
        let record = UserRecord { operation: Some(operation), changes };
        let usual = check_unchanged(&schema.tenant, &found.base);
        let guard = self.guard_child(author, schema, &found.base, record, usual).await?;
        if let Some(check) = writes.get_mut(1) {
            *check = guard.user;
        }
        writes.extend(guard.entry);
        Ok(())
    }
}
