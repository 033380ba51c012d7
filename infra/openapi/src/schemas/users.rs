//! Users: what callers send of them and what they are shown.

use serde_json::json;
use shared::domain::Scope;
use shared::domain::text::MAX_EMAIL;
use shared::domain::user::MAX_PERSONAS;
use shared::domain::value::{MAX_VALUE, MAX_VALUES};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    NAME, OrNull, Record, Shape, boolean, either, formatted, integer, list, map, matching, named,
    string, text, time, uuid, value, word,
};

pub(in super::super) const MAX_TEXT: usize = 256;
/// The characters of a language tag (RFC 5646 §2.1).
const TAG: &str = "[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*";
/// The fields that definitions of predefined attributes may hide.
const PREDEFINED: [&str; 6] =
    ["username", "id_at_customer", "family_name", "given_name", "ui_locales", "preferred_email"];
const READ_ONLY: [&str; 8] = [
    "id",
    "email_verified",
    "status",
    "attribute_states",
    "personas",
    "last_login_at",
    "created_at",
    "updated_at",
];

pub(super) fn schemas() -> [(&'static str, Schema); 8] {
    [
        ("User", user()),
        ("Me", me()),
        ("UserInfo", userinfo()),
        ("UserInput", input()),
        ("UserReplacement", replacement()),
        ("UserPatch", patch()),
        ("UserVerification", verification()),
        ("UserUpsert", upsert()),
    ]
}

fn username() -> Object {
    text(
        MAX_TEXT,
        "Unique in the tenant whatever its case (RFC 8265 UsernameCaseMapped); without spaces.",
    )
}

fn id_at_customer() -> Object {
    text(MAX_TEXT, "The customer's own id of the person; unique in the tenant.")
}

pub(super) fn email() -> Object {
    let mut email =
        formatted("idn-email", "The e-mail address; its domain has at least two labels.");
    email.max_length = Some(MAX_EMAIL);
    email
}

/// `attributes.<category>.<name>`, each an array of values.
pub(super) fn attributes(values: impl Into<Shape>, description: &str) -> Object {
    let name = || Some(matching(NAME, "A name that is defined in the tenant."));
    map(
        name(),
        Schema::Object(map(name(), values, "The attributes of a category, by name.")),
        description,
    )
}

/// The values of an attribute as they are shown.
pub(super) fn shown_values() -> Shape {
    let mut shown = value(
        "A value: a number is a decimal string, JSON is as it was sent, a hash is `{\"set\": \
         true}`.",
    );
    shown.max_length = Some(MAX_VALUE);
    list(Schema::Object(shown), Some(MAX_VALUES), "The values.").into()
}

fn sent() -> utoipa::openapi::Array {
    let mut sent = value(
        "A value in the attribute's data format: a string; for NUMERIC also a number, for JSON \
         any value but `null`. `{\"set\": true}` keeps the hash that is stored in its place.",
    );
    sent.max_length = Some(MAX_VALUE);
    list(
        Schema::Object(sent),
        Some(MAX_VALUES),
        "The values; an empty array removes the attribute.",
    )
}

/// The values of an attribute as they are sent.
pub(super) fn sent_values() -> Shape {
    sent().into()
}

/// The values of an attribute in a patch.
pub(super) fn patched_values() -> Shape {
    sent().or_null().into()
}

/// The states of the values that can be verified, in the form of the values.
pub(super) fn states() -> Object {
    let state = word(["PENDING", "VERIFIED"], "The state of the value in this place.");
    let states = list(Schema::Object(state), None, "The states of the values, in their order.");
    attributes(states, "Whether the addresses of EMAIL attributes are known to be the person's.")
}

fn user() -> Schema {
    let mut user = profile("A person's base profile.");
    user.required.splice(1..1, PREDEFINED.map(str::to_owned));
    Schema::Object(user)
}

fn me() -> Schema {
    Schema::Object(profile("The own base profile; attributes that are hidden are not there."))
}

/// A base profile of which the predefined attributes may be absent.
fn profile(description: &str) -> Object {
    Record::new(description)
        .must("id", uuid("The id."))
        .may("username", username())
        .may("id_at_customer", id_at_customer().or_null())
        .may("family_name", text(MAX_TEXT, "The family name.").or_null())
        .may("given_name", text(MAX_TEXT, "The given name.").or_null())
        .may(
            "ui_locales",
            text(MAX_TEXT, "Language tags (BCP 47), separated by a space.").or_null(),
        )
        .may("preferred_email", email().or_null())
        .must("email_verified", boolean("Whether the e-mail address is known to be the person's."))
        .must("status", word(["ACTIVE", "BLOCKED"], "Whether the person may be signed in."))
        .must("attributes", attributes(shown_values(), "Custom attributes, by category and name."))
        .must("attribute_states", states())
        .must(
            "personas",
            list(named("Persona"), Some(MAX_PERSONAS), "The roles of the person, oldest first."),
        )
        .must("last_login_at", time("When the person last signed in.").or_null())
        .must("created_at", time("When the user was made."))
        .must("updated_at", time("When the user was last changed."))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000001", "username": "jan.janssen",
            "id_at_customer": "CRM-0042",
            "family_name": "Janssen", "given_name": "Jan", "ui_locales": "fr-BE nl-BE",
            "preferred_email": "jan@example.org", "email_verified": false, "status": "ACTIVE",
            "attributes": {
                "common": { "employee-number": ["42"], "contact": ["jan@home.example.org"] }
            },
            "attribute_states": { "common": { "contact": ["PENDING"] } }, "personas": [],
            "last_login_at": null, "created_at": "2026-11-21T10:00:00.000Z",
            "updated_at": "2026-11-21T10:00:00.000Z"
        }))
        .object()
}

