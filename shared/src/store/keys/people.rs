//! The keys of what people sign in with.

use ring::digest::{SHA256, digest};

use super::{Key, ONLY};
use crate::domain::id::{TenantId, UserId};
use crate::domain::lookup::ValueHash;
use crate::domain::people::{SecretHash, SessionHash};
use crate::env::Timestamp;

/// How many shards the outbox has.
pub const OUTBOX_SHARDS: u8 = 4;

/// The start of the sort keys of sessions.
pub const SESSIONS: &str = "S#";
/// The start of the sort keys of the names of families.
pub const FAMILIES: &str = "R#";

/// A key of the login function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKey {
    /// Seals passwords.
    Seal,
    /// Authenticates the cookies of known devices.
    Device,
    /// Seals the state of pages.
    Page,
}

impl LoginKey {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Seal, Self::Device, Self::Page];
}

/// The partition of a person's sessions and of the families of refresh tokens that they started.
#[must_use]
pub fn partition_of_sessions(tenant: &TenantId, user: UserId) -> String {
    format!("T#{tenant}#SE#{user}")
}

/// The tenant and the user whose sessions stand in this partition.
#[must_use]
pub fn owner_of_sessions(pk: &str) -> Option<(TenantId, UserId)> {
    let (tenant, user) = pk.strip_prefix("T#")?.split_once("#SE#")?;
    Some((tenant.parse().ok()?, user.parse().ok()?))
}

/// The partition of one shard of the outbox.
#[must_use]
pub fn partition_of_outbox(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// What sorts after the mails that were put into the outbox at this time or before.
#[must_use]
pub fn after_mails(until: Timestamp) -> String {
    format!("{until}#~")
}

/// The session that a sort key names.
#[must_use]
pub fn session_of_key(sk: &str) -> Option<SessionHash> {
    sk.strip_prefix(SESSIONS)?.parse().ok()
}

/// The family of refresh tokens that a sort key names.
#[must_use]
pub fn family_of_name(sk: &str) -> Option<&str> {
    sk.strip_prefix(FAMILIES)
}

impl Key {
    /// The partition of the keys of the login function.
    pub(in crate::store) const LOGIN_KEYS: &str = "K#login";

    /// A session of a person.
    #[must_use]
    pub fn session(tenant: &TenantId, user: UserId, session: &SessionHash) -> Self {
        Self::new(partition_of_sessions(tenant, user), format!("{SESSIONS}{session}"))
    }

    /// The name of a family of refresh tokens among the person's sessions.
    #[must_use]
    pub fn family_name(tenant: &TenantId, user: UserId, family: &str) -> Self {
        Self::new(partition_of_sessions(tenant, user), format!("{FAMILIES}{family}"))
    }

    /// The sealed password of a person; the login function alone reads it.
    #[must_use]
    pub fn password(tenant: &TenantId, user: UserId) -> Self {
        Self::new(format!("T#{tenant}#PW#{user}"), "PASSWORD")
    }

    /// A passkey, by the hash of its credential id; the login function alone reads it.
    #[must_use]
    pub fn passkey(tenant: &TenantId, id: &SecretHash) -> Self {
        Self::new(format!("T#{tenant}#PK#{id}"), ONLY)
    }

    /// A one-time link, by the hash of its token.
    #[must_use]
    pub fn link(tenant: &TenantId, hash: &SecretHash) -> Self {
        Self::new(format!("T#{tenant}#LK#{hash}"), ONLY)
    }

    /// An authorization code, by its hash.
    #[must_use]
    pub fn code(tenant: &TenantId, hash: &SecretHash) -> Self {
        Self::new(format!("T#{tenant}#OC#{hash}"), ONLY)
    }

    /// What each write that takes the right `administrator` from a user moves.
    #[must_use]
    pub fn administrators(tenant: &TenantId) -> Self {
        Self::new(format!("T#{tenant}#AD"), ONLY)
    }

    /// A mail that was put into the outbox at this time.
    #[must_use]
    pub fn mail(at: Timestamp, id: uuid::Uuid) -> Self {
        let hash = digest(&SHA256, id.as_bytes());
        let shard = hash.as_ref().last().copied().unwrap_or_default() % OUTBOX_SHARDS;
        Self::new(partition_of_outbox(shard), format!("{at}#{id}"))
    }

    /// A counter of attempts to sign in, by a name that says whose they are. The name is hashed.
    #[must_use]
    pub fn attempts(name: &str) -> Self {
        Self::new(format!("F#{}", ValueHash::of(&format!("attempts\n{name}"))), ONLY)
    }

    /// How many mails a person got in one window of time.
    #[must_use]
    pub fn mail_count(tenant: &TenantId, user: UserId, window: &str) -> Self {
        let name = format!("mails\n{tenant}\n{user}\n{window}");
        Self::new(format!("F#{}", ValueHash::of(&name)), ONLY)
    }

    /// A key of the login function, which alone reads it.
    #[must_use]
    pub fn login_key(key: LoginKey) -> Self {
        let name = match key {
            LoginKey::Seal => "SEAL",
            LoginKey::Device => "DEVICE",
            LoginKey::Page => "PAGE",
        };
        Self::new(Self::LOGIN_KEYS, name)
    }
}
