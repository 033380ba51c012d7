//! How a sign-in with a passkey is verified (`WebAuthn` Level 3 §7.2).

use ring::digest::{SHA256, digest};

use super::RelyingParty;
use super::answer::Answer;
use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, Ceremony};
use super::cose::PublicKey;
use super::refusal::Refusal;

/// An answer of an authenticator that signed a challenge.
pub(super) struct Assertion {
    answer: Answer,
    /// The challenge that it answers.
    pub(super) challenge: String,
}

/// What is known of a passkey.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'k> {
    /// The public key, as CBOR.
    pub(super) key: &'k [u8],
    /// The handle of the person whose passkey it is.
    pub(super) user_handle: &'k [u8],
    /// The counter when it was last used.
    pub(super) counter: u32,
    /// Whether it can be backed up.
    pub(super) backup_eligible: bool,
}

/// What a good signature says of its passkey now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// The counter.
    pub(super) counter: u32,
    /// Whether it is backed up.
    pub(super) backed_up: bool,
}

impl Assertion {
    /// Reads an answer, and checks its client data but for the challenge.
    pub(super) fn parse(text: &str, party: &RelyingParty) -> Result<Self, Refusal> {
        let answer = Answer::parse(text)?;
        let challenge = client_data::challenge(&answer.client_data, Ceremony::Get, party)?;
        Ok(Self { answer, challenge })
    }

    /// The id of the passkey that it claims to be of.
    pub(super) fn credential_id(&self) -> &[u8] {
        &self.answer.id
    }

    /// Verifies the rest against what is known of the passkey. The challenge is the caller's to
    /// check. The counter is compared last, so that only the holder of the key learns of it.
    pub(super) fn verify(&self, known: Known<'_>, party: &RelyingParty) -> Result<Use, Refusal> {
        // Discoverable passkeys always name their person (§5.2.2).
        if self.answer.bytes("userHandle")? != known.user_handle {
            return Err(Refusal::UserHandle);
        }
        let data = self.answer.bytes("authenticatorData")?;
        let read = AuthenticatorData::parse(&data)?;
        read.check(party)?;
        if read.credential.is_some() {
            return Err(Refusal::Malformed("the assertion makes a passkey"));
        }
        if read.is_backup_eligible() != known.backup_eligible {
            return Err(Refusal::Backup);
        }
        let client_data_hash = digest(&SHA256, &self.answer.client_data);
        let signed = [&data[..], client_data_hash.as_ref()].concat();
        let signature = self.answer.bytes("signature")?;
        if !PublicKey::parse(known.key)?.verifies(&signed, &signature) {
            return Err(Refusal::Signature);
        }
        // Authenticators that do not count say 0 each time.
        let counts = read.counter > 0 || known.counter > 0;
        if counts && read.counter <= known.counter {
            return Err(Refusal::Counter);
        }
        Ok(Use { counter: read.counter, backed_up: read.is_backed_up() })
    }
}
