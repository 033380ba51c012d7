//! What the token endpoint takes and answers, and what is published about it.

use serde_json::json;
use shared::domain::Scope;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, formatted, integer, list, matching, string, word};

const GRANTS: [&str; 2] = ["client_credentials", "refresh_token"];
const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

pub(super) fn schemas() -> [(&'static str, Schema); 5] {
    [
        ("TokenRequest", request()),
        ("TokenResponse", response()),
        ("OAuthError", error()),
        ("JwkSet", keys()),
        ("Metadata", metadata()),
    ]
}

fn request() -> Schema {
    Record::new("A request for a token (RFC 6749 §4.4.2, §6); unknown parameters are ignored.")
        .must("grant_type", word(GRANTS, "What is presented: the client's own credentials, or a refresh token."))
        .may("scope", string(1024, "The scopes that are asked for, separated by a space; without it the client's own."))
        .may("refresh_token", string(1024, "The refresh token, for that grant."))
        .may("client_id", string(256, "The client, when it does not authenticate by the Authorization header."))
        .may("client_secret", string(256, "Its secret, when it does not authenticate by the Authorization header."))
        .example(json!({ "grant_type": "client_credentials", "scope": "users:read users:write" }))
        .schema()
}

fn response() -> Schema {
    Record::new("An access token (RFC 6749 §5.1), a JWT as RFC 9068 describes.")
        .must("access_token", string(8192, "The token."))
        .must("token_type", word(["Bearer"], "How the token is used (RFC 6750)."))
        .must("expires_in", integer(1, None, "Its life, in seconds."))
        .must("scope", string(1024, "The scopes that it has, separated by a space."))
        .may("refresh_token", string(1024, "For the next token; only for clients that hold this grant."))
        .example(json!({
            "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl", "token_type": "Bearer",
            "expires_in": 900, "scope": "users:read users:write"
        }))
        .schema()
}

fn error() -> Schema {
    let codes = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ];
    Record::new("An error of the token endpoint (RFC 6749 §5.2).")
        .must("error", word(codes, "What is wrong, for programs."))
        .may("error_description", string(1024, "What is wrong, for people."))
        .example(json!({ "error": "invalid_scope", "error_description": "the client may not ask for this scope" }))
        .schema()
}

fn keys() -> Schema {
    let coordinate = || matching("^[A-Za-z0-9_-]{43}$", "A coordinate, base64url.");
    let key = Record::new("A public key (RFC 7517 §4).")
        .must("kty", word(["EC"], "The kind of key."))
        .must("crv", word(["P-256"], "The curve."))
        .must("x", coordinate())
        .must("y", coordinate())
        .must("kid", string(64, "The key's id: its thumbprint (RFC 7638)."))
        .must("alg", word(["ES256"], "The algorithm."))
        .must("use", word(["sig"], "What it is for."))
        .schema();
    Record::new("The keys that tokens are signed with: the current one, the next one, and those that still verify.")
        .must("keys", list(key, None, "The keys."))
        .schema()
}

fn metadata() -> Schema {
    let url = |about: &str| formatted("uri", about);
    let words = |words: &[&str], about: &str| list(word(words.iter().copied(), about), None, about);
    Record::new("Metadata of the authorization server (RFC 8414 §2).")
        .must("issuer", url("The `iss` of its tokens."))
        .must("token_endpoint", url("Where tokens are issued."))
        .must("jwks_uri", url("Where its keys are."))
        .must("scopes_supported", words(&Scope::ALL.map(Scope::name), "The scopes."))
        .must("response_types_supported", words(&[], "None: there is no authorization endpoint."))
        .must("grant_types_supported", words(&GRANTS, "The grants."))
        .must("token_endpoint_auth_methods_supported", words(&METHODS, "How clients authenticate."))
        .must("subject_types_supported", words(&["public"], "How subjects are made."))
        .must("id_token_signing_alg_values_supported", words(&["ES256"], "The algorithms of its tokens."))
        .schema()
}
