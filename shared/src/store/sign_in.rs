//! Sign-ins in the table: whom a base profile id finds, and what is written when somebody arrives.
//!
//! Everything that a first sign-in makes is one transaction: the user or its change, its look-ups,
//! the principal with its look-up, the system profile with its look-up, and the check that what was
//! found by the subject type is still so. So of many at once one makes the user, and the others
//! find it.

use std::collections::BTreeSet;

use super::commit::{Condition, Failed, MAX_SHARING, Write};
use super::keys::Key;
use super::principals::store_principal;
use super::system_profiles::create_profile;
use super::table::Table;
use super::users::{LiveUser, new_user};
use crate::domain::definition::Kind;
use crate::domain::error::{Error, Result};
use crate::domain::id::{BaseId, PartyId, TenantId, UserId};
use crate::domain::lookup::Lookup;
use crate::domain::schema::Schema;
use crate::domain::sign_in::Claimed;
use crate::domain::sso::{Principal, Side, Subject, SubjectType};
use crate::domain::system_profile::SystemProfile;
use crate::domain::text;
use crate::domain::user::User;
use crate::domain::versioned::{Versioned, WriteId};

/// Whom somebody is found to be who signs in.
pub enum Found {
    /// The user whom the base profile id stands for.
    Bound(LiveUser),
    /// A user whom the server's subject type finds.
    Matched(LiveUser, Guard),
    /// Nobody yet.
    Nobody(Guard),
    /// A forgotten user, whose erasure has just been finished: look again.
    Again,
}

/// What was seen when somebody was looked for, and has to be so when the arrival is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing but the user.
    None,
    /// These users have the e-mail address of this look-up.
    Sharing(Lookup, BTreeSet<UserId>),
    /// Nobody has the unique value.
    Free(Lookup),
    /// There is no such item.
    Absent(Key),
}

/// The user as an arrival leaves it.
pub enum Standing {
    /// A user that did not exist.
    New(User),
    /// Another content of a user that was read.
    Changed(Box<LiveUser>, User),
    /// The user as it was read.
    Same(LiveUser),
}

/// The user as it will be, and the writes that make it so.
pub struct Draft {
    /// The user as it will be.
    pub user: Versioned<User>,
    /// The look-ups that it gains.
    added: Vec<Lookup>,
    writes: Vec<Write>,
}

/// What is written beside the user.
#[derive(Default)]
pub struct Beside {
    /// The idempotency record.
    pub record: Option<Write>,
    /// The principal that is bound.
    pub principal: Option<Binding>,
    /// The system profile that is made.
    pub profile: Option<Versioned<SystemProfile>>,
}

/// How an arrival ended.
#[derive(Debug)]
pub enum Landed {
    /// It is written.
    Done,
    /// Somebody else was faster: look again.
    Moved,
    /// Others hold these values.
    Taken(Vec<Lookup>),
    /// The server knows the user by another subject, or the principal is not as it was read.
    Principal,
}

