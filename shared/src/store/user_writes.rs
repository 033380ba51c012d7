//! Writes of users: the one place where the transaction of a user is put together and committed.
//!
//! INVARIANT (rule D1): every transaction that touches a user's look-ups also puts the user under
//! the version that was read, so a user exists if and only if its look-ups do. Look-ups to remove
//! are the stored ones, never recomputed.

mod exchange;
mod free;
mod refusals;
mod transaction;

use std::collections::BTreeSet;

use self::refusals::{distinct, id_taken, refusal};
use self::transaction::Transaction;
use super::audit::with_head;
use super::item::Item;
use super::keys::{self, Key};
use super::table::Table;
use super::users::{SIGNED_OUT, StoredUser};
use super::write::{CommitError, Condition, Write};
use crate::domain::audit::Change;
use crate::domain::author::Author;
use crate::domain::definition::DefinitionKind;
use crate::domain::error::{Error, Result, Violations};
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::user::{User, UserStatus};
use crate::domain::versioned::{Versioned, WriteId};

/// The write of a user.
pub enum UserWrite {
    /// A user that does not exist yet.
    Create(User),
    /// Another content of a user that was read.
    Update(Box<StoredUser>, User),
    /// The user stays as it was read but for its version, and for the version that ended all sessions
    /// if this one is greater.
    Touch(Box<StoredUser>, u64),
    /// The user stays as it was read. Only the other writes of the transaction are written.
    Keep(Box<StoredUser>),
    /// The look-ups of a user that was read, whose content stays: as many as one write changes,
    /// without those of this set, which others hold.
    Reindex(Box<StoredUser>, BTreeSet<Lookup>),
}

/// A user as it will be written, with the writes of its look-ups.
pub struct PreparedUser {
    user: Versioned<User>,
    /// The look-ups that it gains.
    gained: Vec<Lookup>,
    /// The user first, then gains, then losses; empty if the user stays as it is.
    writes: Vec<Write>,
    /// The user as it was read; `None` for a new one.
    before: Option<Box<StoredUser>>,
    /// Whether nothing of the profile changes: the audit has no entry of it.
    reindexed: bool,
}

impl PreparedUser {
    /// The user as it will be.
    #[must_use]
    pub const fn user(&self) -> &Versioned<User> {
        &self.user
    }

    /// A user who stays as it was read.
    fn kept(current: Box<StoredUser>) -> Self {
        let (user, before) = ((**current).clone(), Some(current));
        Self { user, gained: Vec::new(), writes: Vec::new(), before, reindexed: false }
    }

    /// The user as it will be, without its writes.
    #[must_use]
    pub fn into_user(self) -> Versioned<User> {
        self.user
    }
}

/// The other writes of the transaction of a user.
#[derive(Default)]
pub struct CompanionWrites {
    /// The writes, none of which is of the user's own item.
    pub writes: Vec<Write>,
    /// The definitions that they assign.
    pub assigned: Vec<(DefinitionKind, String)>,
    /// Results of earlier reads that the commit checks.
    pub expectations: Vec<Expectation>,
    /// What they change of the user's children, for the audit: a user who stays as it is gets the
    /// next version then.
    pub changes: Vec<Change>,
}

impl CompanionWrites {
    /// Writes that expect nothing else.
    #[must_use]
    pub fn of(writes: Vec<Write>) -> Self {
        Self { writes, ..Self::default() }
    }
}

/// The result of a look-up, as a condition of the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// These users have the e-mail address of this look-up.
    Sharing(Lookup, BTreeSet<UserId>),
    /// No user has the unique value.
    Free(Lookup),
    /// There is no such item.
    Absent(Key),
}

/// The result of the commit of a user, if the table accepts writes.
pub enum CommitOutcome {
    /// It is written.
    Done,
    /// Another request was writing one of the items at this moment.
    Contended,
    /// Conditions did not hold; nothing is written.
    Refused(Box<FailedConditions>),
}

/// The conditions of a user's transaction that failed.
pub struct FailedConditions {
    /// The user as it would have been.
    pub next: Versioned<User>,
    /// Whether the user has changed since it was read: written, deleted or, for a new user, created
    /// already.
    pub user: bool,
    /// The look-ups to gain that others hold.
    pub gained: Vec<Lookup>,
    /// The places of companions in [`CompanionWrites::writes`].
    pub companions: Vec<usize>,
}

