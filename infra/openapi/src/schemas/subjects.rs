//! Authentication servers, applications, and the mappings of their subjects.

use serde_json::{Value, json};
use shared::domain::definition::Predefined;
use shared::domain::sso::MAX_CLAIMS;
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, map, matching, named, nullable, text, uuid,
};
use super::fields::{MAX_DEFINITION_TEXT as MAX_TEXT, https};
use super::{Described, page, whole};

const SERVER: &str = "authentication_server_id";
const APPLICATION: &str = "application_id";
const USER: &str = "0192f3c1-5a00-7000-8000-000000000001";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("AuthenticationServer", authentication_server()),
        (
            "AuthenticationServerInput",
            server_input()
                .must("id", named("Slug"))
                .example(json!({
                    "id": "partner", "name": "Partner's identity provider",
                    "subject_type": "email", "issuer": "https://login.partner.example",
                    "audience": "kith", "jwks_uri": "https://login.partner.example/keys"
                }))
                .schema(),
        ),
        (
            "AuthenticationServerPatch",
            server_input()
                .unchanged(&["id"])
                .optional()
                .example(json!({ "name": "Former login" }))
                .schema(),
        ),
        ("AuthenticationServerList", page("AuthenticationServer")),
        ("ClaimMapping", claims().into()),
        (
            "Application",
            application("A service provider.")
                .must("id", named("Slug"))
                .example(application_example())
                .schema(),
        ),
        (
            "ApplicationInput",
            application("A service provider to store.")
                .must("id", named("Slug"))
                .closed()
                .example(application_example())
                .schema(),
        ),
        (
            "ApplicationPatch",
            application("The changes of a service provider (RFC 7396).")
                .unchanged(&["id"])
                .optional()
                .closed()
                .example(json!({ "name": "Former payroll" }))
                .schema(),
        ),
        ("ApplicationList", page("Application")),
        ("AuthenticationServerSubject", mapped(SERVER)),
        ("AuthenticationServerSubjectInput", mapping_input(SERVER, "corporate")),
        ("AuthenticationServerSubjectList", whole("AuthenticationServerSubject")),
        ("ApplicationSubject", mapped(APPLICATION)),
        ("ApplicationSubjectInput", mapping_input(APPLICATION, "helpdesk")),
        ("ApplicationSubjectList", whole("ApplicationSubject")),
        ("AuthenticationServerSubjectQuestion", server_question()),
        ("ApplicationSubjectQuestion", application_question()),
        ("ResolvedApplicationSubject", resolved()),
    ]
}

fn claims() -> Object {
    let fields: Vec<_> =
        Predefined::ALL.map(Predefined::name).into_iter().chain(["email_verified"]).collect();
    let pattern =
        format!("^({}|[a-z][a-z0-9-]{{0,62}}\\.[a-z][a-z0-9-]{{0,62}})$", fields.join("|"));
    let field =
        matching(&pattern, "A field of profiles, or `<category>.<name>` of a custom attribute.");
    let mut claims = map(
        Some(text(256, "A claim.")),
        Schema::Object(field),
        "The field that each claim feeds, each field at most once. A mapping is complete: claims \
         that it does not name feed nothing. Without a mapping the standard claims feed the fields \
         of their meaning.",
    );
    claims.max_properties = Some(MAX_CLAIMS);
    claims
}

fn priority() -> Object {
    integer(0, None, "If several servers feed one profile, the lowest number wins.")
}

fn addresses_verified() -> Object {
    boolean(
        "Whether e-mail addresses in its tokens are verified where no claim `email_verified` says \
         so. Switch it on only for a provider that verifies all its addresses, e.g. an Entra ID \
         tenant of employees. Off if it is left out.",
    )
}

fn audience() -> Object {
    text(MAX_TEXT, "The `aud` that its tokens must name.").or_null()
}

const ISSUER: &str = "The `iss` of its tokens. Unique in the tenant.";

/// The issuer as callers may send it. `kith serve` has one that is not https.
fn issuer() -> Object {
    https(ISSUER).or_null()
}

fn authentication_server() -> Schema {
    Record::new("An identity provider whose subjects map to users.")
        .must("id", named("Slug"))
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", named("SubjectType"))
        .must("subject_matching", named("SubjectMatching"))
        .must("issuer", text(MAX_TEXT, ISSUER).or_null())
        .must("audience", audience())
        .must("jwks", nullable("PublicKeys"))
        .must("jwks_uri", nullable("KeysUrl"))
        .must("tenant_claim", text(64, "The claim that names the tenant."))
        .must("claims", named("ClaimMapping"))
        .must("priority", priority())
        .must("addresses_verified", addresses_verified())
        .example(json!({
            "id": "partner", "name": "Partner's identity provider", "subject_type": "email",
            "subject_matching": "exact", "issuer": "https://login.partner.example",
            "audience": "kith", "jwks": null,
            "jwks_uri": "https://login.partner.example/keys", "tenant_claim": "tenant",
            "claims": { "family_name": "family_name" }, "priority": 0,
            "addresses_verified": false
        }))
        .schema()
}

fn server_input() -> Record {
    let tenant_claim = "The claim that names the tenant: `tenant` if it is left out.";
    Record::new("An identity provider to store.")
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", named("SubjectType"))
        .may("subject_matching", nullable("SubjectMatching"))
        .may("issuer", issuer())
        .may("audience", audience())
        .may("jwks", nullable("PublicKeys"))
        .may("jwks_uri", nullable("KeysUrl"))
        .may("tenant_claim", text(64, tenant_claim).or_null())
        .may("claims", nullable("ClaimMapping"))
        .may("priority", priority().or_null())
        .may("addresses_verified", addresses_verified().or_null())
        .closed()
}

fn application(description: &str) -> Record {
    Record::new(description)
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", named("SubjectType"))
}

fn application_example() -> Value {
    json!({ "id": "intranet", "name": "Intranet", "subject_type": "username" })
}

/// The subject by which a user is known to `party`, the name of a field.
fn mapping(description: &str, party: &str) -> Record {
    Record::new(description)
        .must(party, named("Slug"))
        .must("subject", text(MAX_TEXT, "The subject."))
}

fn mapping_input(party: &str, id: &str) -> Schema {
    mapping("A subject to map to a user.", party)
        .must("user_id", named("UserReference"))
        .closed()
        .example(json!({ party: id, "subject": "c9f0f895", "user_id": USER }))
        .schema()
}

fn mapped(party: &str) -> Schema {
    let id = if party == SERVER { "corporate" } else { "helpdesk" };
    mapping("The subject by which a user is known elsewhere.", party)
        .must("user_id", uuid("The user."))
        .must("id", uuid("The id of the mapping."))
        .example(json!({
            party: id, "subject": "c9f0f895", "user_id": USER,
            "id": "0192f3c1-5a00-7000-8000-00000000000c"
        }))
        .schema()
}

fn server_question() -> Schema {
    mapping("A subject of an authentication server.", SERVER)
        .closed()
        .example(json!({ SERVER: "corporate", "subject": "8f14e45f" }))
        .schema()
}

fn application_question() -> Schema {
    Record::new("A user and an application.")
        .must(APPLICATION, named("Slug"))
        .must("user_id", named("UserReference"))
        .closed()
        .example(json!({ APPLICATION: "payroll", "user_id": USER }))
        .schema()
}

fn resolved() -> Schema {
    mapping("The subject by which the application knows the user.", APPLICATION)
        .must("user_id", uuid("The user."))
        .example(json!({ APPLICATION: "payroll", "user_id": USER, "subject": "8f14e45f" }))
        .schema()
}
