//! Machine clients and their secrets.

use serde_json::{Value, json};
use shared::domain::client::{
    ACCESS_TOKEN_LIVES, AuthMethod, Classifier, Grant, Integration, MAX_AUDIENCE, MAX_AUDIENCES,
    MAX_NAME, MAX_SECRETS, MAX_SYSTEMS,
};
use shared::domain::jwk::MAX_REGISTERED_KEYS;
use shared::domain::{Scope, jwk};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{
    CLIENT_ID, OrNull, Record, SLUG, boolean, integer, list, matching, text, time, uuid, word,
};
use super::page;

pub(super) fn schemas() -> [(&'static str, Schema); 7] {
    [
        ("Client", shown("A machine client.").example(example()).schema()),
        ("RegisteredClient", registered()),
        (
            "ClientInput",
            input("A machine client to be registered.").closed().example(input_example()).schema(),
        ),
        ("ClientPatch", patch()),
        ("ClientList", page("Client")),
        ("NewClientSecret", secret().must("client_secret", plain()).example(new_secret()).schema()),
        ("ClientSecretInput", rotation()),
    ]
}

fn scopes(description: &str) -> Array {
    list(word(Scope::ALL.map(Scope::name), "A scope."), Some(Scope::ALL.len()), description)
}

fn grants() -> Array {
    let grant = word(Grant::ALL.map(Grant::name), "A grant.");
    list(grant, Some(Grant::ALL.len()), "Its grants; `client_credentials` is always one.")
}

fn method() -> Object {
    let about = "How it authenticates. A client with a secret may send it either way, and sign as \
                 well if it has keys.";
    word(AuthMethod::ALL.map(AuthMethod::name), about)
}

fn key_set() -> Object {
    let key = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A public key (RFC 7517 §4)."))
        .build();
    let keys = list(Schema::Object(key), Some(MAX_REGISTERED_KEYS), "Public keys.");
    let mut set = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("keys", keys)
        .required("keys")
        .build();
    set.description = Some("Its public keys (RFC 7517 §5), instead of `jwks_uri`.".to_owned());
    set.or_null()
}

fn jwks_uri() -> Object {
    let mut url = matching("^https://", "Where its public keys are, instead of `jwks`.");
    url.max_length = Some(jwk::MAX_URL);
    url.or_null()
}

fn systems() -> Array {
    list(
        matching(SLUG, "A system."),
        Some(MAX_SYSTEMS),
        "The systems that it may act for; every one when there is none.",
    )
}

fn integration() -> Object {
    let kinds = Integration::ALL.map(Integration::name);
    word(kinds, "What it integrates, which lets it make system profiles.").or_null()
}

fn classifier() -> Object {
    word(
        Classifier::ALL.map(Classifier::name),
        "The most sensitive attributes of systems that it sees.",
    )
}

fn lifetime() -> Object {
    let bound = |seconds: &i64| i32::try_from(*seconds).unwrap_or(i32::MAX);
    let most = Some(bound(ACCESS_TOKEN_LIVES.end()));
    integer(bound(ACCESS_TOKEN_LIVES.start()), most, "The life of its access tokens, in seconds.")
}

fn algorithm() -> Object {
    word(["ES256", "RS256"], "What its access tokens are signed with.")
}

fn audience() -> Array {
    let name = text(MAX_AUDIENCE, "An absolute URI or a name.");
    list(
        name,
        Some(MAX_AUDIENCES),
        "The `aud` of its access tokens; the service itself when there is none.",
    )
}

fn bound() -> Object {
    boolean("Whether it gets no access tokens but those bound to a key of its own (RFC 9449 §5.2).")
}

fn secret() -> Record {
    Record::new("A secret of a client, without what it is.")
        .must("id", uuid("The id by which it is revoked."))
        .must("created_at", time("When it was made."))
        .must("expires_at", time("When it ends; without it, when it is revoked.").or_null())
        .must(
            "last_used_on",
            matching("^\\d{4}-\\d{2}-\\d{2}$", "The day in UTC on which it was last used.")
                .or_null(),
        )
}

fn plain() -> Object {
    matching("^kith_[0-9a-f]{72}$", "The secret: shown this once and stored by nobody but you.")
}

fn shown(description: &str) -> Record {
    Record::new(description)
        .must("client_id", matching(CLIENT_ID, "The id, made by the service."))
        .must("name", text(MAX_NAME, "The name on screens."))
        .must("token_endpoint_auth_method", method())
        .must("scopes", scopes("The scopes that it may ask for."))
        .must("default_scopes", scopes("The scopes that it gets when it asks for none."))
        .must("grant_types", grants())
        .must("jwks", key_set())
        .must("jwks_uri", jwks_uri())
        .must("systems", systems())
        .must("integration", integration())
        .must("max_classifier", classifier())
        .must("access_token_lifetime", lifetime())
        .must("access_token_signing_alg", algorithm())
        .must("audience", audience())
        .must("dpop_bound_access_tokens", bound())
        .must(
            "secrets",
            list(secret().schema(), Some(MAX_SECRETS), "Its secrets, without what they are."),
        )
}

fn registered() -> Schema {
    let mut example = example();
    if let Some(fields) = example.as_object_mut() {
        fields.insert("client_secret".to_owned(), plain_example());
    }
    shown(
        "A machine client as its registration answers it; one that authenticates by \
         `private_key_jwt` has no secret.",
    )
    .may("client_secret", plain())
    .example(example)
    .schema()
}

fn input(description: &str) -> Record {
    Record::new(description)
        .must("name", text(MAX_NAME, "The name on screens."))
        .must("scopes", scopes("The scopes that it may ask for."))
        .may("token_endpoint_auth_method", method().or_null())
        .may(
            "default_scopes",
            scopes("The scopes that it gets when it asks for none; all of `scopes` when left out.")
                .or_null(),
        )
        .may("grant_types", grants().or_null())
        .may("jwks", key_set())
        .may("jwks_uri", jwks_uri())
        .may("systems", systems().or_null())
        .may("integration", integration())
        .may("max_classifier", classifier().or_null())
        .may("access_token_lifetime", lifetime().or_null())
        .may("access_token_signing_alg", algorithm().or_null())
        .may("audience", audience().or_null())
        .may("dpop_bound_access_tokens", bound().or_null())
}

fn patch() -> Schema {
    let fields = input(
        "The changes of a client (RFC 7396). `private_key_jwt` takes its secrets away. Default \
         scopes that are all of `scopes` stay so unless they are named.",
    );
    fields
        .unchanged(&["client_id", "secrets"])
        .optional()
        .closed()
        .example(json!({ "access_token_lifetime": 300 }))
        .schema()
}

fn rotation() -> Schema {
    Record::new("How a secret succeeds others; the body may be left out.")
        .may(
            "expires_at",
            time("When the new secret ends; without it, when it is revoked.").or_null(),
        )
        .may(
            "previous_expires_at",
            time(
                "When those end that are live now, if that is earlier than they would; without it \
                 they stay.",
            )
            .or_null(),
        )
        .closed()
        .example(json!({ "previous_expires_at": "2026-11-28T10:00:00.000Z" }))
        .schema()
}

fn example() -> Value {
    json!({
        "client_id": "acme.0f0e0d0c0b0a09080706050403020100", "name": "crm-backend",
        "token_endpoint_auth_method": "client_secret_basic",
        "scopes": ["users:read", "users:write"],
        "default_scopes": ["users:read", "users:write"],
        "grant_types": ["client_credentials", "refresh_token"],
        "jwks": null, "jwks_uri": null, "systems": [], "integration": null,
        "max_classifier": "SENSITIVE",
        "access_token_lifetime": 900, "access_token_signing_alg": "ES256", "audience": [],
        "dpop_bound_access_tokens": false,
        "secrets": [{
            "id": "0192f3c1-5a00-7000-8000-00000000000d", "created_at": "2026-11-21T10:00:00.000Z",
            "expires_at": null,
            "last_used_on": null
        }]
    })
}

fn input_example() -> Value {
    json!({
        "name": "crm-backend", "scopes": ["users:read", "users:write"],
        "grant_types": ["client_credentials", "refresh_token"]
    })
}

fn plain_example() -> Value {
    format!("kith_{}", "0".repeat(72)).into()
}

fn new_secret() -> Value {
    json!({
        "id": "0192f3c1-5a00-7000-8000-00000000000d", "created_at": "2026-11-21T10:00:00.000Z",
        "expires_at": null,
        "last_used_on": null, "client_secret": plain_example()
    })
}
