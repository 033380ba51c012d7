//! Clients and their secrets.

use serde_json::{Value, json};
use shared::domain::Scope;
use shared::domain::client::{
    ACCESS_TOKEN_LIVES, ApplicationType, AuthMethod, Grant, Integration, MAX_AUDIENCE,
    MAX_AUDIENCES, MAX_NAME, MAX_REDIRECT_URI, MAX_REDIRECT_URIS, MAX_SECRETS, MAX_SYSTEMS,
};
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, list, matching, named, nullable, string, text, time,
    uuid, word,
};
use super::{Described, page};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("MachineClient", shown(ABOUT).example(example()).schema()),
        ("RegisteredClient", registered()),
        ("MachineClientInput", input("A client to register.").example(new()).schema()),
        ("MachineClientPatch", patch()),
        ("MachineClientList", page("MachineClient")),
        ("ClientSecret", secret().schema()),
        ("NewClientSecret", new_secret()),
        ("ClientSecretInput", rotation()),
        ("GrantType", word(Grant::ALL.map(Grant::name), "A grant of OAuth 2.0.").into()),
        (
            "ClientAuthentication",
            word(
                AuthMethod::ALL.map(AuthMethod::name),
                "How the client authenticates. A secret may be sent in either way. A client with \
                 keys may sign as well. `none`: it is public, and holds no `client_credentials`.",
            )
            .into(),
        ),
        ("RedirectUris", redirect_uris().into()),
        ("FirstParty", boolean(FIRST_PARTY).into()),
        ("ClientApplication", string(63, APPLICATION).into()),
        (
            "ApplicationType",
            word(
                ApplicationType::ALL.map(ApplicationType::name),
                "Where it runs: on a server or in a browser, or on a person's device.",
            )
            .into(),
        ),
        (
            "Integration",
            word(
                Integration::ALL.map(Integration::name),
                "The kind of system that the client integrates, which lets it create system \
                 profiles.",
            )
            .into(),
        ),
        (
            "TokenAudience",
            list(
                text(MAX_AUDIENCE, "An absolute URI or a name."),
                Some(MAX_AUDIENCES),
                "The `aud` of its access tokens. If it is empty, the service itself.",
            )
            .into(),
        ),
    ]
}

const ABOUT: &str = "A client: a program that acts for itself, or an application in which people \
                     sign in, or both.";
const FIRST_PARTY: &str =
    "Whether it belongs to the tenant itself, so that people are not asked for their consent.";
const APPLICATION: &str =
    "The application whose subjects are the `sub` of its ID tokens. `null`: base profile ids.";

fn redirect_uris() -> Array {
    let about = "Where browsers may go with an answer of the authorization endpoint, or after a \
                 sign-out. Compared as texts; the port of a native client's loopback URI may differ.";
    let uri = Schema::Object(string(MAX_REDIRECT_URI, "An absolute URI."));
    list(uri, Some(MAX_REDIRECT_URIS), about)
}

fn scopes(description: &str) -> Array {
    list(named("Scope"), Some(Scope::ALL.len()), description)
}

fn grants() -> Array {
    let about =
        "Its grants. Clients that authenticate hold `client_credentials` if it is left out.";
    list(named("GrantType"), Some(Grant::ALL.len()), about)
}

fn systems() -> Array {
    let about = "The systems that it may act for. If the list is empty, all of them.";
    list(named("Slug"), Some(MAX_SYSTEMS), about)
}

fn lifetime() -> Object {
    let bound = |seconds: &i64| i32::try_from(*seconds).unwrap_or(i32::MAX);
    let most = Some(bound(ACCESS_TOKEN_LIVES.end()));
    integer(bound(ACCESS_TOKEN_LIVES.start()), most, "The life of its access tokens, in seconds.")
}

fn bound() -> Object {
    boolean("Whether all its access tokens are bound to a key (DPoP, RFC 9449 §5.2).")
}

fn secret() -> Record {
    Record::new("A secret of a client, without its text.")
        .must("id", uuid("The id."))
        .must("created_at", time("When it was made."))
        .must("expires_at", time("When it expires. `null`: when it is revoked.").or_null())
        .must(
            "last_used_on",
            matching("^\\d{4}-\\d{2}-\\d{2}$", "The day in UTC on which it was last used.")
                .or_null(),
        )
}

fn plain() -> Object {
    matching("^kith_[0-9a-f]{72}$", "The secret. It is shown once, and not stored.")
}

