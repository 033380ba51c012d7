//! Client assertions (RFC 7523 §2.2): a client authenticates with a JWT that it signed (rule O3).

use serde::Deserialize;
use shared::auth::claims::NumericDate;
use shared::auth::claims::{Audience, LEEWAY};
use shared::auth::jose::Jws;
use shared::domain::id::ClientId;
use shared::domain::jwk::{Algorithm, JwkSet};
use shared::env::Timestamp;
use shared::store::Table;
use shared::store::keys::SingleUse;

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far away the end of an assertion may be, in seconds.
const MOST_SECONDS: i64 = 5 * 60;

/// An assertion that names its client; nothing else of it is checked yet.
pub(crate) struct Assertion<'t> {
    unverified: Jws<'t>,
    /// The client that it says it is.
    pub client_id: ClientId,
    /// The algorithm that it says it is signed with: the keys of other algorithms need not be
    /// tried.
    algorithm: Algorithm,
}

/// The claims of a client assertion (RFC 7523 §3).
#[derive(Deserialize)]
pub(crate) struct AssertionClaims {
    iss: ClientId,
    sub: ClientId,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    jti: Option<String>,
}

/// A verified assertion that may be used once.
pub(crate) struct SingleUseAssertion {
    client: ClientId,
    jti: String,
    until: Timestamp,
}

impl<'t> Assertion<'t> {
    /// Reads which client an assertion is of, and which of its keys may have signed it.
    pub(crate) fn read(unverified: &'t str) -> Option<Self> {
        let unverified = Jws::open(unverified)?;
        // A token or a proof of the same client is no assertion (RFC 8725 §3.11).
        let typed = unverified.is("JWT") || unverified.is("client-authentication+jwt");
        let odd = unverified.is_odd("kid") || unverified.is_odd("typ");
        if unverified.brings_key() || odd || !(typed || unverified.header("typ").is_none()) {
            return None;
        }
        let algorithm = unverified.algorithm()?;
        let claims: AssertionClaims = unverified.unverified_claims()?;
        Some(Self { unverified, client_id: claims.sub, algorithm })
    }

    /// The id of the key that it says it is signed with.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.unverified.header("kid")
    }

    /// The claims, if one of these keys signed the assertion.
    pub(crate) fn verify(&self, keys: &JwkSet) -> Option<AssertionClaims> {
        keys.candidates(self.kid(), self.algorithm).find_map(|key| self.unverified.claims(key))
    }
}

impl AssertionClaims {
    /// Checks the claims of a verified assertion. The error text names the fault; only the client
    /// itself gets it. `audiences` are the names of this service.
    pub(crate) fn check(
        &self,
        audiences: &[String],
        now: Timestamp,
    ) -> Result<SingleUseAssertion, &'static str> {
        let now = now.seconds();
        let end = self.exp.ok_or("the assertion must have an `exp`")?.seconds();
        if self.iss != self.sub {
            return Err(
                "the `iss` and the `sub` of the assertion must both be the id of the client",
            );
        }
        // Another audience of the assertion could replay it here.
        let parties = self.aud.as_ref().map(Audience::parties).unwrap_or_default();
        if parties.is_empty() || !parties.iter().all(|party| audiences.contains(party)) {
            return Err("the `aud` of the assertion must be the issuer of this service");
        }
        if end.saturating_add(LEEWAY) <= now {
            return Err("the assertion has expired; make a new one");
        }
        let made = self.iat.map_or(now, NumericDate::seconds);
        if made.saturating_sub(LEEWAY) > now
            || self.nbf.is_some_and(|from| from.seconds() - LEEWAY > now)
        {
            return Err("the assertion is not valid yet; compare the clocks");
        }
        if end.saturating_sub(made.max(now)) > MOST_SECONDS {
            return Err("the `exp` of the assertion must be at most 5 minutes away");
        }
        let jti = self
            .jti
            .as_deref()
            .filter(|jti| !jti.is_empty())
            .ok_or("the assertion must have a `jti`")?;
        Ok(SingleUseAssertion {
            client: self.sub.clone(),
            jti: jti.to_owned(),
            until: Timestamp::from_millis(end.saturating_mul(1000)).plus_seconds(2 * LEEWAY),
        })
    }
}

impl SingleUseAssertion {
    /// Uses the assertion up; `false` when it was used before.
    pub(crate) async fn use_once(&self, table: &Table) -> shared::domain::Result<bool> {
        let Self { client, jti, until } = self;
        table.use_once(client.tenant(), SingleUse::Assertion { client, jti }, *until).await
    }
}
