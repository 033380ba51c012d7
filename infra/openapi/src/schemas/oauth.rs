//! The OAuth endpoints and their metadata.

use serde_json::json;
use shared::domain::jwk::Algorithm;
use utoipa::openapi::Schema;

use super::super::shapes::{
    Record, boolean, either, formatted, integer, list, matching, named, string, uuid, word,
};
use super::Described;

const TYPES: [&str; 2] = ["Bearer", "DPoP"];
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("TokenRequest", request()),
        ("TokenResponse", response()),
        ("IntrospectionRequest", introspection_request()),
        ("IntrospectionResponse", introspection_response()),
        ("RevocationRequest", revocation_request()),
        ("OAuthError", error()),
        ("JwkSet", keys()),
        ("JsonWebKey", key()),
        ("ServerMetadata", metadata()),
        ("ProtectedResourceMetadata", protected_resource()),
    ]
}

fn request() -> Schema {
    Record::new("A token request (RFC 6749 §4.1.3, §4.4.2, §6). Unknown parameters are ignored.")
        .must(
            "grant_type",
            named("GrantType"),
        )
        .may(
            "scope",
            string(
                1024,
                "The requested scopes, separated by spaces. If left out, the client's default scopes.",
            ),
        )
        .may("refresh_token", string(1024, "The refresh token, for the grant of that name."))
        .may("code", string(512, "The code, for the grant `authorization_code`."))
        .may("redirect_uri", string(512, "The redirect URI of the authorization request."))
        .may("code_verifier", string(128, "The verifier of the request's challenge (RFC 7636)."))
        .may(
            "resource",
            list(
                formatted("uri", "A resource."),
                None,
                "The resources that the token is to be for (RFC 8707), each a parameter of its own: \
                 of the client's `audience`, or the base URL if it has none. If left out, all of them.",
            ),
        )
        .may("audience", string(512, "The same as one `resource`; it may be a name that is no URI."))
        .with(credentials)
        .example(json!({ "grant_type": "client_credentials", "scope": "users:read users:write" }))
        .schema()
}

/// How a client authenticates that does not do it by the Authorization header.
fn credentials(record: Record) -> Record {
    record
        .may(
            "client_id",
            string(256, "The client, if it does not authenticate by the Authorization header."),
        )
        .may("client_secret", string(256, "The secret, if it is sent in the form."))
        .may(
            "client_assertion_type",
            word([ASSERTION], "The type of the assertion, if there is one."),
        )
        .may("client_assertion", string(8192, "A JWT that the client signed (RFC 7523 §2.2)."))
}

fn introspection_request() -> Schema {
    Record::new("A token to introspect (RFC 7662 §2.1). Unknown parameters are ignored.")
        .must("token", string(8192, "The token."))
        .may("token_type_hint", string(64, "The type of the token. It is not needed."))
        .with(credentials)
        .example(json!({ "token": TOKEN }))
        .schema()
}

fn introspection_response() -> Schema {
    let time = |about: &str| integer(0, None, about);
    let audience = || string(512, "A party.");
    let several = Schema::Array(list(audience(), Some(10), "Several."));
    let audiences = either(
        [Schema::Object(audience()).into(), several.into()],
        "The audience of an access token.",
    );
    Record::new("The state of a token (RFC 7662 §2.2). Only `active` is shown of an inactive one.")
        .must("active", boolean("Whether it can be used."))
        .may("scope", string(1024, "Its scopes, separated by spaces."))
        .may("client_id", string(256, "The client that it was issued to."))
        .may("sub", string(256, "Its subject: the client, or the person."))
        .may("tenant", string(63, "The tenant."))
        .may("iss", formatted("uri", "Its issuer."))
        .may("aud", audiences)
        .may("jti", string(64, "The id of an access token."))
        .may("iat", time("When it was issued, in seconds since 1970."))
        .may("exp", time("When it expires, in seconds since 1970."))
        .may("token_type", word(TYPES, "How an access token is used."))
        .may(
            "systems",
            list(string(63, "A system."), None, "The systems that its client is bound to."),
        )
        .may("sid", string(64, "The session of the person."))
        .may("persona", uuid("The persona with which the person signed in."))
        .may("user_version", time("The version of the person at the sign-in."))
        .may("claims", list(string(64, "A claim."), None, "Claims that userinfo was asked for."))
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
    Record::new("A token to revoke (RFC 7009 §2.1). Unknown parameters are ignored.")
        .must("token", string(8192, "The token."))
        .may("token_type_hint", string(64, "The type of the token. It is not needed."))
        .with(credentials)
        .example(json!({ "token": "u6pYyJ2hT0WJmYt0O2d9eA.1.c2lnbmF0dXJl" }))
        .schema()
}

