//! What the token endpoint takes and answers, and what is published about it.

use serde_json::json;
use shared::domain::Scope;
use shared::domain::client::AuthMethod;
use shared::domain::jwk::Algorithm;
use utoipa::openapi::Schema;

use super::super::shapes::{
    Record, boolean, either, formatted, integer, list, matching, string, word,
};

const TYPES: [&str; 2] = ["Bearer", "DPoP"];
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANTS: [&str; 2] = ["client_credentials", "refresh_token"];
pub(super) fn schemas() -> [(&'static str, Schema); 8] {
    [
        ("TokenRequest", request()),
        ("TokenResponse", response()),
        ("IntrospectionRequest", introspection_request()),
        ("IntrospectionResponse", introspection_response()),
        ("RevocationRequest", revocation_request()),
        ("OAuthError", error()),
        ("JwkSet", keys()),
        ("Metadata", metadata()),
    ]
}

fn request() -> Schema {
    Record::new("A request for a token (RFC 6749 §4.4.2, §6); unknown parameters are ignored.")
        .must(
            "grant_type",
            word(GRANTS, "What is presented: the client's own credentials, or a refresh token."),
        )
        .may(
            "scope",
            string(
                1024,
                "The scopes that are asked for, separated by a space; without it the client's own.",
            ),
        )
        .may("refresh_token", string(1024, "The refresh token, for that grant."))
        .with(credentials)
        .example(json!({ "grant_type": "client_credentials", "scope": "users:read users:write" }))
        .schema()
}

/// How a client authenticates that does not do it by the Authorization header.
fn credentials(record: Record) -> Record {
    record
        .may(
            "client_id",
            string(256, "The client, when it does not authenticate by the Authorization header."),
        )
        .may("client_secret", string(256, "Its secret, when it sends one in the form."))
        .may(
            "client_assertion_type",
            word([ASSERTION], "The type of the assertion, when it sends one."),
        )
        .may(
            "client_assertion",
            string(8192, "A JWT that it signed (RFC 7523 §2.2), when it authenticates by one."),
        )
}

fn introspection_request() -> Schema {
    Record::new("A question about a token (RFC 7662 §2.1); unknown parameters are ignored.")
        .must("token", string(8192, "The token."))
        .may("token_type_hint", string(64, "What it may be; it is found without."))
        .with(credentials)
        .example(json!({ "token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl" }))
        .schema()
}

fn introspection_response() -> Schema {
    let time = |about: &str| integer(0, None, about);
    let audience = || string(512, "A party.");
    let several = Schema::Array(list(audience(), Some(10), "Several."));
    let audiences = either(
        [Schema::Object(audience()).into(), several.into()],
        "Who it is for; of access tokens.",
    );
    Record::new(
        "What a token is worth (RFC 7662 §2.2). Of one that is not active nothing else is said.",
    )
    .must("active", boolean("Whether it can be used."))
    .may("scope", string(1024, "The scopes that it has, separated by a space."))
    .may("client_id", string(256, "The client that it was issued to."))
    .may("sub", string(256, "Its subject: the client."))
    .may("tenant", string(63, "Whose data it is about."))
    .may("iss", formatted("uri", "Its issuer."))
    .may("aud", audiences)
    .may("jti", string(64, "Its id; of access tokens."))
    .may("iat", time("When it was issued, in seconds."))
    .may("exp", time("When it ends, in seconds."))
    .may("token_type", word(TYPES, "How it is used; of access tokens."))
    .may(
        "systems",
        list(
            string(63, "A system."),
            None,
            "The systems that its client may act for, where it is bound.",
        ),
    )
    .may(
        "cnf",
        Record::new("The key that it is bound to.")
            .must("jkt", string(43, "Its thumbprint."))
            .schema(),
    )
    .example(json!({ "active": false }))
    .schema()
}

fn revocation_request() -> Schema {
    Record::new("A token that is given up (RFC 7009 §2.1); unknown parameters are ignored.")
        .must("token", string(8192, "The token."))
        .may("token_type_hint", string(64, "What it may be; it is found without."))
        .with(credentials)
        .example(json!({ "token": "u6pYyJ2hT0WJmYt0O2d9eA.1.c2lnbmF0dXJl" }))
        .schema()
}

fn response() -> Schema {
    Record::new("An access token (RFC 6749 §5.1), a JWT as RFC 9068 describes.")
        .must("access_token", string(8192, "The token."))
        .must("token_type", word(TYPES, "How the token is used (RFC 6750, RFC 9449)."))
        .must("expires_in", integer(1, None, "Its life, in seconds."))
        .must("scope", string(1024, "The scopes that it has, separated by a space."))
        .may(
            "refresh_token",
            string(1024, "For the next token; only for clients that hold this grant."),
        )
        .example(json!({
            "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
            "token_type": "Bearer",
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
        "invalid_dpop_proof",
        "server_error",
        "temporarily_unavailable",
    ];
    Record::new("An error of an OAuth endpoint (RFC 6749 §5.2).")
        .must("error", word(codes, "What is wrong, for programs."))
        .may("error_description", string(1024, "What is wrong, for people."))
        .example(json!({
            "error": "invalid_scope", "error_description": "the client may not ask for this scope"
        }))
        .schema()
}

fn keys() -> Schema {
    let coordinate = || matching("^[A-Za-z0-9_-]{43}$", "A coordinate of an EC key, base64url.");
    let number = |about| matching("^[A-Za-z0-9_-]+$", about);
    let key = Record::new("A public key (RFC 7517 §4).")
        .must("kty", word(["EC", "RSA"], "The kind of key."))
        .may("crv", word(["P-256"], "The curve of an EC key."))
        .may("x", coordinate())
        .may("y", coordinate())
        .may("n", number("The modulus of an RSA key, base64url."))
        .may("e", number("The exponent of an RSA key, base64url."))
        .must("kid", string(64, "The key's id: its thumbprint (RFC 7638)."))
        .must("alg", word(["ES256", "RS256"], "The algorithm."))
        .must("use", word(["sig"], "What it is for."))
        .schema();
    Record::new(
        "The keys that tokens are signed with: the current one, the next one, and those that \
         still verify.",
    )
    .must("keys", list(key, None, "The keys."))
    .schema()
}

fn metadata() -> Schema {
    let url = |about: &str| formatted("uri", about);
    let words = |words: &[&str], about: &str| list(word(words.iter().copied(), about), None, about);
    let methods = || words(&AuthMethod::ALL.map(AuthMethod::name), "How clients authenticate.");
    let algorithms = || words(&Algorithm::NAMES, "The algorithms of signatures that clients make.");
    Record::new("Metadata of the authorization server (RFC 8414 §2).")
        .must("issuer", url("The `iss` of its tokens."))
        .must("token_endpoint", url("Where tokens are issued."))
        .must("introspection_endpoint", url("Where tokens are asked about."))
        .must("revocation_endpoint", url("Where tokens are given up."))
        .must("userinfo_endpoint", url("Where people's own tokens are answered with who they are."))
        .must("jwks_uri", url("Where its keys are."))
        .must("scopes_supported", words(&Scope::ALL.map(Scope::name), "The scopes."))
        .must("response_types_supported", words(&[], "None: there is no authorization endpoint."))
        .must("grant_types_supported", words(&GRANTS, "The grants."))
        .must("token_endpoint_auth_methods_supported", methods())
        .must("token_endpoint_auth_signing_alg_values_supported", algorithms())
        .must("introspection_endpoint_auth_methods_supported", methods())
        .must("introspection_endpoint_auth_signing_alg_values_supported", algorithms())
        .must("revocation_endpoint_auth_methods_supported", methods())
        .must("revocation_endpoint_auth_signing_alg_values_supported", algorithms())
        .must("dpop_signing_alg_values_supported", algorithms())
        .must("subject_types_supported", words(&["public"], "How subjects are made."))
        .must(
            "id_token_signing_alg_values_supported",
            words(&["ES256", "RS256"], "The algorithms of its tokens."),
        )
        .schema()
}
