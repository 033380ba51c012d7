//! The published keys and metadata of the service.

use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::access_token::issuer;
use shared::auth::succession::{JWKS_MAX_AGE, PublishedKey};
use shared::axum::Json;
use shared::axum::extract::{Request, State};
use shared::axum::response::{IntoResponse, Response};
use shared::domain::client::{AuthMethod, Grant, StandardClaim};
use shared::domain::jwk::Algorithm;
use shared::domain::{Result, Scope};
use shared::http::cross_origin;
use shared::http::edge::base_url;

/// The claims of ID tokens and of userinfo beside the standard ones about a person.
const CLAIMS: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "amr",
    "acr",
    "sid",
    "persona",
    "personas",
    "attributes",
];

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
    let credentials = AuthMethod::ALL.into_iter().filter(|method| *method != AuthMethod::None);
    let credentials: Vec<_> = credentials.map(AuthMethod::name).collect();
    let algorithms = Algorithm::NAMES;
    let claims = CLAIMS.into_iter().chain(StandardClaim::ALL.map(StandardClaim::name));
    let content = json!({
        "issuer": issuer(&base),
        "authorization_endpoint": format!("{base}/idhub/oidc/v1/authorize"),
        "token_endpoint": format!("{base}/idhub/oidc/v1/token"),
        "userinfo_endpoint": format!("{base}/idhub/oidc/v1/userinfo"),
        "end_session_endpoint": format!("{base}/idhub/oidc/v1/logout"),
        "jwks_uri": format!("{base}/idhub/oidc/v1/jwks"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": Grant::ALL.map(Grant::name),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": ["1", "2"],
        "ui_locales_supported": ["en", "nl", "fr", "de"],
        "display_values_supported": ["page"],
        "claim_types_supported": ["normal"],
        "claims_supported": claims.collect::<Vec<_>>(),
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": format!("{base}/idhub/oidc/v1/introspect"),
        "introspection_endpoint_auth_methods_supported": credentials,
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
