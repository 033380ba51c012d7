//! Verification of signatures (RFC 7515): `ring`, the cryptography that TLS uses here, behind the `jsonwebtoken` crate.
//!
//! `jsonwebtoken` brings back ends of its own, but a second cryptographic library would weigh more than all of the service's
//! rules.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::domain::jwk::{self, Jwk, Numbers};

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

/// A key in the form that `jsonwebtoken` takes, with the one algorithm that it is for.
pub fn decoding_key(key: &Jwk) -> Result<(Algorithm, DecodingKey), JwtError> {
    let decoded = match &key.numbers {
        Numbers::Ec { x, y } => DecodingKey::from_ec_components(x, y),
        Numbers::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        Numbers::Ed { x } => DecodingKey::from_ed_components(x),
    };
    Ok((algorithm(key.algorithm), decoded?))
}

/// The algorithm of that name, if it is one that is verified.
#[must_use]
pub fn known(name: Algorithm) -> Option<jwk::Algorithm> {
    jwk::Algorithm::ALL.into_iter().find(|known| algorithm(*known) == name)
}

const fn algorithm(algorithm: jwk::Algorithm) -> Algorithm {
    match algorithm {
        jwk::Algorithm::Es256 => Algorithm::ES256,
        jwk::Algorithm::Rs256 => Algorithm::RS256,
        jwk::Algorithm::Ps256 => Algorithm::PS256,
        jwk::Algorithm::EdDsa => Algorithm::EdDSA,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn refuse_signing(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    let public = match (algorithm, key.family(), key.kind()) {
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            Public::Raw(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.clone()))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            let algorithm: &'static dyn VerificationAlgorithm = &ED25519;
            Public::Raw(UnparsedPublicKey::new(algorithm, point.clone()))
        }
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            Public::Rsa(&RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        (Algorithm::PS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            Public::Rsa(&RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(Box::new(KeyVerifier(*algorithm, public)))
}

enum Public {
    Raw(UnparsedPublicKey<Vec<u8>>),
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
}

struct KeyVerifier(Algorithm, Public);

impl Verifier<Vec<u8>> for KeyVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        match &self.1 {
            Public::Raw(key) => key.verify(message, signature),
            Public::Rsa(parameters, key) => key.verify(parameters, message, signature),
        }
        .map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for KeyVerifier {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}
