//! Secrets of clients (rule O9).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::domain::json::Object;
use crate::domain::text::hex;
use crate::env::{Env, Timestamp};
use crate::object;

/// The secret of a client as its owner holds it: `kith_`, 256 random bits, and a checksum that
/// tells a real one from a look-alike, all in lower-case hexadecimal (`kith_[0-9a-f]{72}`), so that
/// scanners find leaked ones. It cannot be stored or printed by accident: only
/// [`PlainSecret::reveal`] gives it away.
pub struct PlainSecret(String);

impl PlainSecret {
    /// Makes a new one.
    #[must_use]
    pub fn generate(env: &Env) -> Self {
        let random = hex(&env.random.bytes::<32>());
        let checksum =
            hex(digest(&SHA256, random.as_bytes()).as_ref().get(..4).unwrap_or_default());
        Self(format!("kith_{random}{checksum}"))
    }

    /// The secret's characters, for the one answer that shows them.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The stored form.
    #[must_use]
    pub fn hashed(&self) -> HashedSecret {
        HashedSecret::of(&self.0)
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

/// The SHA-256 of a client's secret. 256 random bits need no slower hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HashedSecret(String);

impl HashedSecret {
    /// Hashes what a caller presents as a secret.
    #[must_use]
    pub fn of(unverified_secret: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, unverified_secret.as_bytes())))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// A secret of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The id by which it is revoked.
    pub id: String,
    /// Its hash.
    pub hash: HashedSecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` when only revoking ends it.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The day in UTC on which it was last used, as `2026-11-21`.
    #[serde(default)]
    pub last_used_on: Option<String>,
}

impl Secret {
    /// Makes a new secret that lives until it is revoked. The plain form is shown once and never
    /// stored.
    #[must_use]
    pub fn generate(env: &Env) -> (Self, PlainSecret) {
        let plain = PlainSecret::generate(env);
        let secret = Self {
            id: env.new_uuid().to_string(),
            hash: plain.hashed(),
            created_at: env.clock.now(),
            expires_at: None,
            last_used_on: None,
        };
        (secret, plain)
    }

    /// The properties that administrators of clients may see.
    #[must_use]
    pub fn show(&self) -> Object {
        object! {
            "id" => &self.id,
            "created_at" => self.created_at,
            "expires_at" => self.expires_at,
            "last_used_on" => self.last_used_on.as_ref(),
        }
    }

    /// Whether it is valid at this time.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o9_a_secret_has_256_random_bits_a_prefix_and_a_checksum() {
        let secret = PlainSecret::generate(&Env::default());
        let text = secret.reveal();
        assert_eq!(text.len(), 5 + 64 + 8);
        let (random, checksum) = text.strip_prefix("kith_").unwrap().split_at(64);
        assert_eq!(hex(&digest(&SHA256, random.as_bytes()).as_ref()[..4]), checksum);
        assert!(!format!("{secret:?}").contains(random));
    }
}
