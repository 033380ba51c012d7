//! The published keys and metadata of the service.

use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::access_token::issuer;
use shared::auth::succession::{JWKS_MAX_AGE, PublishedKey};
use shared::axum::Json;
use shared::axum::extract::{Request, State};
use shared::axum::response::{IntoResponse, Response};
use shared::domain::client::AuthMethod;
use shared::domain::jwk::Algorithm;
use shared::domain::{Result, Scope};
use shared::http::cross_origin;
use shared::http::edge::base_url;

/// How long the metadata may be kept, in seconds.
const MAX_AGE: i64 = 3600;

fn public(content: Value, max_age: i64) -> Response {
    let mut response = Json(content).into_response();
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={max_age}")) {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    cross_origin::open_to_all(response.headers_mut());
    response
}

/// The published keys of both algorithms, the next ones included (rule O8); the first request makes
/// the first key.
pub(crate) async fn jwks(State(app): State<App>) -> Result<Response> {
    let keys: Vec<_> =
        app.signing_keys().published().await?.iter().map(PublishedKey::to_json).collect();
    Ok(public(json!({ "keys": keys }), JWKS_MAX_AGE))
}

/// The metadata of the authorization server (RFC 8414 §2, RFC 9728 §4, OpenID Connect Discovery 1.0
/// §3).
pub(crate) async fn metadata(State(app): State<App>, request: Request) -> Result<Response> {
    let base = base_url(&app, request.extensions())?;
    let scopes = Scope::ALL.map(Scope::name);
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    let algorithms = Algorithm::NAMES;
    let content = json!({
        "issuer": issuer(&base),
        "token_endpoint": format!("{base}/idhub/oidc/v1/token"),
        "userinfo_endpoint": format!("{base}/idhub/oidc/v1/userinfo"),
        "jwks_uri": format!("{base}/idhub/oidc/v1/jwks"),
        "scopes_supported": scopes,
        // REQUIRED and not to be empty (RFC 8414 §2, §3.2), though there is no authorization
        // endpoint.
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": format!("{base}/idhub/oidc/v1/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint": format!("{base}/idhub/oidc/v1/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "protected_resources": [base],
    });
    Ok(public(content, MAX_AGE))
}

/// The metadata of the service as a protected resource (RFC 9728 §2). Tokens of people also come
/// from the issuers that their tenant trusts, which are not public.
pub(crate) async fn protected_resource(
    State(app): State<App>,
    request: Request,
) -> Result<Response> {
    let base = base_url(&app, request.extensions())?;
    let content = json!({
        "resource": base,
        "authorization_servers": [issuer(&base)],
        "scopes_supported": Scope::ALL.map(Scope::name),
        "bearer_methods_supported": ["header"],
        "resource_name": "Kith",
        "resource_documentation": format!("{base}/docs"),
        "dpop_signing_alg_values_supported": Algorithm::NAMES,
        "dpop_bound_access_tokens_required": false,
    });
    Ok(public(content, MAX_AGE))
}
