//! Machine clients: who may ask for tokens, how they authenticate and what they may ask for.

mod document;
mod rotation;
mod secret;

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

pub use self::rotation::Rotation;
pub use self::secret::{HashedSecret, PlainSecret, Secret};
use super::id::{ClientId, PartyId, TenantId};
use super::jwk::Algorithm;
use super::scope::Scopes;
use super::string_enum::string_enum;
use crate::env::{Env, Timestamp};

string_enum! {
    /// How a client authenticates (RFC 7591 §2, OpenID Connect Core §9). A client with a secret
    /// may send it either way.
    AuthMethod {
        /// A secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// A secret in the form.
        ClientSecretPost = "client_secret_post",
        /// A JWT that the client signed (RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
    }
}

string_enum! {
    /// The grants that a client may hold (RFC 6749 §4.4, §6).
    Grant {
        /// Its own credentials; every client holds it.
        ClientCredentials = "client_credentials",
        /// A refresh token.
        RefreshToken = "refresh_token",
    }
}

string_enum! {
    /// The kind of system that a client integrates. It lets the client create system profiles.
    Integration {
        /// Customer relationship management.
        Crm = "crm",
        /// Identity and access management.
        Iam = "iam",
    }
}

string_enum! {
    /// How sensitive an attribute of a system is; in rising order.
    Classifier {
        /// Not sensitive.
        NonSensitive = "NON_SENSITIVE",
        /// A little.
        Low = "LOW",
        /// More.
        Medium = "MEDIUM",
        /// Most.
        Sensitive = "SENSITIVE",
    }
}

impl Classifier {
    /// The classifier that hides no attribute.
    #[must_use]
    pub const fn most() -> Self {
        Self::Sensitive
    }

    /// Whether it hides nothing.
    #[must_use]
    pub fn is_most(&self) -> bool {
        *self == Self::most()
    }
}

/// Where the public keys of a client are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// Registered: a JWK set as JSON text.
    Jwks(String),
    /// Published at this https URL.
    JwksUri(String),
}

/// The most live secrets of one client: rotation needs two.
pub const MAX_SECRETS: usize = 2;

/// The life of an access token when the client sets none, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 900;
/// The allowed lifetimes of an access token, in seconds.
pub const ACCESS_TOKEN_LIVES: RangeInclusive<i64> = 60..=86_400;
/// The longest name, in bytes.
pub const MAX_NAME: usize = 256;
/// The most systems that a client is bound to.
pub const MAX_SYSTEMS: usize = 50;
/// The most audiences of a client's tokens.
pub const MAX_AUDIENCES: usize = 10;
/// The longest audience, in bytes.
pub const MAX_AUDIENCE: usize = 512;
/// The most bytes of all audiences together: with fifty systems beside them a token stays below 8
/// KB.
pub const MAX_AUDIENCE_BYTES: usize = 1024;

/// A machine client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The id; names the tenant.
    pub client_id: ClientId,
    /// The name on screens.
    pub name: String,
    /// How it authenticates.
    #[serde(default = "basic")]
    pub token_endpoint_auth_method: AuthMethod,
    /// The scopes that it may ask for.
    pub scopes: Scopes,
    /// The scopes that it gets when it asks for none.
    pub default_scopes: Scopes,
    /// Whether it holds the `refresh_token` grant; `client_credentials` is held by all.
    pub refresh_token: bool,
    /// Its public keys. A client that authenticates by secret may have some too: then it may use
    /// either.
    #[serde(default)]
    pub keys: Option<KeySource>,
    /// The systems that it may act for; every one when there is none.
    #[serde(default)]
    pub systems: Vec<PartyId>,
    /// The kind of system that it integrates.
    #[serde(default)]
    pub integration: Option<Integration>,
    /// The most sensitive attributes of systems that it sees.
    #[serde(default = "Classifier::most")]
    pub max_classifier: Classifier,
    /// Live secrets, at most [`MAX_SECRETS`]; none of a client that authenticates by
    /// `private_key_jwt`.
    pub secrets: Vec<Secret>,
    /// The life of its access tokens, in seconds.
    pub access_token_lifetime: i64,
    /// The algorithm that its access tokens are signed with: ES256 or RS256.
    #[serde(default = "es256")]
    pub access_token_signing_alg: Algorithm,
    /// The audience of its access tokens; the service itself when there is none.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Whether it gets only tokens that are bound to a key of its own (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

