//! The token endpoint (RFC 6749 §3.2), with errors of its own form (§5.2).

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;
use shared::app::App;
use shared::auth::access_token::{Claims, issuer};
use shared::auth::refresh::{self, Exchange};
use shared::axum::Json;
use shared::axum::extract::{Request, State};
use shared::axum::response::{IntoResponse, Response};
use shared::domain::client::Client;
use shared::domain::{Error, Scopes};
use shared::http::call::{MAX_BODY, base_url, media_type, read_body};
use shared::http::edge::{Cause, name_caller};

use crate::client_authentication::authenticate;
use crate::form::Form;

/// An error of the token endpoint.
#[derive(Debug)]
pub enum OAuthError {
    /// One of the codes of RFC 6749 §5.2, with a sentence for the developer.
    Refused(&'static str, &'static str),
    /// `invalid_client`: 401, and a challenge when Basic was tried.
    InvalidClient { basic: bool },
    /// What every route can meet.
    Other(Error),
}

impl OAuthError {
    /// `invalid_request`
    pub const fn invalid_request(detail: &'static str) -> Self {
        Self::Refused("invalid_request", detail)
    }

    /// `invalid_client`
    pub const fn invalid_client(basic: bool) -> Self {
        Self::InvalidClient { basic }
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, code, detail, basic) = match self {
            Self::Refused(code, detail) => (StatusCode::BAD_REQUEST, code, detail, false),
            Self::InvalidClient { basic } => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the client is unknown or its credentials are wrong",
                basic,
            ),
            Self::Other(Error::TooLarge(_) | Error::Malformed(_)) => {
                (StatusCode::BAD_REQUEST, "invalid_request", "the body is too large or broken", false)
            }
            Self::Other(error) => return fault(error),
        };
        let mut response = refusal(status, code, detail);
        if basic {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"kith\""));
        }
        no_store(response)
    }
}

fn refusal(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({ "error": code, "error_description": detail }))).into_response()
}

/// A fault of the service in the form of the endpoint; the codes are those of RFC 6749 §4.1.2.1, since §5.2 has none for it.
fn fault(error: Error) -> Response {
    let problem = error.into_response();
    let unavailable = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
    let mut response = if unavailable {
        refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again after the time in Retry-After")
    } else {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the error was logged under the request id")
    };
    if let Some(after) = problem.headers().get(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    if let Some(cause) = problem.extensions().get::<Cause>() {
        response.extensions_mut().insert(cause.clone());
    }
    no_store(response)
}

/// Tokens and what speaks of them are stored nowhere (RFC 6749 §5.1).
fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Issues a token.
pub async fn token(State(app): State<App>, request: Request) -> Result<Response, OAuthError> {
    let (parts, body) = request.into_parts();
    if media_type(&parts.headers).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid_request("the content type application/x-www-form-urlencoded is due"));
    }
    if parts.headers.contains_key("idempotency-key") {
        return Err(OAuthError::invalid_request("the answer carries a secret: no Idempotency-Key is taken"));
    }
    let body = read_body(&parts.headers, body, MAX_BODY).await?;
    let form = Form::parse(&body)?;
    let base_url = base_url(&app, &parts.extensions)?;
    let client = authenticate(&app, &parts.headers, &form).await?;
    let client = &client.value;
    name_caller(&parts.extensions, client.client_id.tenant(), &client.client_id);
    let asked = match form.get("scope").map(str::parse::<Scopes>) {
        None => None,
        Some(Ok(scopes)) => Some(scopes),
        Some(Err(_)) => return Err(INVALID_SCOPE),
    };
    let (scopes, refresh_token) = match form.get("grant_type") {
        None => return Err(OAuthError::invalid_request("`grant_type` is required")),
        Some("client_credentials") => client_credentials(&app, client, asked).await?,
        Some("refresh_token") => refresh(&app, client, &form, asked).await?,
        Some(_) => {
            return Err(OAuthError::Refused(
                "unsupported_grant_type",
                "client_credentials and refresh_token are known",
            ));
        }
    };
    let access_token = sign(&app, client, &scopes, &base_url).await?;
    let mut answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": client.access_token_lifetime,
        "scope": scopes.to_string(),
    });
    if let (Some(token), Some(members)) = (refresh_token, answer.as_object_mut()) {
        members.insert("refresh_token".to_owned(), token.into());
    }
    Ok(no_store(Json(answer).into_response()))
}

const INVALID_SCOPE: OAuthError = OAuthError::Refused("invalid_scope", "the client may not ask for this scope");

/// The client credentials grant (RFC 6749 §4.4). Clients that hold the refresh grant get a refresh token with it.
async fn client_credentials(
    app: &App,
    client: &Client,
    asked: Option<Scopes>,
) -> Result<(Scopes, Option<String>), OAuthError> {
    let scopes = asked.unwrap_or_else(|| client.default_scopes.clone());
    if scopes.is_empty() || !client.scopes.contains_all(&scopes) {
        return Err(INVALID_SCOPE);
    }
    if !client.refresh_token {
        return Ok((scopes, None));
    }
    let key = app.signing_keys().refresh_key().await?;
    let token = refresh::start(app.table(), &key, &client.client_id, &scopes).await?;
    Ok((scopes, Some(token)))
}

/// The refresh grant (RFC 6749 §6): scopes can only shrink.
async fn refresh(
    app: &App,
    client: &Client,
    form: &Form,
    asked: Option<Scopes>,
) -> Result<(Scopes, Option<String>), OAuthError> {
    let invalid_grant = OAuthError::Refused("invalid_grant", "the refresh token is invalid, expired or revoked");
    if !client.refresh_token {
        return Err(OAuthError::Refused("unauthorized_client", "the client does not hold the refresh_token grant"));
    }
    let token = form.get("refresh_token").ok_or(OAuthError::invalid_request("`refresh_token` is required"))?;
    let key = app.signing_keys().refresh_key().await?;
    match refresh::exchange(app.table(), &key, &client.client_id, token, &client.scopes, asked.as_ref()).await? {
        Exchange::InvalidGrant => Err(invalid_grant),
        Exchange::InvalidScope => Err(INVALID_SCOPE),
        Exchange::Granted(next, scopes) => Ok((scopes, Some(next))),
    }
}

async fn sign(app: &App, client: &Client, scopes: &Scopes, base_url: &str) -> Result<String, OAuthError> {
    let now = app.world().clock.now().seconds();
    let claims = Claims {
        iss: issuer(base_url),
        sub: client.client_id.to_string(),
        aud: base_url.to_owned(),
        client_id: client.client_id.clone(),
        scope: scopes.clone(),
        tenant: client.client_id.tenant().clone(),
        jti: app.world().new_uuid().to_string(),
        iat: now,
        exp: now + client.access_token_lifetime,
        nbf: None,
    };
    let key = app.signing_keys().current(client.access_token_signing_alg).await?;
    Ok(key.sign(&claims, &app.world().random)?)
}