impl Table {
    /// Looks for the user whom a subject of a server signs in as: by the base profile id, else by
    /// the server's subject type.
    pub async fn find_arriving(
        &self,
        schema: &Schema,
        base: &BaseId,
        subject: &str,
        claimed: &Claimed<'_>,
    ) -> Result<Found> {
        let tenant = &schema.tenant;
        if let Some(base) = self.find_base(tenant, base).await? {
            base.check_linked()?;
            return Ok(match self.find_user(tenant, base.user).await? {
                Some(user) => Found::Bound(user),
                None => self.clear_away(tenant, base.user).await?,
            });
        }
        let server = claimed.server();
        match server.subject_type {
            SubjectType::Email => match claimed.verified_email() {
                Some(address) => self.find_by_address(tenant, Lookup::email(&address)).await,
                None => Ok(Found::Nobody(Guard::None)),
            },
            SubjectType::Username => {
                let Some(name) = text::username(subject) else {
                    return Ok(Found::Nobody(Guard::None));
                };
                let lookup = Lookup::unique("username", &name);
                let entries = self.users_of(tenant, &lookup, None, 1).await?;
                let Some((user, _)) = entries.users.first() else {
                    return Ok(Found::Nobody(Guard::Free(lookup)));
                };
                Ok(match self.find_user(tenant, *user).await? {
                    Some(user) if user.value.owns_username() => Found::Matched(user, Guard::None),
                    Some(_) => Found::Nobody(Guard::None),
                    None => Found::Again,
                })
            }
            SubjectType::Userid => {
                let Ok(id) = subject.parse::<UserId>() else {
                    return Ok(Found::Nobody(Guard::None));
                };
                let key = Key::user(tenant, id);
                let Some(item) = self.get(&key).await? else {
                    return Ok(Found::Nobody(Guard::Absent(key)));
                };
                // What is left of a forgotten user is nobody, for ever.
                let user = LiveUser::read(&item)?;
                Ok(user
                    .map_or(Found::Nobody(Guard::None), |user| Found::Matched(user, Guard::None)))
            }
            SubjectType::Predefined => {
                let key =
                    Key::subject(tenant, Subject::id(tenant, Side::Server, &server.id, subject));
                let Some(mapping) = self.get(&key).await? else {
                    return Ok(Found::Nobody(Guard::Absent(key)));
                };
                let user =
                    mapping.holder().ok_or_else(|| Error::unexpected("a subject has no holder"))?;
                match self.find_user(tenant, user).await? {
                    Some(user) => Ok(Found::Matched(user, Guard::None)),
                    None => self.clear_away(tenant, user).await,
                }
            }
        }
    }

    /// Finishes the erasure of a user whom something still names (rule D7).
    async fn clear_away(&self, tenant: &TenantId, user: UserId) -> Result<Found> {
        self.resume_forget(tenant, user).await?;
        Ok(Found::Again)
    }

    /// Finds the one user whose e-mail address this is as far as is known.
    async fn find_by_address(&self, tenant: &TenantId, lookup: Lookup) -> Result<Found> {
        let entries = self.users_of(tenant, &lookup, None, usize::MAX).await?;
        let seen: BTreeSet<_> = entries.users.iter().map(|(id, _)| *id).collect();
        let ids: Vec<_> = seen.iter().copied().collect();
        let mut owners = self.find_users(tenant, &ids).await?;
        owners.retain(|user| user.value.owns_address());
        match (owners.pop(), owners.len()) {
            // Nobody joins them any more; whoever arrives does without the address.
            (None, _) if seen.len() >= MAX_SHARING => Ok(Found::Nobody(Guard::None)),
            (None, _) => Ok(Found::Nobody(Guard::Sharing(lookup, seen))),
            (Some(user), 0) => Ok(Found::Matched(user, Guard::Sharing(lookup, seen))),
            (Some(_), others) => Err(Error::Several(others + 1)),
        }
    }

    /// The user as an arrival leaves it, with its writes.
    pub fn draft(&self, schema: &Schema, standing: Standing) -> Result<Draft> {
        match standing {
            Standing::New(user) => {
                let user = Versioned::first(user);
                let (added, writes) = new_user(schema, &user)?;
                Ok(Draft { user, added, writes })
            }
            Standing::Changed(live, user) => {
                let (user, added, writes) = self.next_user(schema, &live, user)?;
                Ok(Draft { user, added, writes })
            }
            Standing::Same(live) => {
                Ok(Draft { user: live.into_stored(), added: Vec::new(), writes: Vec::new() })
            }
        }
    }

