//! The keys of every item, made by typed constructors and nowhere else.
//!
//! | access | key | constructor |
//! |---|---|---|
//! | a user, or its tombstone | `T#<tenant>#U#<user>` / `PROFILE` | [`Key::user`] |
//! | what a user owns elsewhere | `T#<tenant>#U#<user>` / `S#…`, `A#…` | [`Key::child`] |
//! | a user's principal at a server | `T#<tenant>#U#<user>` / `B#<server>` | [`Key::child`] |
//! | a system profile | `T#<tenant>#U#<user>` / `SYS#<system>` | [`Key::child`] |
//! | the user of a base profile id | `T#<tenant>#B#<base>` / `-` | [`Key::base`] |
//! | the user of a system profile id | `T#<tenant>#P#<system>#<id>` / `-` | [`Key::profile`] |
//! | the tenants that trust an issuer | `I#<hash>` / `<tenant>` | [`Key::trust`] |
//! | the holder of a unique value | `T#<tenant>#Q#<attribute>#<hash>` / `-` | [`Key::lookup`] |
//! | the users of an e-mail address | `T#<tenant>#E#<hash>` / `-` | [`Key::lookup`] |
//! | the users of an indexed value | `T#<tenant>#X#<attribute>#<bucket>` / by value and user | [`Key::lookup`] |
//! | a subject mapping | `T#<tenant>#S#<mapping>` / `-` | [`Key::subject`] |
//! | a change request of a user | `T#<tenant>#U#<user>` / `CR#<id>`, and their guard `CR` | [`Key::child`] |
//! | a change request by its id | `T#<tenant>#R#<id>` / `-` | [`Key::change_request`] |
//! | how far derived attributes are recomputed | `T#<tenant>#J` / `DERIVE` | [`Key::derivation`] |
//! | an import, its waiting rows, its report | `T#<tenant>#M#<import>` / `JOB`, `ROWS#<part>`, `REPORT#<part>` | [`Key::import`], … |
//! | a tenant's definitions | `T#<tenant>#D` / `<KIND>#<id>`, `EPOCH` | [`Key::definition`], [`Key::epoch`] |
//! | a tenant's clients | `T#<tenant>#C` / `<client>` | [`Key::client`] |
//! | an idempotency record | `T#<tenant>#I#<hash>` / `-` | [`Key::idempotency`] |
//! | an assertion or a proof that was used | `T#<tenant>#N#<hash>` / `-` | [`Key::spent`] |
//! | a revoked access token | `T#<tenant>#V#<hash>` / `-` | [`Key::revoked`] |
//! | failed authentications | `F#<hash>` / `-` | [`Key::failures`] |
//! | a refresh token family | `R#<family>` / `-` | [`Key::refresh_family`] |
//! | public signing keys | `K#public` / `STATE` | [`Key::public_keys`] |
//! | private signing keys | `K#private` / `<kid>`, `REFRESH` | [`Key::private_key`], [`Key::refresh_key`] |
//! | keys of all functions | `K#shared` / `CURSOR`, `HASH` | [`Key::cursor_key`], [`Key::hash_key`] |
//! | tenants | `TENANTS` / `<tenant>` | [`Key::tenant`] |
//! | users by their last change, tombstones by their filing | index `gsi1`: `T#<tenant>#L#<shard>` / `<updated_at>`, `<time>#` | [`listing`] |
//! | change requests by what became of them | index `gsi1`: `T#<tenant>#R#<STATUS>` / `<id>` | [`requests`] |
//! | unfinished erasures | index `gsi1`: `SWEEP` / `<deleted_at>` | [`SWEEP`] |
//! | unfinished imports | index `gsi1`: `IMPORTS` / `<created_at>` | [`IMPORTS`] |
//!
//! Ids match `^[a-z][a-z0-9-]{1,62}$` or are UUIDs, hashes are base64url: no part can contain `#`
//! but the last, which needs no end. Values that could identify a person are hashed, prefix entries
//! of names excepted.

use std::fmt;

use ring::digest::{SHA256, digest};

