//! Machine clients: who may ask for tokens, with which secrets and for which scopes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::id::{ClientId, TenantId};
use super::scope::Scopes;
use crate::world::{Timestamp, World};

/// The secret of a client as its owner holds it: `kith_`, 256 random bits, and a checksum that tells a real one from a look-alike,
/// all in lower-case hexadecimal (`kith_[0-9a-f]{72}`), so that scanners find leaked ones. It cannot be stored or printed by
/// accident: only [`PlainSecret::reveal`] gives it away.
pub struct PlainSecret(String);

impl PlainSecret {
    /// Makes a new one.
    #[must_use]
    pub fn generate(world: &World) -> Self {
        let random = hex(&world.random.bytes::<32>());
        let checksum = hex(digest(&SHA256, random.as_bytes()).as_ref().get(..4).unwrap_or_default());
        Self(format!("kith_{random}{checksum}"))
    }

    /// The secret's characters, for the one answer that shows them.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn hashed(&self) -> HashedSecret {
        HashedSecret::of(&self.0)
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // INVARIANT: writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of a client's secret. 256 random bits need no slower hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HashedSecret(String);

impl HashedSecret {
    /// Hashes what a caller presents as a secret.
    #[must_use]
    pub fn of(unverified_secret: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, unverified_secret.as_bytes())))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// One live secret of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The id by which it is revoked.
    pub id: String,
    /// Its hash.
    pub hash: HashedSecret,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The most live secrets of one client: rotation needs two.
pub const MAX_SECRETS: usize = 2;

/// The life of an access token when the client sets none, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 900;

/// A machine client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The id; names the tenant.
    pub client_id: ClientId,
    /// The name on screens.
    pub name: String,
    /// The scopes that it may ask for.
    pub scopes: Scopes,
    /// The scopes that it gets when it asks for none.
    pub default_scopes: Scopes,
    /// Whether it holds the `refresh_token` grant; `client_credentials` is held by all.
    pub refresh_token: bool,
    /// Live secrets, at most [`MAX_SECRETS`].
    pub secrets: Vec<Secret>,
    /// The life of its access tokens, in seconds.
    pub access_token_lifetime: i64,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Client {
    /// Registers a client with one secret, which is returned beside it and shown once.
    #[must_use]
    pub fn register(
        tenant: &TenantId,
        name: &str,
        scopes: Scopes,
        refresh_token: bool,
        world: &World,
    ) -> (Self, PlainSecret) {
        let mut client = Self {
            client_id: ClientId::new(tenant, world.random.bytes()),
            name: name.to_owned(),
            default_scopes: scopes.clone(),
            scopes,
            refresh_token,
            secrets: Vec::new(),
            access_token_lifetime: ACCESS_TOKEN_SECONDS,
            created_at: world.clock.now(),
        };
        let secret = client.add_secret(world);
        (client, secret)
    }

    /// Adds a secret; the oldest goes when there would be more than [`MAX_SECRETS`].
    pub fn add_secret(&mut self, world: &World) -> PlainSecret {
        let secret = PlainSecret::generate(world);
        let id = world.new_uuid().to_string();
        self.secrets.push(Secret { id, hash: secret.hashed(), created_at: world.clock.now() });
        let excess = self.secrets.len().saturating_sub(MAX_SECRETS);
        self.secrets.drain(..excess);
        secret
    }

    /// Whether the hash is that of a live secret. Every secret is compared, so the time says nothing about which.
    #[must_use]
    pub fn has_secret(&self, hash: &HashedSecret) -> bool {
        self.secrets.iter().fold(false, |found, secret| found | secret.hash.equals(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o9_a_secret_has_256_random_bits_a_prefix_and_a_checksum() {
        let secret = PlainSecret::generate(&World::default());
        let text = secret.reveal();
        assert_eq!(text.len(), 5 + 64 + 8);
        let (random, checksum) = text.strip_prefix("kith_").unwrap().split_at(64);
        assert_eq!(hex(&digest(&SHA256, random.as_bytes()).as_ref()[..4]), checksum);
        assert!(!format!("{secret:?}").contains(random));
    }

    #[test]
    fn o9_two_secrets_live_at_a_time() {
        let world = World::default();
        let (mut client, first) = Client::register(&"acme".parse().unwrap(), "crm", Scopes::default(), false, &world);
        let second = client.add_secret(&world);
        assert!(client.has_secret(&first.hashed()) && client.has_secret(&second.hashed()));
        let third = client.add_secret(&world);
        assert!(!client.has_secret(&first.hashed()) && client.has_secret(&third.hashed()));
    }
}
