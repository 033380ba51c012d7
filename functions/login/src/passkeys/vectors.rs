//! The test vectors of `WebAuthn` Level 3 §16 for the algorithms and the attestations that are
//! verified. `vectors.json` has them as the standard derives them, of RS256 and `EdDSA` without the
//! attestation, whose certificate nobody here looks at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::RelyingParty;
use super::assertion::{Assertion, Known, Use};
use super::authenticator_data::AuthenticatorData;
use super::cose::PublicKey;
use super::refusal::Refusal;
use super::registration::{NewPasskey, Registration};

const VECTORS: &str = include_str!("vectors.json");
/// The vectors have no user handles, so the tests choose one.
const USER_HANDLE: &[u8] = b"user handle";

struct Vector(Value);

/// Bytes in hexadecimal; spaces are for the reader.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(|digit| *digit != b' ').collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str::<Vec<Value>>(VECTORS).unwrap().into_iter().map(Vector).collect()
}

fn named(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.0["name"] == name).unwrap()
}

fn party() -> RelyingParty {
    RelyingParty::of("https://example.org").unwrap()
}

impl Vector {
    fn text(&self, path: &str) -> &str {
        self.0.pointer(path).and_then(Value::as_str).unwrap()
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        hex(self.text(path))
    }

    fn base64url(&self, path: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes(path))
    }

    /// The authenticator data of the registration.
    fn registered(&self) -> Vec<u8> {
        if self.0.pointer("/registration/authenticator_data").is_some() {
            return self.bytes("/registration/authenticator_data");
        }
        let object = self.bytes("/registration/attestation_object");
        let object = super::cbor::Value::parse(&object).unwrap().into_map().unwrap();
        match object.text("authData") {
            Some(super::cbor::Value::Bytes(data)) => data.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    fn register(&self) -> Result<NewPasskey, Refusal> {
        let answer = json!({
            "type": "public-key",
            "id": self.base64url("/credential_id"),
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.text("/registration/client_data")),
                "attestationObject": self.base64url("/registration/attestation_object"),
            },
        });
        let registration = Registration::parse(&answer.to_string(), &party())?;
        assert_eq!(registration.challenge, self.base64url("/registration/challenge"));
        registration.verify(&party())
    }

    fn assert(&self) -> Result<Use, Refusal> {
        let answer = json!({
            "type": "public-key",
            "id": self.base64url("/credential_id"),
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.text("/assertion/client_data")),
                "authenticatorData": self.base64url("/assertion/authenticator_data"),
                "signature": self.base64url("/assertion/signature"),
                "userHandle": URL_SAFE_NO_PAD.encode(USER_HANDLE),
            },
        });
        let data = self.registered();
        let registered = AuthenticatorData::parse(&data).unwrap();
        let assertion = Assertion::parse(&answer.to_string(), &party())?;
        assert_eq!(assertion.challenge, self.base64url("/assertion/challenge"));
        assert_eq!(assertion.credential_id(), self.bytes("/credential_id"));
        let known = Known {
            key: registered.credential.unwrap().key,
            user_handle: USER_HANDLE,
            counter: registered.counter,
            backup_eligible: registered.is_backup_eligible(),
        };
        assertion.verify(known, &party())
    }
}

#[test]
fn g53_a_passkey_with_self_attestation_is_registered() {
    let vector = named("packed-self.ES256");
    let made = vector.register().unwrap();
    assert_eq!(made.id, vector.bytes("/credential_id"));
    assert!(made.backup_eligible && made.backed_up);
    assert_eq!(made.counter, 0);
}

#[test]
fn g53_a_passkey_with_the_longest_id_signs_in() {
    let vector = named("none.ES256.long-credential-id");
    assert_eq!(vector.bytes("/credential_id").len(), 1023);
    assert_eq!(vector.assert(), Ok(Use { counter: 0, backed_up: false }));
}

#[test]
fn g53_vectors_without_user_verification_are_refused() {
    for name in ["none.ES256", "none.ES256.long-credential-id"] {
        assert_eq!(named(name).register(), Err(Refusal::UserVerification), "{name}");
    }
    for name in ["none.ES256", "packed-self.ES256", "packed.RS256", "packed.EdDSA"] {
        assert_eq!(named(name).assert(), Err(Refusal::UserVerification), "{name}");
    }
}

#[test]
fn g53_vectors_from_frames_of_other_sites_are_refused() {
    for name in ["none.ES256.crossOrigin", "none.ES256.topOrigin"] {
        assert_eq!(named(name).register(), Err(Refusal::CrossOrigin), "{name}");
        assert_eq!(named(name).assert(), Err(Refusal::CrossOrigin), "{name}");
    }
}

#[test]
fn g53_the_signatures_of_all_vectors_are_of_their_keys_and_of_nothing_else() {
    for vector in vectors() {
        let name = vector.text("/name").to_owned();
        let data = vector.registered();
        let key = AuthenticatorData::parse(&data).unwrap().credential.unwrap().key;
        let key = PublicKey::parse(key).unwrap();
        let hash = digest(&SHA256, vector.text("/assertion/client_data").as_bytes());
        let signed = [&vector.bytes("/assertion/authenticator_data")[..], hash.as_ref()].concat();
        let signature = vector.bytes("/assertion/signature");
        assert!(key.verifies(&signed, &signature), "{name}");
        for at in [0, 32, 36, signed.len() - 1] {
            let mut other = signed.clone();
            other[at] ^= 1;
            assert!(!key.verifies(&other, &signature), "{name} {at}");
        }
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!key.verifies(&signed, &other), "{name} {at}");
        }
        for length in 0..signature.len() {
            assert!(!key.verifies(&signed, &signature[..length]), "{name} {length}");
        }
    }
}

/// What a passkey signs is of that passkey: another one's key verifies nothing of it.
#[test]
fn g53_a_signature_is_of_the_registered_key() {
    let vector = named("none.ES256.long-credential-id");
    let other = named("packed-self.ES256");
    let mut mixed = vector.0.clone();
    mixed["registration"] = other.0["registration"].clone();
    // Both can be backed up, so the key alone differs.
    assert_eq!(Vector(mixed).assert(), Err(Refusal::Signature));
}

/// The self attestation is signed, too.
#[test]
fn g53_an_attestation_is_none_or_by_the_key_itself() {
    let vector = named("packed-self.ES256");
    let object = vector.text("/registration/attestation_object").to_owned();
    let register = |object: String| {
        let mut changed = vector.0.clone();
        changed["registration"]["attestation_object"] = object.into();
        Vector(changed).register()
    };
    assert!(register(object.clone()).is_ok());
    // Another byte in the middle of the signature, in the model, and another algorithm.
    for (from, to) in [("20754ab925005dbf", "20754ab925005dbe"), ("df850e09", "df850e0a")] {
        let changed = object.replacen(from, to, 1);
        assert_ne!(changed, object);
        assert_eq!(register(changed), Err(Refusal::Attestation));
    }
    let other_algorithm = object.replacen("63616c6726", "63616c6727", 1);
    assert_eq!(register(other_algorithm), Err(Refusal::Attestation));
    // `packee` in place of `packed`, and `none` with the statement of `packed`.
    let other_format = object.replacen("667061636b6564", "667061636b6565", 1);
    assert_eq!(register(other_format), Err(Refusal::Attestation));
    let none = object.replacen("63666d74667061636b6564", "63666d74646e6f6e65", 1);
    assert_eq!(register(none), Err(Refusal::Attestation));
}
