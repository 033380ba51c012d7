//! Hashes of other systems, which people bring along: bcrypt and PBKDF2. They are replaced when the
//! person signs in for the first time (rule G31).

use std::num::NonZeroU32;

use ring::pbkdf2::{PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, verify};
use shared::domain::hashing::{Pbkdf2, Pbkdf2Function, adoptable};

/// A hash of another system that may be the password of a person.
pub(super) enum ForeignHash<'a> {
    /// Of bcrypt.
    Bcrypt(&'a str),
    /// Of PBKDF2.
    Pbkdf2(Pbkdf2),
}

impl<'a> ForeignHash<'a> {
    /// Reads a hash that is neither too weak nor too costly.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        adoptable(text).ok()?;
        let pbkdf2 = Pbkdf2::read(text).map(Self::Pbkdf2);
        pbkdf2.or_else(|| text.starts_with("$2").then_some(Self::Bcrypt(text)))
    }

    /// Whether it is the hash of this password.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Pbkdf2(known) => {
                let algorithm = match known.function {
                    Pbkdf2Function::Sha256 => PBKDF2_HMAC_SHA256,
                    Pbkdf2Function::Sha512 => PBKDF2_HMAC_SHA512,
                };
                NonZeroU32::new(known.rounds).is_some_and(|rounds| {
                    verify(algorithm, rounds, &known.salt, password, &known.hash).is_ok()
                })
            }
        }
    }
}