fn shown(description: &str) -> Record {
    Record::new(description)
        .must("client_id", named("ClientId"))
        .must("name", text(MAX_NAME, "The name on screens."))
        .must("token_endpoint_auth_method", named("ClientAuthentication"))
        .must("scopes", scopes("The scopes that it may request."))
        .must("default_scopes", scopes("The scopes that it gets if it requests none."))
        .must("grant_types", grants())
        .must("redirect_uris", named("RedirectUris"))
        .must("post_logout_redirect_uris", named("RedirectUris"))
        .must("application_type", named("ApplicationType"))
        .must("first_party", named("FirstParty"))
        .must("application_id", nullable("ClientApplication"))
        .must("jwks", nullable("PublicKeys"))
        .must("jwks_uri", nullable("KeysUrl"))
        .must("systems", systems())
        .must("integration", nullable("Integration"))
        .must("max_classifier", named("Classifier"))
        .must("access_token_lifetime", lifetime())
        .must("access_token_signing_alg", named("SigningAlgorithm"))
        .must("audience", named("TokenAudience"))
        .must("dpop_bound_access_tokens", bound())
        .must("secrets", list(named("ClientSecret"), Some(MAX_SECRETS), "Its secrets."))
}

fn registered() -> Schema {
    let mut example = example();
    if let Some(fields) = example.as_object_mut() {
        fields.insert("client_secret".to_owned(), plain_example());
    }
    shown("A new client. Only one that authenticates by secret has a secret.")
        .may("client_secret", plain())
        .example(example)
        .schema()
}

fn input(description: &str) -> Record {
    let default_scopes =
        "The scopes that it gets if it requests none. If left out, all of `scopes`.";
    Record::new(description)
        .must("name", text(MAX_NAME, "The name on screens."))
        .must("scopes", scopes("The scopes that it may request."))
        .may("token_endpoint_auth_method", nullable("ClientAuthentication"))
        .may("default_scopes", scopes(default_scopes).or_null())
        .may("grant_types", grants().or_null())
        .may("redirect_uris", nullable("RedirectUris"))
        .may("post_logout_redirect_uris", nullable("RedirectUris"))
        .may("application_type", nullable("ApplicationType"))
        .may("first_party", nullable("FirstParty"))
        .may("application_id", nullable("ClientApplication"))
        .may("jwks", nullable("PublicKeys"))
        .may("jwks_uri", nullable("KeysUrl"))
        .may("systems", systems().or_null())
        .may("integration", nullable("Integration"))
        .may("max_classifier", nullable("Classifier"))
        .may("access_token_lifetime", lifetime().or_null())
        .may("access_token_signing_alg", nullable("SigningAlgorithm"))
        .may("audience", nullable("TokenAudience"))
        .may("dpop_bound_access_tokens", bound().or_null())
        .closed()
}

fn patch() -> Schema {
    input(
        "The changes of a client (RFC 7396). A change to `private_key_jwt` removes its secrets. \
         Default scopes that are all of `scopes` stay so.",
    )
    .unchanged(&["client_id", "secrets"])
    .optional()
    .example(json!({ "access_token_lifetime": 300 }))
    .schema()
}

fn new_secret() -> Schema {
    secret()
        .must("client_secret", plain())
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-00000000000d", "created_at": "2026-11-21T10:00:00.000Z",
            "expires_at": null, "last_used_on": null, "client_secret": plain_example()
        }))
        .schema()
}

fn rotation() -> Schema {
    let expires_at = "When the new secret expires. If left out, when it is revoked.";
    let previous = "When the present secrets expire, unless they expire earlier. If left out, they \
                    stay.";
    Record::new("How a new secret replaces others. The body may be left out.")
        .may("expires_at", time(expires_at).or_null())
        .may("previous_expires_at", time(previous).or_null())
        .closed()
        .example(json!({ "previous_expires_at": "2026-11-28T10:00:00.000Z" }))
        .schema()
}

fn example() -> Value {
    json!({
        "client_id": "acme.0f0e0d0c0b0a09080706050403020100", "name": "erp-backend",
        "token_endpoint_auth_method": "client_secret_basic", "scopes": ["users:read"],
        "default_scopes": ["users:read"], "grant_types": ["client_credentials"],
        "redirect_uris": [], "post_logout_redirect_uris": [], "application_type": "web",
        "first_party": false, "application_id": null, "jwks": null, "jwks_uri": null,
        "systems": ["webshop"], "integration": null,
        "max_classifier": "SENSITIVE", "access_token_lifetime": 900,
        "access_token_signing_alg": "ES256", "audience": [], "dpop_bound_access_tokens": false,
        "secrets": [{
            "id": "0192f3c1-5a00-7000-8000-00000000000d", "created_at": "2026-11-21T10:00:00.000Z",
            "expires_at": null, "last_used_on": null
        }]
    })
}

fn new() -> Value {
    json!({ "name": "erp-backend", "scopes": ["users:read"], "systems": ["webshop"] })
}

fn plain_example() -> Value {
    format!("kith_{}", "0".repeat(72)).into()
}
