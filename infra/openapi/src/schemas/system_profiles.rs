//! System profiles: people as one system sees and knows them.

use serde_json::json;
use shared::auth::user_token::MAX_SUBJECT;
use shared::domain::value::{MAX_VALUE, MAX_VALUES};
use users::MAX_IDS;
use users::profiles::{MAX_PATHS, MAX_TEXT as MAX_PATH};
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, Shape, list, map, matching, named, nullable, string, text, time, uuid,
};
use super::Described;
use super::users::{editable_here, shown_here};
use shared::domain::definition::NAME_OR_PREDEFINED_PATTERN;

const READ_ONLY: [&str; 7] =
    ["id", "tenant_id", "system_id", "email_verified", "overrides", "created_at", "updated_at"];

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("SystemProfile", profile()),
        ("SystemAttributeValues", values().into()),
        ("SystemAttributes", own(named("SystemAttributeValues"), "Values by name.").into()),
        ("SystemProfileInput", input()),
        ("SystemProfileReplacement", replacement()),
        ("SystemProfilePatch", patch()),
        ("SystemProfileBulkSearch", bulk_search()),
        ("SystemProfileBulk", bulk()),
        ("SelectedSystemProfile", selected()),
    ]
}

/// The attributes that a system declares, by name.
fn own(values: impl Into<Shape>, description: &str) -> Object {
    map(
        Some(matching(NAME_OR_PREDEFINED_PATTERN, "A name that the system declares.")),
        values,
        description,
    )
}

fn values() -> Array {
    let value = Schema::Object(string(MAX_VALUE, "A value."));
    list(value, Some(MAX_VALUES), "The values of an attribute that the system declares.")
}

/// The members of a profile, all of which are there when nothing is selected.
fn members(record: Record) -> Record {
    let overridden = string(MAX_PATH, "A field, or `attributes.<category>.<name>`.");
    shown_here(
        record
            .must("id", uuid("The id, which no other system knows."))
            .must("tenant_id", named("Slug"))
            .must("system_id", named("Slug")),
    )
    .must("attributes", named("Attributes"))
    .must("system_attributes", named("SystemAttributes"))
    .must(
        "overrides",
        list(Schema::Object(overridden), None, "What the system has in place of the base profile."),
    )
    .must("created_at", time("When the profile was created."))
    .must("updated_at", time("When the profile, or its base profile, was last changed."))
}

fn profile() -> Schema {
    let about = "A person as one system sees and knows them: the base profile, what the system \
                 overrides, and the attributes that the system declares. People do not see hidden \
                 attributes of themselves.";
    members(Record::new(about))
        .example(json!({
            "id": "5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11", "tenant_id": "acme",
            "system_id": "webshop", "family_name": "Janssen", "given_name": "Johannes",
            "ui_locales": "fr-BE nl-BE", "preferred_email": "jan@example.org",
            "email_verified": true, "attributes": { "common": { "employee-number": ["42"] } },
            "system_attributes": { "points": ["7"] }, "overrides": ["given_name"],
            "created_at": "2026-11-21T10:00:00.000Z", "updated_at": "2026-11-21T10:00:00.000Z"
        }))
        .schema()
}

fn selected() -> Schema {
    let parts = members(Record::new("The selected parts of a system profile, and its id."));
    parts.optional().must_have("id").schema()
}

fn input() -> Schema {
    let about = "The person whom a CRM or an IAM system brings: either `user_id`, or `issuer` and \
                 `subject`. Calls with a person's own token leave the body out.";
    let issuer = "The `iss` of the person's tokens, known from an authentication server.";
    Record::new(about)
        .may("issuer", text(MAX_SUBJECT, issuer))
        .may("subject", text(MAX_SUBJECT, "The subject of the person at the issuer."))
        .may("user_id", named("UserReference"))
        .closed()
        .example(json!({ "issuer": "https://id.example.org/people", "subject": "248289761001" }))
        .schema()
}

fn replacement() -> Schema {
    let about = "A system profile to store. Fields that are left out fall back to the base \
                 profile. Attributes that the system declares are removed if they are left out.";
    editable_here(Record::new(about))
        .may("attributes", nullable("Attributes"))
        .may("system_attributes", nullable("SystemAttributes"))
        .unchanged(&READ_ONLY)
        .closed()
        .example(json!({ "given_name": "Johannes", "system_attributes": { "points": ["7"] } }))
        .schema()
}

fn patch() -> Schema {
    let about = "The changes of a system profile (RFC 7396). `null` falls back to the base \
                 profile, or removes an attribute that the system declares.";
    editable_here(Record::new(about))
        .may("attributes", named("AttributesPatch"))
        .may("system_attributes", own(nullable("SystemAttributeValues"), "New values by name."))
        .unchanged(&READ_ONLY)
        .closed()
        .example(json!({ "given_name": null, "system_attributes": { "points": ["8"] } }))
        .schema()
}

fn bulk_search() -> Schema {
    let path =
        text(MAX_PATH, "A field, `attributes.<category>.<name>` or `system_attributes.<name>`.");
    let id = text(MAX_PATH, "The id of a system profile, or a base profile id.");
    Record::new("A query for profiles of a system by their ids.")
        .must("ids", list(Schema::Object(id), Some(MAX_IDS), "The profiles."))
        .may(
            "select",
            list(Schema::Object(path), Some(MAX_PATHS), "The parts to show. All if left out.")
                .or_null(),
        )
        .closed()
        .example(json!({
            "ids": ["5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11"],
            "select": ["given_name", "system_attributes.points"]
        }))
        .schema()
}

fn bulk() -> Schema {
    let found = list(named("SelectedSystemProfile"), Some(MAX_IDS), "In the order of the ids.");
    let id = Schema::Object(string(MAX_PATH, "An id."));
    let missing = list(id, Some(MAX_IDS), "The ids without a profile here, as sent.");
    Record::new("The profiles that were found.")
        .must("items", found)
        .must("missing", missing)
        .example(json!({
            "items": [{
                "id": "5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11", "given_name": "Johannes",
                "system_attributes": { "points": ["7"] }
            }],
            "missing": []
        }))
        .schema()
}
