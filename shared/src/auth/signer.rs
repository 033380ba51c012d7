//! Signing (RFC 7515): keys that stay parsed, because parsing one for each token would take as long as the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::Serialize;

use crate::domain::error::{Error, Result};
use crate::domain::jwk::{Algorithm, Jwk, Numbers};
use crate::world::Random;

/// A private ES256 key (RFC 7518 §3.4), parsed and ready to sign.
pub struct Es256Key {
    pair: EcdsaKeyPair,
    kid: String,
    header: String,
}

impl Es256Key {
    /// Makes a new key; returns it as PKCS #8.
    pub fn generate(random: &Random) -> Result<Vec<u8>> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random.generator());
        Ok(document.map_err(Error::unexpected)?.as_ref().to_vec())
    }

    /// Parses a PKCS #8 document.
    pub fn parse(pkcs8: &[u8], random: &Random) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, random.generator())
            .map_err(|_| Error::unexpected("a signing key does not parse"))?;
        let (x, y) = coordinates(pair.public_key().as_ref())?;
        let kid = Jwk { kid: None, algorithm: Algorithm::Es256, numbers: Numbers::Ec { x, y } }.thumbprint();
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#));
        Ok(Self { pair, kid, header })
    }

    /// The key's id: its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The coordinates of the public point, base64url.
    pub fn coordinates(&self) -> Result<(String, String)> {
        coordinates(self.pair.public_key().as_ref())
    }

    /// Signs claims as an access token (RFC 9068 §2.1: `typ` is `at+jwt`).
    pub fn sign<T: Serialize>(&self, claims: &T, random: &Random) -> Result<String> {
        let claims = serde_json::to_vec(claims).map_err(Error::unexpected)?;
        let mut token = String::with_capacity(self.header.len() + claims.len() * 4 / 3 + 92);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.pair.sign(random.generator(), token.as_bytes()).map_err(Error::unexpected)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

fn coordinates(point: &[u8]) -> Result<(String, String)> {
    let (x, y) = point
        .strip_prefix(&[4])
        .and_then(|xy| xy.split_at_checked(32))
        .ok_or_else(|| Error::unexpected("a public key is not an uncompressed point"))?;
    Ok((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;
    use crate::auth::jose::install;

    #[test]
    fn what_is_signed_verifies() {
        install();
        let random = Random::default();
        let key = Es256Key::parse(&Es256Key::generate(&random).unwrap(), &random).unwrap();
        let token = key.sign(&serde_json::json!({"sub": "x", "exp": 1}), &random).unwrap();
        let (x, y) = key.coordinates().unwrap();
        let public = DecodingKey::from_ec_components(&x, &y).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.validate_exp = false;
        assert!(jsonwebtoken::decode::<serde_json::Value>(&token, &public, &rules).is_ok());
        let forged = format!("{}A", &token[..token.len() - 1]);
        assert!(jsonwebtoken::decode::<serde_json::Value>(&forged, &public, &rules).is_err() || forged == token);
    }
}
