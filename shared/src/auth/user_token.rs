//! Tokens of external persons, issued by identity providers that a tenant trusts.
//!
//! The tenant is named by a claim whose name the provider's configuration says, so the issuer is
//! looked up first: which tenants trust it, and which claim of its tokens names the tenant. Claims
//! that are read before the signature is verified only decide which keys are tried.

use std::sync::Arc;

use serde::Deserialize;

use super::caller::{Caller, Grants, Person, Subject};
use super::claims::{Audience, Confirmation, LEEWAY, NumericDate};
use super::error::{AuthError, Result};
use super::jose::Jws;
use super::remote_keys::RemoteKeys;
use crate::domain::Error;
use crate::domain::id::{BaseId, PartyId, TenantId};
use crate::domain::json::{Json, Object};
use crate::domain::jwk::JwkSet;
use crate::domain::sso::{AuthenticationServer, TENANT_CLAIM};
use crate::env::Timestamp;

/// The longest subject, in bytes.
pub const MAX_SUBJECT: usize = 1024;

/// The claims of a user token that are checked.
#[derive(Clone, Debug, Deserialize)]
struct UserTokenClaims {
    iss: String,
    sub: String,
    #[serde(default)]
    aud: Option<Audience>,
    exp: NumericDate,
    #[serde(default)]
    nbf: Option<NumericDate>,
    iat: NumericDate,
    #[serde(default)]
    auth_time: Option<NumericDate>,
    #[serde(default)]
    cnf: Option<Confirmation>,
}

/// A user token whose signature, issuer, audience and tenant have been verified.
#[derive(Clone, Debug)]
pub struct VerifiedUserToken {
    tenant: TenantId,
    claims: UserTokenClaims,
    person: Arc<Person>,
}

/// The types that tokens of people have, where they have one: ID tokens, and access tokens of RFC
/// 9068.
const TYPES: [&str; 2] = ["JWT", "at+jwt"];

/// The error text for a token of an untrusted issuer. It does not say which issuers a tenant
/// trusts.
pub const UNKNOWN: &str = "the token is not signed by an issuer that its tenant trusts";

/// A user token that has been parsed and not verified.
pub struct UnverifiedUserToken<'t> {
    jws: Jws<'t>,
    issuer: String,
    claims: Object,
}

impl<'t> UnverifiedUserToken<'t> {
    /// Parses a token. Refuses tokens that do not identify a person: other types, security events
    /// without a type (RFC 8417 §4.5), headers with a key, and members that occur twice (RFC 8725
    /// §3).
    pub fn open(unverified_token: &'t str) -> Result<Self> {
        let broken =
            AuthError::BadToken("this is not a token of this service or of a trusted issuer");
        let Some(jws) = Jws::open(unverified_token) else { return Err(broken) };
        if jws.is_odd("typ")
            || (jws.header("typ").is_some() && !TYPES.iter().any(|typ| jws.is(typ)))
        {
            return Err(AuthError::BadToken(
                "this token does not say who a person is; its `typ` must be JWT or at+jwt",
            ));
        }
        if jws.brings_key() || jws.is_odd("kid") || jws.algorithm().is_none() {
            return Err(AuthError::BadToken(
                "the header of the token has an unsupported `alg`, a wrong `kid`, or brings a key along",
            ));
        }
        let claims = jws.strict_claims().filter(|claims| !claims.contains_key("events"));
        let issuer =
            claims.as_ref().and_then(|claims| claims.get("iss")?.as_str().map(str::to_owned));
        let (Some(claims), Some(issuer)) = (claims, issuer) else { return Err(broken) };
        Ok(Self { jws, issuer, claims })
    }

    /// The claimed issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The tenant that it names, among those that trust its issuer.
    pub fn tenant(&self, trusting: &[(TenantId, String)]) -> Result<TenantId> {
        let named = |(tenant, claim): &&(TenantId, String)| {
            self.claims.get(claim).and_then(Json::as_str) == Some(tenant.as_str())
        };
        let named: Vec<_> = trusting.iter().filter(named).collect();
        // The standard claim wins. So another tenant's choice of a claim cannot make this token
        // ambiguous.
        let usual: Vec<_> =
            named.iter().copied().filter(|(_, claim)| claim == TENANT_CLAIM).collect();
        match (usual.as_slice(), named.as_slice()) {
            ([(tenant, _)], _) | ([], [(tenant, _)]) => Ok(tenant.clone()),
            (_, []) => Err(AuthError::BadToken(UNKNOWN)),
            _ => Err(AuthError::BadToken("the token names several tenants; it must name one")),
        }
    }

