//! Signed tokens as others bring them (RFC 7515, RFC 7519): read strictly here, verified by
//! `jsonwebtoken` with `ring` behind it (ADR 0039).
//!
//! The header of a token decides nothing. Its owner's registration sets key and algorithm (RFC 8725
//! §3.1). A `kid` only narrows down which keys are tried.

use jsonwebtoken::DecodingKey;
use serde::de::DeserializeOwned;

use super::claims::decode;
use super::provider;
use crate::domain::json::{Json, Object};
use crate::domain::jwk::{Algorithm, Jwk, KeyParameters};

/// The longest token that is parsed, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// A token that is taken apart; nothing in it is verified yet.
pub struct Jws<'t> {
    header: Object,
    message: &'t str,
    payload: Vec<u8>,
    signature: &'t str,
}

impl<'t> Jws<'t> {
    /// Takes a token in the compact form apart (RFC 7515 §7.1). A header with a key that occurs
    /// twice, or with extensions that have to be understood (§4.1.11), is refused.
    #[must_use]
    pub fn open(unverified: &'t str) -> Option<Self> {
        if unverified.len() > MAX_TOKEN {
            return None;
        }
        let (message, signature) = unverified.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let Ok(Json::Object(header)) = Json::parse(&decode(header)?) else { return None };
        if header.contains_key("crit") {
            return None;
        }
        decode(signature)?;
        Some(Self { header, message, payload: decode(payload)?, signature })
    }

    /// A member of the header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Json::as_str)
    }

    /// Whether the header has a member that is anything but text.
    #[must_use]
    pub fn is_odd(&self, name: &str) -> bool {
        self.header.get(name).is_some_and(|value| value.as_str().is_none())
    }

    /// Whether `typ` is this media type, with or without `application/` (RFC 7515 §4.1.9).
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        let named = |typ: &str| typ.eq_ignore_ascii_case(media_type);
        self.header("typ").is_some_and(|typ| {
            named(typ)
                || typ.split_at_checked("application/".len()).is_some_and(|(prefix, typ)| {
                    prefix.eq_ignore_ascii_case("application/") && named(typ)
                })
        })
    }

    /// The claimed algorithm of the signature, if the service can verify it.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::named(self.header("alg")?)
    }

    /// Whether its header contains a key or the URL of one.
    #[must_use]
    pub fn brings_key(&self) -> bool {
        ["jku", "jwk", "x5u", "x5c"].iter().any(|name| self.header.contains_key(*name))
    }

    /// The key in its header, which proves nothing but who signed.
    #[must_use]
    pub fn key(&self) -> Option<&Object> {
        self.header.get("jwk").and_then(Json::as_object)
    }

    /// What it says, not verified.
    #[must_use]
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    /// The unverified claims: an object in which no member occurs twice at any depth (RFC 8725
    /// §2.4).
    #[must_use]
    pub fn strict_claims(&self) -> Option<Object> {
        if let Ok(Json::Object(claims)) = Json::parse(&self.payload) { Some(claims) } else { None }
    }

    /// The claims, if the token is signed with this key.
    #[must_use]
    pub fn claims<T: DeserializeOwned>(&self, key: &Jwk) -> Option<T> {
        let signed = self.algorithm() == Some(key.algorithm)
            && verify(key, self.message.as_bytes(), self.signature).is_some();
        if signed { self.unverified_claims() } else { None }
    }
}

/// Whether a signature over a message, in base64url, is one of this key, in the form that RFC 7518
/// §3 and RFC 8037 §3.1 give it; `None` when not.
#[must_use]
pub fn verify(key: &Jwk, message: &[u8], signature: &str) -> Option<()> {
    let decoding_key = match &key.numbers {
        KeyParameters::Ec { x, y } => DecodingKey::from_ec_components(x, y),
        KeyParameters::Ed { x } => DecodingKey::from_ed_components(x),
        KeyParameters::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
    }
    .ok()?;
    provider::install();
    let algorithm = key.algorithm.into();
    jsonwebtoken::crypto::verify(signature, message, &decoding_key, algorithm).ok()?.then_some(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn open(header: &str) -> Option<String> {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", encode(header), encode("{}"), encode("signature"));
        let jws = Jws::open(&token)?;
        Some(format!("{:?}", jws.algorithm()))
    }

    #[test]
    fn o5_a_header_is_read_strictly() {
        assert_eq!(open(r#"{"alg":"ES256"}"#).as_deref(), Some("Some(Es256)"));
        assert_eq!(open(r#"{"alg":"Ed25519"}"#).as_deref(), Some("Some(EdDsa)"));
        for unknown in
            [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"es256"}"#, r#"{"alg":1}"#, "{}"]
        {
            assert_eq!(open(unknown).as_deref(), Some("None"), "{unknown}");
        }
        for broken in
            [r#"{"alg":"ES256","alg":"ES256"}"#, r#"{"alg":"ES256","crit":[]}"#, "[]", "", "{"]
        {
            assert_eq!(open(broken), None, "{broken}");
        }
        for broken in
            ["", ".", "..", "e30.e30", "e30.e30.e30.e30", "e30.e30=.e30", "e30.e3 0.e30", "é.é.é"]
        {
            assert!(Jws::open(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_type_is_named_with_or_without_its_tree() {
        let typed = |typ: &str| {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"{typ}"}}"#));
            Jws::open(&format!("{header}.e30.AA")).unwrap().is("at+jwt")
        };
        assert!(
            ["at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"].into_iter().all(typed)
        );
        assert!(
            !["", "jwt", "text/at+jwt", "application/jwt", "application/é"].into_iter().any(typed)
        );
    }
}
