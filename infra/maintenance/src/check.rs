//! The verification of rule D1 over a tenant, both ways. Every look-up item belongs to a live user
//! that owns it, every look-up that a live user or one of its children owns is there, and the
//! partition of a deleted user is empty, and so is that of its sessions. Each credential and each
//! one-time link is one that its user names. The record of a consent is the fold of its history
//! (rule CO-05).
//!
//! The deployed functions have no right to scan; this reads the whole table once with the
//! operator's. Each suspected fault is read again consistently, because the service may be writing
//! meanwhile.

mod consents;
mod credentials;

use std::collections::BTreeSet;

use shared::domain::audit::Chain;
use shared::domain::error::Result;
use shared::domain::id::{TenantId, UserId};
use shared::domain::lookup::{self, Lookup};
use shared::domain::schema::{LookupForms, Schema};
use shared::domain::sso::Principal;
use shared::domain::user::User;
use shared::env::Timestamp;
use shared::store::audit::Head;
use shared::store::keys::{
    Children, PROFILE, SWEEP, is_credential, is_lookup, kind_of, owner_of_partition,
    owner_of_sessions, partition_of_user,
};
use shared::store::table::Range;
use shared::store::{Item, Key, Table};

use self::consents::NamedRecord;
use self::credentials::Credentials;
use crate::scan::each_item;

/// The results of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Live users.
    pub users: usize,
    /// Look-ups that they and their children own.
    pub lookups: usize,
    /// Erasures that are not finished.
    pub unfinished: usize,
    /// The forms of values that index entries have.
    pub forms: LookupForms,
    /// Users whose index entries the sweeper must still convert to the current form.
    pub waiting: usize,
    /// The faults, one line each, without personal data.
    pub problems: Vec<String>,
}

/// Keys with their owners.
type OwnedKeys = BTreeSet<(UserId, Key)>;

/// The items that the scan has found, by their role.
#[derive(Default)]
struct ScannedItems {
    users: BTreeSet<UserId>,
    /// Users whose erasure is under way.
    unfinished: BTreeSet<UserId>,
    /// The items in the partitions of users, except the users themselves.
    children: OwnedKeys,
    /// The look-ups that users and their children own by their `ix`.
    claimed: OwnedKeys,
    /// The keys of look-up items, by the user that each item names.
    held: OwnedKeys,
    /// The audit entries that users name as their last ones.
    named: OwnedKeys,
    /// Users who lack an index entry of the current form.
    outdated: Vec<UserId>,
    /// Faults that need no comparison.
    doubtful: Vec<(UserId, Key, Inconsistency)>,
    /// Credentials and one-time links, as users name them and as they are.
    credentials: Credentials,
    /// The consents about which users decided something, or of which they have a history.
    consents: BTreeSet<(UserId, NamedRecord)>,
}

/// An inconsistency of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inconsistency {
    /// A child does not name the user of its partition, so an erasure would not delete it.
    Foreign,
    /// A look-up names a child that is not there.
    Dangling,
    /// A look-up of a base profile id says otherwise than the principal whether sign-ins are
    /// refused.
    Unlinked,
}

impl Inconsistency {
    const fn text(self) -> &'static str {
        match self {
            Self::Foreign => "has a child that names another owner",
            Self::Dangling => "has an index entry for a child that does not exist",
            Self::Unlinked => "has a principal that disagrees with its index entry",
        }
    }
}

