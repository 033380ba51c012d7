//! Client authentication (RFC 6749 §2.3): `client_secret_basic` or `client_secret_post`, never both at once.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use shared::app::App;
use shared::domain::Versioned;
use shared::domain::client::{Client, HashedSecret};
use shared::domain::id::ClientId;

use crate::endpoint::OAuthError;
use crate::form::Form;

/// Credentials as they came; nothing in them is checked yet.
struct Unverified {
    client_id: String,
    secret: String,
    basic: bool,
}

/// Authenticates the client of a request. An unknown client and a wrong secret answer the same, after the same work (rule O2).
pub async fn authenticate(app: &App, headers: &HeaderMap, form: &Form) -> Result<Arc<Versioned<Client>>, OAuthError> {
    let unverified = read(headers, form)?;
    let presented = HashedSecret::of(&unverified.secret);
    let refused = || OAuthError::invalid_client(unverified.basic);
    let id: ClientId = unverified.client_id.parse().map_err(|_| refused())?;
    let now = app.world().clock.now();
    let client = app.client(&id, |client| client.live_secret(&presented, now).is_some()).await?.ok_or_else(refused)?;
    app.note_use(&client, &presented).await;
    Ok(client)
}

fn read(headers: &HeaderMap, form: &Form) -> Result<Unverified, OAuthError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let header = lines.next();
    if lines.next().is_some() {
        return Err(OAuthError::invalid_request("several Authorization headers"));
    }
    let ways = [header.is_some(), form.get("client_secret").is_some(), form.get("client_assertion").is_some()];
    if ways.into_iter().filter(|tried| *tried).count() > 1 {
        return Err(OAuthError::invalid_request("several ways of client authentication at once"));
    }
    let Some(header) = header else {
        return match (form.get("client_id"), form.get("client_secret")) {
            (Some(id), Some(secret)) => {
                Ok(Unverified { client_id: id.to_owned(), secret: secret.to_owned(), basic: false })
            }
            _ => Err(OAuthError::invalid_client(false)),
        };
    };
    let (client_id, secret) = header.to_str().ok().and_then(basic).ok_or_else(|| OAuthError::invalid_client(true))?;
    if form.get("client_id").is_some_and(|id| id != client_id) {
        return Err(OAuthError::invalid_request("`client_id` is not the client that authenticates"));
    }
    Ok(Unverified { client_id, secret, basic: true })
}

/// The id and the secret of Basic credentials: form-encoded each, joined by a colon, in base64 (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

/// Decodes one form-encoded value.
fn decode(text: &str) -> Option<String> {
    // A raw `=` or `&` is legal in neither half once it is form-encoded, but clients that forget to encode send them; as they
    // cannot mean anything else here, they stand for themselves.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    let mut pairs = form_urlencoded::parse(escaped.as_bytes());
    let (value, _) = pairs.next().unwrap_or_default();
    pairs.next().is_none().then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o1_basic_credentials_are_form_decoded_after_base64() {
        let header = |id: &str, secret: &str| {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            format!("bAsIc {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
        };
        for (id, secret) in [("a:b", "c%d"), ("a+b c", "é&=x"), ("acme.1", "kith_0")] {
            assert_eq!(basic(&header(id, secret)), Some((id.to_owned(), secret.to_owned())));
        }
        let raw = format!("Basic {}", STANDARD.encode("id:a=b&c"));
        assert_eq!(basic(&raw), Some(("id".to_owned(), "a=b&c".to_owned())));
        for wrong in ["Basic", "Basic !", "Bearer x", "Basic aWQ="] {
            assert_eq!(basic(wrong), None, "{wrong}");
        }
    }
}
