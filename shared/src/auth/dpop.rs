//! Proof of possession (RFC 9449): a token that is bound to a key is valid only together with a
//! proof that the caller has just signed with that key.
//!
//! Each proof is valid once, for the method and the URL that it names. There are no server nonces:
//! proofs are valid for a minute, and the table keeps them that long.

use http::request::Parts;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::claims::LEEWAY;
use super::claims::{self, NumericDate};
use super::error::{AuthError, Result};
use super::jose::Jws;
use crate::domain::id::TenantId;
use crate::domain::json::Json;
use crate::domain::jwk::Jwk;
use crate::env::Timestamp;
use crate::store::Table;
use crate::store::keys::SingleUse;

/// How far `iat` may be from now, either way, in seconds.
const PROOF_SECONDS: i64 = LEEWAY;

/// A proof with a valid signature, method, URL and time. It is not yet known whether it was used
/// before.
#[derive(Debug)]
pub struct Proof {
    /// The thumbprint of the key that signed it.
    pub jkt: String,
    jti: String,
    ath: Option<String>,
}

/// The claims of a proof (RFC 9449 §4.2).
#[derive(Deserialize)]
struct ProofClaims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    ath: Option<String>,
}

impl Proof {
    /// Reads the proof of a request to the service at `base_url`, if it has one, and verifies it
    /// for its method and URL (RFC 9449 §4.3).
    pub fn of(parts: &Parts, base_url: &str, now: Timestamp) -> Result<Option<Self>> {
        let mut lines = parts.headers.get_all("dpop").iter();
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(AuthError::BadProof("several `DPoP` headers; send one proof"));
        }
        let unverified =
            line.to_str().map_err(|_| AuthError::BadProof("the proof must be a JWT"))?;
        let url = format!("{base_url}{}", parts.uri.path());
        Self::verify(unverified, &parts.method, &url, now).map(Some).map_err(AuthError::BadProof)
    }

    fn verify(
        unverified: &str,
        method: &Method,
        url: &str,
        now: Timestamp,
    ) -> Result<Self, &'static str> {
        let jws = Jws::open(unverified)
            .ok_or("the proof must be a JWT of at most 8 KB without `crit`")?;
        if !jws.is("dpop+jwt") {
            return Err("the `typ` of the proof must be `dpop+jwt`");
        }
        let key = key_of(&jws)?;
        let claims = jws.claims::<ProofClaims>(&key).ok_or(
            "the signature of the proof is wrong, or `jti`, `htm`, `htu` or `iat` is missing",
        )?;
        if claims.htm != method.as_str() {
            return Err("the `htm` of the proof must be the method of this request");
        }
        if !is_same(&claims.htu, url) {
            return Err("the `htu` of the proof must be the URL of this request");
        }
        if claims.iat.seconds().abs_diff(now.seconds()) > PROOF_SECONDS.unsigned_abs() {
            return Err(
                "the `iat` of the proof is more than a minute from now; compare the clocks",
            );
        }
        if claims.jti.is_empty() {
            return Err("the `jti` of the proof must not be empty");
        }
        Ok(Self { jkt: key.thumbprint(), jti: claims.jti, ath: claims.ath })
    }

    /// Checks that the proof is for this token, which is bound to the key with the thumbprint
    /// `jkt`.
    pub fn covers(&self, token: &str, jkt: &str) -> Result<()> {
        if self.jkt != jkt {
            return Err(AuthError::BadProof(
                "the proof is signed with another key; sign it with the key that the token is bound to",
            ));
        }
        let ath = claims::base64url(digest(&SHA256, token.as_bytes()).as_ref());
        if self.ath.as_ref() != Some(&ath) {
            return Err(AuthError::BadProof(
                "the `ath` of the proof must be the hash of the token",
            ));
        }
        Ok(())
    }

    /// Uses the proof up: it is refused when it was used before.
    pub async fn use_once(&self, table: &Table, tenant: &TenantId) -> Result<()> {
        let now = table.env().clock.now();
        // Until then every instance refuses it by its time, however the clocks of two of them
        // differ.
        let until = now.plus_seconds(2 * PROOF_SECONDS + LEEWAY);
        let used = SingleUse::Proof { thumbprint: &self.jkt, jti: &self.jti };
        if table.use_once(tenant, used, until).await? {
            Ok(())
        } else {
            Err(AuthError::BadProof("the proof was used before; make a new one with a new `jti`"))
        }
    }
}

/// The key in the header of a proof. Its algorithm is the header's where the key names none: the
/// key is the caller's own, and both are covered by the signature.
fn key_of(jws: &Jws<'_>) -> Result<Jwk, &'static str> {
    let named =
        jws.algorithm().ok_or("the `alg` of the proof must be ES256, RS256, PS256 or EdDSA")?;
    let mut key = jws.key().ok_or("the header of the proof must have a `jwk`")?.clone();
    key.entry("alg".to_owned()).or_insert_with(|| Json::from(named.name()));
    let key = Jwk::read(&key)?;
    if key.algorithm == named { Ok(key) } else { Err("the `alg` of the proof must fit its key") }
}

/// Whether two URLs are equal apart from query and fragment, after the normalisation of RFC 3986
/// §6.2.2 and §6.2.3.
fn is_same(one: &str, other: &str) -> bool {
    let normal = |text: &str| {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let host = uri.host()?.to_ascii_lowercase();
        let default = if scheme == "https" { 443 } else { 80 };
        // The rest of the authority is a port. User information before the host is not allowed in
        // this URL.
        let port = match uri.authority()?.as_str().strip_prefix(uri.host()?)?.strip_prefix(':') {
            None | Some("") => default,
            Some(port) => port.parse::<u16>().ok()?,
        };
        Some((scheme, host, port, percent_decode_str(uri.path()).collect::<Vec<_>>()))
    };
    normal(one).is_some_and(|one| Some(one) == normal(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_without_query_and_in_normal_form() {
        let url = "https://kith.example/identity/users/a b";
        for same in [
            "https://kith.example/identity/users/a%20b",
            "HTTPS://KITH.example:443/identity/users/%61%20b?x#y",
        ] {
            assert!(is_same(same, &url.replace(' ', "%20")), "{same}");
        }
        for other in [
            "",
            "/identity/users/a%20b",
            "http://kith.example/identity/users/a%20b",
            "https://kith.example:444/identity/users/a%20b",
            "https://kith.example:99999/identity/users/a%20b",
            "https://kith.example/identity/users/a%20b/",
            "https://kith.example/Identity/users/a%20b",
            "https://x@kith.example/identity/users/a%20b",
            "https://kith.example",
        ] {
            assert!(!is_same(other, &url.replace(' ', "%20")), "{other}");
        }
    }
}