/// Verifies a tenant.
pub async fn verify(table: &Table, tenant: &TenantId) -> Result<CheckReport> {
    let schema = Box::new(Box::pin(table.schema(tenant)).await?);
    let mut seen = ScannedItems::default();
    let now = table.env().clock.now();
    each_item(table, |item| {
        if !item.is_expired(now) {
            seen.take(&schema, &item, now);
        }
    })
    .await?;
    let mut problems = Vec::new();
    for (user, key) in seen.claimed.difference(&seen.held) {
        if claims(table, tenant, *user, key).await? && !holds(table, *user, key).await? {
            problems.push(format!(
                "user {user} lists an index entry that does not exist: {}",
                kind_of(key)
            ));
        }
    }
    for (user, key) in seen.held.difference(&seen.claimed) {
        if holds(table, *user, key).await? && !claims(table, tenant, *user, key).await? {
            problems.push(format!(
                "an index entry names user {user}, who does not list it: {}",
                kind_of(key)
            ));
        }
    }
    let gone = |user: &UserId| !seen.users.contains(user) && !seen.unfinished.contains(user);
    for (user, key) in seen.children.iter().filter(|(user, _)| gone(user)) {
        let there = table.get(key).await?.is_some();
        let owner = table.get(&Key::user(tenant, *user)).await?;
        if there
            && owner
                .is_none_or(|owner| owner.is_tombstone() && owner.get_text("gsi1pk") != Some(SWEEP))
        {
            problems
                .push(format!("user {user} is deleted and still has an item: {}", kind_of(key)));
        }
    }
    for (user, key) in seen.named.difference(&seen.children) {
        // The user may have been written since, or the entry may have ended.
        let item = table.get(&Key::user(tenant, *user)).await?;
        let named = item.and_then(|item| last_entry(tenant, *user, &item, now));
        if named.as_ref() == Some(key) && table.get(key).await?.is_none() {
            problems.push(format!(
                "user {user} names an audit entry that does not exist; run `kith audit verify`"
            ));
        }
    }
    for (user, key, fault) in seen.doubtful {
        if recheck(table, tenant, user, &key, fault).await? {
            problems.push(format!("user {user} {}: {}", fault.text(), kind_of(&key)));
        }
    }
    problems.extend(consents::check(table, &schema, seen.consents).await?);
    problems.extend(credentials::check(table, tenant, seen.credentials).await?);
    let mut waiting = 0;
    for user in seen.outdated {
        match Box::pin(check_forms(table, &schema, user)).await? {
            None => {}
            Some(found) if found.is_empty() => waiting += 1,
            Some(found) => problems.extend(found),
        }
    }
    Ok(CheckReport {
        forms: schema.forms,
        waiting,
        users: seen.users.len(),
        lookups: seen.claimed.len(),
        unfinished: seen.unfinished.len(),
        problems,
    })
}

impl ScannedItems {
    fn take(&mut self, schema: &Schema, item: &Item, now: Timestamp) {
        let (tenant, key) = (&schema.tenant, item.key());
        if let Some((owner, user)) = owner_of_partition(key.pk()) {
            if owner != *tenant {
                return;
            }
            match key.sk() {
                PROFILE if !item.is_tombstone() => {
                    self.users.insert(user);
                    self.named.extend(last_entry(tenant, user, item, now).map(|key| (user, key)));
                    if lacks_entries(schema, item) {
                        self.outdated.push(user);
                    }
                }
                PROFILE if item.get_text("gsi1pk") == Some(SWEEP) => {
                    self.unfinished.insert(user);
                }
                PROFILE => return,
                _ => {
                    self.children.insert((user, key.clone()));
                    if holders(item) != [user] {
                        self.doubtful.push((user, key.clone(), Inconsistency::Foreign));
                    }
                    self.consents.extend(consents::named(key.sk()).map(|named| (user, named)));
                    if Children::Principals.include(&key) {
                        self.doubtful.push((user, key.clone(), Inconsistency::Unlinked));
                    }
                }
            }
            self.claimed.extend(owned(tenant, user, item).into_iter().map(|key| (user, key)));
            let named = credentials::named(tenant, user, item).into_iter();
            self.credentials.named.extend(named.map(|key| (user, key)));
        } else if let Some((owner, user)) = owner_of_sessions(key.pk()) {
            if owner == *tenant {
                self.children.insert((user, key));
            }
        } else if is_credential(tenant, &key) {
            self.credentials.held.extend(holders(item).into_iter().map(|user| (user, key.clone())));
        } else if is_lookup(tenant, &key) {
            for user in holders(item) {
                if item.get_text("child").is_some() {
                    self.doubtful.push((user, key.clone(), Inconsistency::Dangling));
                }
                self.held.insert((user, key.clone()));
            }
        }
    }
}

/// The audit entry that a user names as the last one, unless it may have ended.
fn last_entry(tenant: &TenantId, user: UserId, item: &Item, now: Timestamp) -> Option<Key> {
    let head = Head::parse(item.get_bytes("audit")?)?;
    let entry = Key::audit_entry(tenant, Chain::User(user), head.sequence);
    (head.ends > now).then_some(entry)
}

