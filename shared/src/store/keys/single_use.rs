//! The keys of credentials that are accepted once.

use super::{Key, ONLY};
use crate::domain::id::{ClientId, TenantId};
use crate::domain::lookup::ValueHash;

/// A credential that is accepted once.
#[derive(Clone, Copy, Debug)]
pub enum SingleUse<'u> {
    /// A client assertion (RFC 7523).
    Assertion {
        /// The client that signed it.
        client: &'u ClientId,
        /// Its id.
        jti: &'u str,
    },
    /// A proof of possession (RFC 9449).
    Proof {
        /// The thumbprint of the key that signed it.
        thumbprint: &'u str,
        /// Its id.
        jti: &'u str,
    },
    /// The challenge that a passkey signed (`WebAuthn` §13.4.3).
    Challenge(&'u str),
}

impl Key {
    /// That an assertion, a proof of possession or a challenge was used.
    #[must_use]
    pub fn single_use(tenant: &TenantId, used: SingleUse<'_>) -> Self {
        let hash = ValueHash::of(&match used {
            SingleUse::Assertion { client, jti } => format!("jwt\n{client}\n{jti}"),
            SingleUse::Proof { thumbprint, jti } => format!("dpop\n{thumbprint}\n{jti}"),
            SingleUse::Challenge(challenge) => format!("webauthn\n{challenge}"),
        });
        Self::new(format!("T#{tenant}#N#{hash}"), ONLY)
    }
}
