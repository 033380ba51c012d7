//! Sign-ins in the table: the user of a subject, and the writes that bind a subject to a user.
//!
//! Everything that a first sign-in makes is one transaction: the user or its change, its look-ups,
//! the principal with its look-up, the system profile with its look-up, and the check that what was
//! found by the subject type is still so. So of many at once one makes the user, and the others
//! find it.

use std::collections::BTreeSet;

use super::forget::REQUEST_SECONDS;
use super::keys::Key;
use super::principals::{principal_change, store_principal};
use super::table::Table;
use super::user_writes::Expectation;
use super::users::StoredUser;
use super::write::{Condition, MAX_SHARING, Write};
use crate::domain::audit::Change;
use crate::domain::error::{Error, Result};
use crate::domain::id::{BaseId, PartyId, TenantId, UserId};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::sign_in::MappedClaims;
use crate::domain::sso::{Principal, Side, SubjectMapping, SubjectType};
use crate::domain::text;
use crate::domain::versioned::Versioned;

/// The user that a sign-in finds.
pub enum SignInMatch {
    /// The user that the base profile id is bound to.
    Bound(StoredUser),
    /// A user that a mapping of the subject names, or that the server's subject type finds, as long
    /// as these expectations hold.
    Matched(StoredUser, Vec<Expectation>),
    /// There is no such user, as long as these expectations hold.
    NotFound(Vec<Expectation>),
    /// A deleted user, whose erasure has just been finished: look again.
    Retry,
}

impl SignInMatch {
    /// The same, as long as this holds too.
    fn expecting(mut self, expectation: Expectation) -> Self {
        if let Self::Matched(_, expected) | Self::NotFound(expected) = &mut self {
            expected.push(expectation);
        }
        self
    }
}

impl Table {
    /// Finds the user that a subject of a server signs in as: by the base profile id, else by a
    /// mapping of the subject, else by the server's subject type.
    pub async fn find_signing_in(
        &self,
        schema: &Schema,
        base: &BaseId,
        subject: &str,
        claims: &MappedClaims<'_>,
    ) -> Result<SignInMatch> {
        let tenant = &schema.tenant;
        if let Some(base) = self.find_base(tenant, base).await? {
            base.check_linked()?;
            return Ok(match self.find_user(tenant, base.user).await? {
                Some(user) => SignInMatch::Bound(user),
                None => self.finish_erasure(tenant, base.user).await?,
            });
        }
        let id = SubjectMapping::id(tenant, Side::Server, &claims.server().id, subject);
        let mapping = Key::subject(tenant, id);
        if let Some(mapping) = self.get(&mapping).await? {
            let user =
                mapping.owner().ok_or_else(|| Error::unexpected("a subject has no owner"))?;
            return match self.find_user(tenant, user).await? {
                Some(user) => Ok(SignInMatch::Matched(user, Vec::new())),
                None => self.finish_erasure(tenant, user).await,
            };
        }
        let found = self.find_by_subject_type(tenant, subject, claims).await?;
        Ok(found.expecting(Expectation::Absent(mapping)))
    }

    /// Finds the user of a subject that no mapping names.
    async fn find_by_subject_type(
        &self,
        tenant: &TenantId,
        subject: &str,
        claims: &MappedClaims<'_>,
    ) -> Result<SignInMatch> {
        let nobody = || SignInMatch::NotFound(Vec::new());
        let server = claims.server();
        match server.subject_type {
            SubjectType::Email => match claims.verified_address() {
                Some(address) => self.find_by_address(tenant, address).await,
                None => Ok(nobody()),
            },
            SubjectType::Username => {
                let Some(name) = text::username(subject) else { return Ok(nobody()) };
                let lookup = Lookup::unique("username", &name);
                let entries = self.users_of(tenant, &lookup, None, 1).await?;
                let Some((user, _)) = entries.users.first() else {
                    return Ok(nobody().expecting(Expectation::Free(lookup)));
                };
                Ok(match self.find_user(tenant, *user).await? {
                    Some(user)
                        if user.value.owns_username()
                            && server.subject_is(subject, &user.value.username) =>
                    {
                        SignInMatch::Matched(user, Vec::new())
                    }
                    Some(_) => nobody(),
                    None => SignInMatch::Retry,
                })
            }
            SubjectType::Userid => {
                let Ok(id) = subject.parse::<UserId>() else { return Ok(nobody()) };
                let key = Key::user(tenant, id);
                let Some(item) = self.get(&key).await? else {
                    return Ok(nobody().expecting(Expectation::Absent(key)));
                };
                // A tombstone never signs in.
                let user = StoredUser::read(&item)?;
                Ok(user.map_or_else(nobody, |user| SignInMatch::Matched(user, Vec::new())))
            }
            SubjectType::Predefined => Ok(nobody()),
        }
    }

