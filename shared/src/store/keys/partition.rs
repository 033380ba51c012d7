//! The partitions of the table and of its index, and how their keys are read.

use ring::digest::{SHA256, digest};

use super::Key;
use crate::domain::change_request::RequestStatus;
use crate::domain::id::{ImportId, TenantId, UserId};
use crate::domain::lookup::{Lookup, ValueHash, bucket};
use crate::domain::versioned::Version;

/// How many shards a tenant's listing has: one would cap near a thousand inserts a second.
pub const SHARDS: u8 = 16;

/// The partition of a user and all that it owns.
#[must_use]
pub fn partition_of_user(tenant: &TenantId, user: UserId) -> String {
    format!("T#{tenant}#U#{user}")
}

/// The partition of the ledger of a tenant's audit.
#[must_use]
pub fn partition_of_ledger(tenant: &TenantId) -> String {
    format!("T#{tenant}#AU")
}

/// How many shards the audit entries of a day have in the index.
pub const AUDIT_SHARDS: u8 = 4;

/// The partition key in the index of a user's audit entries of a day, written as `2026-11-21`.
#[must_use]
pub fn audit_day(tenant: &TenantId, day: &str, user: UserId) -> String {
    let hash = digest(&SHA256, user.to_string().as_bytes());
    audit_shard(tenant, day, hash.as_ref().last().copied().unwrap_or_default() % AUDIT_SHARDS)
}

/// The partition key in the index of one shard of the audit entries of a day.
#[must_use]
pub fn audit_shard(tenant: &TenantId, day: &str, shard: u8) -> String {
    format!("T#{tenant}#A#{}#{shard}", day.replace('-', ""))
}

/// The sequence of an audit entry: it ends the sort key.
#[must_use]
pub fn sequence_of_entry(sk: &str) -> Option<Version> {
    let (_, sequence) = sk.rsplit_once('#')?;
    let is_sequence = sequence.len() == 10 && sequence.bytes().all(|b| b.is_ascii_digit());
    sequence.parse().ok().filter(|_| is_sequence).map(Version)
}

pub(super) fn partition_of_import(tenant: &TenantId, id: ImportId) -> String {
    format!("T#{tenant}#M#{id}")
}

/// The tenant and the import whose partition this is.
#[must_use]
pub fn import_of_partition(pk: &str) -> Option<(TenantId, ImportId)> {
    let (tenant, import) = pk.strip_prefix("T#")?.split_once("#M#")?;
    Some((tenant.parse().ok()?, import.parse().ok()?))
}

/// The partition of a tenant's definitions.
#[must_use]
pub fn partition_of_definitions(tenant: &TenantId) -> String {
    format!("T#{tenant}#D")
}

/// The partition of a tenant's clients.
#[must_use]
pub fn partition_of_clients(tenant: &TenantId) -> String {
    format!("T#{tenant}#C")
}

/// The partition of the tenants that trust a token issuer.
#[must_use]
pub fn partition_of_trust(issuer: &str) -> String {
    format!("I#{}", ValueHash::of(issuer))
}

/// The partition in which a look-up stands.
#[must_use]
pub fn partition_of_lookup(tenant: &TenantId, lookup: &Lookup) -> String {
    match lookup {
        Lookup::Unique { attribute, hash } => format!("T#{tenant}#Q#{attribute}#{hash}"),
        Lookup::Email { hash } => format!("T#{tenant}#E#{hash}"),
        Lookup::Exact { attribute, hash } => format!("T#{tenant}#X#{attribute}#{hash}"),
        Lookup::Prefix { attribute, folded } => {
            format!("T#{tenant}#X#{attribute}#{}", bucket(folded))
        }
    }
}

/// The tenant and the user whose partition this is.
#[must_use]
pub fn owner_of_partition(pk: &str) -> Option<(TenantId, UserId)> {
    let (tenant, user) = pk.strip_prefix("T#")?.split_once("#U#")?;
    Some((tenant.parse().ok()?, user.parse().ok()?))
}

/// The end of a tombstone's sort key in the listing index. A reader that wants users alone skips
/// such entries.
pub const FORGOTTEN: &str = "#";

/// The partition key of a user in the listing index.
#[must_use]
pub fn listing(tenant: &TenantId, user: UserId) -> String {
    listing_shard(tenant, shard_of(user))
}

fn shard_of(user: UserId) -> u8 {
    let hash = digest(&SHA256, user.to_string().as_bytes());
    hash.as_ref().last().copied().unwrap_or_default() % SHARDS
}

/// The partition key of one shard of a tenant's listing.
#[must_use]
pub fn listing_shard(tenant: &TenantId, shard: u8) -> String {
    format!("T#{tenant}#L#{shard:x}")
}

/// The partition key in the index of a tenant's change requests of one status.
#[must_use]
pub fn requests(tenant: &TenantId, status: RequestStatus) -> String {
    format!("T#{tenant}#R#{status}")
}

/// The partition key in the index of those consents of a user that end.
#[must_use]
pub fn ending_consents(tenant: &TenantId, user: UserId) -> String {
    ending_consents_shard(tenant, shard_of(user))
}

/// The partition key of one shard of a tenant's consents that end.
#[must_use]
pub fn ending_consents_shard(tenant: &TenantId, shard: u8) -> String {
    format!("T#{tenant}#O#{shard:x}")
}

/// Whether the item of a key finds a user of the tenant by something else than the user's id.
#[must_use]
pub fn is_lookup(tenant: &TenantId, key: &Key) -> bool {
    let mut parts = key.pk().split('#');
    parts.next() == Some("T")
        && parts.next() == Some(tenant.as_str())
        && matches!(parts.next(), Some("Q" | "E" | "X" | "S" | "R" | "B" | "P"))
}

/// Whether the item of a key is a credential or a one-time link of a user of the tenant, which
/// another item of the user names.
#[must_use]
pub fn is_credential(tenant: &TenantId, key: &Key) -> bool {
    let mut parts = key.pk().split('#');
    parts.next() == Some("T")
        && parts.next() == Some(tenant.as_str())
        && matches!(parts.next(), Some("PW" | "PK" | "LK"))
}

/// The kind of an item of a tenant: its key without values, which may be personal.
#[must_use]
pub fn kind_of(key: &Key) -> String {
    let parts: Vec<_> = key.pk().split('#').collect();
    let part = |i: usize| parts.get(i).copied().unwrap_or_default();
    match part(2) {
        kind @ ("Q" | "X" | "P") => format!("{kind} {}", part(3)),
        "U" => format!("U {}", key.sk().split('#').next().unwrap_or_default()),
        kind => kind.to_owned(),
    }
}
