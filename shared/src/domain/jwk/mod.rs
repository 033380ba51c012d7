//! Public keys of others (RFC 7517): of clients that sign assertions, of callers that prove
//! possession, of token issuers.
//!
//! The algorithm belongs to the key: it comes from the registration or publication of the key, and
//! never from a signed token (RFC 8725 §3.1).

mod fields;
mod point;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::fields::{
    EITHER, MAX_REGISTERED_KEYS, MAX_URL, take_https, take_issuers_jwks, take_jwks, take_jwks_uri,
};
use super::json::{Json, Object};
use super::string_enum::string_enum;

string_enum! {
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
    /// The newer name of [`Algorithm::EdDsa`] on the one curve that is known (RFC 9864 §2.2), which
    /// some libraries use.
    const ED25519: &'static str = "Ed25519";

    /// Every name by which an algorithm may be called.
    pub const NAMES: [&'static str; 5] = ["ES256", "RS256", "PS256", "EdDSA", Self::ED25519];

    /// The algorithm that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == Self::ED25519 { Some(Self::EdDsa) } else { name.parse().ok() }
    }
}

/// The most keys of a set that are read.
pub const MAX_KEYS: usize = 100;
/// The sizes of RSA keys that are used, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Members that no public key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const NOT_PUBLIC: &str = "this key is private or symmetric; send public keys only";

fn is_private(members: &Object) -> bool {
    PRIVATE.iter().any(|name| members.contains_key(*name))
}

/// The parameters of a public key, base64url as they were published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyParameters {
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
    pub numbers: KeyParameters,
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
            Some(Json::Array(operations)) => {
                operations.iter().any(|operation| operation.as_str() == Some("verify"))
            }
            Some(_) => false,
            None => true,
        };
        if !signs || !verifies {
            return Err("this key is not for verifying signatures; see its `use` and `key_ops`");
        }
        let (numbers, default) = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => {
                let (x, y) = text("x").zip(text("y")).ok_or("an EC key needs `x` and `y`")?;
                if sizes([x, y]) != Some([32, 32]) {
                    return Err(
                        "expected coordinates of 32 bytes each, in base64url without padding",
                    );
                }
                (KeyParameters::Ec { x: x.to_owned(), y: y.to_owned() }, Algorithm::Es256)
            }
            (Some("OKP"), Some("Ed25519")) => {
                let x = text("x").ok_or("an OKP key needs `x`")?;
                if sizes([x]) != Some([32]) {
                    return Err(
                        "expected an Ed25519 key of 32 bytes, in base64url without padding",
                    );
                }
                (KeyParameters::Ed { x: x.to_owned() }, Algorithm::EdDsa)
            }
            (Some("RSA"), _) => {
                let (n, e) = text("n").zip(text("e")).ok_or("an RSA key needs `n` and `e`")?;
                rsa_fits(n, e)?;
                (KeyParameters::Rsa { n: n.to_owned(), e: e.to_owned() }, Algorithm::Rs256)
            }
            _ => return Err("expected an EC key on P-256, an OKP key on Ed25519 or an RSA key"),
        };
        let algorithm = match members.get("alg") {
            None => default,
            Some(name) => name
                .as_str()
                .and_then(Algorithm::named)
                .ok_or("expected `alg` ES256, RS256, PS256, EdDSA or Ed25519")?,
        };
        let rsa = [Algorithm::Rs256, Algorithm::Ps256];
        if algorithm != default && !(rsa.contains(&algorithm) && rsa.contains(&default)) {
            return Err("`alg` does not fit the `kty` of the key");
        }
        let kid = match members.get("kid") {
            None => None,
            Some(Json::String(kid)) if kid.len() <= 256 => Some(kid.clone()),
            Some(_) => return Err("expected `kid` to be a string of at most 256 bytes"),
        };
        Ok(Self { kid, algorithm, numbers })
    }

    /// The key as it is published (RFC 7517 §4), with its thumbprint for an id if it has none.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (kid, alg) = (self.kid.clone().unwrap_or_else(|| self.thumbprint()), self.algorithm);
        match &self.numbers {
            KeyParameters::Ec { x, y } => {
                json!({
                    "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": alg,
                    "use": "sig"
                })
            }
            KeyParameters::Rsa { n, e } => {
                json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": alg, "use": "sig" })
            }
            KeyParameters::Ed { x } => {
                json!({
                    "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": alg, "use": "sig"
                })
            }
        }
    }

    /// Checks that the key of a curve is a point on it: any other verifies nothing.
    pub fn check_point(&self) -> Result<(), &'static str> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        match &self.numbers {
            KeyParameters::Ec { x, y } if !point::is_on_p256(&bytes(x), &bytes(y)) => {
                Err("`x` and `y` are no point on P-256")
            }
            KeyParameters::Ed { x } if !point::is_on_ed25519(&bytes(x)) => {
                Err("`x` is no point on Ed25519")
            }
            _ => Ok(()),
        }
    }

    /// The thumbprint (RFC 7638 §3, RFC 8037 §2): the SHA-256 of the required members in
    /// lexicographic order, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = match &self.numbers {
            KeyParameters::Ec { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            KeyParameters::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            KeyParameters::Ed { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }
}