use crate::domain::change_request::Status;
use crate::domain::definition::Kind;
use crate::domain::id::{BaseId, ClientId, ImportId, PartyId, ProfileId, TenantId, UserId};
use crate::domain::lookup::{Lookup, ValueHash, bucket};

/// The partition key of the index for erasures that are not finished.
pub const SWEEP: &str = "SWEEP";
/// The partition key of the index for imports that are not finished.
pub const IMPORTS: &str = "IMPORTS";
/// How many shards a tenant's listing has: one would cap near a thousand inserts a second.
pub const SHARDS: u8 = 16;
const ONLY: &str = "-";

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// Wraps the key of an item that was read.
    #[must_use]
    pub fn stored(pk: &str, sk: &str) -> Self {
        Self::new(pk, sk)
    }

    /// The partition key.
    #[must_use]
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// The sort key.
    #[must_use]
    pub fn sk(&self) -> &str {
        &self.sk
    }

    /// A user.
    #[must_use]
    pub fn user(tenant: &TenantId, user: UserId) -> Self {
        Self::new(partition_of_user(tenant, user), PROFILE)
    }

    /// Whether it is that of a user, or of its tombstone.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.sk == PROFILE
    }

    /// Something that the user owns elsewhere, in the user's own partition.
    #[must_use]
    pub fn child(tenant: &TenantId, user: UserId, name: &str) -> Self {
        Self::new(partition_of_user(tenant, user), name)
    }

    /// A look-up that `user` owns.
    #[must_use]
    pub fn lookup(tenant: &TenantId, lookup: &Lookup, user: UserId) -> Self {
        let pk = partition_of_lookup(tenant, lookup);
        match lookup {
            Lookup::Unique { .. } | Lookup::Email { .. } => Self::new(pk, ONLY),
            Lookup::Exact { .. } => Self::new(pk, exact_sort(user)),
            Lookup::Prefix { folded, .. } => Self::new(pk, format!("{folded}#{user}")),
        }
    }

    /// A subject mapping.
    #[must_use]
    pub fn subject(tenant: &TenantId, id: impl fmt::Display) -> Self {
        Self::new(format!("T#{tenant}#S#{id}"), ONLY)
    }

    /// Where a base profile id is looked up.
    #[must_use]
    pub fn base(tenant: &TenantId, id: &BaseId) -> Self {
        Self::new(format!("T#{tenant}#B#{id}"), ONLY)
    }

    /// Where a system profile is looked up by its id.
    #[must_use]
    pub fn profile(tenant: &TenantId, system: &PartyId, id: ProfileId) -> Self {
        Self::new(format!("T#{tenant}#P#{system}#{id}"), ONLY)
    }

    /// That a tenant trusts a token issuer.
    #[must_use]
    pub fn trust(issuer: &str, tenant: &TenantId) -> Self {
        Self::new(partition_of_trust(issuer), tenant.as_str())
    }

    /// Where a change request is looked up by its id.
    #[must_use]
    pub fn change_request(tenant: &TenantId, id: impl fmt::Display) -> Self {
        Self::new(format!("T#{tenant}#R#{id}"), ONLY)
    }

    /// How far the recomputing of a tenant's derived attributes is.
    #[must_use]
    pub fn derivation(tenant: &TenantId) -> Self {
        Self::new(format!("T#{tenant}#J"), "DERIVE")
    }

    /// An import.
    #[must_use]
    pub fn import(tenant: &TenantId, id: ImportId) -> Self {
        Self::new(partition_of_import(tenant, id), "JOB")
    }

    /// The rows of one part of an import that wait.
    #[must_use]
    pub fn import_rows(tenant: &TenantId, id: ImportId, part: usize) -> Self {
        Self::new(partition_of_import(tenant, id), format!("ROWS#{part:04}"))
    }

    /// What became of the rows of one part of an import.
    #[must_use]
    pub fn import_report(tenant: &TenantId, id: ImportId, part: usize) -> Self {
        Self::new(partition_of_import(tenant, id), format!("REPORT#{part:04}"))
    }

    /// A definition, an authentication server or an application.
    #[must_use]
    pub fn definition(tenant: &TenantId, kind: Kind, id: &str) -> Self {
        Self::new(partition_of_definitions(tenant), format!("{}#{id}", kind.prefix()))
    }

    /// What moves with each change of any definition of the tenant.
    #[must_use]
    pub fn epoch(tenant: &TenantId) -> Self {
        Self::new(partition_of_definitions(tenant), "EPOCH")
    }

    /// A client.
    #[must_use]
    pub fn client(id: &ClientId) -> Self {
        Self::new(partition_of_clients(id.tenant()), id.as_str())
    }

    /// The record of a request with an Idempotency-Key; `scope` is the hash of tenant, client,
    /// method, path and key.
    #[must_use]
    pub fn idempotency(tenant: &TenantId, scope: &str) -> Self {
        Self::new(format!("T#{tenant}#I#{scope}"), ONLY)
    }

    /// What is good once and was used: `what` names it within its tenant.
    #[must_use]
    pub fn spent(tenant: &TenantId, what: &str) -> Self {
        Self::new(format!("T#{tenant}#N#{}", ValueHash::of(what)), ONLY)
    }

    /// An access token that was revoked, by its `jti`.
    #[must_use]
    pub fn revoked(tenant: &TenantId, jti: &str) -> Self {
        Self::new(format!("T#{tenant}#V#{}", ValueHash::of(jti)), ONLY)
    }

    /// How often authentication failed, in one window of time; `what` names by whom and when.
    #[must_use]
    pub fn failures(what: &str) -> Self {
        Self::new(format!("F#{}", ValueHash::of(what)), ONLY)
    }

    /// A family of refresh tokens.
    #[must_use]
    pub fn refresh_family(family: &str) -> Self {
        Self::new(format!("R#{family}"), ONLY)
    }

    /// The public signing keys and their times.
    #[must_use]
    pub fn public_keys() -> Self {
        Self::new("K#public", "STATE")
    }

    /// A private signing key.
    #[must_use]
    pub fn private_key(kid: &str) -> Self {
        Self::new("K#private", kid)
    }

    /// The key under which refresh tokens are authenticated; the token function alone reads it.
    #[must_use]
    pub fn refresh_key() -> Self {
        Self::new("K#private", "REFRESH")
    }

    /// The key under which cursors are sealed.
    #[must_use]
    pub fn cursor_key() -> Self {
        Self::new("K#shared", "CURSOR")
    }

    /// The key from which those of searchable hashes are derived.
    #[must_use]
    pub fn hash_key() -> Self {
        Self::new("K#shared", "HASH")
    }

    /// A tenant.
    #[must_use]
    pub fn tenant(tenant: &TenantId) -> Self {
        Self::new(TENANTS, tenant.as_str())
    }
}

