//! Users: what callers send of them and what they are shown.

use serde_json::{Value, json};
use shared::domain::definition::Predefined;
use shared::domain::user::{BOUND, MAX_PERSONAS, MAX_TEXT};
use shared::domain::value::MAX_VALUE;
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, boolean, integer, list, map, matching, named, nullable, string, text,
    time, uuid,
};
use super::Described;
use super::fields::TAG;

const READ_ONLY: [&str; 9] = [
    "id",
    "email_verified",
    "status",
    "attribute_states",
    "attribute_consents",
    "personas",
    "last_login_at",
    "created_at",
    "updated_at",
];
const INVITE: &str = "Whether the person gets a mail to set a password. Not stored.";
const SUBJECT: &str = "The subject of the token: the base profile id at its issuer, or how the \
                       application of the client names the person.";
const VERIFIED: &str = "Whether the e-mail address is known to be the person's.";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("User", user()),
        ("Me", me()),
        ("PastUser", past()),
        ("UserInfo", userinfo()),
        ("UserInfoAddress", userinfo_address()),
        ("UserInfoForm", userinfo_form()),
        ("UserInfoPersona", userinfo_persona()),
        ("UserInput", input()),
        ("UserReplacement", replacement()),
        ("UserPatch", patch()),
        ("UserVerification", verification()),
        ("UserUpsert", upsert()),
    ]
}

fn user() -> Schema {
    let fields = profile("The base profile of a person.");
    Predefined::ALL.into_iter().fold(fields, |user, field| user.must_have(field.name())).schema()
}

fn me() -> Schema {
    profile("The person's own base profile, without hidden attributes.").schema()
}

fn past() -> Schema {
    let unknown =
        "JSON Pointers of fields that are left out, because the audit does not know them.";
    let mut example = jan();
    if let Some(members) = example.as_object_mut() {
        members.insert("version".to_owned(), json!(3));
        members.insert("unknown".to_owned(), json!(["/attributes/common/pin"]));
    }
    profile("A base profile as it was.")
        .may("version", integer(1, None, "The version."))
        .may("unknown", list(string(1024, "A JSON Pointer."), None, unknown))
        .optional()
        .must_have("version")
        .must_have("unknown")
        .example(example)
        .schema()
}

/// The profile that examples show.
fn jan() -> Value {
    json!({
        "id": "0192f3c1-5a00-7000-8000-000000000001", "username": "jan.janssen",
        "id_at_customer": "CRM-0042", "family_name": "Janssen", "given_name": "Jan",
        "ui_locales": "fr-BE nl-BE", "preferred_email": "jan@example.org",
        "email_verified": false, "status": "ACTIVE", "kind": "person",
        "attributes": { "common": { "employee-number": ["42"] } }, "attribute_states": {},
        "personas": [], "last_login_at": null, "created_at": "2026-11-21T10:00:00.000Z",
        "updated_at": "2026-11-21T10:00:00.000Z"
    })
}

/// A base profile of which the predefined attributes may be absent.
fn profile(description: &str) -> Record {
    shown(Record::new(description).must("id", uuid("The id.")).may("username", named("Username")))
        .may("id_at_customer", nullable("CustomerUserId"))
        .must("status", named("UserStatus"))
        .must("kind", named("UserKind"))
        .must("attributes", named("Attributes"))
        .must("attribute_states", named("AddressStates"))
        .may("attribute_consents", bound())
        .must("personas", list(named("Persona"), Some(MAX_PERSONAS), "Personas, oldest first."))
        .must("last_login_at", time("When the person last signed in.").or_null())
        .must("created_at", time("When the user was created."))
        .must("updated_at", time("When the user was last changed."))
        .example(jan())
}

/// The attributes that are bound to a consent.
fn bound() -> Object {
    let purpose = Schema::Object(text(MAX_TEXT, "`<consent>/<purpose>`."));
    let about = "The attributes that systems get only while the person agrees, by their paths. \
                 Absent if there are none.";
    map(None, purpose, about)
}

/// The fields of base profiles that system profiles show too.
fn shown(record: Record) -> Record {
    record
        .may("family_name", nullable("PersonName"))
        .may("given_name", nullable("PersonName"))
        .may("ui_locales", nullable("LanguageTags"))
        .may("preferred_email", nullable("EmailAddress"))
        .must("email_verified", boolean(VERIFIED))
}

/// The fields that system profiles show of base profiles.
pub(super) fn shown_here(record: Record) -> Record {
    let record = shown(record);
    ["family_name", "given_name", "ui_locales", "preferred_email"]
        .into_iter()
        .fold(record, Record::must_have)
}

