//! Secrets of 256 random bits, of which the table holds the hash alone.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::domain::id::WrongShape;
use crate::env::Random;

/// The characters of 32 bytes in base64url.
const LENGTH: usize = 43;
const SECRET: WrongShape = WrongShape("43 characters of base64url");

/// The secret of a session, a code or a link: 256 random bits, written in base64url. Its `Debug`
/// form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A new secret.
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// The hash under which the table knows it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Secret {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        decode(text).map(Self).ok_or(SECRET)
    }
}

/// The SHA-256 of a secret or of a credential id, in base64url: how it stands in keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash(String);

impl SecretHash {
    /// Hashes bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes)))
    }

    /// The hash as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretHash {
    type Err = WrongShape;

    fn from_str(text: &str) -> Result<Self, WrongShape> {
        decode(text).map(|_| Self(text.to_owned())).ok_or(SECRET)
    }
}

impl TryFrom<String> for SecretHash {
    type Error = WrongShape;

    fn try_from(text: String) -> Result<Self, WrongShape> {
        text.parse()
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hash.0
    }
}

/// The 32 bytes that a text stands for, if it is their one spelling.
fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != LENGTH {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn g18_a_secret_has_256_bits_and_one_spelling() {
        let env = Env::default();
        let secret = Secret::new(&env.random);
        let text = secret.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse::<Secret>().unwrap(), secret);
        assert_ne!(Secret::new(&env.random), secret);
        assert_eq!(secret.hash().as_str().len(), 43);
        assert_ne!(secret.hash().to_string(), text);
        // The last character carries two bits of padding, which must be zero.
        let padded = format!("{}B", "A".repeat(42));
        for wrong in ["", &format!("{text}A"), &format!("={text}"), &padded] {
            assert_eq!(wrong.parse::<Secret>(), Err(SECRET), "{wrong}");
        }
    }

    #[test]
    fn g32_the_debug_form_of_a_secret_hides_it() {
        let secret = Secret::new(&Env::default().random);
        assert!(!format!("{secret:?}").contains(&secret.to_string()));
    }
}
