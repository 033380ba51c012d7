//! ID tokens (OpenID Connect Core §2, rule G8), and the subject by which a client knows a person.

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::access_token::issuer;
use super::claims::base64url;
use super::jose::Jws;
use super::published::PublishedKeyCache;
use crate::app::App;
use crate::domain::client::{Authorization, Client};
use crate::domain::error::{Error, Result};
use crate::domain::id::{BaseId, ClientId};
use crate::domain::json::{Json, Object};
use crate::env::Timestamp;
use crate::object;
use crate::store::users::StoredUser;

/// The `typ` of an ID token. No other token of this service has it.
pub const TYP: &str = "JWT";
/// How long an ID token is valid, in seconds.
pub const ID_TOKEN_SECONDS: i64 = 5 * 60;

/// The facts of an ID token.
pub struct IdToken<'t> {
    /// The issuer.
    pub issuer: &'t str,
    /// The subject of the person at the client.
    pub sub: &'t str,
    /// The client.
    pub client_id: &'t ClientId,
    /// What the person authorised.
    pub authorization: &'t Authorization,
    /// The `nonce` of the authorization request; none when a refresh token was exchanged.
    pub nonce: Option<&'t str>,
    /// The access token that comes with it.
    pub access_token: &'t str,
    /// The claims about the person that were asked for.
    pub claims: Object,
    /// The persona in which the person signed in.
    pub persona: Option<Object>,
}

impl IdToken<'_> {
    /// The claims, as of now.
    #[must_use]
    pub fn claims(&self, now: Timestamp) -> Object {
        let (at, now) = (self.authorization, now.seconds());
        let seconds = |time: i64| u64::try_from(time).unwrap_or_default();
        let mut claims = object! {
            "iss" => self.issuer,
            "sub" => self.sub,
            "aud" => self.client_id,
            "iat" => seconds(now),
            "exp" => seconds(now + ID_TOKEN_SECONDS),
            "auth_time" => seconds(at.auth_time.seconds()),
            "amr" => at.amr.iter().map(Json::from).collect::<Vec<_>>(),
            "sid" => &at.sid,
            "at_hash" => at_hash(self.access_token),
        };
        let mut say = |name: &str, value: Option<Json>| {
            claims.extend(value.map(|value| (name.to_owned(), value)));
        };
        say("nonce", self.nonce.map(Json::from));
        say("acr", at.acr.as_ref().map(Json::from));
        say("persona", self.persona.clone().map(Json::Object));
        claims.extend(self.claims.clone());
        claims
    }
}

/// The left half of the access token's hash (OpenID Connect Core §3.1.3.6). Both signing algorithms
/// are made with SHA-256.
fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    base64url(hash.as_ref().get(..16).unwrap_or_default())
}

/// The subject by which a client knows a person (rule G9). A client of an application knows the
/// person by the application's subject, and `None` means that the application has none for this
/// person. Other clients get the base profile id, which is never given to another person.
pub async fn subject_for(
    app: &App,
    base_url: &str,
    client: &Client,
    user: &StoredUser,
) -> Result<Option<String>> {
    let tenant = client.client_id.tenant();
    let Some(id) = &client.application_id else {
        let base = BaseId::of(&user.value.id.to_string(), &issuer(base_url), tenant);
        return Ok(Some(base.to_string()));
    };
    let mut schema = app.schema(tenant).await?;
    if schema.applications.get(id.as_str()).is_none() {
        // The cached configuration may be older than the application.
        schema = app.schema_now(tenant).await?;
    }
    let Some(application) = schema.applications.get(id.as_str()) else { return Ok(None) };
    match app.table().subject_of(tenant, &application.stored.value, user).await {
        // An address of several people names none of them.
        Err(Error::Several(_)) => Ok(None),
        subject => subject,
    }
}

/// What an ID token of this service says to whom it is shown again, as a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// The client for which it was made.
    pub client_id: ClientId,
    /// The subject of the person at the client.
    pub sub: String,
    /// The session in which the person signed in.
    pub sid: Option<String>,
}

/// The claims of a hint.
#[derive(Deserialize)]
struct HintClaims {
    iss: String,
    sub: String,
    aud: ClientId,
    #[serde(default)]
    sid: Option<String>,
}

impl IdTokenHint {
    /// Reads an ID token that this service issued. An expired one is a hint too (OpenID Connect
    /// RP-Initiated Logout §4). `None` for everything else.
    pub async fn verify(
        unverified_token: &str,
        keys: &PublishedKeyCache,
        base_url: &str,
    ) -> Result<Option<Self>> {
        let Some(unverified) = Jws::open(unverified_token) else { return Ok(None) };
        if !unverified.is(TYP) || unverified.brings_key() {
            return Ok(None);
        }
        let Some(kid) = unverified.header("kid") else { return Ok(None) };
        let Some(key) = keys.find(kid).await? else { return Ok(None) };
        let claims = unverified.claims::<HintClaims>(&key.jwk());
        Ok(claims.filter(|claims| claims.iss == issuer(base_url)).map(|claims| Self {
            client_id: claims.aud,
            sub: claims.sub,
            sid: claims.sid,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g8_the_hash_of_an_access_token_is_its_left_half() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(
            at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
