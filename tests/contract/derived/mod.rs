//! Attributes that workflows derive (rules A3, A4), `/identity/config/workflows`, and the sweeper
//! that applies a changed one.
//!
//! INVARIANT: no test here pauses tokio's time. Scripts run in a process of their own, whose
//! answers come in real time.

mod definitions;
mod failing;
mod resuming;
mod sweeping;
mod trying;
mod values;

pub use self::resuming::crash;

use serde_json::{Value, json};
use tests::{Client, Resource, Service};

pub const USERS: &str = "/identity/users";
pub const WORKFLOWS: &str = "/identity/config/workflows";

/// The example of the contract, letter by letter.
pub const FULL_NAME: &str = r#"function main(workItem) {
  var p = workItem.input.value;
  workItem.output = tb.simpleResponse({ fullname: [p.given_name + " " + p.family_name] });
}"#;

/// A script that answers `output`, an expression over `p`, the principal.
pub fn answering(output: &str) -> String {
    format!("function main(w) {{ var p = w.input.value; w.output = tb.simpleResponse({output}); }}")
}

/// A script that runs until it is stopped.
pub const LOOPING: &str = "function main(w) { for (;;) {} }";
/// A script that fails.
pub const FAILING: &str = "function main(w) {\n  null.x;\n}";

/// Makes a workflow.
pub async fn workflow(crm: &Client, script: &str) -> Resource {
    let taken = crm.read(WORKFLOWS).await["items"].as_array().unwrap().len();
    crm.create(WORKFLOWS, json!({ "name": format!("w{taken}"), "script": script })).await
}

/// Defines an attribute that a workflow derives; `more` adds to the definition.
pub async fn derive(crm: &Client, name: &str, workflow: &Resource, mut more: Value) -> Resource {
    more["derived"] = json!({ "workflow_id": workflow.id });
    crm.define(name, more).await
}

/// A service with the attribute `fullname`, which the contract's example derives and which is
/// searched and unique.
pub async fn full_names() -> (Service, Client, Resource) {
    let service = Service::start().await;
    let crm = service.crm().await;
    let workflow = workflow(&crm, FULL_NAME).await;
    derive(&crm, "fullname", &workflow, json!({ "search": "exact", "unique": true })).await;
    (service, crm, workflow)
}

/// The values of an attribute of the category `common`; `null` when there are none.
pub fn held(user: &Value, name: &str) -> Value {
    user["attributes"]["common"][name].clone()
}

/// Writes another script into a workflow.
pub async fn rewrite(crm: &Client, workflow: &Resource, script: &str) {
    crm.patch(&workflow.path, json!({ "script": script })).if_match("*").await.is(200);
}

/// How many users an attribute finds.
pub async fn found(crm: &Client, name: &str, value: &str) -> usize {
    crm.find(json!({ format!("attributes.common.{name}"): value })).await.len()
}