fn userinfo() -> Schema {
    let opened = "Custom attributes, by category and name; no hashes.";
    Record::new(
        "Claims about the person (OpenID Connect Core 1.0 §5.1). Hidden attributes are not there, \
         nor those that another scope opens.",
    )
    .must("sub", matching("^[0-9a-f]{64}$", "The base profile id at the token's issuer."))
    .may("preferred_username", username())
    .may("given_name", text(MAX_TEXT, "The given name."))
    .may("family_name", text(MAX_TEXT, "The family name."))
    .may("name", text(2 * MAX_TEXT + 1, "Given name and family name, as far as they are there."))
    .may("email", email())
    .may("email_verified", boolean("Whether the e-mail address is known to be the person's."))
    .may(
        "locale",
        matching(&format!("^{TAG}$"), "The first of the person's language tags (BCP 47)."),
    )
    .must(
        "updated_at",
        integer(0, None, "When the profile was last changed, in seconds since 1970."),
    )
    .must("attributes", attributes(shown_values(), opened))
    .example(json!({
        "sub": "2bdec978e853a345774727fc88a221244c19b447e71898f42b7ebe6f84c69b12",
        "preferred_username": "jan.janssen",
        "given_name": "Jan", "family_name": "Janssen", "name": "Jan Janssen",
        "email": "jan@example.org",
        "email_verified": true, "locale": "fr-BE", "updated_at": 1_795_255_200, "attributes": {}
    }))
    .schema()
}

fn editable(record: Record) -> Record {
    editable_here(
        record.must("username", username()).may("id_at_customer", id_at_customer().or_null()),
    )
}

/// The fields that base profiles and system profiles have in common.
pub(super) fn editable_here(record: Record) -> Record {
    let tag = matching(&format!("^{TAG}$"), "A language tag.");
    let mut text_of_tags = string(MAX_TEXT, "Language tags, separated by spaces or commas.");
    text_of_tags.pattern = Some(format!("^[ ,]*{TAG}([ ,]+{TAG})*[ ,]*$"));
    let locales = either(
        [text_of_tags.or_null().into(), list(Schema::Object(tag), None, "Language tags.").into()],
        "Language tags (BCP 47); answered as one string.",
    );
    record
        .may("family_name", text(MAX_TEXT, "The family name.").or_null())
        .may("given_name", text(MAX_TEXT, "The given name.").or_null())
        .may("ui_locales", locales)
        .may("preferred_email", email().or_null())
}

