//! `ring` as the cryptography of the `jsonwebtoken` crate (ADR 0039).
//!
//! The crate hands over an algorithm and a key for each signature. A private key stays parsed here,
//! because parsing it takes as long as a signature: the crate's [`EncodingKey`] holds the id of the
//! key, never the key itself.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock, Weak};

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, EcdsaKeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaKeyPair, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::rsa;
use crate::domain::jwk;
use crate::env::Random;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| signer(*algorithm, key),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    // JWKs are read by `domain::jwk`.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `ring` the cryptography of `jsonwebtoken` in this process. Must come before every call of
/// the crate that signs or verifies.
pub fn install() {
    // Every call but the first finds the provider installed.
    let _ = PROVIDER.install_default();
}

/// A parsed private key.
pub struct SigningKeyPair {
    /// The key, by its algorithm.
    pub kind: KeyPairKind,
    /// The randomness of its signatures.
    pub random: Random,
}

/// The algorithms of private keys.
pub enum KeyPairKind {
    /// For ES256.
    Ec(EcdsaKeyPair),
    /// For RS256.
    Rsa(RsaKeyPair),
}

/// The parsed private keys in use, by id. An entry ends with the last owner of its key.
static KEY_PAIRS: LazyLock<RwLock<HashMap<String, Weak<SigningKeyPair>>>> =
    LazyLock::new(RwLock::default);

/// Registers a parsed private key under its thumbprint. Returns the key pair, which its owner must
/// keep alive, and the key by which `jsonwebtoken` finds it.
pub fn register(kid: &str, pair: SigningKeyPair) -> (Arc<SigningKeyPair>, EncodingKey) {
    let key = match &pair.kind {
        KeyPairKind::Ec(_) => EncodingKey::from_ec_der(kid.as_bytes()),
        KeyPairKind::Rsa(_) => EncodingKey::from_rsa_der(kid.as_bytes()),
    };
    let mut pairs = KEY_PAIRS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(registered) = pairs.get(kid).and_then(Weak::upgrade) {
        return (registered, key);
    }
    pairs.retain(|_, pair| pair.strong_count() > 0);
    let pair = Arc::new(pair);
    pairs.insert(kid.to_owned(), Arc::downgrade(&pair));
    (pair, key)
}

fn signer(algorithm: Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let kid = std::str::from_utf8(key.as_bytes()).map_err(|_| ErrorKind::InvalidKeyFormat)?;
    let pairs = KEY_PAIRS.read().unwrap_or_else(PoisonError::into_inner);
    let pair = pairs.get(kid).and_then(Weak::upgrade).ok_or(ErrorKind::InvalidKeyFormat)?;
    match (algorithm, &pair.kind) {
        (Algorithm::ES256, KeyPairKind::Ec(_)) | (Algorithm::RS256, KeyPairKind::Rsa(_)) => {
            Ok(Box::new(PairSigner { algorithm, pair }))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct PairSigner {
    algorithm: Algorithm,
    pair: Arc<SigningKeyPair>,
}

impl Signer<Vec<u8>> for PairSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, SignatureError> {
        let random = &self.pair.random;
        match &self.pair.kind {
            KeyPairKind::Ec(pair) => pair
                .sign(random.generator(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignatureError::new()),
            KeyPairKind::Rsa(pair) => {
                rsa::sign(pair, random, message).map_err(|_| SignatureError::new())
            }
        }
    }
}

impl JwtSigner for PairSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let ring: VerifyingKey = match (algorithm, key.family(), key.kind()) {
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            VerifyingKey::of(&ECDSA_P256_SHA256_FIXED, point)
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            VerifyingKey::of(&ED25519, point)
        }
        (
            Algorithm::RS256 | Algorithm::PS256,
            AlgorithmFamily::Rsa,
            DecodingKeyKind::RsaModulusExponent { n, e },
        ) => {
            let parameters = match algorithm {
                Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
                _ => &RSA_PKCS1_2048_8192_SHA256,
            };
            VerifyingKey::Rsa(parameters, RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        _ => return Err(Error::from(ErrorKind::InvalidAlgorithm)),
    };
    Ok(Box::new(KeyVerifier { algorithm, key: ring }))
}

enum VerifyingKey {
    Point(UnparsedPublicKey<Vec<u8>>),
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
}

impl VerifyingKey {
    fn of(algorithm: &'static dyn VerificationAlgorithm, point: &[u8]) -> Self {
        Self::Point(UnparsedPublicKey::new(algorithm, point.to_vec()))
    }
}

struct KeyVerifier {
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl Verifier<Vec<u8>> for KeyVerifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), SignatureError> {
        match &self.key {
            VerifyingKey::Point(key) => key.verify(message, signature),
            VerifyingKey::Rsa(parameters, key) => key.verify(parameters, message, signature),
        }
        .map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for KeyVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl From<jwk::Algorithm> for Algorithm {
    fn from(algorithm: jwk::Algorithm) -> Self {
        match algorithm {
            jwk::Algorithm::Es256 => Self::ES256,
            jwk::Algorithm::Rs256 => Self::RS256,
            jwk::Algorithm::Ps256 => Self::PS256,
            jwk::Algorithm::EdDsa => Self::EdDSA,
        }
    }
}
