//! Attribute categories, attribute definitions and persona definitions.

use serde_json::json;
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{NAME, OrNull, Record, boolean, list, matching, text, uuid, word};
use super::page;
use super::users::scope_words;

const MAX_TEXT: usize = 1024;
const FORMATS: [&str; 3] = ["ENUMERATION", "NUMERIC", "TEXT"];
const SEARCHES: [&str; 3] = ["none", "exact", "prefix"];
const FLAGS: [(&str, &str); 7] = [
    ("single_value", "Whether it holds at most one value; never changes."),
    ("required", "Whether users, or the personas that list it, must have it."),
    ("read_only", "Whether self service cannot change it."),
    ("hidden", "Whether self service does not show it."),
    ("override", "Whether a value written here stays when a provider sends a newer one."),
    ("unique", "Whether no two users of the tenant may hold the same value; never changes."),
    ("deprecated", "Whether it takes no new values."),
];

pub(super) fn schemas() -> [(&'static str, Schema); 12] {
    [
        ("AttributeCategory", category()),
        ("AttributeCategoryInput", category_input().schema()),
        ("AttributeCategoryPatch", category_input().optional().schema()),
        ("AttributeCategoryList", page("AttributeCategory")),
        ("AttributeDefinition", attribute()),
        ("AttributeDefinitionInput", attribute_input().schema()),
        ("AttributeDefinitionPatch", attribute_input().optional().schema()),
        ("AttributeDefinitionList", page("AttributeDefinition")),
        ("PersonaDefinition", persona()),
        ("PersonaDefinitionInput", persona_input().schema()),
        ("PersonaDefinitionPatch", persona_input().optional().schema()),
        ("PersonaDefinitionList", page("PersonaDefinition")),
    ]
}

fn display_name() -> Object {
    text(MAX_TEXT, "The name on screens.").or_null()
}

fn description() -> Object {
    text(MAX_TEXT, "What it is for.").or_null()
}

fn category() -> Schema {
    Record::new("A group of attributes.")
        .must("id", uuid("The id."))
        .must("name", matching(NAME, "The name in profiles; unique in the tenant."))
        .must("display_name", display_name())
        .example(
            json!({ "id": "0192f3c1-5a00-7000-8000-000000000004", "name": "common", "display_name": "Common attributes" }),
        )
        .schema()
}

fn category_input() -> Record {
    Record::new("A group of attributes, as it is written.")
        .must("name", matching(NAME, "The name in profiles; unique in the tenant, never changes."))
        .may("display_name", display_name())
        .unchanged(&["id"])
        .closed()
        .example(json!({ "name": "payroll", "display_name": "Payroll" }))
}

fn values() -> utoipa::openapi::Array {
    list(Schema::Object(text(256, "A value.")), Some(1000), "The values of an enumeration; empty for other formats.")
}

fn scopes() -> utoipa::openapi::Array {
    list(scope_words(), Some(20), "The scopes of which userinfo needs one to show the attribute; empty means all.")
}

fn attribute() -> Schema {
    let record = Record::new("The definition of a custom attribute.")
        .must("id", uuid("The id."))
        .must("category", matching(NAME, "The category."))
        .must("name", matching(NAME, "The name in profiles; unique in the category."))
        .must("display_name", display_name())
        .must("description", description())
        .must("data_format", word(FORMATS, "How values are written."))
        .must("enumeration_values", values())
        .must("scopes", scopes())
        .must("search", word(SEARCHES, "How the attribute can be searched."))
        .must("system", boolean("Whether the service made it; such a definition cannot be deleted."));
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.must(name, boolean(about)))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000005", "category": "common", "name": "employee-number",
            "display_name": "Employee number", "description": null, "data_format": "TEXT", "enumeration_values": [],
            "scopes": [], "search": "exact", "single_value": true, "required": false, "read_only": false, "hidden": false,
            "override": false, "system": false, "unique": false, "deprecated": false
        }))
        .schema()
}

fn attribute_input() -> Record {
    let record = Record::new("The definition of a custom attribute, as it is written.")
        .must("category", matching(NAME, "The category; never changes."))
        .must("name", matching(NAME, "The name in profiles; unique in the category, never changes."))
        .may("display_name", display_name())
        .may("description", description())
        .must("data_format", word(FORMATS, "How values are written; never changes."))
        .may("enumeration_values", values().or_null())
        .may("scopes", scopes().or_null())
        .may("search", word(SEARCHES, "How it can be searched; fixed once a value was stored.").or_null())
        .unchanged(&["id", "system"]);
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.may(name, boolean(about).or_null()))
        .closed()
        .example(json!({ "category": "common", "name": "employee-number", "data_format": "TEXT", "search": "exact" }))
}

fn persona_name() -> Object {
    matching("^[a-z][a-z0-9_-]{0,62}$", "The name; unique in the tenant.")
}

fn persona_attributes() -> utoipa::openapi::Array {
    let id = Schema::Object(uuid("An attribute definition."));
    list(id, Some(200), "The attributes that a persona of this definition may hold.")
}

fn persona() -> Schema {
    Record::new("The definition of a role.")
        .must("id", uuid("The id."))
        .must("name", persona_name())
        .must("display_name", display_name())
        .must("description", description())
        .must("attributes", persona_attributes())
        .must("scoped", boolean("Whether a persona names what it is valid for."))
        .must("system", boolean("Whether the service made it; such a definition cannot be deleted."))
        .must("deprecated", boolean("Whether no new personas may be made of it."))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000003", "name": "customer_employee",
            "display_name": "Employee of a customer", "description": null,
            "attributes": ["0192f3c1-5a00-7000-8000-000000000005"], "scoped": true, "system": false, "deprecated": false
        }))
        .schema()
}

fn persona_input() -> Record {
    Record::new("The definition of a role, as it is written.")
        .must("name", persona_name())
        .may("display_name", display_name())
        .may("description", description())
        .may("attributes", persona_attributes().or_null())
        .may("scoped", boolean("Whether a persona names what it is valid for.").or_null())
        .may("deprecated", boolean("Whether no new personas may be made of it.").or_null())
        .unchanged(&["id", "system"])
        .closed()
        .example(json!({ "name": "customer_employee", "display_name": "Employee of a customer", "scoped": true }))
}
