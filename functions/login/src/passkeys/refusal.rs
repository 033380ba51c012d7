//! Why a passkey is refused.

use std::fmt;

use super::cbor::Malformed;

/// Why an authenticator's answer is refused. The person reads one sentence for all of them; the log
/// names the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A part is not what it has to be.
    Malformed(&'static str),
    /// The client data are of another ceremony.
    Ceremony,
    /// The challenge is not one of this service for this browser, or its time is over.
    Challenge,
    /// The challenge was used before.
    Spent,
    /// The page that asked is not of this service.
    Origin,
    /// The page that asked is in a frame of another site.
    CrossOrigin,
    /// The passkey is for another relying party.
    RelyingParty,
    /// Nobody was present.
    UserPresence,
    /// The authenticator did not verify the person.
    UserVerification,
    /// The flags of the backup contradict each other, or those of the registration.
    Backup,
    /// The algorithm is not one of those that were asked for.
    Algorithm,
    /// The public key is none.
    PublicKey,
    /// The id of the credential is too short or too long, or is not the one in the signed data.
    CredentialId,
    /// The attestation is neither `none` nor the passkey's own.
    Attestation,
    /// The service does not know the passkey.
    Unknown,
    /// The passkey is not of the person whom the authenticator names.
    UserHandle,
    /// The signature is not of the registered key.
    Signature,
    /// The counter did not rise, so there may be a copy of the passkey.
    Counter,
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(what) => what,
            Self::Ceremony => "the ceremony is another",
            Self::Challenge => "the challenge is foreign or expired",
            Self::Spent => "the challenge was used before",
            Self::Origin => "the origin is foreign",
            Self::CrossOrigin => "the page is in a frame of another site",
            Self::RelyingParty => "the relying party is another",
            Self::UserPresence => "nobody was present",
            Self::UserVerification => "the person was not verified",
            Self::Backup => "the flags of the backup are inconsistent",
            Self::Algorithm => "the algorithm is unknown",
            Self::PublicKey => "the public key is invalid",
            Self::CredentialId => "the credential id is invalid",
            Self::Attestation => "the attestation is invalid",
            Self::Unknown => "the passkey is unknown",
            Self::UserHandle => "the user handle is another",
            Self::Signature => "the signature is invalid",
            Self::Counter => "the counter did not rise",
        })
    }
}
