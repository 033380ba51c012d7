//! Tokens: the OAuth 2.0 token endpoint, the published keys and the metadata of the service.

mod assertion;
mod call;
mod client_authentication;
mod clients;
mod endpoint;
mod error;
mod form;
mod introspection;
mod metadata;
mod revocation;
mod secrets;
mod throttle;

use std::sync::LazyLock;

use shared::axum::routing::{get, post};
use shared::http::Route;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> =
    LazyLock::new(|| [&OAUTH[..], &clients::ROUTES, &secrets::ROUTES].concat());

const OAUTH: [Route; 6] = [
    Route::write("POST", "/idhub/oidc/v1/token", "issue_token", (200, "TokenResponse"), || {
        post(endpoint::token)
    })
    .form("TokenRequest")
    .secret()
    .summary("Issues an access token (RFC 6749 §4.4, §6)"),
    Route::read(
        "POST",
        "/idhub/oidc/v1/introspect",
        "introspect_token",
        (200, "IntrospectionResponse"),
        || post(introspection::introspect),
    )
    .form("IntrospectionRequest")
    .summary("Says what a token is worth now (RFC 7662)"),
    Route::write("POST", "/idhub/oidc/v1/revoke", "revoke_token", (200, ""), || {
        post(revocation::revoke)
    })
    .form("RevocationRequest")
    .repeatable()
    .summary("Gives up a token (RFC 7009); resources accept an access token until it expires"),
    Route::read("GET", "/idhub/oidc/v1/jwks", "get_jwks", (200, "JwkSet"), || get(metadata::jwks))
        .summary("Publishes the keys that tokens are signed with (RFC 7517)"),
    Route::read(
        "GET",
        "/idhub/oidc/.well-known/openid-configuration",
        "get_openid_configuration",
        (200, "Metadata"),
        || get(metadata::metadata),
    )
    .summary("Describes the service to OpenID clients"),
    Route::read(
        "GET",
        "/.well-known/oauth-authorization-server/idhub/oidc",
        "get_authorization_server_metadata",
        (200, "Metadata"),
        || get(metadata::metadata),
    )
    .summary("Describes the service to OAuth clients (RFC 8414)"),
];
