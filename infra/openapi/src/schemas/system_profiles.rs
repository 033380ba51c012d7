//! System profiles: people as one system sees and knows them.

use serde_json::json;
use shared::auth::user_token::MAX_SUBJECT;
use shared::domain::value::{MAX_VALUE, MAX_VALUES};
use users::MAX_IDS;
use users::profiles::{MAX_PATHS, MAX_TEXT as MAX_NAME};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    NAME_OR_PREDEFINED, OrNull, Record, SLUG, Shape, boolean, list, map, matching, named, string,
    text, time, user, uuid,
};
use super::users::{
    MAX_TEXT, attributes, editable_here, email, patched_values, sent_values, shown_values,
};

const READ_ONLY: [&str; 7] =
    ["id", "tenant_id", "system_id", "email_verified", "overrides", "created_at", "updated_at"];

pub(super) fn schemas() -> [(&'static str, Schema); 7] {
    [
        ("SystemProfile", profile()),
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
    map(Some(matching(NAME_OR_PREDEFINED, "A name that the system declares.")), values, description)
}

fn texts(description: &str) -> utoipa::openapi::Array {
    list(Schema::Object(string(MAX_VALUE, "A value.")), Some(MAX_VALUES), description)
}

/// The members of a profile, all of which are there when nothing is selected.
fn members(record: Record) -> Record {
    let overridden = string(MAX_NAME, "A field, or `attributes.<category>.<name>`.");
    record
        .must("id", uuid("The id; of no use in another system."))
        .must("tenant_id", matching(SLUG, "The tenant."))
        .must("system_id", matching(SLUG, "The system."))
        .must("family_name", text(MAX_TEXT, "The family name.").or_null())
        .must("given_name", text(MAX_TEXT, "The given name.").or_null())
        .must(
            "ui_locales",
            text(MAX_TEXT, "Language tags (BCP 47), separated by a space.").or_null(),
        )
        .must("preferred_email", email().or_null())
        .must("email_verified", boolean("Whether the e-mail address is known to be the person's."))
        .must(
            "attributes",
            attributes(
                shown_values(),
                "Custom attributes, inherited or overridden, by category and name.",
            ),
        )
        .must("system_attributes", own(texts("The values."), "What the system declares, by name."))
        .must(
            "overrides",
            list(
                Schema::Object(overridden),
                None,
                "What this system has in place of the base profile's.",
            ),
        )
        .must("created_at", time("When the profile was made."))
        .must(
            "updated_at",
            time("When the profile, or the base profile that it inherits from, was last changed."),
        )
}

fn profile() -> Schema {
    members(Record::new(
        "A person as one system sees and knows them. A hidden attribute is absent where the \
         person is the caller.",
    ))
    .example(json!({
        "id": "5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11", "tenant_id": "acme", "system_id": "webshop",
        "family_name": "Janssen",
        "given_name": "Johannes", "ui_locales": "fr-BE nl-BE", "preferred_email": "jan@example.org",
        "email_verified": true,
        "attributes": { "common": { "employee-number": ["42"] } },
        "system_attributes": { "points": ["7"] },
        "overrides": ["given_name"], "created_at": "2026-11-21T10:00:00.000Z",
        "updated_at": "2026-11-21T10:00:00.000Z"
    }))
    .schema()
}

fn selected() -> Schema {
    let parts = members(Record::new("Selected parts of a system profile; its id is always there."));
    parts.optional().must_have("id").schema()
}

fn input() -> Schema {
    Record::new(
        "Whom a CRM or an IAM system brings: either `user_id`, or `issuer` and `subject`. A \
         person's own token says it all.",
    )
    .may(
        "issuer",
        text(
            MAX_SUBJECT,
            "The `iss` of the person's tokens, which an authentication server of the tenant has.",
        ),
    )
    .may("subject", text(MAX_SUBJECT, "What the issuer calls the person."))
    .may("user_id", user("The user."))
    .closed()
    .example(json!({ "issuer": "https://id.example.org/realm", "subject": "248289761001" }))
    .schema()
}

fn replacement() -> Schema {
    editable_here(Record::new(
        "A system profile as it is to be; what is left out falls back to the base profile, or is \
         removed if the system declares it.",
    ))
    .may(
        "attributes",
        attributes(sent_values(), "Custom attributes, by category and name.").or_null(),
    )
    .may(
        "system_attributes",
        own(texts("The values."), "What the system declares, by name.").or_null(),
    )
    .unchanged(&READ_ONLY)
    .closed()
    .example(json!({ "given_name": "Johannes", "system_attributes": { "points": ["7"] } }))
    .schema()
}

fn patch() -> Schema {
    editable_here(Record::new(
        "The changes of a system profile (RFC 7396); `null` falls back to the base profile, or \
         removes what the system declares.",
    ))
    .may(
        "attributes",
        attributes(patched_values(), "Custom attributes to change, by category and name."),
    )
    .may(
        "system_attributes",
        own(texts("The values.").or_null(), "What to change of what the system declares, by name."),
    )
    .unchanged(&READ_ONLY)
    .closed()
    .example(json!({ "given_name": null, "system_attributes": { "points": ["8"] } }))
    .schema()
}

fn bulk_search() -> Schema {
    let path =
        text(MAX_NAME, "A field, `attributes.<category>.<name>` or `system_attributes.<name>`.");
    let id = text(MAX_NAME, "The id of a system profile, or a base profile id.");
    Record::new("A question for some profiles of a system.")
        .must("ids", list(Schema::Object(id), Some(MAX_IDS), "The profiles."))
        .may(
            "select",
            list(
                Schema::Object(path),
                Some(MAX_PATHS),
                "What to show of each; everything without it.",
            )
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
    let missing = list(
        Schema::Object(string(MAX_NAME, "An id.")),
        Some(MAX_IDS),
        "The ids that nobody goes by here, as sent.",
    );
    Record::new("The profiles that were asked for.")
        .must(
            "items",
            list(
                named("SelectedSystemProfile"),
                Some(MAX_IDS),
                "In the order of the ids; each has its id and what is selected.",
            ),
        )
        .must("missing", missing)
        .schema()
}
