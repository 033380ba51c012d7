//! Tokens: the OAuth 2.0 token endpoint, the published keys and the metadata of the service; and
//! receipts of consents, which the same keys sign.

mod assertion;
mod audience;
mod call;
mod client_authentication;
mod clients;
mod codes;
mod endpoint;
mod error;
mod form;
mod introspection;
mod metadata;
mod person;
mod receipts;
mod refreshing;
mod revocation;
mod secrets;
mod throttle;
mod tokens;

use std::sync::LazyLock;

use shared::axum::routing::{get, post};
use shared::http::Route;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> =
    LazyLock::new(|| [&OAUTH[..], &clients::ROUTES, &secrets::ROUTES, &receipts::ROUTES].concat());

const OAUTH: [Route; 9] = [
    Route::write("POST", "/idhub/oidc/v1/token", "issue_token", (200, "TokenResponse"), || {
        post(endpoint::token)
    })
    .form("TokenRequest")
    .secret()
    .proof()
    .summary("Issue an access token")
    .description(
        "The token endpoint (RFC 6749 §4.1.3, §4.4, §6). `resource` and `audience` say what the \
         token is for. A public client sends `client_id` alone.",
    ),
    Route::read(
        "POST",
        "/idhub/oidc/v1/introspect",
        "introspect_token",
        (200, "IntrospectionResponse"),
        || post(introspection::introspect),
    )
    .form("IntrospectionRequest")
    .summary("Introspect a token")
    .description("The introspection endpoint (RFC 7662)."),
    Route::write("POST", "/idhub/oidc/v1/revoke", "revoke_token", (200, ""), || {
        post(revocation::revoke)
    })
    .form("RevocationRequest")
    .repeatable()
    .summary("Revoke a token")
    .description(
        "The revocation endpoint (RFC 7009). Other services accept an access token \
         until it expires.",
    ),
    Route::read("GET", "/idhub/oidc/v1/jwks", "get_jwks", (200, "JwkSet"), || get(metadata::jwks))
        .summary("Read the public keys")
        .description("The JWK Set (RFC 7517) that verifies access tokens."),
    Route::read(
        "GET",
        "/idhub/oidc/.well-known/openid-configuration",
        "get_openid_configuration",
        (200, "ServerMetadata"),
        || get(metadata::metadata),
    )
    .summary("Read the OpenID configuration")
    .description("Metadata as OpenID Connect Discovery 1.0 has it."),
    Route::read(
        "GET",
        "/.well-known/openid-configuration/idhub/oidc",
        "get_inserted_openid_configuration",
        (200, "ServerMetadata"),
        || get(metadata::metadata),
    )
    .summary("Read the OpenID configuration, by RFC 8414")
    .description(
        "The same metadata, where clients find it that put the name of the document before the \
         path of the issuer (RFC 8414 §5).",
    ),
    Route::read(
        "GET",
        "/.well-known/oauth-authorization-server/idhub/oidc",
        "get_authorization_server_metadata",
        (200, "ServerMetadata"),
        || get(metadata::metadata),
    )
    .summary("Read the authorization server metadata")
    .description("Metadata as RFC 8414 has it."),
    Route::read(
        "GET",
        "/idhub/oidc/.well-known/oauth-authorization-server",
        "get_appended_authorization_server_metadata",
        (200, "ServerMetadata"),
        || get(metadata::metadata),
    )
    .summary("Read the authorization server metadata, by OpenID")
    .description(
        "The same metadata, where clients find it that append the name of the document to the \
         issuer, as OpenID Connect Discovery does.",
    ),
    Route::read(
        "GET",
        "/.well-known/oauth-protected-resource",
        "get_protected_resource_metadata",
        (200, "ProtectedResourceMetadata"),
        || get(metadata::protected_resource),
    )
    .summary("Read the protected resource metadata")
    .description(
        "Who issues tokens for this service, and how they are sent (RFC 9728). The challenge of a \
         401 names this document.",
    ),
];