impl FailedConditions {
    /// The first companion whose condition did not hold.
    #[must_use]
    pub fn companion(&self) -> Option<usize> {
        self.companions.first().copied()
    }

    /// The look-up of an e-mail address that has reached its limit of users, if that blocks a user
    /// who owns the address.
    #[must_use]
    pub fn full_address(&self) -> Option<&Lookup> {
        let full = self.gained.iter().find(|lookup| matches!(lookup, Lookup::Email { .. }));
        full.filter(|_| self.next.value.owns_address())
    }

    /// The refusal for the author, if no companion write failed. Other users hold the id of a new
    /// user, or values that the user would gain.
    #[must_use]
    pub fn not_unique(&self, schema: &Schema) -> Error {
        let id = self.user.then(id_taken);
        let values = self.gained.iter().map(|lookup| refusal(lookup, &self.next.value, schema));
        let violations: Result<Vec<_>> = id.into_iter().map(Ok).chain(values).collect();
        violations.map_or_else(|error| error, |violations| Error::NotUnique(distinct(violations)))
    }
}

impl Table {
    /// The user as the next write leaves it, and the writes that make it so.
    pub fn prepare_user(&self, schema: &Schema, write: UserWrite) -> Result<PreparedUser> {
        let tenant = &schema.tenant;
        match write {
            UserWrite::Create(user) => {
                let user = Versioned::first(user);
                let lookups = lookups_of(&user.value, schema)?;
                let mut writes =
                    vec![Write::Put(user_item(tenant, &user, &lookups), Condition::Absent)];
                writes.extend(lookups.iter().map(|lookup| add(tenant, lookup, user.value.id)));
                let gained = lookups.into_iter().collect();
                Ok(PreparedUser { user, gained, writes, before: None, reindexed: false })
            }
            UserWrite::Update(current, mut user) => {
                let owned = current.lookups();
                user.signed_out = signed_out(&current, &user);
                user.updated_at = self.env.clock.now().max(current.value.updated_at.next());
                let mut violations = Violations::default();
                user.check_size(&mut violations);
                let before = &current.value;
                let lookups = lookup::after_change(owned, before, &user, schema, &mut violations);
                let lookups = violations.check(lookups)?;
                let next = current.changed_to(user);
                Ok(put_over(tenant, current, next, &lookups))
            }
            UserWrite::Touch(current, signed_out) => {
                let (lookups, mut next) = (current.lookups().clone(), current.unchanged());
                next.value.signed_out = signed_out.max(current.value.signed_out);
                Ok(put_over(tenant, current, next, &lookups))
            }
            UserWrite::Reindex(current, refused) => {
                let (user, owned) = (&current.value, current.lookups());
                // More look-ups than a user may own are no fault of this write.
                let lookups = lookup::of(user, schema, &mut Violations::default());
                let lookups = lookup::without(&lookups, &refused, owned, user, schema);
                let lookups = lookup::step(owned, &lookups)?;
                if lookups == *owned {
                    return Ok(PreparedUser::kept(current));
                }
                let next = current.unchanged();
                Ok(PreparedUser { reindexed: true, ..put_over(tenant, current, next, &lookups) })
            }
            UserWrite::Keep(current) => Ok(PreparedUser::kept(current)),
        }
    }

