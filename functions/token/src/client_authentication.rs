//! Client authentication (RFC 6749 §2.3): by secret in the header or in the form, or by a signed
//! assertion; never two ways at once. A public client names itself.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use shared::app::App;
use shared::auth::access_token::issuer;
use shared::domain::Versioned;
use shared::domain::client::{Client, HashedSecret, KeySource};
use shared::domain::id::ClientId;
use shared::domain::jwk::JwkSet;
use shared::http::edge::address;

use crate::assertion::{self, Assertion};
use crate::error::OAuthError;
use crate::form::Form;
use crate::throttle;

/// Credentials as the request presents them, not verified yet.
enum PresentedCredentials<'r> {
    Secret {
        client_id: String,
        secret: String,
        basic: bool,
    },
    Assertion {
        client_id: Option<&'r str>,
        assertion: &'r str,
    },
    /// None: the client says that it is public.
    Public {
        client_id: &'r str,
    },
}

type Authenticated = Arc<Versioned<Client>>;

/// Authenticates the client of a request. An unknown client and wrong credentials answer the same,
/// after the same work (rule O2), and too many of them are slowed down.
pub(crate) async fn authenticate(
    app: &App,
    parts: &Parts,
    form: &Form,
    base_url: &str,
) -> Result<Authenticated, OAuthError> {
    let unverified = read(parts, form)?;
    let authenticated = match &unverified {
        PresentedCredentials::Secret { client_id, secret, basic } => {
            by_secret(app, client_id, secret, *basic).await
        }
        PresentedCredentials::Assertion { client_id, assertion } => {
            by_assertion(app, *client_id, assertion, base_url).await
        }
        PresentedCredentials::Public { client_id } => by_name(app, client_id).await,
    };
    if let Err(OAuthError::InvalidClient { .. }) = &authenticated {
        let client = match unverified {
            PresentedCredentials::Secret { client_id, .. } => client_id,
            PresentedCredentials::Public { client_id } => client_id.to_owned(),
            PresentedCredentials::Assertion { client_id, assertion } => {
                match Assertion::read(assertion) {
                    Some(assertion) => assertion.client_id.to_string(),
                    None => client_id.unwrap_or_default().to_owned(),
                }
            }
        };
        // A failure that cannot be counted is still a failure.
        if let Ok(Some(seconds)) = throttle::failed(app, &client, address(&parts.extensions)).await
        {
            return Err(OAuthError::TooMany(seconds));
        }
    }
    authenticated
}

async fn by_secret(
    app: &App,
    client_id: &str,
    secret: &str,
    basic: bool,
) -> Result<Authenticated, OAuthError> {
    let presented = HashedSecret::of(secret);
    let refused = || OAuthError::invalid_client(basic);
    let id: ClientId = client_id.parse().map_err(|_| refused())?;
    let now = app.env().clock.now();
    let fits = |client: &Client| client.live_secret(&presented, now).map(|_| ());
    let (client, ()) = app.client(&id, fits).await?.ok_or_else(refused)?;
    app.record_use(&client, &presented).await;
    Ok(client)
}

/// A public client by its id. A client with credentials has to use them.
async fn by_name(app: &App, client_id: &str) -> Result<Authenticated, OAuthError> {
    let refused = || OAuthError::invalid_client(false);
    let id: ClientId = client_id.parse().map_err(|_| refused())?;
    let public = |client: &Client| client.is_public().then_some(());
    let (client, ()) = app.client(&id, public).await?.ok_or_else(refused)?;
    Ok(client)
}

