//! Personas of users.

use serde_json::json;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{NAME, OrNull, Record, boolean, list, matching, text, time, uuid, word};
use super::users::{attributes, patched_values, sent_values, shown_values, states};
use super::whole;

const MAX_TEXT: usize = 256;
const MAX_SCOPE: usize = 20;
const STATUS: [&str; 3] = ["ACTIVE", "PENDING", "SUSPENDED"];

pub(super) fn schemas() -> [(&'static str, Schema); 6] {
    [
        ("Persona", persona()),
        ("PersonaList", whole("Persona")),
        (
            "PersonaInput",
            one_of_names(input("A persona to be added."), &[&["persona_definition_id"], &["name"]]),
        ),
        ("PersonaImport", import()),
        ("PersonaPatch", patch()),
        ("PersonaAttribute", attribute()),
    ]
}

fn scope() -> utoipa::openapi::Array {
    let scope = text(MAX_TEXT, "What the persona is valid for.");
    list(
        Schema::Object(scope),
        Some(MAX_SCOPE),
        "What the persona is valid for; a set, only for scoped definitions.",
    )
}

fn preferred() -> Object {
    boolean("Whether it is the user's preferred persona; at most one is.")
}

fn persona() -> Schema {
    Record::new("A role of a person.")
        .must("id", uuid("The id."))
        .must("persona_definition_id", uuid("What it is a persona of."))
        .must("name", text(MAX_TEXT, "The name of the persona definition.").or_null())
        .must("status", word(STATUS, "Whether it is in force between its dates."))
        .must("scope", scope())
        .must("preferred", preferred())
        .must("valid_from", time("In force from this time on.").or_null())
        .must("valid_until", time("In force until this time.").or_null())
        .must("attributes", attributes(shown_values(), "Its own attributes, by category and name."))
        .must("attribute_states", states())
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000002",
            "persona_definition_id": "0192f3c1-5a00-7000-8000-000000000003",
            "name": "customer_employee",
            "status": "ACTIVE", "scope": ["chemco"], "preferred": false, "valid_from": null,
            "valid_until": null,
            "attributes": { "common": { "employee-number": ["42"] } }, "attribute_states": {}
        }))
        .schema()
}

fn editable(record: Record) -> Record {
    record
        .may("scope", scope().or_null())
        .may("preferred", preferred().or_null())
        .may("valid_from", time("In force from this time on.").or_null())
        .may("valid_until", time("In force until this time; after `valid_from`.").or_null())
}

fn input(description: &str) -> Record {
    editable(Record::new(description))
        .may("persona_definition_id", uuid("What it is a persona of.").or_null())
        .may(
            "name",
            text(MAX_TEXT, "The name of the persona definition, instead of its id.").or_null(),
        )
        .may("status", word(STATUS, "Whether it is in force; ACTIVE when left out.").or_null())
        .may(
            "attributes",
            attributes(sent_values(), "Its own attributes, by category and name.").or_null(),
        )
        .closed()
        .example(json!({ "name": "customer_employee", "scope": ["chemco"] }))
}

fn import() -> Schema {
    let record = input("A persona that comes with its user.");
    let record = record.may("id", uuid("An id to keep; without it one is made.").or_null());
    one_of_names(record, &[&["persona_definition_id"], &["name"]])
}

/// The record, with all fields of at least one of the groups.
fn one_of_names(record: Record, groups: &[&[&str]]) -> Schema {
    let mut any = AnyOfBuilder::new();
    for group in groups {
        let mut fields = ObjectBuilder::new();
        for name in *group {
            fields = fields
                .property(*name, ObjectBuilder::new().schema_type(Type::String))
                .required(*name);
        }
        any = any.item(fields);
    }
    Schema::AllOf(
        AllOfBuilder::new().item(record.schema()).item(Schema::AnyOf(any.build())).build(),
    )
}

fn patch() -> Schema {
    editable(Record::new("The changes of a persona (RFC 7396); `null` removes a field."))
        .may(
            "attributes",
            attributes(patched_values(), "Attributes to change, by category and name."),
        )
        .unchanged(&["id", "persona_definition_id", "name", "status", "attribute_states"])
        .closed()
        .example(json!({ "valid_until": "2027-12-31T23:59:59.000Z" }))
        .schema()
}

fn attribute() -> Schema {
    let record =
        Record::new("The values of one attribute, named by its id or by category and name.")
            .may("attribute_definition_id", uuid("The attribute.").or_null())
            .may("category", matching(NAME, "The attribute's category.").or_null())
            .may("name", matching(NAME, "The attribute's name.").or_null())
            .must("value", sent_values())
            .closed()
            .example(json!({ "category": "common", "name": "employee-number", "value": ["42"] }));
    one_of_names(record, &[&["attribute_definition_id"], &["category", "name"]])
}
