//! Access tokens (RFC 9068): their claims, and the caller that a verified token names.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::caller::{Caller, Grants, Subject, TokenOfPerson, Via};
use super::claims::{Audience, Confirmation, LEEWAY};
use super::error::{AuthError, Result};
use super::jose::{Jws, MAX_TOKEN};
use super::published::PublishedKeyCache;
use crate::domain::client::{Classifier, Integration, StandardClaim};
use crate::domain::id::{BaseId, ClientId, PartyId, PersonaId, TenantId, UserId};
use crate::domain::scope::Scopes;
use crate::domain::versioned::Version;
use crate::env::Timestamp;

/// The claims of an access token (RFC 9068 §2.2), with the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer: `<base url>/idhub/oidc`.
    pub iss: String,
    /// The subject: the client itself, or a person's base profile id at this issuer.
    pub sub: String,
    /// The user whose token it is; `None` when the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The audience: `<base url>`, or the registered audience of the client.
    pub aud: Audience,
    /// The client, or the client of the application that the person uses.
    pub client_id: ClientId,
    /// The scopes that the token grants.
    pub scope: Scopes,
    /// The tenant whose data the token gives access to.
    pub tenant: TenantId,
    /// The token's own id.
    pub jti: String,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it becomes valid, in seconds; the service's own tokens are valid at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The systems that the client may act for, where it is bound to some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<PartyId>,
    /// Whether the client is the CRM or the IAM system; `None` for other clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<Integration>,
    /// The most sensitive attributes of systems that the client sees, where that is less than all.
    #[serde(default = "Classifier::most", skip_serializing_if = "Classifier::is_most")]
    pub max_classifier: Classifier,
    /// The key that the token is bound to, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The version of the user that the person's session carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_version: Option<u64>,
    /// The session in which the person authorised the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The persona in which the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// The claims that userinfo answers beside those of the scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<StandardClaim>,
}

impl AccessTokenClaims {
    /// The base profile id of a user at the issuer of the token.
    fn base_id(&self, user: UserId) -> BaseId {
        BaseId::of(&user.to_string(), &self.iss, &self.tenant)
    }

    /// What the token says of the person beside who it is.
    fn of_person(&self) -> TokenOfPerson {
        TokenOfPerson {
            jti: self.jti.clone(),
            user_version: Version(self.user_version.unwrap_or(0)),
            persona: self.persona,
            claims: self.claims.clone(),
        }
    }

    /// The expected `sub`, by the other claims.
    #[must_use]
    pub fn expected_subject(&self) -> String {
        self.user_id
            .map_or_else(|| self.client_id.to_string(), |user| self.base_id(user).to_string())
    }
}

/// The issuer of a service with this base URL.
#[must_use]
pub fn issuer(base_url: &str) -> String {
    format!("{base_url}/idhub/oidc")
}

/// An access token whose signature and issuer have been verified.
#[derive(Clone, Debug)]
pub struct VerifiedAccessToken(AccessTokenClaims);

impl VerifiedAccessToken {
    /// Verifies an access token (RFC 9068 §4): the key and its algorithm come from the published
    /// keys, never from the token; `typ` and `iss` are checked, and headers that would bring a
    /// key along are refused (RFC 8725 §3).
    pub async fn verify(
        unverified_token: &str,
        keys: &PublishedKeyCache,
        base_url: &str,
    ) -> Result<Self> {
        if unverified_token.len() > MAX_TOKEN {
            return Err(AuthError::BadToken(
                "the token is longer than 8 KB; send an access token of this service",
            ));
        }
        let unverified = Jws::open(unverified_token).ok_or(AuthError::BadToken(
            "this is not a token of this service; get one at the token endpoint",
        ))?;
        if !unverified.is("at+jwt") {
            return Err(AuthError::BadToken(
                "this is not an access token; send the `access_token` of the token endpoint",
            ));
        }
        if unverified.brings_key() {
            return Err(AuthError::BadToken(
                "the header of the token has parameters that bring a key along",
            ));
        }
        let kid = unverified.header("kid").ok_or(AuthError::BadToken(
            "this is not a token of this service; get one at the token endpoint",
        ))?;
        let key = keys
            .find(kid)
            .await?
            .ok_or(AuthError::BadToken("the token is signed with an unknown key; get a new one"))?;
        let claims =
            unverified.claims::<AccessTokenClaims>(&key.jwk()).ok_or(AuthError::BadToken(
                "the signature of the token is wrong; send the token as it was issued",
            ))?;
        if claims.iss != issuer(base_url) {
            return Err(AuthError::BadToken(
                "the token has another issuer; get one at the token endpoint of this service",
            ));
        }
        if claims.client_id.tenant() != &claims.tenant {
            return Err(AuthError::BadToken("the client of the token belongs to another tenant"));
        }
        if claims.sub != claims.expected_subject() {
            return Err(AuthError::BadToken(
                "the `sub` of the token does not fit its other claims",
            ));
        }
        Ok(Self(claims))
    }

    /// The claims, while the token is valid.
    pub fn claims(&self, now: Timestamp) -> Result<&AccessTokenClaims> {
        let claims = &self.0;
        if claims.exp.saturating_add(LEEWAY) <= now.seconds() {
            return Err(AuthError::BadToken("the token has expired; get a new one"));
        }
        if claims.nbf.unwrap_or(claims.iat).max(claims.iat).saturating_sub(LEEWAY) > now.seconds() {
            return Err(AuthError::BadToken("the token is not valid yet; compare the clocks"));
        }
        Ok(claims)
    }

    /// The caller of the service at `base_url`, while the token is valid there.
    pub fn caller(&self, now: Timestamp, base_url: &str) -> Result<Caller> {
        let claims = self.claims(now)?;
        if !claims.aud.parties().iter().any(|party| party == base_url) {
            return Err(AuthError::BadToken(
                "the token is for another audience; its `aud` must be this service",
            ));
        }
        let client = claims.client_id.clone();
        Ok(Caller {
            tenant: claims.tenant.clone(),
            subject: match claims.user_id {
                Some(user) => {
                    Subject::Local { user, base: claims.base_id(user), via: Via::Client(client) }
                }
                None => Subject::Client { id: client, integration: claims.integration },
            },
            grants: Grants {
                scopes: claims.scope.clone(),
                systems: claims.systems.clone(),
                max_classifier: claims.max_classifier,
            },
            jkt: claims.cnf.as_ref().map(|key| key.jkt.clone()),
            token: claims.user_id.map(|_| Arc::new(claims.of_person())),
        })
    }
}
