//! Users in the table: reading, creating, changing and forgetting them together with the look-ups
//! they own.
//!
//! INVARIANT (rule D1): every transaction that touches a user's look-ups also puts the user under
//! the version that was read, so a user exists if and only if its look-ups do. Look-ups to remove
//! are the stored ones, never recomputed.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::commit::{Condition, Failed, MAX_SHARING, Write};
use super::item::Item;
use super::keys::{self, Key};
use super::table::{Range, Table};
use crate::domain::error::{Code, Error, Result, Violation, Violations};
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::{self, Lookup};
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::domain::versioned::{Versioned, WriteId};

/// How often a change is decided anew when others write at the same time.
pub(super) const TURNS: u32 = 12;

/// A user that is not forgotten, as it was read.
#[derive(Clone, Debug)]
pub struct LiveUser {
    stored: Versioned<User>,
    lookups: BTreeSet<Lookup>,
    size: usize,
}

impl Deref for LiveUser {
    type Target = Versioned<User>;

    fn deref(&self) -> &Versioned<User> {
        &self.stored
    }
}

impl LiveUser {
    pub(super) fn read(item: &Item) -> Result<Option<Self>> {
        if item.is_tombstone() {
            return Ok(None);
        }
        let lookups: Result<_, _> = item.get_texts("ix").into_iter().map(str::parse).collect();
        let lookups = lookups.map_err(|_| Error::unexpected("a user's look-ups do not read"))?;
        let size = item.get_text("doc").map_or(0, str::len);
        Ok(Some(Self { stored: item.read()?, lookups, size }))
    }

    /// The look-ups that the user owns, as stored.
    #[must_use]
    pub const fn lookups(&self) -> &BTreeSet<Lookup> {
        &self.lookups
    }

    /// The bytes of the stored content, near enough those of the profile that callers see.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The user as stored, without its look-ups.
    #[must_use]
    pub fn into_stored(self) -> Versioned<User> {
        self.stored
    }
}

/// A decision about a user, made anew for every state of the user in which it is to be written.
pub trait Edit: Send {
    /// The user as it is to be; `None` when nothing changes and nothing is written.
    fn edit(&mut self, live: &LiveUser) -> impl Future<Output = Result<Option<User>>> + Send;

    /// What goes into the same transaction, given the user as it will be. When one of their
    /// conditions fails, the change is [`Error::AlreadyRecorded`].
    fn companions(&mut self, _next: &Versioned<User>) -> Result<Vec<Write>> {
        Ok(Vec::new())
    }
}

/// Some users that a look-up finds, each with its position, and whether there are more.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// The users and where they stand.
    pub users: Vec<(UserId, String)>,
    /// The position after which to go on, if there is more.
    pub next: Option<String>,
}

impl Entries {
    /// The holder of a unique value, or those who share an e-mail address, by their ids.
    fn of_item(item: &Item, after: Option<&str>, limit: usize) -> Self {
        let mut ids: Vec<_> = item
            .get_text("holder")
            .into_iter()
            .chain(item.get_set("users").iter().map(String::as_str))
            .collect();
        ids.retain(|id| after.is_none_or(|after| *id > after));
        ids.sort_unstable();
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).map(|id| (*id).to_owned());
        Self {
            users: ids
                .into_iter()
                .filter_map(|id| Some((id.parse().ok()?, id.to_owned())))
                .collect(),
            next,
        }
    }
}

impl Table {
    /// Reads a user; a forgotten one is not found.
    pub async fn find_user(&self, tenant: &TenantId, id: UserId) -> Result<Option<LiveUser>> {
        match self.get(&Key::user(tenant, id)).await? {
            Some(item) => LiveUser::read(&item),
            None => Ok(None),
        }
    }

    /// Reads a user that must be there.
    pub async fn get_user(&self, tenant: &TenantId, id: UserId) -> Result<LiveUser> {
        self.find_user(tenant, id).await?.ok_or(Error::NotFound)
    }

    /// Reads users in the order of `ids`; those that are not found are left out.
    pub async fn find_users(&self, tenant: &TenantId, ids: &[UserId]) -> Result<Vec<LiveUser>> {
        let keys: Vec<_> = ids.iter().map(|id| Key::user(tenant, *id)).collect();
        let mut users = Vec::with_capacity(ids.len());
        for item in self.get_many(&keys).await? {
            users.extend(LiveUser::read(&item)?);
        }
        users.sort_by_key(|user| ids.iter().position(|id| *id == user.value.id));
        Ok(users)
    }