    /// Commits an arrival under the id of its first attempt.
    pub async fn land(
        &self,
        schema: &Schema,
        write_id: WriteId,
        draft: Draft,
        guard: &Guard,
        beside: Beside,
    ) -> Result<Landed> {
        let tenant = &schema.tenant;
        let user = draft.user.value.id;
        let server = beside
            .principal
            .as_ref()
            .map(|bound| (Kind::Server, bound.principal.value.server.to_string()));
        let system =
            beside.profile.as_ref().map(|profile| (Kind::System, profile.value.system.to_string()));
        let written = if draft.writes.is_empty() { None } else { Some(draft.user.value.held()) };
        self.mark_used(
            schema,
            server.into_iter().chain(system).chain(written.into_iter().flatten()),
        )
        .await?;
        let recorded = usize::from(beside.record.is_some());
        let mut writes: Vec<_> = beside.record.into_iter().collect();
        if draft.writes.is_empty() {
            writes.push(Write::Check(Key::user(tenant, user), Condition::Live));
        }
        writes.extend(draft.writes);
        guard.apply(tenant, user, &mut writes);
        let principal = writes.len();
        let mut bound = 0;
        if let Some(binding) = beside.principal {
            let stored = binding.writes(tenant, user);
            bound = stored.len();
            writes.extend(stored);
        }
        writes.extend(
            beside.profile.iter().flat_map(|profile| create_profile(tenant, user, profile)),
        );
        match self.commit_as(write_id, writes).await {
            Ok(()) => Ok(Landed::Done),
            Err(Failed::Contended) => Ok(Landed::Moved),
            Err(failed) if recorded == 1 && failed.at(0) => Err(Error::AlreadyRecorded),
            // The look-up of the base profile id is taken: the same person was faster.
            Err(failed) if bound > 1 && failed.at(principal + 1) => Ok(Landed::Moved),
            Err(failed) if bound > 0 && failed.at(principal) => Ok(Landed::Principal),
            Err(Failed::Conditions(failed))
                if !failed.iter().any(|(index, _)| *index == recorded) =>
            {
                let lookup = |(index, _): &(usize, _)| {
                    draft.added.get(index.checked_sub(recorded + 1)?).cloned()
                };
                let mut taken: Vec<_> = failed.iter().filter_map(lookup).collect();
                taken.retain(|taken| !matches!(guard, Guard::Sharing(seen, _) if seen == taken));
                Ok(if taken.is_empty() { Landed::Moved } else { Landed::Taken(taken) })
            }
            Err(Failed::Conditions(_)) => Ok(Landed::Moved),
            Err(failed) => Err(failed.into()),
        }
    }
}

impl Guard {
    /// Adds the check to the writes, or sharpens the write of the same item: a transaction has one
    /// action for each.
    fn apply(&self, tenant: &TenantId, user: UserId, writes: &mut Vec<Write>) {
        match self {
            Self::None => {}
            Self::Absent(key) => writes.push(Write::Check(key.clone(), Condition::Absent)),
            Self::Free(lookup) => {
                let key = Key::lookup(tenant, lookup, user);
                let added = writes
                    .iter()
                    .any(|write| matches!(write, Write::Put(item, _) if item.key() == key));
                if !added {
                    writes.push(Write::Check(key, Condition::Absent));
                }
            }
            Self::Sharing(lookup, seen) => {
                let key = Key::lookup(tenant, lookup, user);
                let joins =
                    |write: &Write| matches!(write, Write::Join(joined, _) if *joined == key);
                match writes.iter().position(joins) {
                    Some(place) => {
                        if let Some(write) = writes.get_mut(place) {
                            *write = Write::Sharing { key, seen: seen.clone(), join: Some(user) };
                        }
                    }
                    None => writes.push(Write::Sharing { key, seen: seen.clone(), join: None }),
                }
            }
        }
    }
}

/// A principal that is bound to a subject.
pub struct Binding {
    principal: Versioned<Principal>,
    /// What must be true of the principal that is there.
    condition: Condition,
    /// The base profile id of the subject whose place it takes.
    replaced: Option<BaseId>,
}

impl Binding {
    /// Binds a user at a server to a subject, given the principal that is stored: none, or one that
    /// waits for a subject.
    #[must_use]
    pub fn of(server: &PartyId, base: &BaseId, stored: Option<&Versioned<Principal>>) -> Self {
        let principal = Principal::active(server.clone(), base.clone());
        match stored {
            None => Self {
                principal: Versioned::first(principal),
                condition: Condition::Absent,
                replaced: None,
            },
            Some(stored) => Self {
                principal: stored.changed_to(principal),
                condition: Condition::Version(stored.version()),
                replaced: stored.value.base.clone().filter(|old| old != base),
            },
        }
    }

    fn writes(&self, tenant: &TenantId, user: UserId) -> Vec<Write> {
        let mut writes = store_principal(tenant, user, &self.principal, self.condition);
        let replaced = self
            .replaced
            .iter()
            .map(|old| Write::Delete(Key::base(tenant, old), Condition::Owner(user)));
        writes.extend(replaced);
        writes
    }
}
