//! An authenticator in software: it makes passkeys and signs with them, as a browser hands its
//! answers on. A test may change each part before it is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::keys::{KeyPair, base64url};
use crate::service::BASE;

/// The bits of the flags (`WebAuthn` Level 3 §6.1).
pub mod flag {
    /// Somebody was present.
    pub const PRESENT: u8 = 0x01;
    /// The person was verified.
    pub const VERIFIED: u8 = 0x04;
    /// The passkey can be backed up.
    pub const ELIGIBLE: u8 = 0x08;
    /// The passkey is backed up.
    pub const BACKED_UP: u8 = 0x10;
    /// A passkey was made.
    pub const ATTESTED: u8 = 0x40;
    /// There are extensions.
    pub const EXTENSIONS: u8 = 0x80;
}

/// An authenticator with one passkey.
pub struct Authenticator {
    /// The pair of keys of its passkey.
    pub key: KeyPair,
    /// The id of its passkey.
    pub id: Vec<u8>,
    /// The user handle with which the passkey was made; empty before.
    pub user_handle: Vec<u8>,
    /// How often the passkey was used; `None` for an authenticator that does not count.
    pub counter: Option<u32>,
    /// Whether the passkey is kept by a manager that copies it to other devices.
    pub is_synced: bool,
    /// The origin of the page that asks.
    pub origin: String,
}

/// The parts of an answer. What a test changes here is signed.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The client data; every member can be replaced.
    pub client_data: Value,
    /// The text of the client data, in place of what they are written as.
    pub client_data_text: Option<String>,
    /// The host whose hash the authenticator data begin with.
    pub rp_id: String,
    /// The flags.
    pub flags: u8,
    /// The counter.
    pub counter: u32,
    /// The id of the passkey in the signed data.
    pub id: Vec<u8>,
    /// The id of the passkey beside the signed data.
    pub sent_id: Vec<u8>,
    /// The public key, as CBOR.
    pub public_key: Vec<u8>,
    /// What follows in the authenticator data.
    pub rest: Vec<u8>,
    /// The attestation object, in place of one without attestation.
    pub attestation: Option<Vec<u8>>,
    /// The user handle.
    pub user_handle: Vec<u8>,
}

impl Authenticator {
    /// An authenticator whose passkey has one of the algorithms `ES256`, `EdDSA` and `RS256`. It
    /// counts, and keeps its passkey for itself.
    pub fn new(algorithm: &'static str) -> Self {
        let key = KeyPair::of(algorithm);
        // No two of them are equal, although there is one RSA key only.
        let id = digest(&SHA256, key.kid.as_bytes()).as_ref().to_vec();
        let origin = BASE.to_owned();
        Self { key, id, user_handle: Vec::new(), counter: Some(0), is_synced: false, origin }
    }

    /// A manager of passkeys that copies them to all devices of the person. It does not count.
    pub fn synced() -> Self {
        Self { counter: None, is_synced: true, ..Self::new("ES256") }
    }

