//! The last administrator of a tenant stays (rule G62).
//!
//! Who is an administrator is found by the look-ups of personas, which are strongly consistent. A
//! write that takes the right away looks for another administrator and moves the guard of the
//! tenant in its transaction. So of two such writes at once, the second one looks again.

use std::collections::BTreeSet;

use crate::domain::definition::PersonaDefinition;
use crate::domain::error::{Error, Result};
use crate::domain::id::{DefinitionId, PartyId, TenantId, UserId};
use crate::domain::lookup::Lookup;
use crate::domain::people::rights::is_administrator;
use crate::domain::schema::{Epoch, Schema};
use crate::domain::scope::Scope;
use crate::domain::sso::SYSTEM;
use crate::domain::user::User;
use crate::domain::versioned::{Version, WriteLog};
use crate::env::Timestamp;
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::table::Table;
use crate::store::write::{Condition, Write};

/// How many holders of a persona are read at once.
const PAGE: usize = 50;
/// What an administrator has who counts as another one.
#[derive(Clone, Copy, Debug, Default)]
struct Needed {
    /// A right without an end.
    lasting: bool,
    /// A password without an end, or a passkey.
    credential: bool,
}

/// A time at which only grants without an end are in force.
const ALWAYS: Timestamp = Timestamp::from_millis(i64::MAX);

