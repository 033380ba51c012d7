//! Attribute categories, attribute definitions, persona definitions, the user profile definition,
//! and the settings of a tenant.

use serde_json::{Value, json};
use shared::domain::audit::Level;
use shared::domain::definition::{DataFormat, Search};
use shared::domain::json_schema::MAX_SCHEMA;
use shared::domain::people::MINIMUM_LENGTHS;
use utoipa::openapi::{Array, Object, Schema};

use super::super::shapes::{
    OrNull as _, Record, anything, boolean, either, integer, list, matching, named, nullable, text,
    time, uuid, word,
};
use super::fields::MAX_DEFINITION_TEXT;
use super::{Described, page};

const FLAGS: [(&str, &str); 7] = [
    ("single_value", "Whether it holds at most one value. Never changes."),
    ("required", "Whether users, or the personas that list it, must have it."),
    ("read_only", "Whether self-service cannot change it."),
    ("hidden", "Whether self-service does not show it."),
    ("override", "Whether a value written here stays when a provider sends a newer one."),
    ("unique", "Whether no two users of the tenant may hold the same value. Never changes."),
    ("deprecated", "Whether it takes no new values."),
];
const SYSTEM: &str = "Whether the service made the definition. Such a definition stays.";
const SCOPED: &str = "Whether a persona names what it is valid for.";
const DEPRECATED: &str = "Whether no new personas may be made of it.";
const EXAMPLE_ATTRIBUTE: &str = "0192f3c1-5a00-7000-8000-000000000005";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("AttributeCategory", category()),
        (
            "AttributeCategoryInput",
            category_input()
                .example(json!({ "name": "travel", "display_name": "Travel" }))
                .schema(),
        ),
        (
            "AttributeCategoryPatch",
            category_input().optional().example(json!({ "display_name": "Pay" })).schema(),
        ),
        ("AttributeCategoryList", page("AttributeCategory")),
        ("AttributeDefinition", attribute()),
        (
            "AttributeDefinitionInput",
            attribute_input()
                .example(json!({
                    "category": "common", "name": "badge", "data_format": "TEXT", "search": "exact"
                }))
                .schema(),
        ),
        (
            "AttributeDefinitionPatch",
            attribute_input().optional().example(json!({ "display_name": "Badge" })).schema(),
        ),
        ("AttributeDefinitionList", page("AttributeDefinition")),
        (
            "DataFormat",
            word(DataFormat::ALL.map(DataFormat::name), "The format of values. Never changes.")
                .into(),
        ),
        (
            "SearchMode",
            word(
                Search::ALL.map(Search::name),
                "How values can be searched. Once a value is stored it can only be raised.",
            )
            .into(),
        ),
        ("EnumerationValues", enumeration_values().into()),
        ("AttributeScopes", scopes().into()),
        ("JsonSchema", json_schema()),
        ("Derivation", derivation()),
        ("ApprovalPolicy", approval_policy()),
        ("ScopeStatement", scope_statement()),
        ("PersonaStatement", persona_statement()),
        ("PersonaDefinition", persona()),
        (
            "PersonaDefinitionInput",
            persona_input()
                .example(json!({
                    "name": "supplier", "display_name": "Supplier", "scoped": true,
                    "attributes": [EXAMPLE_ATTRIBUTE]
                }))
                .schema(),
        ),
        (
            "PersonaDefinitionPatch",
            persona_input()
                .optional()
                .example(json!({ "display_name": "Contractor on site" }))
                .schema(),
        ),
        ("PersonaDefinitionList", page("PersonaDefinition")),
        ("PortalScopes", portal_scopes().into()),
        ("UserProfileDefinition", profile()),
        ("UserProfileDefinitionInput", profile_input()),
        ("UserProfileDefinitionPatch", profile_input()),
        ("AuditSettings", audit()),
        ("AuditSettingsInput", audit_input()),
        ("AuditSettingsPatch", audit_input()),
        ("SignInSettings", sign_in().example(sign_in_example()).schema()),
        ("SignInSettingsInput", sign_in_input(sign_in_example())),
        ("SignInSettingsPatch", sign_in_input(json!({ "minimum_password_length": 16 }))),
    ]
}

fn category() -> Schema {
    Record::new("A group of attributes.")
        .must("id", uuid("The id."))
        .must("name", named("CategoryName"))
        .must("display_name", nullable("DisplayName"))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000004", "name": "travel",
            "display_name": "Travel"
        }))
        .schema()
}

fn category_input() -> Record {
    Record::new("A group of attributes to store. Its name is unique and never changes.")
        .must("name", named("CategoryName"))
        .may("display_name", nullable("DisplayName"))
        .unchanged(&["id"])
        .closed()
}