    /// A page of another origin asks.
    pub fn at(self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self }
    }

    /// Makes its passkey as these options ask; returns what the page sends.
    pub fn create(&mut self, options: &Value) -> String {
        self.create_with(options, |_| ())
    }

    /// Makes its passkey, with parts that are changed before.
    pub fn create_with(&mut self, options: &Value, change: impl FnOnce(&mut Parts)) -> String {
        let host = options["rp"]["id"].as_str().expect("an RP id");
        self.user_handle = decode(&options["user"]["id"]);
        let mut parts = self.parts("webauthn.create", options, host);
        parts.flags |= flag::ATTESTED;
        change(&mut parts);
        let (client_data, data) = (parts.client_data(), parts.authenticator_data());
        let object = parts.attestation.clone().unwrap_or_else(|| attestation_object(&data));
        answer(
            &parts.sent_id,
            &json!({
                "clientDataJSON": base64url(client_data),
                "attestationObject": base64url(object),
            }),
        )
    }

    /// Signs a challenge with its passkey as these options ask; returns what the page sends.
    pub fn get(&mut self, options: &Value) -> String {
        self.get_with(options, |_| ())
    }

    /// Signs a challenge, with parts that are changed before.
    pub fn get_with(&mut self, options: &Value, change: impl FnOnce(&mut Parts)) -> String {
        self.counter = self.counter.map(|counter| counter + 1);
        let host = options["rpId"].as_str().expect("an RP id");
        let mut parts = self.parts("webauthn.get", options, host);
        change(&mut parts);
        let (client_data, data) = (parts.client_data(), parts.authenticator_data());
        let hash = digest(&SHA256, &client_data);
        let signature = self.sign(&[&data[..], hash.as_ref()].concat());
        answer(
            &parts.sent_id,
            &json!({
                "clientDataJSON": base64url(client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(signature),
                "userHandle": base64url(&parts.user_handle),
            }),
        )
    }

    /// The public key as CBOR (RFC 9052 §7).
    pub fn public_key(&self) -> Vec<u8> {
        let jwk = self.key.jwk();
        match self.key.alg {
            "ES256" => [
                &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21][..],
                &bytes(&decode(&jwk["x"])),
                &[0x22],
                &bytes(&decode(&jwk["y"])),
            ]
            .concat(),
            "EdDSA" => {
                [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21][..], &bytes(&decode(&jwk["x"]))]
                    .concat()
            }
            "RS256" => [
                &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20][..],
                &bytes(&decode(&jwk["n"])),
                &[0x21],
                &bytes(&decode(&jwk["e"])),
            ]
            .concat(),
            other => panic!("no passkeys of {other}"),
        }
    }

    fn parts(&self, ceremony: &str, options: &Value, rp_id: &str) -> Parts {
        let synced = if self.is_synced { flag::ELIGIBLE | flag::BACKED_UP } else { 0 };
        Parts {
            client_data: json!({
                "type": ceremony,
                "challenge": options["challenge"],
                "origin": self.origin,
                "crossOrigin": false,
            }),
            client_data_text: None,
            rp_id: rp_id.to_owned(),
            flags: flag::PRESENT | flag::VERIFIED | synced,
            counter: self.counter.unwrap_or_default(),
            id: self.id.clone(),
            sent_id: self.id.clone(),
            public_key: self.public_key(),
            rest: Vec::new(),
            attestation: None,
            user_handle: self.user_handle.clone(),
        }
    }

    /// A signature as authenticators make it: of ECDSA in DER.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self.key.alg {
            "ES256" => self.key.sign_der(message),
            _ => self.key.sign(message),
        }
    }
}

impl Parts {
    fn client_data(&self) -> Vec<u8> {
        let written = || self.client_data.to_string();
        self.client_data_text.clone().unwrap_or_else(written).into_bytes()
    }

    /// The authenticator data (§6.1).
    pub fn authenticator_data(&self) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(self.flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        if self.flags & flag::ATTESTED != 0 {
            data.extend_from_slice(&[0; 16]);
            let length = u16::try_from(self.id.len()).expect("a length of two bytes");
            data.extend_from_slice(&length.to_be_bytes());
            data.extend_from_slice(&self.id);
            data.extend_from_slice(&self.public_key);
        }
        data.extend_from_slice(&self.rest);
        data
    }
}

/// The attestation object of some authenticator data, without attestation (§6.5.4).
pub fn attestation_object(data: &[u8]) -> Vec<u8> {
    [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"[..], &bytes(data)].concat()
}

/// A byte string as CBOR (RFC 8949 §3.1).
fn bytes(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().to_be_bytes();
    let head = match bytes.len() {
        0..24 => vec![0x40 | length[7]],
        24..0x100 => vec![0x58, length[7]],
        _ => vec![0x59, length[6], length[7]],
    };
    [&head[..], bytes].concat()
}

fn answer(id: &[u8], response: &Value) -> String {
    json!({
        "id": base64url(id),
        "rawId": base64url(id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    })
    .to_string()
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("a text")).expect("base64url")
}
