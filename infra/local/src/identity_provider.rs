//! The demonstration's identity provider: issues tokens of people on this machine, so that what the
//! service does for people can be tried without another identity provider.
//!
//! `kith serve` publishes its metadata and its public key below [`PATH`], and the demonstration's
//! tenant trusts it. It answers no request for a token: `kith token` signs tokens with the private
//! key in the data folder. The tenant holds the public key itself, so that no function has to fetch
//! it from a private address. Its issuer is an `http` URL, which the API refuses. So no other
//! service trusts its tokens (ADR 0057).

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::Path;

use axum::Router;
use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use serde_json::{Map, Value, json};
use shared::auth::signer::PrivateKey;
use shared::domain::Json;
use shared::domain::author::{Author, Reason};
use shared::domain::definition::Definition as _;
use shared::domain::error::{Error, Result};
use shared::domain::id::TenantId;
use shared::domain::jwk::{Algorithm, KeyParameters};
use shared::domain::schema::{Schema, StoredDefinition};
use shared::domain::sso::{AuthenticationServer, TENANT_CLAIM};
use shared::env::Env;
use shared::object;
use shared::store::Table;
use shared::store::definitions::DefinitionEdit;

use crate::Failure;
use crate::demo::write_owners_file;

/// Where it is, below the URL of the service.
pub const PATH: &str = "/demo-idp";
/// The id of the authentication server by which the demonstration's tenant trusts it.
pub const SERVER: &str = "demo-idp";
/// The file of the private key in the data folder: PKCS #8, for ES256.
pub const KEY_FILE: &str = "demo-idp.p8";
/// The claims that a token always has.
pub const OWN_CLAIMS: [&str; 6] = ["iss", "sub", "aud", TENANT_CLAIM, "iat", "exp"];

/// An identity provider that signs tokens itself.
pub struct IdentityProvider {
    issuer: String,
    /// Where its keys are: below the URL of the service, which the issuer may not follow.
    keys_at: String,
    key: PrivateKey,
    env: Env,
}

/// The person and the audience of a token.
pub struct TokenRequest<'a> {
    /// The subject of the person at the provider.
    pub subject: &'a str,
    /// The services that the token is for.
    pub audience: &'a [&'a str],
    /// The tenant of the person.
    pub tenant: &'a str,
    /// The lifetime of the token, in seconds.
    pub lifetime: u32,
    /// Further claims.
    pub claims: Map<String, Value>,
}

impl IdentityProvider {
    /// A provider with a new key.
    pub fn new(issuer: String, env: Env) -> Result<Self> {
        let key = PrivateKey::generate(Algorithm::Es256, &env.random)?;
        Self::with_key(issuer, &key, env)
    }

    /// The provider whose key is in a data folder.
    pub fn open(folder: &Path, issuer: String, env: Env) -> std::result::Result<Self, Failure> {
        let path = folder.join(KEY_FILE);
        let key = fs::read(&path).map_err(|error| {
            let path = path.display();
            match error.kind() {
                io::ErrorKind::NotFound => format!("there is no `{path}`; run `kith serve` first"),
                _ => format!("cannot read `{path}`: {error}"),
            }
        })?;
        Ok(Self::with_key(issuer, &key, env).map_err(|error| {
            let path = path.display();
            format!("`{path}`: {error}; delete the file and start `kith serve` again")
        })?)
    }

    fn with_key(issuer: String, key: &[u8], env: Env) -> Result<Self> {
        let key = PrivateKey::parse(Algorithm::Es256, key, &env.random)?;
        Ok(Self { keys_at: format!("{issuer}/jwks"), issuer, key, env })
    }