fn userinfo() -> Schema {
    Record::new(
        "Claims about the person (OpenID Connect Core 1.0 §5.1) that the scopes of the token open, \
         without hidden attributes and hashes. Tokens of other issuers open all.",
    )
    .must("sub", string(256, SUBJECT))
    .may("preferred_username", named("Username"))
    .may("persona", named("UserInfoPersona"))
    .may(
        "personas",
        list(named("UserInfoPersona"), None, "Personas in force, for the scope `profile`."),
    )
    .may("given_name", named("PersonName"))
    .may("family_name", named("PersonName"))
    .may("name", text(2 * MAX_TEXT + 1, "Given name and family name, as far as they are set."))
    .may("email", named("EmailAddress"))
    .may("email_verified", boolean(VERIFIED))
    .may("address", named("UserInfoAddress"))
    .may("phone_number", string(MAX_VALUE, "The attribute `phone-number` of `common`."))
    .may("phone_number_verified", boolean("Always false."))
    .may(
        "locale",
        matching(&format!("^{TAG}$"), "The first of the person's language tags (BCP 47)."),
    )
    .may(
        "updated_at",
        integer(0, None, "When the profile was last changed, in seconds since 1970."),
    )
    .may("attributes", named("Attributes"))
    .example(json!({
        "sub": "2bdec978e853a345774727fc88a221244c19b447e71898f42b7ebe6f84c69b12",
        "preferred_username": "jan.janssen", "given_name": "Jan", "family_name": "Janssen",
        "name": "Jan Janssen", "email": "jan@example.org", "email_verified": true,
        "locale": "fr-BE", "updated_at": 1_795_255_200, "attributes": {}
    }))
    .schema()
}

fn userinfo_address() -> Schema {
    let part = |attribute: &str| string(MAX_VALUE, &format!("The attribute `{attribute}`."));
    Record::new("A postal address (OpenID Connect Core 1.0 §5.1.1), from attributes of `common`.")
        .may("formatted", part("formatted"))
        .may("street_address", part("street-address"))
        .may("locality", part("locality"))
        .may("region", part("region"))
        .may("postal_code", part("postal-code"))
        .may("country", part("country"))
        .schema()
}

fn userinfo_form() -> Schema {
    Record::new("An access token that is not sent in a header (RFC 6750 §2.2).")
        .may("access_token", string(8192, "The access token."))
        .example(json!({ "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln" }))
        .schema()
}

fn userinfo_persona() -> Schema {
    Record::new("A persona: the one with which the person signed in, or one that is in force.")
        .must("id", uuid("The id."))
        .must("name", string(1024, "The name of its definition."))
        .must("scope", named("PersonaScope"))
        .may("preferred", boolean("Whether it is the person's preferred one."))
        .may("attributes", named("Attributes"))
        .schema()
}

fn editable(record: Record) -> Record {
    editable_here(
        record
            .must("username", named("Username"))
            .may("id_at_customer", nullable("CustomerUserId"))
            .may("kind", nullable("UserKind")),
    )
}

/// The fields that base profiles and system profiles have in common.
pub(super) fn editable_here(record: Record) -> Record {
    record
        .may("family_name", nullable("PersonName"))
        .may("given_name", nullable("PersonName"))
        .may("ui_locales", named("LanguageTagsInput"))
        .may("preferred_email", nullable("EmailAddress"))
}

/// The fields that a new user may have in addition to the editable ones.
fn creatable(record: Record) -> Record {
    editable(record)
        .may("id", uuid("An id to keep. The service makes one if it is left out.").or_null())
        .may("email_verified", boolean(VERIFIED).or_null())
        .may("attributes", nullable("Attributes"))
        .may("personas", initial_personas())
        .may("invite", boolean(INVITE).or_null())
}

fn initial_personas() -> Array {
    list(named("PersonaImport"), Some(MAX_PERSONAS), "Personas that the user starts with.")
        .or_null()
}

fn input() -> Schema {
    creatable(Record::new("A user to create."))
        .closed()
        .example(json!({
            "username": "kim.kok", "id_at_customer": "CRM-0043", "family_name": "Kok",
            "given_name": "Kim", "ui_locales": ["fr-BE", "nl-BE"],
            "preferred_email": "kim@example.org",
            "attributes": { "common": { "employee-number": ["43"] } }
        }))
        .schema()
}

fn upsert() -> Schema {
    creatable(Record::new(
        "A user to create or to replace. Fields that are left out are removed. `id` and \
         `email_verified` apply to a creation and are accepted unchanged. Personas that the user \
         does not have are added; none is changed or removed.",
    ))
    .unchanged(&["status", "attribute_states", BOUND, "last_login_at", "created_at", "updated_at"])
    .closed()
    .example(json!({ "username": "kim.kok", "family_name": "Kok", "given_name": "Kim" }))
    .schema()
}

fn replacement() -> Schema {
    editable(Record::new("The editable fields of a user. Fields that are left out are removed."))
        .may("attributes", nullable("Attributes"))
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
        .must("value", nullable("AttributeValues"))
        .closed()
        .schema();
    let about = "Attributes by their definitions. None of them may be in `attributes` as well.";
    editable(Record::new("The changes of a user (RFC 7396). `null` removes a field."))
        .may("attributes", named("AttributesPatch"))
        .may("attribute_values", list(by_id, None, about))
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
        .must("value", named("EmailAddress"))
        .closed()
        .example(json!({ "attribute": "preferred_email", "value": "jan@example.org" }))
        .schema()
}