fn input() -> Schema {
    editable(Record::new("A user to be created."))
        .may("id", uuid("An id to keep; without it one is made.").or_null())
        .may(
            "email_verified",
            boolean("Whether the e-mail address is known to be the person's.").or_null(),
        )
        .may(
            "attributes",
            attributes(sent_values(), "Custom attributes, by category and name.").or_null(),
        )
        .may(
            "personas",
            list(named("PersonaImport"), Some(MAX_PERSONAS), "Personas to start with.").or_null(),
        )
        .closed()
        .example(json!({
            "username": "jan.janssen", "id_at_customer": "CRM-0042", "family_name": "Janssen",
            "given_name": "Jan",
            "ui_locales": ["fr-BE", "nl-BE"], "preferred_email": "jan@example.org",
            "attributes": { "common": { "employee-number": ["42"] } }
        }))
        .schema()
}

fn upsert() -> Schema {
    editable(Record::new(
        "A user to be created, or to be replaced: what is left out is removed. `id` and \
         `email_verified` are for a creation, and accepted when they are as they are; personas \
         that the user does not have are added, none is changed or removed.",
    ))
    .may("id", uuid("An id to keep; without it one is made.").or_null())
    .may(
        "email_verified",
        boolean("Whether the e-mail address is known to be the person's.").or_null(),
    )
    .may(
        "attributes",
        attributes(sent_values(), "Custom attributes, by category and name.").or_null(),
    )
    .may("personas", list(named("PersonaImport"), Some(MAX_PERSONAS), "Personas to add.").or_null())
    .unchanged(&["status", "attribute_states", "last_login_at", "created_at", "updated_at"])
    .closed()
    .example(json!({ "username": "jan.janssen", "family_name": "Janssen", "given_name": "Jan" }))
    .schema()
}

fn replacement() -> Schema {
    editable(Record::new("The editable fields of a user; what is left out is removed."))
        .may(
            "attributes",
            attributes(sent_values(), "Custom attributes, by category and name.").or_null(),
        )
        .unchanged(&READ_ONLY)
        .closed()
        .example(json!({
            "username": "jan.janssen", "family_name": "Janssen", "given_name": "Johannes"
        }))
        .schema()
}

fn patch() -> Schema {
    let by_id = Record::new("The values of one attribute.")
        .must("attribute_definition_id", uuid("The attribute."))
        .must("value", patched_values())
        .closed()
        .schema();
    let by_id = list(
        by_id,
        None,
        "Attributes by their definitions; none may be named in `attributes` as well.",
    );
    editable(Record::new("The changes of a user (RFC 7396); `null` removes a field."))
        .may(
            "attributes",
            attributes(patched_values(), "Custom attributes to change, by category and name."),
        )
        .may("attribute_values", by_id)
        .unchanged(&READ_ONLY)
        .optional()
        .closed()
        .example(json!({
            "given_name": "Johannes", "attributes": { "common": { "employee-number": null } }
        }))
        .schema()
}

fn verification() -> Schema {
    Record::new("An e-mail address that is known to be the person's.")
        .must(
            "attribute",
            text(MAX_TEXT, "`preferred_email`, or `<category>.<name>` of an EMAIL attribute."),
        )
        .must("value", email())
        .closed()
        .example(json!({ "attribute": "preferred_email", "value": "jan@example.org" }))
        .schema()
}

/// The scopes that an attribute definition may name.
pub(super) fn scope_words() -> Object {
    word(Scope::ALL.map(Scope::name), "A scope.")
}