fn enumeration_values() -> Array {
    let value = Schema::Object(text(256, "A value."));
    list(value, Some(1000), "The values of an enumeration. Empty for other formats.")
}

fn deprecated_values() -> Array {
    let about = "Values of the enumeration that are given to nobody any more. Users who have one keep \
                 it. One that no user holds can be removed from both lists.";
    list(Schema::Object(text(256, "A value.")), Some(100), about)
}

fn effective_search() -> Object {
    let about = "How values can be searched now. It differs from a raised `search` until the service \
                 has made the index entries of all users.";
    word(Search::ALL.map(Search::name), about)
}

fn bound_to() -> Object {
    let about = "`<consent>/<purpose>`: systems get the attribute only while the person agrees. \
                 `none`: it is derived from nothing that a consent governs.";
    matching(r"^(none|[a-z][a-z0-9-]{1,62}/[a-z][a-z0-9-]{1,62})$", about)
}

fn scopes() -> Array {
    let about = "`userinfo` shows the attribute to tokens with one of these scopes, which may be \
                 scopes of the issuer of the token. If the list is empty, it shows a custom \
                 attribute to tokens of this service with `profile`, and to all of other issuers.";
    let scope = matching(r"^[\x21\x23-\x5b\x5d-\x7e]{1,64}$", "A scope (RFC 6749 §3.3).");
    list(Schema::Object(scope), Some(20), about)
}

fn json_schema() -> Schema {
    let about = format!(
        "The JSON Schema (draft 2020-12) of JSON values: an object, `true`, `false`, or `null` for \
         none. At most {MAX_SCHEMA} bytes. References stay inside it."
    );
    anything(&about).into()
}

fn derivation() -> Schema {
    Record::new("The workflow that derives the values. Callers do not write them.")
        .must("workflow_id", uuid("The workflow."))
        .closed()
        .schema()
}

fn scope_statement() -> Schema {
    Record::new("Clients whose token holds a scope.")
        .must("client_scope", named("Scope"))
        .closed()
        .schema()
}

fn persona_statement() -> Schema {
    let scope = "A member of the persona's scope, if it matters.";
    Record::new("People with a persona in force.")
        .must("persona", named("DefinitionName"))
        .may("scope", text(MAX_DEFINITION_TEXT, scope).or_null())
        .closed()
        .schema()
}

fn approval_policy() -> Schema {
    let one = either([named("PersonaStatement"), named("ScopeStatement")], "A statement.");
    let mut statements = list(one, Some(20), "A caller who fulfils one of them needs no approval.");
    statements.min_items = Some(1);
    Record::new(
        "Who may write the attribute without approval, and who may approve what others want to \
         write. Without a policy no approval is needed.",
    )
    .must("statements", statements)
    .closed()
    .schema()
}

fn attribute() -> Schema {
    let record = Record::new("The definition of an attribute. Predefined ones have `system`.")
        .must("id", uuid("The id."))
        .must("category", named("CategoryName"))
        .must("name", named("DefinitionName"))
        .must("display_name", nullable("DisplayName"))
        .must("description", nullable("Description"))
        .must("data_format", named("DataFormat"))
        .must("enumeration_values", named("EnumerationValues"))
        .must("deprecated_values", deprecated_values())
        .must("json_schema", named("JsonSchema"))
        .must("scopes", named("AttributeScopes"))
        .must("search", named("SearchMode"))
        .must("effective_search", effective_search())
        .must("derived", nullable("Derivation"))
        .must("approval_policy", nullable("ApprovalPolicy"))
        .must("consent", bound_to().or_null())
        .must("system", boolean(SYSTEM));
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.must(name, boolean(about)))
        .example(json!({
            "id": EXAMPLE_ATTRIBUTE, "category": "common", "name": "badge", "display_name": null,
            "description": null, "data_format": "TEXT", "enumeration_values": [],
            "deprecated_values": [], "json_schema": null, "scopes": [], "search": "exact",
            "effective_search": "exact", "derived": null, "consent": null,
            "approval_policy": { "statements": [{ "client_scope": "administrator" }] },
            "system": false, "single_value": false, "required": false, "read_only": false,
            "hidden": false, "override": false, "unique": false, "deprecated": false
        }))
        .schema()
}