impl Table {
    /// The users who are administrators of a tenant now.
    pub async fn administrators(&self, schema: &Schema) -> Result<BTreeSet<UserId>> {
        let mut found = BTreeSet::new();
        for definition in granting(schema) {
            let mut after = None;
            loop {
                let page =
                    self.page_of(schema, definition, after.as_deref(), Needed::default()).await?;
                found.extend(page.0);
                after = page.1;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What a write that makes `after` of a user adds to its transaction, `None` for a user who is
    /// gone or may not sign in any more: the guard of the tenant's administrators, if the user loses
    /// the right `administrator`. Refuses if no other user has it.
    pub(in crate::store) async fn guard_administrators(
        &self,
        schema: &Schema,
        before: &User,
        after: Option<&User>,
    ) -> Result<Option<Write>> {
        // A persona of a definition that is not known here may grant the right.
        schema.check_covers(before)?;
        if !loses(before, after, schema, self.env.clock.now()) {
            return Ok(None);
        }
        let tenant = &schema.tenant;
        // The guard is read before the rest is: what changes after this read fails the commit.
        let guard = self.next_guard(tenant).await?;
        // A definition that was changed since it was cached may not grant the right any more.
        let version = |epoch: &Epoch| epoch.version;
        let now = self.epoch(tenant).await?;
        if now.as_ref().map(version) != schema.epoch.as_ref().map(version) {
            return Err(Error::Outdated);
        }
        // A person who may not sign in had no right to lose.
        if !self.may_sign_in(tenant, before.id).await? {
            return Ok(None);
        }
        // An administrator without an end leaves another one without an end, and one who can sign in
        // leaves another one who can.
        let needed = Needed {
            lasting: is_administrator(before, schema, ALWAYS),
            credential: self.has_credential(tenant, before.id).await?,
        };
        match self.other_administrator(schema, Some(before.id), needed).await? {
            Some(_) => Ok(Some(guard)),
            None => Err(Error::LastAdministrator),
        }
    }

    /// What a change of definitions adds to its transaction: the guard of the tenant's
    /// administrators, if a persona does not grant the right any more. Refuses if no user has it
    /// then, and one has it now.
    pub async fn guard_administrators_of_definition(
        &self,
        before: &Schema,
        after: &Schema,
    ) -> Result<Option<Write>> {
        let stay: BTreeSet<_> = granting(after).collect();
        if granting(before).all(|definition| stay.contains(&definition)) {
            return Ok(None);
        }
        let guard = self.next_guard(&before.tenant).await?;
        for (lasting, credential) in [(true, true), (true, false), (false, true), (false, false)] {
            let needed = Needed { lasting, credential };
            let stays = self.other_administrator(after, None, needed).await?.is_some();
            if !stays && self.other_administrator(before, None, needed).await?.is_some() {
                return Err(Error::LastAdministrator);
            }
        }
        Ok(Some(guard))
    }

    /// The write that moves the guard of the tenant's administrators, if nobody does before.
    async fn next_guard(&self, tenant: &TenantId) -> Result<Write> {
        let key = Key::administrators(tenant);
        let stored = self.get(&key).await?;
        let version = stored.as_ref().and_then(Item::version);
        let log = stored.map_or_else(WriteLog::default, |item| item.log());
        let condition = version.map_or(Condition::Absent, Condition::Version);
        let next = version.map_or(Version::FIRST, Version::next);
        Ok(Write::Put(Item::at(&key).guarded(next, &log), condition))
    }

    /// An administrator of the tenant who is not this user, and who has what is needed.
    async fn other_administrator(
        &self,
        schema: &Schema,
        not: Option<UserId>,
        needed: Needed,
    ) -> Result<Option<UserId>> {
        for definition in granting(schema) {
            let mut after = None;
            loop {
                let (found, next) =
                    self.page_of(schema, definition, after.as_deref(), needed).await?;
                if let Some(user) = found.into_iter().find(|user| Some(*user) != not) {
                    return Ok(Some(user));
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// Those of a page of the holders of a persona who are administrators with what is needed, and
    /// where the next page starts.
    async fn page_of(
        &self,
        schema: &Schema,
        definition: DefinitionId,
        after: Option<&str>,
        needed: Needed,
    ) -> Result<(Vec<UserId>, Option<String>)> {
        let tenant = &schema.tenant;
        let holders = Lookup::persona(definition, None);
        let entries = self.users_of(tenant, &holders, after, PAGE).await?;
        let ids: Vec<_> = entries.users.iter().map(|(user, _)| *user).collect();
        let now = self.env.clock.now();
        let mut found = Vec::new();
        for user in self.find_users(tenant, &ids).await? {
            let user = &user.value;
            let has = is_administrator(user, schema, now)
                && (!needed.lasting || is_administrator(user, schema, ALWAYS));
            if has
                && self.may_sign_in(tenant, user.id).await?
                && (!needed.credential || self.has_credential(tenant, user.id).await?)
            {
                found.push(user.id);
            }
        }
        Ok((found, entries.next))
    }

    /// Whether the user has a password or a passkey that does not run out.
    async fn has_credential(&self, tenant: &TenantId, user: UserId) -> Result<bool> {
        let facts = self.login_facts(tenant, user).await?;
        Ok(facts.is_some_and(|facts| facts.value.has_lasting_credential()))
    }

    /// Whether the built-in authentication server lets the user in.
    async fn may_sign_in(&self, tenant: &TenantId, user: UserId) -> Result<bool> {
        let system: PartyId = SYSTEM.parse().map_err(Error::unexpected)?;
        let principal = self.find_principal(tenant, user, &system).await?;
        Ok(principal.is_none_or(|principal| principal.value.linked))
    }
}

/// The persona definitions that grant the right `administrator`.
fn granting(schema: &Schema) -> impl Iterator<Item = DefinitionId> {
    let grants = |definition: &PersonaDefinition| {
        definition.portal_scopes.allows(Scope::Administrator).then_some(definition.id)
    };
    schema.personas.values().filter_map(grants)
}

/// Whether a user loses the right `administrator`: now, or because it gets an end.
fn loses(before: &User, after: Option<&User>, schema: &Schema, now: Timestamp) -> bool {
    let has = |user: &User, at| is_administrator(user, schema, at);
    let keeps = |at| after.is_some_and(|after| has(after, at));
    has(before, now) && (!keeps(now) || (has(before, ALWAYS) && !keeps(ALWAYS)))
}
