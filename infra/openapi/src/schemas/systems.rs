//! Systems.

use serde_json::json;
use shared::domain::client::Classifier;
use shared::domain::system::MAX_ATTRIBUTES;
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{NAME_OR_PREDEFINED, OrNull, Record, SLUG, list, matching, text, word};
use super::page;

const MAX_TEXT: usize = 1024;

pub(super) fn schemas() -> [(&'static str, Schema); 4] {
    [
        ("System", system()),
        ("SystemInput", input().must("id", id()).schema()),
        ("SystemPatch", input().unchanged(&["id"]).optional().schema()),
        ("SystemList", page("System")),
    ]
}

fn id() -> Object {
    matching(SLUG, "The id, chosen by the caller; never changes.")
}

fn name() -> Object {
    text(MAX_TEXT, "The name on screens.")
}

fn attributes() -> Array {
    let attribute =
        Record::new("An attribute that profiles in the system hold beside what they inherit.")
            .must("name", matching(NAME_OR_PREDEFINED, "The name, unique in the system."))
            .must(
                "classifier",
                word(
                    Classifier::ALL.map(Classifier::name),
                    "Clients see it whose `max_classifier` is not below this.",
                ),
            )
            .closed();
    list(attribute.schema(), Some(MAX_ATTRIBUTES), "The attributes that the system declares.")
}

fn system() -> Schema {
    Record::new("A software system in which people have profiles of their own.")
        .must("id", id())
        .must("name", name())
        .must("attributes_definition", attributes())
        .example(json!({
            "id": "loyalty", "name": "Loyalty",
            "attributes_definition": [{ "name": "points", "classifier": "NON_SENSITIVE" }]
        }))
        .schema()
}

fn input() -> Record {
    Record::new("A software system, as it is written.")
        .must("name", name())
        .may("attributes_definition", attributes().or_null())
        .closed()
        .example(json!({
            "id": "loyalty", "name": "Loyalty",
            "attributes_definition": [{ "name": "points", "classifier": "NON_SENSITIVE" }]
        }))
}
