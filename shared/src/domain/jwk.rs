//! Public keys of others (RFC 7517): of clients that sign assertions, of callers that prove possession, of token issuers.
//!
//! The algorithm belongs to the key: it comes from where the key was registered or published and never from what was signed with
//! it (RFC 8725 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::error::Code;
use super::field::Fields;
use super::https_url::HttpsUrl;
use super::json::{Json, Object};
use super::word::words;

words! {
    /// The algorithms of signatures that are verified (RFC 7518 §3.1, RFC 8037 §3.1).
    Algorithm {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl Algorithm {
    /// The newer name of [`Algorithm::EdDsa`] on the one curve that is known (RFC 9864 §2.2), which some libraries use.
    const ED25519: &'static str = "Ed25519";

    /// Every name by which an algorithm may be called.
    pub const NAMES: [&'static str; 5] = ["ES256", "RS256", "PS256", "EdDSA", Self::ED25519];

    /// The algorithm that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == Self::ED25519 { Some(Self::EdDsa) } else { name.parse().ok() }
    }
}

/// The most keys of one set that are looked at.
pub const MAX_KEYS: usize = 100;
/// The most keys of a set that is registered.
pub const MAX_REGISTERED_KEYS: usize = 10;
/// The longest registered set, in bytes.
pub const MAX_SET: usize = 16 * 1024;
/// The longest set of a token issuer, in bytes.
pub const MAX_ISSUERS_SET: usize = 64 * 1024;
/// The longest URL of a set, in bytes.
pub const MAX_URL: usize = 1024;
/// The sizes of RSA keys that are used, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Members that no public key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const NOT_PUBLIC: &str = "the key is private or symmetric; only public keys are sent";

fn is_private(members: &Object) -> bool {
    PRIVATE.iter().any(|name| members.contains_key(*name))
}

/// The numbers of a public key, base64url as they were published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// A point on P-256.
    Ec {
        /// The x coordinate.
        x: String,
        /// The y coordinate.
        y: String,
    },
    /// An RSA key.
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// An Ed25519 key.
    Ed {
        /// The key.
        x: String,
    },
}

/// A public key that verifies signatures of one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its id, if it has one.
    pub kid: Option<String>,
    /// The one algorithm that it is used with.
    pub algorithm: Algorithm,
    /// The key itself.
    pub numbers: Numbers,
}

impl Jwk {
    /// Reads a key; says why it is none that can be used. An RSA key without `alg` is for RS256.
    pub fn read(members: &Object) -> Result<Self, &'static str> {
        let text = |name: &str| members.get(name).and_then(Json::as_str);
        if is_private(members) {
            return Err(NOT_PUBLIC);
        }
        let signs = members.get("use").is_none_or(|purpose| purpose.as_str() == Some("sig"));
        let verifies = match members.get("key_ops") {
            Some(Json::Array(operations)) => operations.iter().any(|operation| operation.as_str() == Some("verify")),
            Some(_) => false,
            None => true,
        };
        if !signs || !verifies {
            return Err("the key is not for verifying signatures");
        }
        let (numbers, default) = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => {
                let (x, y) = text("x").zip(text("y")).ok_or("an EC key has `x` and `y`")?;
                if sizes([x, y]) != Some([32, 32]) {
                    return Err("the coordinates of P-256 are 32 bytes each, in base64url without padding");
                }
                (Numbers::Ec { x: x.to_owned(), y: y.to_owned() }, Algorithm::Es256)
            }
            (Some("OKP"), Some("Ed25519")) => {
                let x = text("x").ok_or("an OKP key has `x`")?;
                if sizes([x]) != Some([32]) {
                    return Err("an Ed25519 key is 32 bytes, in base64url without padding");
                }
                (Numbers::Ed { x: x.to_owned() }, Algorithm::EdDsa)
            }
            (Some("RSA"), _) => {
                let (n, e) = text("n").zip(text("e")).ok_or("an RSA key has `n` and `e`")?;
                rsa_fits(n, e)?;
                (Numbers::Rsa { n: n.to_owned(), e: e.to_owned() }, Algorithm::Rs256)
            }
            _ => return Err("EC keys on P-256, OKP keys on Ed25519 and RSA keys are known"),
        };
        let algorithm = match members.get("alg") {
            None => default,
            Some(name) => name.as_str().and_then(Algorithm::named).ok_or("`alg` is not one that is known")?,
        };
        let rsa = [Algorithm::Rs256, Algorithm::Ps256];
        if algorithm != default && !(rsa.contains(&algorithm) && rsa.contains(&default)) {
            return Err("`alg` does not fit the type of the key");
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Json::String(kid)) if kid.len() <= 256 => Some(kid.clone()),
            Some(_) => return Err("`kid` is a text of at most 256 bytes"),
        };
        Ok(Self { kid, algorithm, numbers })
    }

    /// The thumbprint (RFC 7638 §3, RFC 8037 §2): the SHA-256 of the required members in lexicographic order, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = match &self.numbers {
            Numbers::Ec { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Numbers::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Numbers::Ed { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }
}

