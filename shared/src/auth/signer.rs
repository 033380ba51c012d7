//! Signing (RFC 7515): keys that stay parsed, because parsing one for each token would take as long
//! as the signature.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Serialize;

use super::provider::{self, KeyPairKind, SigningKeyPair};
use super::rsa::RsaKey;
use crate::domain::error::{Error, Result};
use crate::domain::jwk::{Algorithm, Jwk, KeyParameters};
use crate::env::Random;

/// A private key for ES256 or RS256 (RFC 7518 §3.3, §3.4), parsed and ready to sign.
pub struct PrivateKey {
    /// Keeps the parsed key registered.
    _pair: Arc<SigningKeyPair>,
    key: EncodingKey,
    kid: String,
    numbers: KeyParameters,
    header: Header,
}

impl PrivateKey {
    /// Makes a new key; returns it as it is stored: PKCS #8 for ES256, a JWK for RS256, which takes
    /// some 60 ms.
    pub fn generate(algorithm: Algorithm, random: &Random) -> Result<Vec<u8>> {
        match algorithm {
            Algorithm::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    random.generator(),
                );
                Ok(document.map_err(Error::unexpected)?.as_ref().to_vec())
            }
            Algorithm::Rs256 => {
                serde_json::to_vec(&RsaKey::generate(random)?).map_err(Error::unexpected)
            }
            Algorithm::Ps256 | Algorithm::EdDsa => Err(not_signed_with(algorithm)),
        }
    }

    /// Parses a stored key.
    pub fn parse(algorithm: Algorithm, stored: &[u8], random: &Random) -> Result<Self> {
        let unreadable = || Error::unexpected("cannot read a stored signing key");
        let (kind, numbers) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    stored,
                    random.generator(),
                )
                .map_err(|_| unreadable())?;
                let numbers = coordinates(pair.public_key().as_ref())?;
                (KeyPairKind::Ec(pair), numbers)
            }
            Algorithm::Rs256 => {
                // The parser's own message may quote the key.
                let key: RsaKey = serde_json::from_slice(stored).map_err(|_| unreadable())?;
                (KeyPairKind::Rsa(key.pair()?), key.numbers())
            }
            Algorithm::Ps256 | Algorithm::EdDsa => return Err(not_signed_with(algorithm)),
        };
        let jwk = Jwk { kid: None, algorithm, numbers };
        let kid = jwk.thumbprint();
        let (pair, key) = provider::register(&kid, SigningKeyPair { kind, random: random.clone() });
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(kid.clone()),
            ..Header::new(algorithm.into())
        };
        Ok(Self { _pair: pair, key, kid, numbers: jwk.numbers, header })
    }

    /// The key's id: its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half.
    #[must_use]
    pub const fn numbers(&self) -> &KeyParameters {
        &self.numbers
    }

    /// The public half as a key that verifies; its id is the thumbprint.
    #[must_use]
    pub fn jwk(&self, algorithm: Algorithm) -> Jwk {
        Jwk { kid: Some(self.kid.clone()), algorithm, numbers: self.numbers.clone() }
    }

    /// Signs claims as an access token (RFC 9068 §2.1: `typ` is `at+jwt`).
    pub fn sign<T: Serialize>(&self, claims: &T) -> Result<String> {
        self.sign_with(&self.header, claims)
    }

    /// Signs content of another type, which can be taken for no access token (RFC 8725 §3.11).
    pub fn sign_as<T: Serialize>(&self, media_type: &str, content: &T) -> Result<String> {
        self.sign_with(&Header { typ: Some(media_type.to_owned()), ..self.header.clone() }, content)
    }

    fn sign_with<T: Serialize>(&self, header: &Header, content: &T) -> Result<String> {
        provider::install();
        jsonwebtoken::encode(header, content, &self.key).map_err(Error::unexpected)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn not_signed_with(algorithm: Algorithm) -> Error {
    Error::unexpected(format_args!("expected ES256 or RS256 for access tokens, found {algorithm}"))
}

fn coordinates(point: &[u8]) -> Result<KeyParameters> {
    let (x, y) = point
        .strip_prefix(&[4])
        .and_then(|xy| xy.split_at_checked(32))
        .ok_or_else(|| Error::unexpected("expected a public key to be an uncompressed point"))?;
    Ok(KeyParameters::Ec { x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jose::Jws;

    #[test]
    fn o8_what_is_signed_verifies_under_the_algorithm_of_the_key_alone() {
        let random = Random::default();
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let stored = PrivateKey::generate(algorithm, &random).unwrap();
            let key = PrivateKey::parse(algorithm, &stored, &random).unwrap();
            let token = key.sign(&serde_json::json!({"sub": "x", "exp": 1})).unwrap();
            let jwk = Jwk { kid: None, algorithm, numbers: key.numbers().clone() };
            let verifies = |token: &str, jwk: &Jwk| {
                Jws::open(token).unwrap().claims::<serde_json::Value>(jwk).is_some()
            };
            assert!(verifies(&token, &jwk), "{algorithm}");
            let (content, signature) = token.rsplit_once('.').unwrap();
            let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
            assert!(
                !verifies(&format!("{content}.{flipped}{}", signature.get(1..).unwrap()), &jwk),
                "{algorithm}"
            );
            let other = Jwk { algorithm: Algorithm::Ps256, ..jwk };
            assert!(!verifies(&token, &other), "{algorithm}");
        }
    }

    #[test]
    fn o8_rsa_keys_have_2048_bits_and_differ() {
        let random = Random::default();
        let modulus = || match PrivateKey::parse(
            Algorithm::Rs256,
            &PrivateKey::generate(Algorithm::Rs256, &random).unwrap(),
            &random,
        )
        .unwrap()
        .numbers
        {
            KeyParameters::Rsa { n, e } => {
                assert_eq!(e, "AQAB");
                URL_SAFE_NO_PAD.decode(n).unwrap()
            }
            other => panic!("{other:?}"),
        };
        let (one, other) = (modulus(), modulus());
        assert_ne!(one, other);
        for n in [one, other] {
            assert_eq!(n.len(), 256);
            assert!(n[0] >= 0x80, "the highest bit is set");
        }
    }
}