/// By an assertion (RFC 7523 §3, rule O3). Its `jti` is stored after the signature and all claims
/// are verified, so only the client can use one up.
async fn by_assertion(
    app: &App,
    client_id: Option<&str>,
    unverified: &str,
    base_url: &str,
) -> Result<Authenticated, OAuthError> {
    let refused = || OAuthError::invalid_client(false);
    let assertion = Assertion::read(unverified).ok_or_else(refused)?;
    if client_id.is_some_and(|id| id != assertion.client_id.as_str()) {
        return Err(OAuthError::invalid_request(
            "`client_id` must be the client that the assertion names",
        ));
    }
    let fits = |client: &Client| match client.keys.as_ref()? {
        KeySource::Jwks(text) => {
            assertion.verify(&JwkSet::parse(text.as_bytes()).ok()?).map(AssertionSignature::With)
        }
        KeySource::JwksUri(url) => Some(AssertionSignature::Elsewhere(url.clone())),
    };
    let (client, signed) = app.client(&assertion.client_id, fits).await?.ok_or_else(refused)?;
    let claims = match signed {
        AssertionSignature::With(claims) => claims,
        AssertionSignature::Elsewhere(url) => {
            // Why they cannot be fetched is in the log, once; the caller learns as much as of an
            // unknown client.
            let keys =
                app.remote_keys().keys_at(&url, assertion.kid()).await.map_err(|_| refused())?;
            assertion.verify(&keys).ok_or_else(refused)?
        }
    };
    let audiences = [issuer(base_url), format!("{base_url}/idhub/oidc/v1/token")];
    let once =
        claims.check(&audiences, app.env().clock.now()).map_err(OAuthError::bad_assertion)?;
    if once.use_once(app.table()).await? {
        Ok(client)
    } else {
        Err(OAuthError::bad_assertion(REUSED))
    }
}

/// The result of checking an assertion's signature against the client's keys.
enum AssertionSignature {
    /// One of the registered keys made it.
    With(assertion::AssertionClaims),
    /// The keys are published at this URL.
    Elsewhere(String),
}

const REUSED: &str = "the assertion was used before; make a new one with a new `jti`";

fn read<'r>(parts: &Parts, form: &'r Form) -> Result<PresentedCredentials<'r>, OAuthError> {
    let mut lines = parts.headers.get_all(AUTHORIZATION).iter();
    let header = lines.next();
    if lines.next().is_some() {
        return Err(OAuthError::invalid_request("several Authorization headers; send one"));
    }
    let ways = [
        header.is_some(),
        form.get("client_secret").is_some(),
        form.get("client_assertion").is_some(),
    ];
    if ways.into_iter().filter(|tried| *tried).count() > 1 {
        return Err(OAuthError::invalid_request(
            "several ways of client authentication at once; use one",
        ));
    }
    if let Some(header) = header {
        let (client_id, secret) =
            header.to_str().ok().and_then(basic).ok_or_else(|| OAuthError::invalid_client(true))?;
        if form.get("client_id").is_some_and(|id| id != client_id) {
            return Err(OAuthError::invalid_request(
                "`client_id` must be the client of the Authorization header",
            ));
        }
        return Ok(PresentedCredentials::Secret { client_id, secret, basic: true });
    }
    if let Some(assertion) = form.get("client_assertion") {
        if form.get("client_assertion_type") != Some(assertion::TYPE) {
            return Err(OAuthError::invalid_request(
                "expected `client_assertion_type` urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ));
        }
        return Ok(PresentedCredentials::Assertion { client_id: form.get("client_id"), assertion });
    }
    match (form.get("client_id"), form.get("client_secret")) {
        (Some(id), Some(secret)) => Ok(PresentedCredentials::Secret {
            client_id: id.to_owned(),
            secret: secret.to_owned(),
            basic: false,
        }),
        (None, None) => Err(OAuthError::InvalidClient {
            basic: false,
            detail: "no client credentials were sent; send client_id and client_secret, or an \
                     assertion",
        }),
        (Some(client_id), None) => Ok(PresentedCredentials::Public { client_id }),
        (None, Some(_)) => Err(OAuthError::invalid_client(false)),
    }
}

/// The id and the secret of Basic credentials: form-encoded each, joined by a colon, in base64 (RFC
/// 6749 §2.3.1).
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
    // A raw `=` or `&` is legal in neither half once it is form-encoded, but clients that forget to
    // encode send them; as they cannot mean anything else here, they stand for themselves.
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
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
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