/// The sizes of what is in base64url.
fn sizes<const N: usize>(texts: [&str; N]) -> Option<[usize; N]> {
    let sizes: Option<Vec<_>> = texts.iter().map(|text| Some(URL_SAFE_NO_PAD.decode(text).ok()?.len())).collect();
    sizes?.try_into().ok()
}

fn rsa_fits(n: &str, e: &str) -> Result<(), &'static str> {
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "`n` and `e` are base64url without padding");
    let (n, e) = (number(n)?, number(e)?);
    let leading = |number: &[u8]| number.first().copied().unwrap_or_default();
    if leading(&n) == 0 || leading(&e) == 0 {
        return Err("`n` and `e` have no zero bytes in front (RFC 7518 §6.3.1)");
    }
    let bits = n.len() * 8 - leading(&n).leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) {
        return Err("an RSA key has 2048 to 4096 bits");
    }
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    if !odd || e.len() > 4 || e == [1] {
        return Err("the exponent of an RSA key is odd, from 3 to 32 bits");
    }
    Ok(())
}

/// The public keys of one party (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet(Vec<Jwk>);

impl JwkSet {
    /// Reads a set as a party publishes it: keys that are not for verifying, or of types that are not known, are passed over
    /// (RFC 7517 §5); [`MAX_KEYS`] are looked at.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let set = Json::parse(text)?;
        let Some(Json::Array(keys)) = set.as_object().and_then(|members| members.get("keys")) else {
            return Err("a JWK set is an object with an array `keys`".to_owned());
        };
        let keys = keys.iter().take(MAX_KEYS).filter_map(Json::as_object);
        Ok(Self(keys.filter_map(|key| Jwk::read(key).ok()).collect()))
    }

    /// The keys that a signature may be of, by what its header names: the key of that id, or without an id every one; always of
    /// this algorithm.
    pub fn candidates<'s>(&'s self, kid: Option<&'s str>, algorithm: Algorithm) -> impl Iterator<Item = &'s Jwk> {
        let named = move |key: &&Jwk| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        self.0.iter().filter(move |key| key.algorithm == algorithm).filter(named)
    }

    /// Whether there is a key with this id.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }
}

/// Takes a field with the keys of a client, each of which must be one that can be used; returns the set as text.
pub fn take_jwks(fields: &mut Fields<'_>) -> Option<String> {
    let (keys, text) = take_set(fields, MAX_REGISTERED_KEYS, MAX_SET)?;
    let mut good = true;
    let mut kids = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let (code, detail) = match read(key) {
            Ok(Jwk { kid: Some(kid), .. }) if kids.contains(&kid) => {
                (Code::NotUnique, "another key of the set has the same `kid`")
            }
            Ok(key) => {
                kids.extend(key.kid);
                continue;
            }
            Err(detail) => (Code::NotAllowed, detail),
        };
        refuse_key(fields, index, code, detail);
        good = false;
    }
    good.then_some(text)
}

/// Takes a field with the keys of a token issuer, copied from where it publishes them: keys that are not for verifying or of types
/// that are not known may be among them, as long as one can be used and none is private.
pub fn take_issuers_jwks(fields: &mut Fields<'_>) -> Option<String> {
    let (keys, text) = take_set(fields, MAX_KEYS, MAX_ISSUERS_SET)?;
    let private = keys.iter().position(|key| key.as_object().is_some_and(is_private));
    if let Some(index) = private {
        refuse_key(fields, index, Code::NotAllowed, NOT_PUBLIC);
        return None;
    }
    if !keys.iter().any(|key| read(key).is_ok()) {
        fields.refuse("jwks", Code::NotAllowed, "none of the keys is one that can be used");
        return None;
    }
    Some(text)
}

