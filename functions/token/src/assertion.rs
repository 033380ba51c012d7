//! Client assertions (RFC 7523 §2.2): a client authenticates with a JWT that it signed (rule O3).

use jsonwebtoken::Validation;
use serde::Deserialize;
use shared::auth::access_token::{Audience, LEEWAY, MAX_TOKEN};
use shared::auth::claims::NumericDate;
use shared::auth::jose;
use shared::domain::id::ClientId;
use shared::domain::jwk::{Algorithm, JwkSet};
use shared::store::{Key, Table};
use shared::world::Timestamp;

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far away the end of an assertion may be, in seconds.
const MOST_SECONDS: i64 = 5 * 60;

/// An assertion that names its client; nothing else of it is checked yet.
pub struct Assertion<'t> {
    unverified: &'t str,
    /// The client that it says it is.
    pub client_id: ClientId,
    /// The key that it says it is signed with.
    pub kid: Option<String>,
    /// The algorithm that it says it is signed with: the keys of other algorithms need not be tried.
    pub algorithm: Algorithm,
}

/// What an assertion says (RFC 7523 §3).
#[derive(Deserialize)]
pub struct Claims {
    iss: ClientId,
    sub: ClientId,
    aud: Audience,
    exp: NumericDate,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    jti: String,
}

impl<'t> Assertion<'t> {
    /// Reads which client an assertion is of, and which of its keys signed it.
    pub fn read(unverified: &'t str) -> Option<Self> {
        if unverified.len() > MAX_TOKEN {
            return None;
        }
        let header = jsonwebtoken::decode_header(unverified).ok()?;
        let brings_key = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
        // A token or a proof of the same client is no assertion (RFC 8725 §3.11).
        let typed = header.typ.is_none_or(|typ| {
            ["JWT", "client-authentication+jwt"].into_iter().any(|known| typ.eq_ignore_ascii_case(known))
        });
        if brings_key || header.crit.is_some() || !typed {
            return None;
        }
        let algorithm = jose::known(header.alg)?;
        let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(unverified).ok()?;
        Some(Self { unverified, client_id: claims.sub, kid: header.kid, algorithm })
    }

    /// What it says, if one of these keys signed it.
    pub fn verify(&self, keys: &JwkSet) -> Option<Claims> {
        keys.candidates(self.kid.as_deref(), self.algorithm).find_map(|key| {
            let (algorithm, key) = jose::decoding_key(key).ok()?;
            let mut rules = Validation::new(algorithm);
            rules.required_spec_claims.clear();
            // The crate reads the system's clock; times and audience are checked against the service's own.
            rules.validate_exp = false;
            rules.validate_aud = false;
            Some(jsonwebtoken::decode::<Claims>(self.unverified, &key, &rules).ok()?.claims)
        })
    }
}

impl Claims {
    /// Checks what a verified assertion says; the text says what is wrong, which only the client itself gets to read. `audiences`
    /// are the names of this service.
    pub fn check(&self, audiences: &[String], now: Timestamp) -> Result<(), &'static str> {
        let now = now.seconds();
        let end = self.exp.seconds();
        if self.iss != self.sub {
            return Err("the assertion's `iss` and `sub` are not both the client's id");
        }
        // One that is meant for somebody else too could be replayed by them.
        let parties = self.aud.parties();
        if parties.is_empty() || !parties.iter().all(|party| audiences.contains(party)) {
            return Err("the assertion's `aud` is not the issuer of this service");
        }
        if end.saturating_add(LEEWAY) <= now {
            return Err("the assertion has expired");
        }
        let made = self.iat.map_or(now, NumericDate::seconds);
        if made.saturating_sub(LEEWAY) > now || self.nbf.is_some_and(|from| from.seconds() - LEEWAY > now) {
            return Err("the assertion is not good yet");
        }
        if end.saturating_sub(made.max(now)) > MOST_SECONDS {
            return Err("the assertion's `exp` is more than 5 minutes away");
        }
        if self.jti.is_empty() {
            return Err("the assertion's `jti` is empty");
        }
        Ok(())
    }

    /// Uses the assertion up; `false` when it was used before.
    pub async fn spend(&self, table: &Table) -> shared::domain::Result<bool> {
        let until = Timestamp::from_millis(self.exp.seconds().saturating_mul(1000)).plus_seconds(2 * LEEWAY);
        let key = Key::spent(self.sub.tenant(), &format!("jwt\n{}\n{}", self.sub, self.jti));
        table.spend(&key, until).await
    }
}
