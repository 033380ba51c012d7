//! The keys of every item, made by typed constructors and nowhere else. [`Key::stored`] wraps a key
//! that was read from the table.
//!
//! | access | key | constructor |
//! |---|---|---|
//! | a user, or its tombstone | `T#<tenant>#U#<user>` / `PROFILE` | [`Key::user`] |
//! | a user's subject mapping at a server | `T#<tenant>#U#<user>` / `S#<server>#<mapping>` | [`Child::ServerSubject`] |
//! | a user's subject mapping at an application | `T#<tenant>#U#<user>` / `A#<application>` | [`Child::ApplicationSubject`] |
//! | a user's principal at a server | `T#<tenant>#U#<user>` / `B#<server>` | [`Child::Principal`] |
//! | a system profile | `T#<tenant>#U#<user>` / `SYS#<system>` | [`Child::SystemProfile`] |
//! | the user of a base profile id | `T#<tenant>#B#<base>` / `-` | [`Key::base`] |
//! | the user of a system profile id | `T#<tenant>#P#<system>#<id>` / `-` | [`Key::profile`] |
//! | the tenants that trust an issuer | `I#<hash>` / `<tenant>` | [`Key::trust`] |
//! | the owner of a unique value | `T#<tenant>#Q#<attribute>#<hash>` / `-` | [`Key::lookup`] |
//! | the users of an e-mail address | `T#<tenant>#E#<hash>` / `-` | [`Key::lookup`] |
//! | the users of an indexed value | `T#<tenant>#X#<attribute>#<bucket>` / by value and user | [`Key::lookup`] |
//! | a subject mapping | `T#<tenant>#S#<mapping>` / `-` | [`Key::subject`] |
//! | a change request of a user | `T#<tenant>#U#<user>` / `CR#<id>` | [`Child::ChangeRequest`] |
//! | the guard of a user's change requests | `T#<tenant>#U#<user>` / `CR` | [`Child::ChangeRequestGuard`] |
//! | a change request by its id | `T#<tenant>#R#<id>` / `-` | [`Key::change_request`] |
//! | an audit entry of a user | `T#<tenant>#U#<user>` / `AU#<version>` | [`Child::AuditEntry`] |
//! | the ledger of a tenant's audit | `T#<tenant>#AU` / `HEAD#<chain>`, `<chain>#<sequence>` | [`Key::ledger_head`], [`Key::audit_entry`] |
//! | what a user decided about a consent | `T#<tenant>#U#<user>` / `CO#<consent>#<audience>` | [`Child::Consent`] |
//! | an entry of its history | `T#<tenant>#U#<user>` / `COH#<consent>#<audience>#<number>#<kind>` | [`Child::ConsentHistory`] |
//! | the texts of a version of a consent | `T#<tenant>#W#<consent>` / `<number>` | [`Key::consent_text`] |
//! | the proof of a consent of somebody who was forgotten | `T#<tenant>#Y#<digest>` / `-` | [`Key::consent_proof`] |
//! | what is known of a user's credentials | `T#<tenant>#U#<user>` / `LOGIN` | [`Child::Login`] |
//! | the newest one-time link of a kind | `T#<tenant>#U#<user>` / `LK#<kind>` | [`Child::Link`] |
//! | the scopes that a user granted to a client | `T#<tenant>#U#<user>` / `CC#<client>` | [`Child::ClientConsent`] |
//! | a session of a person | `T#<tenant>#SE#<user>` / `S#<hash>` | [`Key::session`] |
//! | the name of a family of refresh tokens | `T#<tenant>#SE#<user>` / `R#<family>` | [`Key::family_name`] |
//! | a sealed password | `T#<tenant>#PW#<user>` / `PASSWORD` | [`Key::password`] |
//! | a passkey | `T#<tenant>#PK#<hash>` / `-` | [`Key::passkey`] |
//! | a one-time link | `T#<tenant>#LK#<hash>` / `-` | [`Key::link`] |
//! | an authorization code | `T#<tenant>#OC#<hash>` / `-` | [`Key::code`] |
//! | the guard of a tenant's administrators | `T#<tenant>#AD` / `-` | [`Key::administrators`] |
//! | a mail that waits | `OUTBOX#<shard>` / `<time>#<id>` | [`Key::mail`] |
//! | the progress of a walk over a tenant's users | `T#<tenant>#J` / `DERIVE`, `FORMS`, `DEFINITIONS`, `AUDIT`, `EXPORT` | [`Key::progress`] |
//! | an import, its waiting rows, its report | `T#<tenant>#M#<import>` / `JOB`, `ROWS#<part>`, `REPORT#<part>` | [`Key::import`], … |
//! | a tenant's definitions | `T#<tenant>#D` / `<KIND>#<id>`, `EPOCH` | [`Key::definition`], [`Key::epoch`] |
//! | a tenant's clients | `T#<tenant>#C` / `<client>` | [`Key::client`] |
//! | an idempotency record | `T#<tenant>#I#<hash>` / `-` | [`Key::idempotency`] |
//! | an assertion or a proof that was used | `T#<tenant>#N#<hash>` / `-` | [`Key::single_use`] |
//! | a revoked access token | `T#<tenant>#V#<hash>` / `-` | [`Key::revoked`] |
//! | failed authentications, attempts to sign in | `F#<hash>` / `-` | [`Key::failures`], [`Key::attempts`] |
//! | a refresh token family | `R#<family>` / `-` | [`Key::refresh_family`] |
//! | public signing keys | `K#public` / `STATE` | [`Key::public_keys`] |
//! | private signing keys | `K#private` / `<kid>`, `REFRESH` | [`Key::private_key`], [`Key::refresh_key`] |
//! | the key of the audit | `K#audit` / `KEY` | [`Key::audit_key`] |
//! | the key that signs digests of exported audits | `K#digests` / `DIGEST` | [`Key::digest_key`] |
//! | keys of the login function | `K#login` / `SEAL`, `DEVICE`, `PAGE` | [`Key::login_key`] |
//! | keys of all functions | `K#shared` / `CURSOR`, `HASH` | [`Key::cursor_key`], [`Key::hash_key`] |
//! | tenants | `TENANTS` / `<tenant>` | [`Key::tenant`] |
//! | nothing: the read of a health check | `HEALTH` / `-` | [`Key::health`] |
//! | users by their last change, tombstones by their filing | index `gsi1`: `T#<tenant>#L#<shard>` / `<updated_at>`, `<time>#` | [`listing`] |
//! | change requests by status | index `gsi1`: `T#<tenant>#R#<STATUS>` / `<id>` | [`requests`] |
//! | audit entries of users by their time | index `gsi1`: `T#<tenant>#A#<day>#<shard>` / `<at>#<user>#<version>` | [`audit_day`] |
//! | unfinished erasures | index `gsi1`: `SWEEP` / `<deleted_at>` | [`SWEEP`] |
//! | consents by when a grant ends | index `gsi1`: `T#<tenant>#O#<shard>` / `<until>` | [`ending_consents`] |
//! | unfinished imports | index `gsi1`: `IMPORTS` / `<tenant>#<created_at>#<id>` | [`IMPORTS`] |
//!
//! Ids match `^[a-z][a-z0-9-]{1,62}$` or are UUIDs, hashes are base64url: no part can contain `#`
//! but the last, which needs no end. Values that could identify a person are hashed, prefix entries
//! of names excepted.