/// The sort key of a user's own item.
pub const PROFILE: &str = "PROFILE";
/// The partition of the tenants.
pub const TENANTS: &str = "TENANTS";

/// The partition of a user and all that it owns.
#[must_use]
pub fn partition_of_user(tenant: &TenantId, user: UserId) -> String {
    format!("T#{tenant}#U#{user}")
}

fn partition_of_import(tenant: &TenantId, id: ImportId) -> String {
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

/// The sort key of an exact index entry: a hash goes first, so that a partition with many users can
/// be split by DynamoDB and the users made last do not all land at its end.
fn exact_sort(user: UserId) -> String {
    let id = user.to_string();
    let hash = digest(&SHA256, id.as_bytes());
    let bytes = hash.as_ref().first_chunk::<2>().copied().unwrap_or_default();
    format!("{:04x}{id}", u16::from_be_bytes(bytes))
}

/// The user that an index entry points at: its id ends the sort key.
#[must_use]
pub fn user_of_entry(sk: &str) -> Option<UserId> {
    sk.get(sk.len().checked_sub(36)?..)?.parse().ok()
}

/// The tenant and the user whose partition this is.
#[must_use]
pub fn owner_of_partition(pk: &str) -> Option<(TenantId, UserId)> {
    let (tenant, user) = pk.strip_prefix("T#")?.split_once("#U#")?;
    Some((tenant.parse().ok()?, user.parse().ok()?))
}

/// What ends the sort key of a tombstone in the listing index: whoever wants users only need not
/// read it.
pub const FORGOTTEN: &str = "#";

/// The partition key of a user in the listing index.
#[must_use]
pub fn listing(tenant: &TenantId, user: UserId) -> String {
    let hash = digest(&SHA256, user.to_string().as_bytes());
    let shard = hash.as_ref().last().copied().unwrap_or_default() % SHARDS;
    listing_shard(tenant, shard)
}

/// The partition key of one shard of a tenant's listing.
#[must_use]
pub fn listing_shard(tenant: &TenantId, shard: u8) -> String {
    format!("T#{tenant}#L#{shard:x}")
}

/// The partition key in the index of a tenant's change requests of one status.
#[must_use]
pub fn requests(tenant: &TenantId, status: Status) -> String {
    format!("T#{tenant}#R#{status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_at_rest_are_fixed() {
        let tenant: TenantId = "acme".parse().unwrap();
        let user: UserId = "0192f3c1-0000-7000-8000-000000000001".parse().unwrap();
        let client: ClientId = "acme.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let lookups = [
            Lookup::unique("username", "jan"),
            Lookup::email("jan@example.org"),
            Lookup::exact("persona", "x"),
            Lookup::prefix("family_name", "janssen"),
        ];
        let mut keys = vec![
            Key::user(&tenant, user),
            Key::child(&tenant, user, "A#crm"),
            Key::subject(&tenant, user),
            Key::definition(&tenant, Kind::Attribute, "x"),
            Key::definition(&tenant, Kind::Category, "x"),
            Key::definition(&tenant, Kind::Persona, "x"),
            Key::definition(&tenant, Kind::Server, "x"),
            Key::definition(&tenant, Kind::Application, "x"),
            Key::epoch(&tenant),
            Key::client(&client),
            Key::idempotency(&tenant, &ValueHash::of("x").to_string()),
            Key::refresh_family("x"),
            Key::spent(&tenant, "x"),
            Key::revoked(&tenant, "x"),
            Key::failures("x"),
            Key::public_keys(),
            Key::private_key("x"),
            Key::refresh_key(),
            Key::cursor_key(),
            Key::hash_key(),
            Key::change_request(&tenant, "x"),
            Key::derivation(&tenant),
            Key::definition(&tenant, Kind::Profile, "x"),
            Key::definition(&tenant, Kind::Workflow, "x"),
            Key::tenant(&tenant),
            Key::definition(&tenant, Kind::System, "x"),
            Key::base(&tenant, &BaseId::of("x", "x", &tenant)),
            Key::profile(&tenant, &"crm".parse().unwrap(), ProfileId::new(uuid::Uuid::nil())),
            Key::trust("x", &tenant),
            Key::import(&tenant, ImportId::new(uuid::Uuid::nil())),
            Key::import_rows(&tenant, ImportId::new(uuid::Uuid::nil()), 7),
            Key::import_report(&tenant, ImportId::new(uuid::Uuid::nil()), 7),
        ];
        keys.extend(lookups.iter().map(|lookup| Key::lookup(&tenant, lookup, user)));
        let text: Vec<_> = keys.iter().map(|key| format!("{} / {}", key.pk, key.sk)).collect();
        insta::assert_snapshot!(text.join("\n"));
        insta::assert_snapshot!(listing(&tenant, user));
    }

    #[test]
    fn an_entry_names_its_user_whatever_the_value() {
        let tenant: TenantId = "acme".parse().unwrap();
        let user: UserId = "0192f3c1-0000-7000-8000-000000000001".parse().unwrap();
        for lookup in [Lookup::prefix("family_name", "a#b"), Lookup::exact("persona", "x")] {
            assert_eq!(user_of_entry(Key::lookup(&tenant, &lookup, user).sk()), Some(user));
        }
        assert_eq!(user_of_entry("short"), None);
    }
}
