//! Signatures of the digests of exported audits (rule AU-15).
//!
//! A digest is a JSON object whose member `signature` is a JWS with a detached payload (RFC 7515
//! appendix F): the payload is the digest without that member, in the canonical form of RFC 8785.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::claims::decode;
use super::jose::verify;
use super::signer::PrivateKey;
use crate::domain::audit::{Digest, FORM};
use crate::domain::error::{Error, Result};
use crate::domain::jwk::Jwk;

/// The type of the signature: no verifier of tokens takes it for a token.
const TYP: &str = "kith-audit-digest";
/// The member with the signature.
const SIGNATURE: &str = "signature";

/// The digest as text, with its signature by this key. A signature is never the same twice.
pub fn sign(digest: &Digest, key: &PrivateKey) -> Result<String> {
    // A tree of `serde_json` has its members in the order of their names. Of texts, whole numbers
    // and Booleans it makes the canonical form.
    let mut content = serde_json::to_value(digest).map_err(Error::unexpected)?;
    let token = key.sign_as(TYP, &content)?;
    let parts = token.split_once('.').zip(token.rsplit_once('.'));
    let ((header, _), (_, signature)) =
        parts.ok_or_else(|| Error::unexpected("expected a JWS of three parts"))?;
    if let Some(members) = content.as_object_mut() {
        members.insert(SIGNATURE.to_owned(), format!("{header}..{signature}").into());
    }
    Ok(format!("{content}\n"))
}

/// Reads a digest whose signature is one of this key; says what is wrong with any other.
pub fn open(text: &[u8], key: &Jwk) -> std::result::Result<Digest, String> {
    let mut content: Value =
        serde_json::from_slice(text).map_err(|_| "the digest is not JSON".to_owned())?;
    let signature = content.as_object_mut().and_then(|members| members.remove(SIGNATURE));
    let signature = signature.as_ref().and_then(Value::as_str).and_then(|jws| jws.split_once(".."));
    let (header, signature) =
        signature.ok_or("expected a JWS with a detached payload in `signature`")?;
    let named = decode(header).and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    let is = |name: &str, text: &str| {
        named.as_ref().and_then(|header| header.get(name)?.as_str()) == Some(text)
    };
    let algorithm = key.algorithm.name();
    if !is("typ", TYP) || !is("alg", algorithm) {
        return Err(format!("expected a signature of type `{TYP}`, {algorithm}"));
    }
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(content.to_string()));
    verify(key, message.as_bytes(), signature)
        .ok_or("the signature does not match the public key")?;
    // Another form may have other members.
    if let Some(found) = content.get("version").filter(|version| **version != FORM) {
        return Err(format!("expected a digest of version {FORM}, found {found}; update `kith`"));
    }
    serde_json::from_value(content).map_err(|error| format!("the digest cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{DigestLink, ExportedHead, ExportedObject};
    use crate::domain::jwk::Algorithm;
    use crate::domain::versioned::Version;
    use crate::env::Random;

    fn key() -> PrivateKey {
        let random = Random::default();
        let stored = PrivateKey::generate(Algorithm::Es256, &random).unwrap();
        PrivateKey::parse(Algorithm::Es256, &stored, &random).unwrap()
    }

    fn digest(key: &PrivateKey) -> Digest {
        let tenant = "acme".parse().unwrap();
        let hour = "2026-11-21T10".parse().unwrap();
        Digest {
            version: FORM,
            objects: vec![ExportedObject::of(&tenant, hour, 0, b"{}\n")],
            users: true,
            unreadable: 0,
            heads: vec![ExportedHead {
                chain: "C".to_owned(),
                sequence: Version(7),
                mac: "AAAA".to_owned(),
                ends: None,
            }],
            previous: Some(DigestLink { key: "before".to_owned(), sha256: "00".to_owned() }),
            jwk: key.jwk(Algorithm::Es256).to_json(),
            tenant,
            hour,
        }
    }

    #[test]
    fn au15_a_digest_verifies_with_its_own_key_and_unchanged_alone() {
        let (key, other) = (key(), key());
        let digest = digest(&key);
        let text = sign(&digest, &key).unwrap();
        let jwk = key.jwk(Algorithm::Es256);
        assert_eq!(open(text.as_bytes(), &jwk), Ok(digest));
        assert!(open(text.as_bytes(), &other.jwk(Algorithm::Es256)).is_err());
        for (from, to) in [
            (r#""users":true"#, r#""users":false"#),
            (r#""entries":1"#, r#""entries":2"#),
            (r#""sequence":7"#, r#""sequence":8"#),
            (r#""key":"before""#, r#""key":"after""#),
            (r#""unreadable":0,"#, ""),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            assert!(open(text.replace(from, to).as_bytes(), &jwk).is_err(), "{to}");
        }
        // The order of members and spaces are no part of what is signed.
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(open(serde_json::to_string_pretty(&value).unwrap().as_bytes(), &jwk).is_ok());
        let token = key.sign(&serde_json::json!({ "version": 1 })).unwrap();
        let (header, signature) =
            (token.split('.').next().unwrap(), token.rsplit('.').next().unwrap());
        let forged = format!(r#"{{"version":1,"signature":"{header}..{signature}"}}"#);
        let expected = "expected a signature of type `kith-audit-digest`, ES256";
        assert_eq!(open(forged.as_bytes(), &jwk), Err(expected.to_owned()));
    }

    #[test]
    fn au15_a_digest_of_a_later_form_says_to_update() {
        let key = key();
        let later = Digest { version: FORM + 1, ..digest(&key) };
        let mut content = serde_json::to_value(&later).unwrap();
        content.as_object_mut().unwrap().remove("heads");
        let token = key.sign_as(TYP, &content).unwrap();
        let (header, signature) =
            (token.split('.').next().unwrap(), token.rsplit('.').next().unwrap());
        content[SIGNATURE] = format!("{header}..{signature}").into();
        let error = open(content.to_string().as_bytes(), &key.jwk(Algorithm::Es256)).unwrap_err();
        assert!(error.contains("update `kith`"), "{error}");
        content["version"] = FORM.into();
        let error = open(content.to_string().as_bytes(), &key.jwk(Algorithm::Es256)).unwrap_err();
        assert!(error.contains("does not match"), "{error}");
    }

    #[test]
    fn au15_what_is_signed_is_the_canonical_form() {
        let key = key();
        let text = sign(&digest(&key), &key).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(text, format!("{value}\n"));
    }
}
