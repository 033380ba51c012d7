//! Attribute categories, attribute definitions, persona definitions and what screens show of a
//! profile.

use serde_json::json;
use shared::domain::definition::{DataFormat, Search};
use shared::domain::json_schema::MAX_SCHEMA;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    NAME, NAME_OR_PREDEFINED, OrNull, Record, boolean, either, list, matching, text, uuid, word,
};
use super::page;
use super::users::scope_words;

const MAX_TEXT: usize = 1024;
const FLAGS: [(&str, &str); 7] = [
    ("single_value", "Whether it holds at most one value; never changes."),
    ("required", "Whether users, or the personas that list it, must have it."),
    ("read_only", "Whether self service cannot change it."),
    ("hidden", "Whether self service does not show it."),
    ("override", "Whether a value written here stays when a provider sends a newer one."),
    ("unique", "Whether no two users of the tenant may hold the same value; never changes."),
    ("deprecated", "Whether it takes no new values."),
];

pub(super) fn schemas() -> [(&'static str, Schema); 15] {
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
        ("UserProfileDefinition", profile()),
        ("UserProfileDefinitionInput", profile_input()),
        ("UserProfileDefinitionPatch", profile_input()),
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
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000004", "name": "common",
            "display_name": "Common attributes"
        }))
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
    list(
        Schema::Object(text(256, "A value.")),
        Some(1000),
        "The values of an enumeration; empty for other formats.",
    )
}

fn scopes() -> utoipa::openapi::Array {
    list(
        scope_words(),
        Some(20),
        "The scopes of which userinfo needs one to show the attribute; empty means all.",
    )
}

fn format(description: &str) -> Object {
    word(DataFormat::ALL.map(DataFormat::name), description)
}

fn search(description: &str) -> Object {
    word(Search::ALL.map(Search::name), description)
}

fn json_schema() -> Object {
    let about = format!(
        "The JSON Schema (draft 2020-12, at most {MAX_SCHEMA} bytes) that JSON values fit; it \
         refers to nothing outside itself."
    );
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Boolean, Type::Null]))
        .description(Some(about))
        .build()
}

fn derived() -> Object {
    Record::new("What derives the values, if callers do not write them.")
        .must("workflow_id", uuid("The workflow."))
        .closed()
        .object()
        .or_null()
}

fn approval_policy() -> Object {
    let client = Record::new("Clients whose token holds a scope.")
        .must("client_scope", scope_words())
        .closed();
    let person = Record::new("People with a persona in force.")
        .must("persona", matching(NAME_OR_PREDEFINED, "The name of the persona's definition."))
        .may(
            "scope",
            text(MAX_TEXT, "What the persona has in its scope, if that matters.").or_null(),
        )
        .closed();
    let mut statements = list(
        either([person.schema().into(), client.schema().into()], "Who may."),
        Some(20),
        "Whoever fulfils one of them writes without asking, and approves what others want to \
         write.",
    );
    statements.min_items = Some(1);
    Record::new(
        "Who may write the attribute and approve what others want to write; nobody is asked \
         without one.",
    )
    .must("statements", statements)
    .closed()
    .object()
    .or_null()
}

fn attribute() -> Schema {
    let record =
        Record::new("The definition of an attribute; those of the predefined ones have `system`.")
            .must("id", uuid("The id."))
            .must("category", matching(NAME, "The category."))
            .must(
                "name",
                matching(NAME_OR_PREDEFINED, "The name in profiles; unique in the category."),
            )
            .must("display_name", display_name())
            .must("description", description())
            .must("data_format", format("How values are written."))
            .must("enumeration_values", values())
            .must("json_schema", json_schema())
            .must("scopes", scopes())
            .must("search", search("How the attribute can be searched."))
            .must("derived", derived())
            .must("approval_policy", approval_policy())
            .must(
                "system",
                boolean("Whether the service made it; such a definition cannot be deleted."),
            );
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.must(name, boolean(about)))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000005", "category": "common",
            "name": "employee-number",
            "display_name": "Employee number", "description": null, "data_format": "TEXT",
            "enumeration_values": [],
            "json_schema": null, "scopes": [], "search": "exact", "single_value": true,
            "required": false,
            "read_only": false, "hidden": false, "override": false, "system": false,
            "unique": false, "derived": null,
            "approval_policy": { "statements": [{ "client_scope": "administrator" }] },
            "deprecated": false
        }))
        .schema()
}

fn attribute_input() -> Record {
    let name = "The name in profiles; unique in the category, never changes. Only predefined ones \
                have underscores.";
    let record = Record::new("The definition of an attribute, as it is written.")
        .must("category", matching(NAME, "The category; never changes."))
        .must("name", matching(NAME_OR_PREDEFINED, name))
        .may("display_name", display_name())
        .may("description", description())
        .must("data_format", format("How values are written; never changes."))
        .may("enumeration_values", values().or_null())
        .may("json_schema", json_schema())
        .may("scopes", scopes().or_null())
        .may("search", search("How it can be searched; fixed once a value was stored.").or_null())
        .may("derived", derived())
        .may("approval_policy", approval_policy())
        .may(
            "source",
            word(["repository"], "Where values come from, which is the profile itself; not shown.")
                .or_null(),
        )
        .unchanged(&["id", "system"]);
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.may(name, boolean(about).or_null()))
        .closed()
        .example(json!({
            "category": "common", "name": "employee-number", "data_format": "TEXT",
            "search": "exact"
        }))
}

fn persona_name() -> Object {
    matching(NAME_OR_PREDEFINED, "The name; unique in the tenant.")
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
        .must(
            "system",
            boolean("Whether the service made it; such a definition cannot be deleted."),
        )
        .must("deprecated", boolean("Whether no new personas may be made of it."))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000003", "name": "customer_employee",
            "display_name": "Employee of a customer", "description": null,
            "attributes": ["0192f3c1-5a00-7000-8000-000000000005"], "scoped": true, "system": false,
            "deprecated": false
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
        .example(json!({
            "name": "customer_employee", "display_name": "Employee of a customer", "scoped": true
        }))
}

fn profile_attributes() -> utoipa::openapi::Array {
    let id = Schema::Object(uuid("The definition of a custom attribute."));
    list(id, Some(200), "The attributes, first to last, each once.")
}

fn profile() -> Schema {
    Record::new("Which custom attributes screens show; nothing but display depends on it.")
        .must("attributes", profile_attributes())
        .example(json!({ "attributes": ["0192f3c1-5a00-7000-8000-000000000005"] }))
        .schema()
}

fn profile_input() -> Schema {
    Record::new(
        "Which custom attributes screens show, as it is written; none when they are left out of a \
         PUT.",
    )
    .may("attributes", profile_attributes().or_null())
    .closed()
    .example(json!({ "attributes": ["0192f3c1-5a00-7000-8000-000000000005"] }))
    .schema()
}
