//! Types that the claims of several kinds of tokens share.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

/// How far the clocks of issuer and verifier may be apart, in seconds.
pub const LEEWAY: i64 = 60;

/// A time in seconds since 1970 (RFC 7519 §2); a fraction is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(i64);

impl NumericDate {
    /// Whole seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        // Beyond this a float skips whole seconds, and no clock gets there.
        if number.is_finite() && number.abs() < 9e15 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "within ±9e15, and the fraction is cut off on purpose"
            )]
            return Ok(Self(number.floor() as i64));
        }
        Err(serde::de::Error::custom("expected a time"))
    }
}

/// An audience (RFC 7519 §4.1.3): one party as a text, or several as an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// Everyone that it names.
    #[must_use]
    pub fn parties(&self) -> &[String] {
        match self {
            Self::One(party) => std::slice::from_ref(party),
            Self::Several(parties) => parties,
        }
    }
}

/// The key that a token is bound to (RFC 7800 §3.1, RFC 9449 §6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The thumbprint of the key.
    pub jkt: String,
}

/// Bytes in base64url without padding (RFC 7515 §2).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a base64url text.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
