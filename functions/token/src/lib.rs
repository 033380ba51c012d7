//! Tokens: the OAuth 2.0 token endpoint, the published keys and the metadata of the service.

mod client_authentication;
mod clients;
mod endpoint;
mod form;
mod metadata;
mod secrets;

use std::sync::LazyLock;

use shared::axum::routing::{get, post};
use shared::http::Route;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| [&OAUTH[..], &clients::ROUTES, &secrets::ROUTES].concat());

const OAUTH: [Route; 4] = [
    Route::write("POST", "/idhub/oidc/v1/token", "issue_token", (200, "TokenResponse"), || post(endpoint::token))
        .form("TokenRequest")
        .secret()
        .about("Issues an access token (RFC 6749 §4.4, §6)"),
    Route::read("GET", "/idhub/oidc/v1/jwks", "get_jwks", (200, "JwkSet"), || get(metadata::jwks))
        .about("Publishes the keys that tokens are signed with (RFC 7517)"),
    Route::read(
        "GET",
        "/idhub/oidc/.well-known/openid-configuration",
        "get_openid_configuration",
        (200, "Metadata"),
        || get(metadata::metadata),
    )
    .about("Describes the service to OpenID clients"),
    Route::read(
        "GET",
        "/.well-known/oauth-authorization-server/idhub/oidc",
        "get_authorization_server_metadata",
        (200, "Metadata"),
        || get(metadata::metadata),
    )
    .about("Describes the service to OAuth clients (RFC 8414)"),
];
