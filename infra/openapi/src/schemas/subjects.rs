//! Authentication servers, applications, and the mappings of their subjects.

use serde_json::{Value, json};
use shared::domain::definition::Predefined;
use shared::domain::sso::MAX_CLAIMS;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    OrNull, Record, SLUG, integer, list, map, matching, text, user, uuid, word,
};
use super::{page, whole};

const MAX_TEXT: usize = 1024;
const KINDS: [&str; 4] = ["email", "userid", "username", "predefined"];

pub(super) fn schemas() -> [(&'static str, Schema); 17] {
    let server = ("authentication_server_id", "The authentication server.");
    let application = ("application_id", "The application.");
    [
        ("AuthenticationServer", authentication_server()),
        ("AuthenticationServerInput", server_input().must("id", id()).schema()),
        ("AuthenticationServerPatch", server_input().unchanged(&["id"]).optional().schema()),
        ("AuthenticationServerList", page("AuthenticationServer")),
        ("Application", application_fields("A service provider.").must("id", id()).schema()),
        (
            "ApplicationInput",
            application_fields("A service provider, as it is written.")
                .must("id", id())
                .closed()
                .schema(),
        ),
        ("ApplicationPatch", application_patch()),
        ("ApplicationList", page("Application")),
        ("AuthenticationServerSubject", mapped(server)),
        ("AuthenticationServerSubjectInput", mapping_input(server)),
        ("AuthenticationServerSubjectList", whole("AuthenticationServerSubject")),
        ("ApplicationSubject", mapped(application)),
        ("ApplicationSubjectInput", mapping_input(application)),
        ("ApplicationSubjectList", whole("ApplicationSubject")),
        ("AuthenticationServerSubjectQuestion", server_question()),
        ("ApplicationSubjectQuestion", application_question()),
        ("ResolvedApplicationSubject", resolved()),
    ]
}

fn id() -> Object {
    matching(SLUG, "The id, chosen by the caller; never changes.")
}

fn subject_type() -> Object {
    word(KINDS, "How users and subjects find each other.")
}

fn https(description: &str) -> Object {
    let mut url = matching(
        "^https://[^/|# \\\\\\x00-\\x1f\\x7f-\\x9f][^|# \\\\\\x00-\\x1f\\x7f-\\x9f]*$",
        description,
    );
    url.max_length = Some(MAX_TEXT);
    url
}

fn key_set() -> Object {
    let key = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A public key (RFC 7517 §4)."))
        .build();
    let mut keys = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("keys", list(Schema::Object(key), None, "Public keys."))
        .required("keys")
        .build();
    keys.description = Some("Its public keys (RFC 7517 §5); instead of `jwks_uri`.".to_owned());
    keys.or_null()
}

fn claims() -> Object {
    let fields: Vec<_> =
        Predefined::ALL.map(Predefined::name).into_iter().chain(["email_verified"]).collect();
    let pattern =
        format!("^({}|[a-z][a-z0-9-]{{0,62}}\\.[a-z][a-z0-9-]{{0,62}})$", fields.join("|"));
    let field =
        matching(&pattern, "A field of profiles, or `<category>.<name>` of a custom attribute.");
    let mut claims = map(
        Some(text(256, "The claim.")),
        Schema::Object(field),
        "Which claim feeds which field, each field at most once: field by claim name. Without it \
         the standard claims feed the fields that they mean; one that is given is the whole \
         mapping.",
    );
    claims.max_properties = Some(MAX_CLAIMS);
    claims
}

fn priority() -> Object {
    integer(0, None, "Which server wins when several feed one profile: the lowest number.")
}

fn authentication_server() -> Schema {
    Record::new("An identity provider whose subjects map to users.")
        .must("id", id())
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", subject_type())
        .must("issuer", https("The `iss` of its tokens; unique in the tenant.").or_null())
        .must("audience", text(MAX_TEXT, "The `aud` that its tokens must name.").or_null())
        .must("jwks", key_set())
        .must("jwks_uri", https("Where its public keys are.").or_null())
        .must("tenant_claim", text(64, "The claim that names the tenant."))
        .must("claims", claims())
        .must("priority", priority())
        .example(json!({
            "id": "corporate", "name": "Corporate identity provider", "subject_type": "email",
            "issuer": "https://login.example.org", "audience": "kith", "jwks": null,
            "jwks_uri": "https://login.example.org/keys", "tenant_claim": "tenant",
            "claims": { "family_name": "family_name" }, "priority": 0
        }))
        .schema()
}

fn server_input() -> Record {
    Record::new("An identity provider, as it is written.")
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", subject_type())
        .may("issuer", https("The `iss` of its tokens; unique in the tenant.").or_null())
        .may("audience", text(MAX_TEXT, "The `aud` that its tokens must name.").or_null())
        .may("jwks", key_set())
        .may("jwks_uri", https("Where its public keys are; instead of `jwks`.").or_null())
        .may(
            "tenant_claim",
            text(64, "The claim that names the tenant; `tenant` when left out.").or_null(),
        )
        .may("claims", claims().or_null())
        .may("priority", priority().or_null())
        .closed()
        .example(json!({
            "id": "corporate", "name": "Corporate identity provider", "subject_type": "email"
        }))
}

fn application_fields(description: &str) -> Record {
    Record::new(description)
        .must("name", text(MAX_TEXT, "The name on screens."))
        .must("subject_type", subject_type())
        .example(json!({ "id": "payroll", "name": "Payroll", "subject_type": "predefined" }))
}

fn application_patch() -> Schema {
    let fields = application_fields("The changes of a service provider (RFC 7396).");
    fields.unchanged(&["id"]).optional().closed().schema()
}

fn mapping((party, about): (&str, &str)) -> Record {
    Record::new("The subject by which a user is known elsewhere.")
        .must(party, matching(SLUG, about))
        .must("subject", text(MAX_TEXT, "The subject."))
}

fn mapping_input(party: (&str, &str)) -> Schema {
    mapping(party)
        .must("user_id", user("The user."))
        .closed()
        .example(mapping_example(party.0))
        .schema()
}

fn server_question() -> Schema {
    Record::new("The question which user an authentication server means.")
        .must("authentication_server_id", matching(SLUG, "The authentication server."))
        .must("subject", text(MAX_TEXT, "What it calls the user."))
        .closed()
        .example(json!({ "authentication_server_id": "corporate", "subject": "8f14e45f" }))
        .schema()
}

fn application_question() -> Schema {
    Record::new("The question by which subject an application knows a user.")
        .must("application_id", matching(SLUG, "The application."))
        .must("user_id", user("The user."))
        .closed()
        .example(json!({
            "application_id": "payroll", "user_id": "0192f3c1-5a00-7000-8000-000000000001"
        }))
        .schema()
}

fn resolved() -> Schema {
    mapping(("application_id", "The application."))
        .must("user_id", uuid("The user."))
        .example(json!({
            "application_id": "payroll", "user_id": "0192f3c1-5a00-7000-8000-000000000001",
            "subject": "8f14e45f"
        }))
        .schema()
}

fn mapping_example(party: &str) -> Value {
    json!({
        party: "corporate", "subject": "8f14e45f", "user_id": "0192f3c1-5a00-7000-8000-000000000001"
    })
}

fn mapped(party: (&str, &str)) -> Schema {
    let mut example = mapping_example(party.0);
    if let Some(fields) = example.as_object_mut() {
        fields.insert("id".to_owned(), "0192f3c1-5a00-7000-8000-00000000000c".into());
    }
    mapping(party)
        .must("user_id", uuid("The user."))
        .must("id", uuid("The id."))
        .example(example)
        .schema()
}