fn lacks_entries(schema: &Schema, item: &Item) -> bool {
    let texts = item.get_texts("ix").into_iter();
    let owned: BTreeSet<Lookup> = texts.filter_map(|text| text.parse().ok()).collect();
    item.read::<User>().is_ok_and(|user| !lookup::missing(&user.value, schema, &owned).is_empty())
}

/// Checks again a user who lacks an index entry of the current form. Another user has the entry, or
/// no user has it and the sweeper will make it. `None` if the user lacks none.
async fn check_forms(table: &Table, schema: &Schema, user: UserId) -> Result<Option<Vec<String>>> {
    let tenant = &schema.tenant;
    let Some(current) = table.find_user(tenant, user).await? else { return Ok(None) };
    let missing = lookup::missing(&current.value, schema, current.lookups());
    if missing.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for entry in &missing {
        let kind = kind_of(&Key::lookup(tenant, entry, user));
        let unique = matches!(entry, Lookup::Unique { .. });
        let holder =
            if unique { table.holder_of(tenant, std::slice::from_ref(entry)).await? } else { None };
        if let Some(holder) = holder.filter(|holder| *holder != user) {
            found.push(format!(
                "users {user} and {holder} have one unique value in two spellings; change one of \
                 them: {kind}"
            ));
        } else if schema.forms == LookupForms::Complete {
            found.push(format!("user {user} lacks an index entry: {kind}"));
        }
    }
    Ok(Some(found))
}

/// The look-ups that a user's own item or one of its children owns.
fn owned(tenant: &TenantId, user: UserId, item: &Item) -> Vec<Key> {
    let lookups = item.get_texts("ix").into_iter().filter_map(|text| text.parse::<Lookup>().ok());
    let forward = item.get_text("forward").map(Key::forward);
    lookups.map(|lookup| Key::lookup(tenant, &lookup, user)).chain(forward).collect()
}

fn holders(item: &Item) -> Vec<UserId> {
    let one = item.get_text("holder").into_iter();
    one.chain(item.get_set("users").iter().map(String::as_str))
        .filter_map(|id| id.parse().ok())
        .collect()
}

async fn claims(table: &Table, tenant: &TenantId, user: UserId, key: &Key) -> Result<bool> {
    let items = table.query_all(&partition_of_user(tenant, user), Range::All).await?;
    let live = items.iter().any(|item| item.key().sk() == PROFILE && !item.is_tombstone());
    Ok(live && items.iter().any(|item| owned(tenant, user, item).contains(key)))
}

async fn holds(table: &Table, user: UserId, key: &Key) -> Result<bool> {
    Ok(table.get(key).await?.is_some_and(|item| holders(&item).contains(&user)))
}

/// Looks at what may be wrong once more. Whether it is can be seen from the item and one other.
async fn recheck(
    table: &Table,
    tenant: &TenantId,
    user: UserId,
    key: &Key,
    fault: Inconsistency,
) -> Result<bool> {
    let Some(item) = table.get(key).await? else {
        return Ok(false);
    };
    match fault {
        Inconsistency::Foreign => Ok(holders(&item) != [user]),
        Inconsistency::Dangling => {
            let Some(child) = item.get_text("child") else { return Ok(false) };
            let child = Key::stored(&partition_of_user(tenant, user), child);
            let child = table.get(&child).await?;
            let names = child.is_some_and(|child| child.get_text("forward") == Some(key.pk()));
            // It may have been deleted with its child meanwhile.
            Ok(!names && holds(table, user, key).await?)
        }
        Inconsistency::Unlinked => {
            let Ok(principal) = item.read::<Principal>() else { return Ok(true) };
            let Some(forward) = item.get_text("forward") else {
                return Ok(principal.value.base.is_some());
            };
            let lookup = table.get(&Key::forward(forward)).await?;
            let differs =
                lookup.is_some_and(|lookup| lookup.is_marked("unlinked") == principal.value.linked);
            // Both are written at once, so a principal that did not move between two readings was
            // read with its look-up.
            Ok(differs
                && table.get(key).await?.is_some_and(|again| again.version() == item.version()))
        }
    }
}
