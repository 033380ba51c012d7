//! Workflows: scripts that derive attributes.

use serde_json::json;
use shared::domain::definition::MAX_SCRIPT;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Schema};

use super::super::shapes::{
    NAME_OR_PREDEFINED, Record, integer, list, map, matching, string, uuid, value,
};
use super::page;

const FULLNAME: &str = "function main(workItem) {\n  var p = workItem.input.value;\n  \
                        workItem.output = tb.simpleResponse({ fullname: [p.given_name + \" \" + \
                        p.family_name] });\n}\n";

pub(super) fn schemas() -> [(&'static str, Schema); 6] {
    [
        ("Workflow", workflow()),
        ("WorkflowInput", input().schema()),
        ("WorkflowPatch", input().optional().schema()),
        ("WorkflowList", page("Workflow")),
        ("WorkflowTest", test()),
        ("WorkflowTestResult", result()),
    ]
}

fn name() -> Object {
    matching(NAME_OR_PREDEFINED, "The name; unique in the tenant.")
}

fn script() -> Object {
    string(
        MAX_SCRIPT,
        "JavaScript that defines `function main(workItem)`. It finds the principal in \
         `workItem.input.value` and sets `workItem.output` to `tb.simpleResponse({<attribute \
         name>: [values]})`.",
    )
}

fn workflow() -> Schema {
    Record::new("A script that derives attributes.")
        .must("id", uuid("The id."))
        .must("name", name())
        .must("script", script())
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000009", "name": "fullname", "script": FULLNAME
        }))
        .schema()
}

fn input() -> Record {
    Record::new("A script that derives attributes, as it is written.")
        .must("name", name())
        .must("script", script())
        .unchanged(&["id"])
        .closed()
        .example(json!({ "name": "fullname", "script": FULLNAME }))
}

fn test() -> Schema {
    let principal = map(
        None,
        Schema::Object(Object::with_type(utoipa::openapi::schema::SchemaType::AnyValue)),
        "The principal as the script finds it: the predefined fields as scalars, custom \
         attributes as arrays under `attributes`.",
    );
    Record::new("A sample for a workflow.")
        .must("input", principal)
        .closed()
        .example(
            json!({ "input": { "given_name": "Jan", "family_name": "Janssen", "attributes": {} } }),
        )
        .schema()
}

fn result() -> Schema {
    let values =
        list(Schema::Object(value("A value.")), None, "The values of the attribute of this name.");
    let time = ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some("How long the script ran, in milliseconds."))
        .build();
    Record::new("What a workflow made of a sample.")
        .must(
            "output",
            map(None, Schema::Array(values), "What the script gave `tb.simpleResponse`."),
        )
        .must("milliseconds", time)
        .must("memory_bytes", integer(0, None, "The memory that the script held at its end."))
        .example(json!({
            "output": { "fullname": ["Jan Janssen"] }, "milliseconds": 0.041, "memory_bytes": 2048
        }))
        .schema()
}