    /// Finishes the erasure of a user that a look-up still names (rule D7).
    async fn finish_erasure(&self, tenant: &TenantId, user: UserId) -> Result<SignInMatch> {
        let until = self.env.clock.now().plus_seconds(REQUEST_SECONDS);
        self.resume_forget(tenant, user, until).await?;
        Ok(SignInMatch::Retry)
    }

    /// Finds the one user whose e-mail address this is as far as is known.
    async fn find_by_address(&self, tenant: &TenantId, address: &str) -> Result<SignInMatch> {
        let mut lookups = lookup::of_email(address).into_iter();
        let Some(current) = lookups.next() else {
            return Ok(SignInMatch::NotFound(Vec::new()));
        };
        let found = self.find_by_lookup(tenant, current).await?;
        let (SignInMatch::NotFound(_), Some(earlier)) = (&found, lookups.next()) else {
            return Ok(found);
        };
        // A user that no write has touched since the form changed has a look-up of the earlier
        // form.
        match self.find_by_lookup(tenant, earlier).await? {
            SignInMatch::NotFound(_) => Ok(found),
            matched => Ok(matched),
        }
    }

    async fn find_by_lookup(&self, tenant: &TenantId, lookup: Lookup) -> Result<SignInMatch> {
        let entries = self.users_of(tenant, &lookup, None, usize::MAX).await?;
        let seen: BTreeSet<_> = entries.users.iter().map(|(id, _)| *id).collect();
        let ids: Vec<_> = seen.iter().copied().collect();
        let mut owners = self.find_users(tenant, &ids).await?;
        owners.retain(|user| user.value.owns_address());
        match (owners.pop(), owners.len()) {
            // The set is full: the new user does without the address.
            (None, _) if seen.len() >= MAX_SHARING => Ok(SignInMatch::NotFound(Vec::new())),
            (None, _) => Ok(SignInMatch::NotFound(vec![Expectation::Sharing(lookup, seen)])),
            (Some(user), 0) => {
                Ok(SignInMatch::Matched(user, vec![Expectation::Sharing(lookup, seen)]))
            }
            (Some(_), others) => Err(Error::Several(others + 1)),
        }
    }
}

/// A principal that is bound to a subject.
pub struct Binding {
    principal: Versioned<Principal>,
    /// The condition on the stored principal.
    condition: Condition,
    /// The base profile id of the subject whose place it takes.
    replaced: Option<BaseId>,
    /// The principal that was stored.
    before: Option<Principal>,
}

impl Binding {
    /// Binds a user at a server to a subject, given the stored principal: none, or a principal that
    /// waits for a subject.
    #[must_use]
    pub fn of(server: &PartyId, base: &BaseId, stored: Option<&Versioned<Principal>>) -> Self {
        let principal = Principal::active(server.clone(), base.clone());
        match stored {
            None => Self {
                principal: Versioned::first(principal),
                condition: Condition::Absent,
                replaced: None,
                before: None,
            },
            Some(stored) => Self {
                principal: stored.changed_to(principal),
                condition: Condition::Version(stored.version()),
                replaced: stored.value.base.clone().filter(|old| old != base),
                before: Some(stored.value.clone()),
            },
        }
    }

    /// The authentication server.
    #[must_use]
    pub const fn server(&self) -> &PartyId {
        &self.principal.value.server
    }

    /// What the audit tells of it.
    #[must_use]
    pub fn change(&self) -> Vec<Change> {
        principal_change(self.before.as_ref(), &self.principal.value)
    }

    /// The writes: the principal first, then the look-up of the base profile id.
    #[must_use]
    pub fn writes(&self, tenant: &TenantId, user: UserId) -> Vec<Write> {
        let mut writes = store_principal(tenant, user, &self.principal, self.condition);
        let replaced = self
            .replaced
            .iter()
            .map(|old| Write::Delete(Key::base(tenant, old), Condition::Owner(user)));
        writes.extend(replaced);
        writes
    }
}