/// Takes a set of 1 to `most` keys and its text of at most `bytes`.
fn take_set(fields: &mut Fields<'_>, most: usize, bytes: usize) -> Option<(Vec<Json>, String)> {
    let value = fields.value("jwks")?;
    let text = value.to_text();
    let keys = if let Json::Object(mut members) = value { members.swap_remove("keys") } else { None };
    let Some(Json::Array(keys)) = keys else {
        fields.refuse("jwks", Code::WrongType, "a JWK set is due: {\"keys\": […]}");
        return None;
    };
    if keys.is_empty() || keys.len() > most {
        let detail = format!("{} keys, from 1 to {most} are due", keys.len());
        fields.refuse("jwks", if keys.is_empty() { Code::Required } else { Code::TooMany }, detail);
        return None;
    }
    if text.len() > bytes {
        fields.refuse("jwks", Code::TooLarge, format!("{} bytes, at most {bytes} are allowed", text.len()));
        return None;
    }
    Some((keys, text))
}

fn read(key: &Json) -> Result<Jwk, &'static str> {
    key.as_object().ok_or("a JWK is an object").and_then(Jwk::read)
}

fn refuse_key(fields: &mut Fields<'_>, index: usize, code: Code, detail: &str) {
    let at = format!("{}/keys/{index}", fields.at("jwks"));
    fields.violations().add(at, code, detail);
}

/// Takes a field with the https URL where a party publishes its keys.
pub fn take_jwks_uri(fields: &mut Fields<'_>) -> Option<String> {
    let text = take_https(fields, "jwks_uri")?;
    let wrong = match HttpsUrl::parse(&text) {
        Ok(url) if url.is_local() => Some("the URL of a host of the public internet is due"),
        Ok(_) => None,
        Err(wrong) => Some(wrong),
    };
    if let Some(wrong) = wrong {
        fields.refuse("jwks_uri", Code::WrongFormat, wrong);
        return None;
    }
    Some(text)
}

/// Takes a field with an https URL.
pub fn take_https(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name, MAX_URL)?;
    let https = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !https || text.contains(['|', '#', ' ', '\\']) {
        fields.refuse(name, Code::WrongFormat, "an https URL without `|`, `#`, spaces and backslashes is due");
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Jwk, &'static str> {
        Jwk::read(Json::parse(text.as_bytes()).unwrap().as_object().unwrap())
    }

    #[test]
    fn o8_thumbprints_are_those_of_the_rfcs() {
        // RFC 7638 §3.1 and RFC 8037 A.3.
        let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        assert_eq!(key(rsa).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let ed = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(key(ed).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_list_of_names_is_that_of_the_algorithms() {
        assert!(Algorithm::ALL.iter().all(|algorithm| Algorithm::NAMES.contains(&algorithm.name())));
        assert!(Algorithm::NAMES.iter().all(|name| Algorithm::named(name).is_some()));
    }

    #[test]
    fn o3_the_algorithm_is_the_keys_own() {
        let ec = |more: &str| {
            let (x, y) = ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
            key(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#))
        };
        assert_eq!(ec("").unwrap().algorithm, Algorithm::Es256);
        assert_eq!(
            ec(r#","alg":"ES256","use":"sig","kid":"1","key_ops":["verify"]"#).unwrap().kid.as_deref(),
            Some("1")
        );
        for wrong in [
            r#","alg":"RS256""#,
            r#","alg":"none""#,
            r#","alg":"HS256""#,
            r#","alg":7"#,
            r#","use":"enc""#,
            r#","use":7"#,
            r#","use":null"#,
            r#","key_ops":["encrypt"]"#,
            r#","key_ops":"verify""#,
            r#","d":"AA""#,
            r#","kid":7"#,
        ] {
            assert!(ec(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            r#"{"kty":"oct","k":"AA"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            "{}",
        ] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }
}