const fn basic() -> AuthMethod {
    AuthMethod::ClientSecretBasic
}

const fn es256() -> Algorithm {
    Algorithm::Es256
}

impl Client {
    /// Registers a client with one secret, which is returned beside it and shown once.
    #[must_use]
    pub fn register(
        tenant: &TenantId,
        name: &str,
        scopes: Scopes,
        refresh_token: bool,
        env: &Env,
    ) -> (Self, PlainSecret) {
        let mut client = Self {
            client_id: ClientId::new(tenant, env.random.bytes()),
            name: name.to_owned(),
            token_endpoint_auth_method: basic(),
            default_scopes: scopes.clone(),
            scopes,
            refresh_token,
            keys: None,
            systems: Vec::new(),
            integration: None,
            max_classifier: Classifier::most(),
            secrets: Vec::new(),
            access_token_lifetime: ACCESS_TOKEN_SECONDS,
            access_token_signing_alg: es256(),
            audience: Vec::new(),
            dpop_bound_access_tokens: false,
            created_at: env.clock.now(),
        };
        let secret = client.add_secret(env);
        (client, secret)
    }

    /// Adds a secret; the oldest goes when there would be more than [`MAX_SECRETS`].
    pub fn add_secret(&mut self, env: &Env) -> PlainSecret {
        let (secret, plain) = Secret::generate(env);
        self.secrets.push(secret);
        let excess = self.secrets.len().saturating_sub(MAX_SECRETS);
        self.secrets.drain(..excess);
        plain
    }

    /// Whether it authenticates by secret; a client that signs has none.
    #[must_use]
    pub fn takes_secrets(&self) -> bool {
        self.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt
    }

    /// Drops the secrets that have ended.
    pub fn drop_ended_secrets(&mut self, now: Timestamp) {
        self.secrets.retain(|secret| secret.is_live(now));
    }

    /// Takes the secret with this id away; `false` when there is none.
    pub fn remove_secret(&mut self, id: &str) -> bool {
        let before = self.secrets.len();
        self.secrets.retain(|secret| !secret.id.eq_ignore_ascii_case(id));
        self.secrets.len() < before
    }

    /// The client as of the day of `now` on which the secret with this hash is used; `None` when
    /// that day is noted already.
    #[must_use]
    pub fn used_on_day_of(&self, now: Timestamp, hash: &HashedSecret) -> Option<Self> {
        let today = now.day();
        let stale = |secret: &Secret| {
            secret.hash.equals(hash) && secret.last_used_on.as_deref() != Some(&*today)
        };
        let index = self.secrets.iter().position(stale)?;
        let mut next = self.clone();
        next.secrets.get_mut(index)?.last_used_on = Some(today);
        Some(next)
    }

    /// The live secret with this hash. Every secret is compared, so the time says nothing about
    /// which.
    #[must_use]
    pub fn live_secret(&self, hash: &HashedSecret, now: Timestamp) -> Option<&Secret> {
        let live = self.secrets.iter().filter(|secret| secret.is_live(now));
        live.fold(None, |found, secret| if secret.hash.equals(hash) { Some(secret) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o9_two_secrets_live_at_a_time() {
        let env = Env::default();
        let has = |client: &Client, secret: &PlainSecret| {
            client.live_secret(&secret.hashed(), env.clock.now()).is_some()
        };
        let (mut client, first) =
            Client::register(&"acme".parse().unwrap(), "crm", Scopes::default(), false, &env);
        let second = client.add_secret(&env);
        assert!(has(&client, &first) && has(&client, &second));
        let third = client.add_secret(&env);
        assert!(!has(&client, &first) && has(&client, &third));
    }
}
