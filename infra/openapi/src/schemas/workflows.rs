//! Workflows: scripts that derive attributes.

use serde_json::{Value, json};
use shared::domain::definition::MAX_SCRIPT;
use utoipa::openapi::Schema;

use super::super::shapes::{Record, anything, integer, list, map, named, number, string, uuid};
use super::{Described, page};

const INITIALS: &str = "function main(workItem) {\n  var p = workItem.input.value;\n  \
                        workItem.output = tb.simpleResponse({ initials: [p.given_name[0] + \
                        p.family_name[0]] });\n}\n";

pub(super) fn schemas() -> Vec<Described> {
    vec![
        ("Workflow", workflow()),
        ("WorkflowInput", input().example(example()).schema()),
        ("WorkflowPatch", input().optional().example(json!({ "name": "full_name" })).schema()),
        ("WorkflowList", page("Workflow")),
        (
            "WorkflowScript",
            string(
                MAX_SCRIPT,
                "JavaScript that defines `function main(workItem)`. `workItem.input.value` is the \
                 principal. The script sets `workItem.output` to `tb.simpleResponse({<attribute \
                 name>: [values]})`.",
            )
            .into(),
        ),
        ("WorkflowTest", test()),
        ("WorkflowTestResult", result()),
    ]
}

fn example() -> Value {
    json!({ "name": "initials", "script": INITIALS })
}

fn workflow() -> Schema {
    Record::new("A script that derives attributes.")
        .must("id", uuid("The id."))
        .must("name", named("DefinitionName"))
        .must("script", named("WorkflowScript"))
        .example(json!({
            "id": "0192f3c1-5a00-7000-8000-000000000009", "name": "initials", "script": INITIALS
        }))
        .schema()
}

fn input() -> Record {
    Record::new("A script that derives attributes, to store. Its name is unique in the tenant.")
        .must("name", named("DefinitionName"))
        .must("script", named("WorkflowScript"))
        .unchanged(&["id"])
        .closed()
}

fn test() -> Schema {
    let principal = map(
        None,
        Schema::Object(anything("A field of the principal.")),
        "The principal as the script finds it: predefined fields as scalars, custom attributes as \
         arrays under `attributes`.",
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
    let values = list(named("AttributeValue"), None, "The values of the attribute of this name.");
    Record::new("What a workflow made of a sample.")
        .must("output", map(None, Schema::Array(values), "What the script passed on."))
        .must("milliseconds", number("How long the script ran, in milliseconds."))
        .must("memory_bytes", integer(0, None, "The memory that the script held at its end."))
        .example(json!({
            "output": { "initials": ["JJ"] }, "milliseconds": 0.041, "memory_bytes": 2048
        }))
        .schema()
}