    /// Verifies the token by the tenant's configuration of its issuer: the keys, the audience, the
    /// tenant's claim (rule O5). A server without an audience issues for the service itself,
    /// `base_url`.
    pub async fn verify(
        self,
        tenant: TenantId,
        server: &AuthenticationServer,
        remote: &RemoteKeys,
        base_url: &str,
        now: Timestamp,
    ) -> Result<VerifiedUserToken> {
        let kid = self.jws.header("kid");
        let keys = match (&server.jwks, &server.jwks_uri) {
            (Some(text), _) => Arc::new(JwkSet::parse(text.as_bytes()).map_err(Error::unexpected)?),
            (None, Some(url)) => remote.keys_at(url, kid).await.map_err(|error| {
                Error::Unavailable(format!("cannot fetch the keys of a token issuer: {error}"))
            })?,
            (None, None) => return Err(AuthError::BadToken(UNKNOWN)),
        };
        let signed = UNKNOWN;
        let algorithm = self.jws.algorithm().ok_or(AuthError::BadToken(signed))?;
        let claims: Option<UserTokenClaims> =
            keys.candidates(kid, algorithm).find_map(|key| self.jws.claims(key));
        let claims = claims.ok_or(AuthError::BadToken(signed))?;
        let fits = server.issuer.as_ref() == Some(&claims.iss)
            && self.claims.get(&server.tenant_claim).and_then(Json::as_str)
                == Some(tenant.as_str());
        if !fits {
            return Err(AuthError::BadToken(UNKNOWN));
        }
        let audience = server.audience.as_deref().unwrap_or(base_url);
        if !claims
            .aud
            .as_ref()
            .is_some_and(|aud| aud.parties().iter().any(|party| party == audience))
        {
            return Err(AuthError::BadToken(
                "the token is for another audience; its `aud` must be the audience of its issuer here",
            ));
        }
        if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
            return Err(AuthError::BadToken("the `sub` of the token must have 1 to 1024 bytes"));
        }
        let signed_in = claims.auth_time.unwrap_or(claims.iat).seconds();
        if signed_in < 0 || claims.iat.seconds() < 0 {
            return Err(AuthError::BadToken("the times in the token are before 1970"));
        }
        let person = Person {
            server: server.id.clone(),
            base: BaseId::of(&claims.sub, &claims.iss, &tenant),
            subject: claims.sub.clone(),
            scopes: scopes(self.claims.get("scope")),
            signed_in_at: Timestamp::from_millis(signed_in.saturating_mul(1000)).min(now),
            claims: self.claims,
        };
        let verified = VerifiedUserToken { tenant, claims, person: Arc::new(person) };
        verified.check(now)?;
        Ok(verified)
    }
}

/// The members of the claim `scope`: words in a text (RFC 8693 §4.2), or an array of them as some
/// providers have it.
fn scopes(claim: Option<&Json>) -> Vec<String> {
    match claim {
        Some(Json::String(text)) => text.split(' ').map(str::to_owned).collect(),
        Some(Json::Array(items)) => {
            items.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

impl VerifiedUserToken {
    fn check(&self, now: Timestamp) -> Result<()> {
        let (claims, now) = (&self.claims, now.seconds());
        if claims.exp.seconds().saturating_add(LEEWAY) <= now {
            return Err(AuthError::BadToken("the token has expired; get a new one"));
        }
        let from = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat)).seconds();
        if from.saturating_sub(LEEWAY) > now {
            return Err(AuthError::BadToken("the token is not valid yet; compare the clocks"));
        }
        Ok(())
    }

    /// The tenant that the token names.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The authentication server by which it was verified.
    #[must_use]
    pub fn server(&self) -> &PartyId {
        &self.person.server
    }

    /// The caller, while the token is valid.
    pub fn caller(&self, now: Timestamp) -> Result<Caller> {
        self.check(now)?;
        Ok(Caller {
            tenant: self.tenant.clone(),
            subject: Subject::External(self.person.clone()),
            grants: Grants::default(),
            jkt: self.claims.cnf.as_ref().map(|key| key.jkt.clone()),
            token: None,
        })
    }
}