fn attribute_input() -> Record {
    let source = "Where values come from: the profile itself. Not shown.";
    let record = Record::new(
        "The definition of an attribute, to store. Its category, its name, its format, \
         `single_value` and `unique` never change.",
    )
    .must("category", named("CategoryName"))
    .must("name", named("DefinitionName"))
    .may("display_name", nullable("DisplayName"))
    .may("description", nullable("Description"))
    .must("data_format", named("DataFormat"))
    .may("enumeration_values", nullable("EnumerationValues"))
    .may("deprecated_values", deprecated_values().or_null())
    .may("json_schema", named("JsonSchema"))
    .may("scopes", nullable("AttributeScopes"))
    .may("search", nullable("SearchMode"))
    .may("derived", nullable("Derivation"))
    .may("approval_policy", nullable("ApprovalPolicy"))
    .may("consent", bound_to().or_null())
    .may("source", text(MAX_DEFINITION_TEXT, source).or_null())
    .unchanged(&["id", "system", "effective_search"]);
    FLAGS
        .iter()
        .fold(record, |record, (name, about)| record.may(name, boolean(about).or_null()))
        .closed()
}

fn persona_attributes() -> Array {
    let id = Schema::Object(uuid("An attribute definition."));
    list(id, Some(200), "The attributes that a persona of this definition may hold.")
}

fn portal_scopes() -> Array {
    let about = "The rights of people who hold such a persona, while it is in force. Only who has \
                 them all may grant them. They can only be removed.";
    list(named("Scope"), None, about)
}

fn persona() -> Schema {
    Record::new("The definition of a role. `administrator`, `helpdesk` and `auditor` are built in.")
        .must("id", uuid("The id."))
        .must("name", named("DefinitionName"))
        .must("display_name", nullable("DisplayName"))
        .must("description", nullable("Description"))
        .must("attributes", persona_attributes())
        .must("scoped", boolean(SCOPED))
        .must("portal_scopes", named("PortalScopes"))
        .must("system", boolean(SYSTEM))
        .must("deprecated", boolean(DEPRECATED))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000003", "name": "supplier",
            "display_name": "Supplier", "description": null, "attributes": [EXAMPLE_ATTRIBUTE],
            "scoped": true, "portal_scopes": [], "system": false, "deprecated": false
        }))
        .schema()
}

fn persona_input() -> Record {
    Record::new("The definition of a role, to store. Its name is unique in the tenant.")
        .must("name", named("DefinitionName"))
        .may("display_name", nullable("DisplayName"))
        .may("description", nullable("Description"))
        .may("attributes", persona_attributes().or_null())
        .may("scoped", boolean(SCOPED).or_null())
        .may("portal_scopes", nullable("PortalScopes"))
        .may("deprecated", boolean(DEPRECATED).or_null())
        .unchanged(&["id", "system"])
        .closed()
}

fn profile_attributes() -> Array {
    let id = Schema::Object(uuid("The definition of a custom attribute."));
    list(id, Some(200), "The attributes in their order, each once.")
}

fn profile() -> Schema {
    Record::new("The custom attributes that screens show. Nothing else depends on it.")
        .must("attributes", profile_attributes())
        .example(json!({ "attributes": [EXAMPLE_ATTRIBUTE] }))
        .schema()
}

fn profile_input() -> Schema {
    Record::new("The custom attributes that screens show. A PUT without them stores none.")
        .may("attributes", profile_attributes().or_null())
        .closed()
        .example(json!({ "attributes": [EXAMPLE_ATTRIBUTE] }))
        .schema()
}

fn audit() -> Schema {
    audit_settings()
        .must("since", time("Since when each write has left an entry.").or_null())
        .example(json!({
            "level": "values", "retention_days": 400, "legal_hold": false, "search": true,
            "since": "2026-11-21T10:00:00.000Z"
        }))
        .schema()
}

fn audit_input() -> Schema {
    audit_settings()
        .may("since", time("The service sets it.").or_null())
        .optional()
        .closed()
        .example(json!({ "level": "names", "retention_days": 90 }))
        .schema()
}

fn audit_settings() -> Record {
    Record::new("What the audit of the tenant keeps, and how long.")
        .must("level", word(Level::ALL.map(Level::name), "How much it keeps of each write."))
        .must("retention_days", integer(1, Some(3650), "How long."))
        .must("legal_hold", boolean("Whether nobody can be deleted."))
        .must("search", boolean("Whether `/identity/audit` finds the entries of users."))
}

fn sign_in() -> Record {
    let (least, most) = (*MINIMUM_LENGTHS.start(), *MINIMUM_LENGTHS.end());
    let temporary = "Whether administrators may set temporary passwords. Those that are set stay \
                     good until their end.";
    let length = "The fewest characters of a new password. Passwords from before stay good.";
    Record::new("What the tenant asks of the passwords of its people.")
        .must("temporary_passwords", boolean(temporary))
        .must("minimum_password_length", integer(least.into(), Some(most.into()), length))
}

fn sign_in_input(example: Value) -> Schema {
    sign_in().optional().closed().example(example).schema()
}

fn sign_in_example() -> Value {
    json!({ "temporary_passwords": true, "minimum_password_length": 16 })
}