    /// The users whose value equals that of a look-up, from its strongly consistent items, in a
    /// fixed order; at most `limit` of those after the position `after`. Values that were cut
    /// may bring users with another value along: the caller compares.
    pub async fn users_of(
        &self,
        tenant: &TenantId,
        lookup: &Lookup,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Entries> {
        let pk = keys::partition_of_lookup(tenant, lookup);
        let mut equal = String::new();
        let range = match lookup {
            Lookup::Unique { .. } | Lookup::Email { .. } => {
                let item = self.get(&Key::stored(&pk, "-")).await?.unwrap_or_default();
                return Ok(Entries::of_item(&item, after, limit));
            }
            Lookup::Exact { .. } => Range::All,
            Lookup::Prefix { folded, .. } => {
                equal = format!("{folded}#");
                Range::StartsWith(&equal)
            }
        };
        let page = self.query(&pk, range, after, i32::try_from(limit).ok()).await?;
        // A value that goes on after a `#` of its own starts the same way.
        let entry = |item: &Item| {
            let position = item.key().sk().to_owned();
            let whole = equal.is_empty() || position.len() == equal.len() + 36;
            keys::user_of_entry(&position).filter(|_| whole).map(|user| (user, position))
        };
        Ok(Entries { users: page.items.iter().filter_map(entry).collect(), next: page.next })
    }

    /// The users with a value of `attribute` whose folded form starts so, from strongly consistent
    /// items, in the order of the values; at most `limit` of them after the position `after`.
    /// Whoever has several such values is found by each. A start that was cut, or that ends
    /// with a `#`, may bring users with another value along: the caller compares.
    pub async fn users_starting(
        &self,
        tenant: &TenantId,
        attribute: &str,
        start: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Entries> {
        let pk = keys::partition_of_lookup(tenant, &Lookup::prefix(attribute, start));
        let range = Range::StartsWith(lookup::cut(start));
        let page = self.query(&pk, range, after, i32::try_from(limit).ok()).await?;
        let entry = |item: &Item| {
            let position = item.key().sk().to_owned();
            keys::user_of_entry(&position).map(|user| (user, position))
        };
        Ok(Entries { users: page.items.iter().filter_map(entry).collect(), next: page.next })
    }

    /// Creates a user with its look-ups, and `record` in the same transaction.
    pub async fn create_user(
        &self,
        schema: &Schema,
        user: &Versioned<User>,
        record: Option<Write>,
    ) -> Result<()> {
        self.create_user_as(self.write_id(), schema, user, record).await
    }

    /// As [`Table::create_user`], under an id that earlier attempts of the same write had too.
    pub async fn create_user_as(
        &self,
        write_id: WriteId,
        schema: &Schema,
        user: &Versioned<User>,
        record: Option<Write>,
    ) -> Result<()> {
        let (added, made) = new_user(schema, user)?;
        self.mark_used(schema, user.value.held()).await?;
        let recorded = usize::from(record.is_some());
        let mut writes: Vec<_> = record.into_iter().collect();
        writes.extend(made);
        for turn in 1..=TURNS {
            match self.commit_as(write_id, writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(Failed::Contended) => self.pause(turn).await,
                Err(failed) if recorded == 1 && failed.at(0) => return Err(Error::AlreadyRecorded),
                Err(Failed::Conditions(failed)) => {
                    let mut violations = Vec::new();
                    for (index, _) in failed {
                        match index.checked_sub(recorded + 1).and_then(|i| added.get(i)) {
                            None => violations.push(clash("/id".to_owned(), "id")),
                            Some(lookup) => violations.push(refusal(lookup, &user.value, schema)?),
                        }
                    }
                    return Err(Error::Taken(violations));
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Changes a user: reads it, lets `edit` decide, writes what it decides under the version that
    /// was read, and decides anew when somebody else wrote meanwhile.
    pub async fn change_user(
        &self,
        schema: &Schema,
        id: UserId,
        edit: &mut impl Edit,
    ) -> Result<Versioned<User>> {
        self.change_user_as(self.write_id(), schema, id, edit).await
    }

    /// As [`Table::change_user`], under an id that earlier attempts of the same write had too: what
    /// it finds written it answers.
    pub async fn change_user_as(
        &self,
        write_id: WriteId,
        schema: &Schema,
        id: UserId,
        edit: &mut impl Edit,
    ) -> Result<Versioned<User>> {
        let tenant = &schema.tenant;
        for turn in 1..=TURNS {
            let live = self.find_user(tenant, id).await?.ok_or(Error::NotFound)?;
            if live.log.contains(write_id) {
                return Ok(live.stored);
            }
            schema.check_covers(&live.value)?;
            let (next, added, changes) = match edit.edit(&live).await? {
                None => (live.stored, Vec::new(), Vec::new()),
                Some(user) => {
                    self.mark_used(schema, user.held()).await?;
                    self.next_user(schema, &live, user)?
                }
            };
            let mut writes = edit.companions(&next)?;
            let own = writes.len();
            writes.extend(changes);
            if writes.is_empty() {
                return Ok(next);
            }
            match self.commit_as(write_id, writes).await {
                Ok(()) => return Ok(next),
                Err(failed) if (0..own).any(|i| failed.at(i)) => {
                    return Err(Error::AlreadyRecorded);
                }
                Err(failed) if failed.at(own) => self.pause(turn).await,
                Err(Failed::Contended) => self.pause(turn).await,
                Err(Failed::Conditions(failed)) => {
                    let mut violations = Vec::new();
                    for (index, _) in failed {
                        if let Some(lookup) = index.checked_sub(own + 1).and_then(|i| added.get(i))
                        {
                            violations.push(refusal(lookup, &next.value, schema)?);
                        }
                    }
                    if !violations.is_empty() {
                        return Err(Error::Taken(violations));
                    }
                    self.pause(turn).await;
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Contended.into())
    }

    /// Checks that nobody else holds what this user would hold, without writing: its id, when there
    /// is no such user `before`, and the unique values that it gains.
    pub async fn check_free(
        &self,
        schema: &Schema,
        user: &User,
        before: Option<&LiveUser>,
    ) -> Result<()> {
        let tenant = &schema.tenant;
        let lookups = lookups_of(user, schema)?;
        let mut violations = Vec::new();
        if before.is_none() && self.get(&Key::user(tenant, user.id)).await?.is_some() {
            violations.push(clash("/id".to_owned(), "id"));
        }
        for lookup in lookups
            .iter()
            .filter(|lookup| before.is_none_or(|before| !before.lookups.contains(lookup)))
        {
            let taken = match lookup {
                Lookup::Unique { .. } | Lookup::Email { .. } => {
                    let item =
                        self.get(&Key::lookup(tenant, lookup, user.id)).await?.unwrap_or_default();
                    item.holder().is_some_and(|holder| holder != user.id)
                        || item.get_set("users").len() >= MAX_SHARING
                }
                Lookup::Exact { .. } | Lookup::Prefix { .. } => false,
            };
            if taken {
                violations.push(refusal(lookup, user, schema)?);
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Taken(violations)) }
    }

    /// Whether the write with this id is among those of a user, or of what is left of it.
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

    /// The user as the next write leaves it, the look-ups it gains, and the writes: the user first,
    /// then gains, then losses.
    pub(super) fn next_user(
        &self,
        schema: &Schema,
        live: &LiveUser,
        mut user: User,
    ) -> Result<(Versioned<User>, Vec<Lookup>, Vec<Write>)> {
        let tenant = &schema.tenant;
        let id = user.id;
        user.updated_at = self.world.clock.now().max(live.value.updated_at.next());
        let lookups = lookups_of(&user, schema)?;
        let before = live.stored.version;
        let next = live.stored.changed_to(user);
        let mut writes =
            vec![Write::Put(user_item(tenant, &next, &lookups), Condition::Version(before))];
        let added: Vec<_> = lookups.difference(&live.lookups).cloned().collect();
        writes.extend(added.iter().map(|lookup| add(tenant, lookup, id)));
        writes.extend(live.lookups.difference(&lookups).map(|lookup| remove(tenant, lookup, id)));
        Ok((next, added, writes))
    }
}

/// The look-ups of a user that does not exist yet, and the writes that make it: the user first,
/// then each look-up.
pub(super) fn new_user(
    schema: &Schema,
    user: &Versioned<User>,
) -> Result<(Vec<Lookup>, Vec<Write>)> {
    let tenant = &schema.tenant;
    let lookups = lookups_of(&user.value, schema)?;
    let mut writes = vec![Write::Put(user_item(tenant, user, &lookups), Condition::Absent)];
    writes.extend(lookups.iter().map(|lookup| add(tenant, lookup, user.value.id)));
    Ok((lookups.into_iter().collect(), writes))
}

fn lookups_of(user: &User, schema: &Schema) -> Result<BTreeSet<Lookup>> {
    let mut violations = Violations::default();
    user.check_size(&mut violations);
    let lookups = lookup::of(user, schema, &mut violations);
    violations.check(lookups)
}

fn user_item(tenant: &TenantId, user: &Versioned<User>, lookups: &BTreeSet<Lookup>) -> Item {
    let id = user.value.id;
    Item::at(&Key::user(tenant, id))
        .versioned(user)
        .texts("ix", lookups.iter().map(ToString::to_string))
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

fn clash(pointer: String, name: &str) -> Violation {
    Violation::taken(
        pointer,
        format!("the value of `{name}` is held by another user of the tenant"),
    )
}

/// What a look-up that could not be added means to the caller, who wants to write `user`.
fn refusal(lookup: &Lookup, user: &User, schema: &Schema) -> Result<Violation> {
    match lookup {
        Lookup::Unique { attribute, hash } => {
            Ok(match attribute.parse().ok().and_then(|id| schema.attribute(id)) {
                Some(definition) => {
                    clash(lookup::place_of(user, definition, hash), &definition.name)
                }
                None => clash(format!("/{attribute}"), attribute),
            })
        }
        Lookup::Email { .. } => {
            let detail = format!(
                "{MAX_SHARING} users have this e-mail address, which is the most that may share \
                 one"
            );
            Err(Error::invalid("/preferred_email", Code::TooMany, detail))
        }
        Lookup::Exact { .. } | Lookup::Prefix { .. } => {
            Err(Error::unexpected("an index entry of this user is held by another"))
        }
    }
}