fn response() -> Schema {
    Record::new("An access token (RFC 6749 §5.1): a JWT (RFC 9068).")
        .must("access_token", string(8192, "The token."))
        .must("token_type", word(TYPES, "How the token is used (RFC 6750, RFC 9449)."))
        .must("expires_in", integer(1, None, "Its life, in seconds."))
        .must("scope", string(1024, "Its scopes, separated by spaces."))
        .may("refresh_token", string(1024, "A refresh token, if the client holds that grant."))
        .may("id_token", string(8192, "An ID token, for the scope `openid`."))
        .example(json!({
            "access_token": TOKEN,
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
        "invalid_target",
        "invalid_dpop_proof",
        "server_error",
        "temporarily_unavailable",
    ];
    Record::new("An error of an OAuth endpoint (RFC 6749 §5.2).")
        .must("error", word(codes, "The kind of error, for programs."))
        .may("error_description", string(1024, "What is wrong, for people."))
        .example(json!({
            "error": "invalid_scope", "error_description": "this client may not request the scope `x`"
        }))
        .schema()
}

fn key() -> Schema {
    let coordinate = || matching("^[A-Za-z0-9_-]{43}$", "A coordinate of an EC key, base64url.");
    let number = |about| matching("^[A-Za-z0-9_-]+$", about);
    Record::new("A public key (RFC 7517 §4).")
        .must("kty", word(["EC", "RSA"], "The type of the key."))
        .may("crv", word(["P-256"], "The curve of an EC key."))
        .may("x", coordinate())
        .may("y", coordinate())
        .may("n", number("The modulus of an RSA key, base64url."))
        .may("e", number("The exponent of an RSA key, base64url."))
        .must("kid", string(64, "The id of the key: its thumbprint (RFC 7638)."))
        .must("alg", named("SigningAlgorithm"))
        .must("use", word(["sig"], "The use of the key."))
        .schema()
}

fn keys() -> Schema {
    let about = "The keys that verify access tokens: the current ones, the next ones, and former \
                 ones until their tokens have expired.";
    Record::new(about).must("keys", list(named("JsonWebKey"), None, "The keys.")).schema()
}

fn metadata() -> Schema {
    let url = |about: &str| formatted("uri", about);
    let words = |words: &[&str], about: &str| {
        let mut one = word(words.iter().copied(), "");
        // It stands at the list.
        one.description = None;
        list(one, None, about)
    };
    let signing = |about: &str| words(&Algorithm::NAMES, about);
    let methods = |about: &str| list(named("ClientAuthentication"), None, about);
    let how = "How clients authenticate.";
    let with = "The algorithms of signatures that clients make.";
    Record::new("Metadata of the authorization server (RFC 8414 §2).")
        .must("issuer", url("The `iss` of its tokens."))
        .must("authorization_endpoint", url("Where browsers of people go to sign in."))
        .must("end_session_endpoint", url("Where browsers of people go to sign out."))
        .must("token_endpoint", url("The token endpoint."))
        .must("introspection_endpoint", url("The introspection endpoint."))
        .must("revocation_endpoint", url("The revocation endpoint."))
        .must("userinfo_endpoint", url("The userinfo endpoint."))
        .must("jwks_uri", url("The URL of the public keys."))
        .must("scopes_supported", list(named("Scope"), None, "The scopes."))
        .must("response_types_supported", words(&["code"], "A code alone."))
        .must("response_modes_supported", words(&["query", "form_post"], "How a code is sent."))
        .must("code_challenge_methods_supported", words(&["S256"], "PKCE, always (RFC 7636)."))
        .must(
            "prompt_values_supported",
            words(&["none", "login", "consent", "select_account"], "The values of `prompt`."),
        )
        .must("acr_values_supported", words(&["1", "2"], "One factor, or two."))
        .must("ui_locales_supported", words(&["en", "nl", "fr", "de"], "The languages of pages."))
        .must("display_values_supported", words(&["page"], "How pages are shown."))
        .must("claim_types_supported", words(&["normal"], "The types of claims."))
        .must("claims_supported", list(string(64, "A claim."), None, "The claims."))
        .must("claims_parameter_supported", boolean("Whether `claims` is taken."))
        .must("request_parameter_supported", boolean("Whether `request` is taken."))
        .must("request_uri_parameter_supported", boolean("Whether `request_uri` is taken."))
        .must(
            "authorization_response_iss_parameter_supported",
            boolean("Whether answers have `iss` (RFC 9207)."),
        )
        .must("grant_types_supported", list(named("GrantType"), None, "The grants."))
        .must("token_endpoint_auth_methods_supported", methods(how))
        .must("token_endpoint_auth_signing_alg_values_supported", signing(with))
        .must("introspection_endpoint_auth_methods_supported", methods(how))
        .must("introspection_endpoint_auth_signing_alg_values_supported", signing(with))
        .must("revocation_endpoint_auth_methods_supported", methods(how))
        .must("revocation_endpoint_auth_signing_alg_values_supported", signing(with))
        .must("dpop_signing_alg_values_supported", signing("The algorithms of DPoP proofs."))
        .must("subject_types_supported", words(&["public"], "The types of subjects."))
        .must(
            "id_token_signing_alg_values_supported",
            list(named("SigningAlgorithm"), None, "The algorithms of its tokens."),
        )
        .must(
            "protected_resources",
            list(
                url("A resource."),
                None,
                "The resources that it issues tokens for: this service.",
            ),
        )
        .schema()
}

fn protected_resource() -> Schema {
    let url = |about: &str| formatted("uri", about);
    let about = "Metadata of the service as a protected resource (RFC 9728 §2). Tokens of people also \
                 come from the issuers that their tenant trusts.";
    Record::new(about)
        .must("resource", url("The service: its base URL, the `aud` of tokens for it."))
        .must(
            "authorization_servers",
            list(url("An issuer."), None, "The issuers of access tokens: that of the service."),
        )
        .must("scopes_supported", list(named("Scope"), None, "The scopes."))
        .must(
            "bearer_methods_supported",
            list(word(["header"], "The Authorization header."), None, "How tokens are sent."),
        )
        .must("resource_name", string(64, "The name of the service."))
        .must("resource_documentation", url("The API reference."))
        .must(
            "dpop_signing_alg_values_supported",
            list(word(Algorithm::NAMES, "An algorithm."), None, "The algorithms of DPoP proofs."),
        )
        .must(
            "dpop_bound_access_tokens_required",
            boolean("Whether all tokens are bound to a key. A client may demand it of its own."),
        )
        .schema()
}