/// The sizes of base64url values.
fn sizes<const N: usize>(texts: [&str; N]) -> Option<[usize; N]> {
    let sizes: Option<Vec<_>> =
        texts.iter().map(|text| Some(URL_SAFE_NO_PAD.decode(text).ok()?.len())).collect();
    sizes?.try_into().ok()
}

fn rsa_fits(n: &str, e: &str) -> Result<(), &'static str> {
    let number = |text: &str| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| "expected `n` and `e` in base64url without padding")
    };
    let (n, e) = (number(n)?, number(e)?);
    let leading = |number: &[u8]| number.first().copied().unwrap_or_default();
    if n.last().is_some_and(|last| last % 2 == 0) {
        return Err("expected an odd RSA modulus");
    }
    if leading(&n) == 0 || leading(&e) == 0 {
        return Err("expected `n` and `e` without leading zero bytes (RFC 7518 §6.3.1)");
    }
    let bits = n.len() * 8 - leading(&n).leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) {
        return Err("expected an RSA key of 2048 to 4096 bits");
    }
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    if !odd || e.len() > 4 || e == [1] {
        return Err("expected an odd RSA exponent from 3 on, of at most 32 bits");
    }
    Ok(())
}

/// The public keys of one party (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet(Vec<Jwk>);

impl JwkSet {
    /// Reads a published set. Keys of unknown types, and keys that are not for verification, are
    /// skipped (RFC 7517 §5). At most [`MAX_KEYS`] are read.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let set = Json::parse(text).map_err(|error| error.to_string())?;
        let Some(Json::Array(keys)) = set.as_object().and_then(|members| members.get("keys"))
        else {
            return Err("expected a JWK set: an object with an array `keys`".to_owned());
        };
        let keys = keys.iter().take(MAX_KEYS).filter_map(Json::as_object);
        Ok(Self(keys.filter_map(|key| Jwk::read(key).ok()).collect()))
    }

    /// The keys of this algorithm that may have made a signature: the key that its header names, or
    /// every key if the header names none.
    pub fn candidates<'s>(
        &'s self,
        kid: Option<&'s str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'s Jwk> {
        let named = move |key: &&Jwk| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        self.0.iter().filter(move |key| key.algorithm == algorithm).filter(named)
    }

    /// Whether there is a key with this id.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }
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
        let ed =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(key(ed).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_list_of_names_is_that_of_the_algorithms() {
        assert!(
            Algorithm::ALL.iter().all(|algorithm| Algorithm::NAMES.contains(&algorithm.name()))
        );
        assert!(Algorithm::NAMES.iter().all(|name| Algorithm::named(name).is_some()));
    }

    #[test]
    fn o3_the_algorithm_is_the_keys_own() {
        let ec = |more: &str| {
            let (x, y) = (
                "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            );
            key(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#))
        };
        assert_eq!(ec("").unwrap().algorithm, Algorithm::Es256);
        assert_eq!(
            ec(r#","alg":"ES256","use":"sig","kid":"1","key_ops":["verify"]"#)
                .unwrap()
                .kid
                .as_deref(),
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
