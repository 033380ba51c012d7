//! How a new passkey is verified (`WebAuthn` Level 3 §7.1).

use ring::digest::{SHA256, digest};

use super::RelyingParty;
use super::answer::Answer;
use super::authenticator_data::AuthenticatorData;
use super::cbor::{Map, Value};
use super::client_data::{self, Ceremony};
use super::cose::PublicKey;
use super::refusal::Refusal;

/// An answer of an authenticator that made a passkey.
pub(super) struct Registration {
    answer: Answer,
    /// The challenge that it answers.
    pub(super) challenge: String,
}

/// A passkey that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewPasskey {
    /// The id of the credential.
    pub(super) id: Vec<u8>,
    /// The public key, as CBOR.
    pub(super) key: Vec<u8>,
    /// How often it was used.
    pub(super) counter: u32,
    /// Whether it can be backed up.
    pub(super) backup_eligible: bool,
    /// Whether it is backed up.
    pub(super) backed_up: bool,
}

impl Registration {
    /// Reads an answer, and checks its client data but for the challenge.
    pub(super) fn parse(text: &str, party: &RelyingParty) -> Result<Self, Refusal> {
        let answer = Answer::parse(text)?;
        let challenge = client_data::challenge(&answer.client_data, Ceremony::Create, party)?;
        Ok(Self { answer, challenge })
    }

    /// Verifies the rest. The challenge is the caller's to check.
    pub(super) fn verify(&self, party: &RelyingParty) -> Result<NewPasskey, Refusal> {
        let attestation = self.answer.bytes("attestationObject")?;
        let attestation = Value::parse(&attestation)?.into_map();
        let attestation = attestation.ok_or(Refusal::Attestation)?;
        let Some(Value::Bytes(data)) = attestation.text("authData") else {
            return Err(Refusal::Attestation);
        };
        let read = AuthenticatorData::parse(data)?;
        read.check(party)?;
        let made = read.credential.ok_or(Refusal::Malformed("no passkey was made"))?;
        if made.id != self.answer.id {
            return Err(Refusal::CredentialId);
        }
        let key = PublicKey::parse(made.key)?;
        let client_data_hash = digest(&SHA256, &self.answer.client_data);
        check_attestation(&attestation, &key, &[data, client_data_hash.as_ref()].concat())?;
        Ok(NewPasskey {
            id: made.id.to_vec(),
            key: made.key.to_vec(),
            counter: read.counter,
            backup_eligible: read.is_backup_eligible(),
            backed_up: read.is_backed_up(),
        })
    }
}

/// Checks the attestation: `none`, or `packed` by the passkey's own key, which browsers hand on
/// although `none` was asked for (§5.1.3). It says nothing of the model of the authenticator.
fn check_attestation(attestation: &Map<'_>, key: &PublicKey, signed: &[u8]) -> Result<(), Refusal> {
    let Some(Value::Map(statement)) = attestation.text("attStmt") else {
        return Err(Refusal::Attestation);
    };
    let good = match attestation.text("fmt") {
        Some(Value::Text("none")) => statement.len() == 0,
        Some(Value::Text("packed")) => match (statement.text("alg"), statement.text("sig")) {
            (Some(Value::Integer(algorithm)), Some(Value::Bytes(signature))) => {
                statement.len() == 2
                    && *algorithm == key.algorithm()
                    && key.verifies(signed, signature)
            }
            _ => false,
        },
        _ => false,
    };
    if good && attestation.len() == 3 { Ok(()) } else { Err(Refusal::Attestation) }
}
