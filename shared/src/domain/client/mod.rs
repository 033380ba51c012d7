//! Clients: who may ask for tokens, how they authenticate and what they may ask for.

mod audience;
mod authorization;
mod claims_request;
mod document;
mod kind;
mod people;
mod redirect_uri;
mod rotation;
mod secret;

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

pub use self::audience::named_audience;
pub use self::authorization::Authorization;
pub use self::claims_request::{ClaimsRequest, StandardClaim};
pub use self::kind::{ApplicationType, AuthMethod, Grant};
pub use self::redirect_uri::RedirectUri;
pub use self::rotation::Rotation;
pub use self::secret::{HashedSecret, PlainSecret, Secret};
use super::id::{ClientId, PartyId, TenantId};
use super::jwk::Algorithm;
use super::scope::Scopes;
use super::string_enum::string_enum;
use crate::env::{Env, Timestamp};

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
/// The most redirect URIs of a client, and the most for sign-out.
pub const MAX_REDIRECT_URIS: usize = 20;
/// The longest redirect URI, in characters.
pub const MAX_REDIRECT_URI: usize = 512;
/// The most audiences of a client's tokens.
pub const MAX_AUDIENCES: usize = 10;
/// The longest audience, in bytes.
pub const MAX_AUDIENCE: usize = 512;
/// The most bytes of all audiences together: with fifty systems beside them a token stays below 8
/// KB.
pub const MAX_AUDIENCE_BYTES: usize = 1024;

/// A client: a program that acts for itself, or an application in which people sign in, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the registration")]
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
    /// Whether it holds the `refresh_token` grant.
    pub refresh_token: bool,
    /// Whether it holds the `client_credentials` grant, as every client did once.
    #[serde(default = "yes", skip_serializing_if = "is_set")]
    pub client_credentials: bool,
    /// Whether it holds the `authorization_code` grant.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub authorization_code: bool,
    /// Where the answers of the authorization endpoint may go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Where people may go after they have signed out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it runs on a server or in a browser, or on a person's device.
    #[serde(default, skip_serializing_if = "ApplicationType::is_web")]
    pub application_type: ApplicationType,
    /// Whether it belongs to the tenant itself, so that people are not asked for their consent.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub first_party: bool,
    /// The application whose subjects name people to the client. Without one, the base profile id
    /// names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<PartyId>,
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
    /// `private_key_jwt`, or not at all.
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

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_set(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_unset(value: &bool) -> bool {
    !*value
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
            client_credentials: true,
            authorization_code: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            application_type: ApplicationType::Web,
            first_party: false,
            application_id: None,
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

    /// Registers a public client in which people sign in; its type is web.
    #[must_use]
    pub fn register_person_client(
        tenant: &TenantId,
        name: &str,
        scopes: Scopes,
        redirect_uris: Vec<String>,
        env: &Env,
    ) -> Self {
        let (client, _) = Self::register(tenant, name, scopes, true, env);
        Self {
            token_endpoint_auth_method: AuthMethod::None,
            secrets: Vec::new(),
            client_credentials: false,
            authorization_code: true,
            redirect_uris,
            ..client
        }
    }

    /// Adds a secret; the oldest goes when there would be more than [`MAX_SECRETS`].
    pub fn add_secret(&mut self, env: &Env) -> PlainSecret {
        let (secret, plain) = Secret::generate(env);
        self.secrets.push(secret);
        let excess = self.secrets.len().saturating_sub(MAX_SECRETS);
        self.secrets.drain(..excess);
        plain
    }

    /// Whether it authenticates by secret; a client that signs has none, and a public one neither.
    #[must_use]
    pub const fn takes_secrets(&self) -> bool {
        self.token_endpoint_auth_method.takes_secrets()
    }

    /// Whether it is public (RFC 6749 §2.1): it cannot keep a secret and does not authenticate.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// Whether people are asked what they grant to it (rule G15).
    #[must_use]
    pub const fn needs_consent(&self) -> bool {
        !self.first_party
    }

    /// Whether what a person granted to it holds for the next time (rule G15). Another program of
    /// the device can take the redirect URI of a native client, so its people are asked each time.
    #[must_use]
    pub fn remembers_consent(&self) -> bool {
        self.application_type.is_web()
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