    /// The provider of a data folder at the URL of a service, trusted by a tenant. Its key is made
    /// if there is none.
    ///
    /// The issuer follows the URL until the first person signs in; then it stays, because people
    /// are known by subject and issuer.
    pub(crate) async fn prepare(
        folder: &Path,
        url: &str,
        table: &Table,
        tenant: &TenantId,
    ) -> std::result::Result<Self, Failure> {
        let failed =
            |error: Error| format!("cannot prepare the demonstration's identity provider: {error}");
        let env = table.env();
        let path = folder.join(KEY_FILE);
        if !path.exists() {
            let key = PrivateKey::generate(Algorithm::Es256, &env.random).map_err(failed)?;
            write_owners_file(&path, &key)
                .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        }
        let mut provider = Self::open(folder, format!("{url}{PATH}"), env.clone())?;
        match provider.register(table, tenant).await {
            Ok(()) => {}
            Err(Error::InUse(_)) => {
                provider.issuer = registered_issuer(table, tenant).await.map_err(failed)?;
                provider.register(table, tenant).await.map_err(failed)?;
            }
            Err(error) => return Err(failed(error).into()),
        }
        Ok(provider)
    }

    /// Lets a tenant trust the provider. Other changes by an administrator stay.
    async fn register(&self, table: &Table, tenant: &TenantId) -> Result<()> {
        let decide = |current: Option<&StoredDefinition<AuthenticationServer>>, schema: &Schema| {
            let stored = current.map(|entry| &entry.stored.value);
            let mut server = match stored {
                Some(server) => server.clone(),
                None => AuthenticationServer::read(document(), None, schema, table.env())?,
            };
            server.issuer = Some(self.issuer.clone());
            server.jwks = Some(self.keys().to_string());
            server.jwks_uri = None;
            Ok(match stored {
                Some(stored) if *stored == server => DefinitionEdit::Keep,
                Some(_) => DefinitionEdit::Replace(server),
                None => DefinitionEdit::Create(server),
            })
        };
        let author = Author::service(tenant.clone(), Reason::Operator);
        table.edit_definition(&author, Some(SERVER), decide, |_| Ok(None)).await.map(drop)
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its public keys (RFC 7517 §5).
    #[must_use]
    pub fn keys(&self) -> Value {
        let (kid, alg) = (self.key.kid(), Algorithm::Es256.name());
        let key = match self.key.numbers() {
            KeyParameters::Ec { x, y } => {
                json!({ "kty": "EC", "crv": "P-256", "alg": alg, "use": "sig", "kid": kid, "x": x, "y": y })
            }
            KeyParameters::Rsa { .. } | KeyParameters::Ed { .. } => Value::Null,
        };
        json!({ "keys": [key] })
    }

    /// Its metadata (OpenID Connect Discovery 1.0 §3). It has no pages, so there is no
    /// authorization endpoint.
    fn metadata(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "jwks_uri": self.keys_at,
            "response_types_supported": ["none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [Algorithm::Es256.name()],
        })
    }

    /// A token of a person.
    pub fn token(&self, request: TokenRequest<'_>) -> Result<String> {
        let now = self.env.clock.now().seconds();
        let audience = match request.audience {
            [only] => Value::from(*only),
            several => Value::from(several.to_vec()),
        };
        let mut claims = request.claims;
        for (name, value) in OWN_CLAIMS.into_iter().zip([
            Value::from(self.issuer.as_str()),
            Value::from(request.subject),
            audience,
            Value::from(request.tenant),
            Value::from(now),
            Value::from(now.saturating_add(i64::from(request.lifetime))),
        ]) {
            claims.insert(name.to_owned(), value);
        }
        self.key.sign(&claims)
    }

    /// The paths that it serves: its metadata and its public keys.
    pub(crate) fn router(&self) -> Router {
        let published = |document: Value| {
            get(async move || ([(CACHE_CONTROL, "no-store")], axum::Json(document)))
        };
        Router::new()
            .route(&format!("{PATH}/.well-known/openid-configuration"), published(self.metadata()))
            .route(&format!("{PATH}/jwks"), published(self.keys()))
    }
}

/// The authentication server as it is made, less what no caller may send.
fn document() -> Json {
    Json::Object(object! {
        "id" => SERVER, "name" => "Demo identity provider", "subject_type" => "email",
    })
}

async fn registered_issuer(table: &Table, tenant: &TenantId) -> Result<String> {
    let schema = table.schema(tenant).await?;
    let server = schema.servers.get(SERVER).ok_or(Error::NotFound)?;
    server.stored.value.issuer.clone().ok_or(Error::NotFound)
}