    /// Commits a prepared user with its companions in one transaction, under an id that earlier
    /// attempts of the same write had too. Definitions that are assigned for the first time are
    /// marked before.
    pub async fn commit_user(
        &self,
        author: &Author,
        schema: &Schema,
        write_id: WriteId,
        prepared: &PreparedUser,
        companions: CompanionWrites,
    ) -> Result<CommitOutcome> {
        let user = &prepared.user;
        let held = (!prepared.writes.is_empty()).then(|| user.value.used_definitions());
        let assigned = companions.assigned.iter().cloned();
        self.mark_used(schema, assigned.chain(held.into_iter().flatten())).await?;
        let Transaction { writes, first, guard } =
            self.transaction(author, schema, prepared, companions).await?;
        if writes.is_empty() {
            return Ok(CommitOutcome::Done);
        }
        let writes_user = writes.get(first).is_some_and(Write::puts_user);
        match self.commit_user_writes(write_id, writes).await {
            Ok(()) => Ok(CommitOutcome::Done),
            Err(CommitError::Contended) => Ok(CommitOutcome::Contended),
            Err(CommitError::Conditions(failed)) => {
                let places = || failed.iter().map(|(place, _)| *place);
                // Another user lost the right `administrator` meanwhile: the check is made again.
                if places().all(|place| Some(place) == guard) {
                    return Ok(CommitOutcome::Contended);
                }
                let gained = places()
                    .filter_map(|place| prepared.gained.get(place.checked_sub(first + 1)?).cloned())
                    .collect();
                Ok(CommitOutcome::Refused(Box::new(FailedConditions {
                    next: user.clone(),
                    user: writes_user && places().any(|place| place == first),
                    gained,
                    companions: places().filter(|place| *place < first).collect(),
                })))
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Whether the write with this id is among the writes of a user or of its tombstone.
    pub async fn was_written(
        &self,
        tenant: &TenantId,
        user: UserId,
        write_id: WriteId,
    ) -> Result<bool> {
        Ok(self
            .get(&Key::user(tenant, user))
            .await?
            .is_some_and(|item| item.log().contains(write_id)))
    }
}

/// The version that ended all sessions of a user that is about to be written: what the write itself
/// says, and no less than before. A block ends them.
fn signed_out(current: &StoredUser, next: &User) -> u64 {
    let blocked = next.status == UserStatus::Blocked && current.value.status == UserStatus::Active;
    let now = if blocked { current.version().next().0 } else { 0 };
    now.max(next.signed_out).max(current.value.signed_out)
}

fn lookups_of(user: &User, schema: &Schema) -> Result<BTreeSet<Lookup>> {
    let mut violations = Violations::default();
    user.check_size(&mut violations);
    let lookups = lookup::of(user, schema, &mut violations);
    violations.check(lookups)
}

/// The write that replaces a user that was read, with the changes of its look-ups.
fn put_over(
    tenant: &TenantId,
    current: Box<StoredUser>,
    next: Versioned<User>,
    lookups: &BTreeSet<Lookup>,
) -> PreparedUser {
    let (id, owned) = (current.value.id, current.lookups());
    let put = with_head(user_item(tenant, &next, lookups), current.head());
    let mut writes = vec![Write::Put(put, Condition::Version(current.version()))];
    let gained: Vec<_> = lookups.difference(owned).cloned().collect();
    writes.extend(gained.iter().map(|lookup| add(tenant, lookup, id)));
    writes.extend(owned.difference(lookups).map(|lookup| remove(tenant, lookup, id)));
    PreparedUser { user: next, gained, writes, before: Some(current), reindexed: false }
}

/// The write of a user who stays as it was read but for the version, with the name of its last
/// audit entry: a child of the user changes.
pub(super) fn put_unchanged(
    tenant: &TenantId,
    current: &StoredUser,
    next: &Versioned<User>,
    head: Option<&[u8]>,
) -> Write {
    let item = with_head(user_item(tenant, next, current.lookups()), head);
    Write::Put(item, Condition::Version(current.version()))
}

fn user_item(tenant: &TenantId, user: &Versioned<User>, lookups: &BTreeSet<Lookup>) -> Item {
    let id = user.value.id;
    Item::at(&Key::user(tenant, id))
        .versioned(user)
        .texts("ix", lookups.iter().map(ToString::to_string))
        .number(SIGNED_OUT, user.value.signed_out)
        .listed(keys::listing(tenant, id), user.value.updated_at.to_string())
}

pub(super) fn add(tenant: &TenantId, lookup: &Lookup, user: UserId) -> Write {
    let key = Key::lookup(tenant, lookup, user);
    let entry = |key: &Key| Item::at(key).text("holder", user.to_string());
    match lookup {
        Lookup::Unique { .. } => Write::Put(entry(&key), Condition::Absent),
        Lookup::Email { .. } => Write::Join(key, user),
        Lookup::Exact { .. } | Lookup::Prefix { .. } => {
            Write::Put(entry(&key), Condition::Owner(user))
        }
    }
}

pub(super) fn remove(tenant: &TenantId, lookup: &Lookup, user: UserId) -> Write {
    let key = Key::lookup(tenant, lookup, user);
    match lookup {
        Lookup::Email { .. } => Write::Leave(key, user),
        _ => Write::Delete(key, Condition::Owner(user)),
    }
}
