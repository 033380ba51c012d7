//! Personas of users.

use serde_json::json;
use shared::domain::persona::{MAX_SCOPE, MAX_TEXT, PersonaStatus};
use utoipa::openapi::{Array, Schema};

use super::super::shapes::{
    OrNull as _, Record, boolean, list, named, nullable, text, time, uuid, word,
};
use super::{Described, whole};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("Persona", persona()),
        ("PersonaList", whole("Persona")),
        ("PersonaStatus", word(PersonaStatus::ALL.map(PersonaStatus::name), STATUS).into()),
        ("PersonaScope", scope().into()),
        ("PersonaDefinitionName", text(MAX_TEXT, "The name of the persona definition.").into()),
        ("PersonaInput", input("A persona to add to a user.").schema()),
        ("PersonaImport", import()),
        ("PersonaPatch", patch()),
        ("PersonaAttribute", attribute()),
    ]
}

const STATUS: &str = "An ACTIVE persona is in force between its dates.";
const FROM: &str = "In force from this time on.";
const UNTIL: &str = "In force until this time, which is after `valid_from`.";

fn scope() -> Array {
    let about = "What the persona is valid for: a set. Only for personas of scoped definitions.";
    list(Schema::Object(text(MAX_TEXT, "One member.")), Some(MAX_SCOPE), about)
}

fn persona() -> Schema {
    Record::new("A role of a person.")
        .must("id", uuid("The id."))
        .must("persona_definition_id", uuid("The persona definition."))
        .must("name", nullable("PersonaDefinitionName"))
        .must("status", named("PersonaStatus"))
        .must("scope", named("PersonaScope"))
        .must("preferred", boolean("Whether it is the user's preferred persona. One is at most."))
        .must("valid_from", time(FROM).or_null())
        .must("valid_until", time(UNTIL).or_null())
        .must("attributes", named("Attributes"))
        .must("attribute_states", named("AddressStates"))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000002",
            "persona_definition_id": "0192f3c1-5a00-7000-8000-000000000003",
            "name": "customer_employee", "status": "ACTIVE", "scope": ["chemco"],
            "preferred": false, "valid_from": null, "valid_until": null,
            "attributes": { "common": { "employee-number": ["42"] } }, "attribute_states": {}
        }))
        .schema()
}

fn editable(record: Record) -> Record {
    record
        .may("scope", nullable("PersonaScope"))
        .may("preferred", boolean("Whether it becomes the user's preferred persona.").or_null())
        .may("valid_from", time(FROM).or_null())
        .may("valid_until", time(UNTIL).or_null())
}

fn input(purpose: &str) -> Record {
    let about = format!(
        "{purpose} Name its definition by `persona_definition_id` or by `name`. It is ACTIVE if \
         `status` is left out."
    );
    editable(Record::new(&about))
        .may("persona_definition_id", uuid("The persona definition.").or_null())
        .may("name", nullable("PersonaDefinitionName"))
        .may("status", nullable("PersonaStatus"))
        .may("attributes", nullable("Attributes"))
        .closed()
        .example(json!({ "name": "customer_employee", "scope": ["petrolco"] }))
}

fn import() -> Schema {
    input("A persona that is created with its user.")
        .may("id", uuid("An id to keep. The service makes one if it is left out.").or_null())
        .schema()
}

fn patch() -> Schema {
    editable(Record::new("The changes of a persona (RFC 7396). `null` removes a field."))
        .may("attributes", named("AttributesPatch"))
        .unchanged(&["id", "persona_definition_id", "name", "status", "attribute_states"])
        .closed()
        .example(json!({ "valid_until": "2027-12-31T23:59:59.000Z" }))
        .schema()
}

fn attribute() -> Schema {
    Record::new(
        "The values of one attribute. Name it by `attribute_definition_id`, or by `category` and \
         `name`.",
    )
    .may("attribute_definition_id", uuid("The attribute definition.").or_null())
    .may("category", nullable("CategoryName"))
    .may("name", nullable("DefinitionName"))
    .must("value", named("AttributeValues"))
    .closed()
    .example(json!({ "category": "common", "name": "employee-number", "value": ["42"] }))
    .schema()
}
