//! Keys as clients and token issuers are registered with them.

use super::{Jwk, MAX_KEYS, NOT_PUBLIC, is_private};
use crate::domain::error::Code;
use crate::domain::field::Fields;
use crate::domain::https_url::HttpsUrl;
use crate::domain::json::Json;

/// The most keys of a set that is registered.
pub const MAX_REGISTERED_KEYS: usize = 10;
/// The longest registered set, in bytes.
pub(super) const MAX_SET: usize = 16 * 1024;
/// The longest set of a token issuer, in bytes.
pub(super) const MAX_ISSUERS_SET: usize = 64 * 1024;
/// The error message for a document that has both forms of keys.
pub const EITHER: &str = "expected `jwks` or `jwks_uri`, found both";
/// The longest URL of a set, in bytes.
pub const MAX_URL: usize = 1024;

/// Takes a field with the keys of a client, each of which must be usable. Returns the set as text.
pub fn take_jwks(fields: &mut Fields<'_>) -> Option<String> {
    let (keys, text) = take_set(fields, MAX_REGISTERED_KEYS, MAX_SET)?;
    let mut good = true;
    let mut kids = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let (code, detail) = match read(key) {
            Ok(Jwk { kid: Some(kid), .. }) if kids.contains(&kid) => {
                (Code::NotUnique, "another key of the set has this `kid`")
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

/// Takes a field with the keys of a token issuer, copied from where it publishes them: keys that
/// are not for verifying or of types that are not known may be among them, as long as one can be
/// used and none is private.
pub fn take_issuers_jwks(fields: &mut Fields<'_>) -> Option<String> {
    let (keys, text) = take_set(fields, MAX_KEYS, MAX_ISSUERS_SET)?;
    let private = keys.iter().position(|key| key.as_object().is_some_and(is_private));
    if let Some(index) = private {
        refuse_key(fields, index, Code::NotAllowed, NOT_PUBLIC);
        return None;
    }
    if !keys.iter().any(|key| read(key).is_ok()) {
        fields.refuse(
            "jwks",
            Code::NotAllowed,
            "the set has no key that can verify signatures: expected EC P-256, OKP Ed25519 or \
                      RSA",
        );
        return None;
    }
    Some(text)
}

/// Takes a set of 1 to `most` keys and its text of at most `bytes`.
fn take_set(fields: &mut Fields<'_>, most: usize, bytes: usize) -> Option<(Vec<Json>, String)> {
    let value = fields.value("jwks")?;
    let text = value.to_text();
    let keys =
        if let Json::Object(mut members) = value { members.swap_remove("keys") } else { None };
    let Some(Json::Array(keys)) = keys else {
        fields.refuse("jwks", Code::WrongType, "expected a JWK set, e.g. `{\"keys\": […]}`");
        return None;
    };
    if keys.is_empty() || keys.len() > most {
        let detail = format!("expected 1 to {most} keys, found {}", keys.len());
        fields.refuse("jwks", if keys.is_empty() { Code::Required } else { Code::TooMany }, detail);
        return None;
    }
    if text.len() > bytes {
        fields.refuse(
            "jwks",
            Code::TooLarge,
            format!("expected at most {bytes} bytes, found {}", text.len()),
        );
        return None;
    }
    Some((keys, text))
}

fn read(key: &Json) -> Result<Jwk, &'static str> {
    let key = key.as_object().ok_or("expected a JWK, which is an object").and_then(Jwk::read)?;
    key.check_point()?;
    Ok(key)
}

fn refuse_key(fields: &mut Fields<'_>, index: usize, code: Code, detail: &str) {
    let at = format!("{}/keys/{index}", fields.at("jwks"));
    fields.violations().add(at, code, detail);
}

/// Takes a field with the https URL where a party publishes its keys.
pub fn take_jwks_uri(fields: &mut Fields<'_>) -> Option<String> {
    let text = take_https(fields, "jwks_uri")?;
    let wrong = match HttpsUrl::parse(&text) {
        Ok(url) if url.is_local() => Some("expected the URL of a host on the public internet"),
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
pub fn take_https(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text = fields.text(name, MAX_URL)?;
    let https = text
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !https || text.contains(['|', '#', ' ', '\\']) {
        fields.refuse(
            name,
            Code::WrongFormat,
            "expected an https URL without `|`, `#`, spaces and backslashes",
        );
        return None;
    }
    Some(text)
}
