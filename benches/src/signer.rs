//! Signatures as a client makes them, and how fast the bare ones are.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shared::env::Env;

use crate::Measurement;
use crate::process::now;

/// How long bare signatures are counted.
const COUNTED_FOR: Duration = Duration::from_secs(1);

/// The `aud` of people's tokens.
pub(crate) const AUDIENCE: &str = "load";

/// A client's or an issuer's ES256 key.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    env: Env,
    /// A text that is unique to this run.
    run: String,
}

impl Signer {
    /// Makes a key.
    pub(crate) fn new() -> Measurement<Self> {
        let env = Env::default();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let refused = |_| "ring makes no key";
        let document =
            EcdsaKeyPair::generate_pkcs8(algorithm, env.random.generator()).map_err(refused)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), env.random.generator());
        let run = env.new_uuid().to_string();
        Ok(Self { pair: pair.map_err(|_| "ring takes no key")?, env, run })
    }

    /// The public key (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let number = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
        json!({
            "kty": "EC", "crv": "P-256", "x": number(point.get(1..33)),
            "y": number(point.get(33..65))
        })
    }

    /// An assertion of this client (RFC 7523 §2.2).
    pub(crate) fn assertion(
        &self,
        client: &str,
        audience: &str,
        number: u64,
    ) -> Measurement<String> {
        let now = self.env.clock.now().seconds();
        self.token(&json!({
            "iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60,
            "jti": format!("{}-{number}", self.run),
        }))
    }

    /// A person's token. Its subject contains the number, and its e-mail address is verified.
    pub(crate) fn person(&self, issuer: &str, tenant: &str, number: u64) -> Measurement<String> {
        let now = self.env.clock.now().seconds();
        self.token(&json!({
            "iss": issuer, "sub": format!("{}-{number}", self.run), "aud": AUDIENCE,
            "tenant": tenant, "iat": now, "exp": now + 300,
            "email": format!("{}-{number}@example.org", self.run), "email_verified": true,
            "given_name": format!("Jan{}", number % 997),
            "family_name": format!("Janssen{}", number % 9973),
        }))
    }

    fn token(&self, claims: &Value) -> Measurement<String> {
        let encode = |content: &Value| URL_SAFE_NO_PAD.encode(content.to_string());
        let message =
            format!("{}.{}", encode(&json!({ "alg": "ES256", "typ": "JWT" })), encode(claims));
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes())?)))
    }

    /// Signs once after the other for a second; returns how long one takes.
    pub(crate) fn bare(&self) -> Measurement<Duration> {
        let begun = now();
        let mut signed = 0;
        while begun.elapsed() < COUNTED_FOR {
            for _ in 0..100 {
                self.sign(&[7; 400])?;
            }
            signed += 100;
        }
        Ok(begun.elapsed() / signed)
    }

    fn sign(&self, message: &[u8]) -> Measurement<Vec<u8>> {
        let signature = self
            .pair
            .sign(self.env.random.generator(), message)
            .map_err(|_| "ring does not sign")?;
        Ok(signature.as_ref().to_vec())
    }
}