mod child;
mod partition;
mod people;
mod progress;
mod single_use;
#[cfg(test)]
mod tests;

use ring::digest::{SHA256, digest};

pub use self::child::{
    Child, Children, NamedConsent, after_consent_entry, consent_history, consents,
};
pub use self::partition::*;
pub use self::people::{
    FAMILIES, LoginKey, OUTBOX_SHARDS, SESSIONS, after_mails, family_of_name, owner_of_sessions,
    partition_of_outbox, partition_of_sessions, session_of_key,
};
pub use self::progress::Walk;
pub use self::single_use::SingleUse;
use crate::domain::audit::{Chain, LedgerChain};
use crate::domain::definition::DefinitionKind;
use crate::domain::id::{
    BaseId, ChangeRequestId, ClientId, ImportId, PartyId, ProfileId, SubjectId, TenantId, UserId,
};
use crate::domain::lookup::{Lookup, ValueHash};
use crate::domain::versioned::Version;

/// The partition key of the index for erasures that are not finished.
pub const SWEEP: &str = "SWEEP";
/// The partition key of the index for imports that are not finished.
pub const IMPORTS: &str = "IMPORTS";
/// The sort key of a user's own item.
pub const PROFILE: &str = "PROFILE";
/// The partition of the tenants.
pub const TENANTS: &str = "TENANTS";
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

    /// Wraps the key of an item that is alone in its partition, as another item names it
    /// (`forward`).
    #[must_use]
    pub fn forward(pk: &str) -> Self {
        Self::new(pk, ONLY)
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
    pub fn subject(tenant: &TenantId, id: SubjectId) -> Self {
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
    pub fn change_request(tenant: &TenantId, id: ChangeRequestId) -> Self {
        Self::new(format!("T#{tenant}#R#{id}"), ONLY)
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

    /// The outcomes of the rows of one part of an import.
    #[must_use]
    pub fn import_report(tenant: &TenantId, id: ImportId, part: usize) -> Self {
        Self::new(partition_of_import(tenant, id), format!("REPORT#{part:04}"))
    }

    /// A definition, an authentication server or an application.
    #[must_use]
    pub fn definition(tenant: &TenantId, kind: DefinitionKind, id: &str) -> Self {
        Self::new(partition_of_definitions(tenant), format!("{}#{id}", kind.prefix()))
    }

    /// The texts of a version of a consent.
    #[must_use]
    pub fn consent_text(tenant: &TenantId, consent: &PartyId, number: u32) -> Self {
        Self::new(format!("T#{tenant}#W#{consent}"), format!("{number:04}"))
    }

    /// The proof of a consent of somebody who was forgotten, by the digest of its history.
    #[must_use]
    pub fn consent_proof(tenant: &TenantId, digest: &str) -> Self {
        Self::new(format!("T#{tenant}#Y#{digest}"), ONLY)
    }

    /// The epoch, which each change of a definition of the tenant writes.
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

    /// An access token that was revoked, by its `jti`.
    #[must_use]
    pub fn revoked(tenant: &TenantId, jti: &str) -> Self {
        Self::new(format!("T#{tenant}#V#{}", ValueHash::of(jti)), ONLY)
    }

    /// How often authentication failed in one window of time, from an address, for one client or
    /// for any.
    #[must_use]
    pub fn failures(window: i64, address: &str, client: Option<&str>) -> Self {
        let hash = ValueHash::of(&match client {
            Some(client) => format!("{window}\n{address}\n{client}"),
            None => format!("{window}\n{address}"),
        });
        Self::new(format!("F#{hash}"), ONLY)
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

    /// The key of the audit.
    #[must_use]
    pub fn audit_key() -> Self {
        Self::new("K#audit", "KEY")
    }

    /// The key that signs digests of exported audits.
    #[must_use]
    pub fn digest_key() -> Self {
        Self::new("K#digests", "DIGEST")
    }

    /// An audit entry.
    #[must_use]
    pub fn audit_entry(tenant: &TenantId, chain: Chain, sequence: Version) -> Self {
        match chain {
            Chain::User(user) => Self::child(tenant, user, Child::AuditEntry(sequence)),
            Chain::Ledger(chain) => {
                Self::new(partition_of_ledger(tenant), format!("{chain}#{:010}", sequence.0))
            }
        }
    }

    /// What guards a chain of a tenant's ledger.
    #[must_use]
    pub fn ledger_head(tenant: &TenantId, chain: LedgerChain) -> Self {
        Self::new(partition_of_ledger(tenant), format!("HEAD#{chain}"))
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

    /// The key that a health check reads; no item has it.
    #[must_use]
    pub fn health() -> Self {
        Self::new("HEALTH", ONLY)
    }

    /// A tenant.
    #[must_use]
    pub fn tenant(tenant: &TenantId) -> Self {
        Self::new(TENANTS, tenant.as_str())
    }
}

/// The sort key of an exact index entry: it starts with a hash. So DynamoDB can split a partition
/// with many users, and new users do not all land at its end.
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
