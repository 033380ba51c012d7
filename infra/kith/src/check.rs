//! `kith check`: verifies rule D1 over a tenant, both ways. Every look-up item belongs to a live user that owns it, and every
//! look-up that a live user owns is there.
//!
//! The deployed functions have no right to scan; this reads the whole table once with the operator's. What looks wrong is looked at
//! again with consistent reads, because the service may be writing meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::domain::error::Error;
use shared::domain::id::{TenantId, UserId};
use shared::store::keys::partition_of_user;
use shared::store::table::Range;
use shared::store::{Item, Key, Table};

use crate::table::Failure;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Live users.
    pub users: usize,
    /// Look-ups that they own.
    pub lookups: usize,
    /// Erasures that are not finished.
    pub unfinished: usize,
    /// What is wrong, one line each, without personal data.
    pub problems: Vec<String>,
}

/// An owner and what it owns.
type Owned = BTreeSet<(UserId, Key)>;

#[derive(Default)]
struct Seen {
    users: BTreeSet<UserId>,
    unfinished: usize,
    /// Users whose erasure is finished.
    forgotten: BTreeSet<UserId>,
    /// What users say that they own.
    claimed: Owned,
    /// What look-up items say whom they belong to.
    held: Owned,
}

/// Verifies a tenant.
pub async fn verify(table: &Table, tenant: &TenantId) -> Result<Report, Failure> {
    let seen = scan(table, tenant).await?;
    let mut problems = Vec::new();
    for (user, key) in seen.claimed.difference(&seen.held) {
        if claims(table, tenant, *user, key).await? && !holds(table, *user, key).await? {
            problems.push(format!("user {user} owns a look-up that is not there: {}", kind(key)));
        }
    }
    for (user, key) in seen.claimed.iter().filter(|(user, _)| seen.forgotten.contains(user)) {
        problems.push(format!("user {user} is forgotten and still has something: {}", kind(key)));
    }
    for (user, key) in seen.held.difference(&seen.claimed) {
        if holds(table, *user, key).await? && !claims(table, tenant, *user, key).await? {
            problems.push(format!("a look-up belongs to user {user}, who does not own it: {}", kind(key)));
        }
    }
    Ok(Report { users: seen.users.len(), lookups: seen.claimed.len(), unfinished: seen.unfinished, problems })
}

/// Verifies a tenant and prints the report; fails when something is wrong.
pub async fn run(table: &Table, tenant: &TenantId, as_json: bool) -> Result<(), Failure> {
    let report = verify(table, tenant).await?;
    let Report { users, lookups, unfinished, problems } = &report;
    if as_json {
        println!(
            "{}",
            json!({ "users": users, "lookups": lookups, "unfinished_erasures": unfinished, "problems": problems })
        );
    } else {
        println!("{users} users, {lookups} look-ups, {unfinished} unfinished erasures, {} problems", problems.len());
        for problem in problems {
            println!("  {problem}");
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{} problems in tenant `{tenant}`", problems.len())) }
}

async fn scan(table: &Table, tenant: &TenantId) -> Result<Seen, Failure> {
    let prefix = format!("T#{tenant}#");
    let mut seen = Seen::default();
    let mut start: Option<std::collections::HashMap<String, AttributeValue>> = None;
    loop {
        let page = table
            .client()
            .scan()
            .table_name(table.name())
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| {
                format!("the table cannot be scanned: {}", aws_sdk_dynamodb::error::DisplayErrorContext(error))
            })?;
        for attributes in page.items.unwrap_or_default() {
            let item = Item::stored(attributes);
            if let Some(rest) = item.key().pk().strip_prefix(&prefix) {
                seen.take(tenant, rest, &item);
            }
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(seen);
        }
    }
}

impl Seen {
    fn take(&mut self, tenant: &TenantId, rest: &str, item: &Item) {
        let key = item.key();
        match rest.split_once('#') {
            Some(("U", id)) if key.sk() == "PROFILE" => {
                let Ok(user) = id.parse::<UserId>() else {
                    return;
                };
                if item.is_tombstone() {
                    let unfinished = item.get_text("gsi1pk") == Some("SWEEP");
                    self.unfinished += usize::from(unfinished);
                    if !unfinished {
                        self.forgotten.insert(user);
                    }
                    return;
                }
                self.users.insert(user);
                self.claimed.extend(owned(tenant, user, item).into_iter().map(|key| (user, key)));
            }
            // A mapping in its user's partition claims its look-up.
            Some(("U", id)) => {
                if let (Ok(user), Some(forward)) = (id.parse(), item.get_text("forward")) {
                    self.claimed.insert((user, Key::stored(forward, "-")));
                }
            }
            Some(("Q" | "E" | "X" | "S", _)) => {
                self.held.extend(holders(item).into_iter().map(|user| (user, key.clone())));
            }
            _ => {}
        }
    }
}

fn owned(tenant: &TenantId, user: UserId, item: &Item) -> Vec<Key> {
    let lookups = item.get_texts("ix").into_iter().filter_map(|text| text.parse().ok());
    lookups.map(|lookup| Key::lookup(tenant, &lookup, user)).collect()
}

fn holders(item: &Item) -> Vec<UserId> {
    let one = item.get_text("holder").into_iter();
    one.chain(item.get_set("users").iter().map(String::as_str)).filter_map(|id| id.parse().ok()).collect()
}

async fn claims(table: &Table, tenant: &TenantId, user: UserId, key: &Key) -> Result<bool, Failure> {
    let said = |error: Error| format!("the table cannot be read: {error:?}");
    let Some(profile) = table.get(&Key::user(tenant, user)).await.map_err(said)? else {
        return Ok(false);
    };
    if profile.is_tombstone() {
        return Ok(false);
    }
    if owned(tenant, user, &profile).contains(key) {
        return Ok(true);
    }
    let children = table.query_all(&partition_of_user(tenant, user), Range::All).await.map_err(said)?;
    Ok(children.iter().any(|child| child.get_text("forward") == Some(key.pk())))
}

async fn holds(table: &Table, user: UserId, key: &Key) -> Result<bool, Failure> {
    let item = table.get(key).await.map_err(|error| format!("the table cannot be read: {error:?}"))?;
    Ok(item.is_some_and(|item| holders(&item).contains(&user)))
}

/// What kind of look-up it is: its key without values, which may be personal.
fn kind(key: &Key) -> String {
    let parts: BTreeMap<_, _> = key.pk().split('#').enumerate().collect();
    let part = |i: usize| parts.get(&i).copied().unwrap_or_default();
    format!("{} {}", part(2), if matches!(part(2), "Q" | "X") { part(3) } else { "" })
}
