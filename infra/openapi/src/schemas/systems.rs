//! Systems.

use serde_json::{Value, json};
use shared::domain::system::MAX_ATTRIBUTES;
use utoipa::openapi::{Array, Schema};

use super::super::shapes::{OrNull as _, Record, list, named, text};
use super::fields::MAX_DEFINITION_TEXT;
use super::{Described, page};

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("DeclaredSystem", system()),
        ("DeclaredSystemInput", input().must("id", named("Slug")).example(example()).schema()),
        ("DeclaredSystemPatch", patch()),
        ("DeclaredSystemList", page("DeclaredSystem")),
        ("SystemAttributeDefinition", attribute()),
    ]
}

fn attribute() -> Schema {
    Record::new("An attribute that profiles in the system hold beside what they inherit.")
        .must("name", named("DefinitionName"))
        .must("classifier", named("Classifier"))
        .closed()
        .schema()
}

fn attributes() -> Array {
    let about = "The attributes that the system declares, by unique names.";
    list(named("SystemAttributeDefinition"), Some(MAX_ATTRIBUTES), about)
}

fn example() -> Value {
    json!({
        "id": "helpdesk", "name": "Help desk",
        "attributes_definition": [{ "name": "tickets", "classifier": "LOW" }]
    })
}

fn system() -> Schema {
    Record::new("A software system in which people have profiles of their own.")
        .must("id", named("Slug"))
        .must("name", text(MAX_DEFINITION_TEXT, "The name on screens."))
        .must("attributes_definition", attributes())
        .example(example())
        .schema()
}

fn input() -> Record {
    Record::new("A software system to store.")
        .must("name", text(MAX_DEFINITION_TEXT, "The name on screens."))
        .may("attributes_definition", attributes().or_null())
        .closed()
}

fn patch() -> Schema {
    input().unchanged(&["id"]).optional().example(json!({ "name": "Loyalty programme" })).schema()
}
