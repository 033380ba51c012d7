//! Signatures (RFC 7515): `ring`, the cryptography that TLS uses here, behind the `jsonwebtoken` crate, and a signer for the
//! one hot path.
//!
//! `jsonwebtoken` brings back ends of its own, but a second cryptographic library would weigh more than all of the service's
//! rules. Verification goes through the crate with `ring` behind it; signing keeps a parsed key instead of parsing one for
//! each token, which takes as long as the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::Serialize;

use crate::domain::error::{Error, Result};
use crate::world::Random;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: refuse_signing,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `ring` the cryptography of `jsonwebtoken`; repeating it changes nothing.
pub fn install() {
    // Only the first call of a process can succeed, and every call installs the same.
    let _ = PROVIDER.install_default();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn refuse_signing(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    match algorithm {
        Algorithm::ES256 if key.family() == AlgorithmFamily::Ec => Ok(Box::new(Es256Verifier(UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            key.try_get_as_bytes()?.to_vec(),
        )))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Es256Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.0.verify(message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

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
        let kid = thumbprint(&coordinates(pair.public_key().as_ref())?);
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

/// The thumbprint of an EC public key (RFC 7638 §3): the SHA-256 of its required members in lexicographic order.
#[must_use]
fn thumbprint((x, y): &(String, String)) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o8_the_kid_is_the_thumbprint() {
        // RFC 7517 A.1 gives this key; the digest was computed from RFC 7638 §3.3's canonical form.
        let xy = (
            "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4".to_owned(),
            "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM".to_owned(),
        );
        assert_eq!(thumbprint(&xy), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    }

    #[test]
    fn what_is_signed_verifies() {
        install();
        let random = Random::default();
        let key = Es256Key::parse(&Es256Key::generate(&random).unwrap(), &random).unwrap();
        let token = key.sign(&serde_json::json!({"sub": "x", "exp": 1}), &random).unwrap();
        let (x, y) = key.coordinates().unwrap();
        let public = DecodingKey::from_ec_components(&x, &y).unwrap();
        let mut rules = jsonwebtoken::Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        assert!(jsonwebtoken::decode::<serde_json::Value>(&token, &public, &rules).is_ok());
        let forged = format!("{}A", &token[..token.len() - 1]);
        assert!(jsonwebtoken::decode::<serde_json::Value>(&forged, &public, &rules).is_err() || forged == token);
    }
}
