//! `/identity/config/workflows`, and what a definition that is derived may be.

use serde_json::json;
use tests::{Service, TENANT};

use super::{FULL_NAME, USERS, WORKFLOWS, answering, derive, full_names, held, rewrite, workflow};
use crate::approvals::by_administrators;

const ATTRIBUTES: &str = "/identity/config/attribute-definitions";

#[tokio::test]
async fn a_workflow_is_created_read_changed_and_deleted() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = crm.create(WORKFLOWS, json!({ "name": "full-name", "script": FULL_NAME })).await;
    assert_eq!(made.body, json!({ "id": made.id, "name": "full-name", "script": FULL_NAME }));
    let named = crm.read(&format!("{WORKFLOWS}?name=full-name")).await;
    assert_eq!(tests::without_tags(named), json!({ "items": [made.body] }));
    assert_eq!(crm.read(&format!("{WORKFLOWS}?name=other")).await, json!({ "items": [] }));
    let taken =
        crm.post(WORKFLOWS, json!({ "name": "full-name", "script": FULL_NAME })).await.is(409);
    assert_eq!(taken.violations(), ["/name not-unique"]);
    let put = json!({ "name": "other", "script": "function main(w) {}" });
    crm.put(&made.path, put.clone()).await.is(428);
    let changed = crm.put(&made.path, put).if_match(&made.tag).await.is(200);
    crm.patch(&made.path, json!({ "script": FULL_NAME })).if_match(&made.tag).await.is(412);
    crm.patch(&made.path, json!({ "script": FULL_NAME })).if_match(&changed.tag()).await.is(200);
    let reader = service.client(TENANT, "config:read").await;
    reader.get(&made.path).await.is(200);
    reader.delete(&made.path).await.is(403);
    crm.delete(&made.path).await.is(204);
    crm.get(&made.path).await.is(404);
}

#[tokio::test]
async fn e1_every_wrong_field_of_a_workflow_is_named() {
    let crm = Service::start().await.crm().await;
    let long = |length: usize| format!("{FULL_NAME}{}", " ".repeat(length - FULL_NAME.len()));
    for (body, due) in [
        (json!({}), vec!["/name required", "/script required"]),
        (
            json!({ "name": "a", "script": 1, "colour": 1 }),
            vec!["/colour unknown", "/script wrong-type"],
        ),
        (json!({ "name": "a", "script": long(64 * 1024 + 1) }), vec!["/script too-long"]),
        (json!({ "name": "a", "script": null }), vec!["/script required"]),
        (json!({ "name": "a", "script": "function (" }), vec!["/script wrong-format"]),
        (
            json!({ "name": "a", "script": "function one(w) {} function other(w) {}" }),
            vec!["/script wrong-format"],
        ),
    ] {
        assert_eq!(crm.post(WORKFLOWS, body).await.is(422).violations(), due);
    }
    crm.create(WORKFLOWS, json!({ "name": "a", "script": long(64 * 1024) })).await;
}

#[tokio::test]
async fn d5_a_workflow_of_another_tenant_does_not_exist() {
    let (service, crm, workflow) = full_names().await;
    service.create_tenant("globex").await;
    let stranger = service.client("globex", "administrator").await;
    for call in [
        stranger.get(&workflow.path),
        stranger.delete(&workflow.path),
        stranger.patch(&workflow.path, json!({})).if_match("*"),
        stranger.post(&workflow.below("test"), json!({ "input": {} })),
    ] {
        call.await.is(404);
    }
    let link = json!({
        "category": "common", "name": "x", "data_format": "TEXT",
        "derived": { "workflow_id": workflow.id },
    });
    assert_eq!(
        stranger.post(ATTRIBUTES, link).await.is(422).violations(),
        ["/derived/workflow_id not-found"]
    );
    crm.get(&workflow.path).await.is(200);
}

#[tokio::test]
async fn d6_a_workflow_that_derives_an_attribute_is_not_deleted() {
    let (service, crm, workflow) = full_names().await;
    assert_eq!(crm.delete(&workflow.path).await.is(409).slug(), "in-use");
    let jan = crm.create(USERS, tests::person("jan")).await;
    let definition =
        crm.read(&format!("{ATTRIBUTES}?name=fullname")).await["items"][0]["id"].clone();
    let path = format!("{ATTRIBUTES}/{}", definition.as_str().unwrap());
    crm.patch(&path, json!({ "derived": null })).if_match("*").await.is(200);
    crm.delete(&workflow.path).await.is(204);
    // The derived value stays, and callers can write the attribute from now on.
    service.clock.advance(30);
    assert_eq!(held(&crm.read(&jan.path).await, "fullname"), json!(["Jan Janssen"]));
    let patch = json!({ "attributes": { "common": { "fullname": ["X"] } } });
    crm.patch(&jan.path, patch).if_match("*").await.is(200);
}

#[tokio::test]
async fn a3_what_nobody_can_be_asked_for_or_approve_is_not_derived() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = workflow(&crm, FULL_NAME).await;
    let link = json!({ "workflow_id": made.id });
    let post = async |more: serde_json::Value| {
        let mut body =
            json!({ "category": "common", "name": "x", "data_format": "TEXT", "derived": link });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        crm.post(ATTRIBUTES, body).await.is(422).violations()
    };
    assert_eq!(post(json!({ "required": true })).await, ["/required not-allowed"]);
    assert_eq!(post(by_administrators()).await, ["/approval_policy not-allowed"]);
    assert_eq!(post(json!({ "data_format": "HASH" })).await, ["/derived not-allowed"]);
    assert_eq!(post(json!({ "derived": {} })).await, ["/derived/workflow_id required"]);
    assert_eq!(
        post(json!({ "derived": { "workflow_id": "x" } })).await,
        ["/derived/workflow_id not-found"]
    );
    assert_eq!(
        post(json!({ "derived": { "workflow_id": made.id, "a": 1 } })).await,
        ["/derived/a unknown"]
    );

    // Neither does a derived one become so.
    let fullname = derive(&crm, "fullname", &made, json!({})).await;
    let patch =
        async |path: &str, body| crm.patch(path, body).if_match("*").await.is(422).violations();
    assert_eq!(patch(&fullname.path, json!({ "required": true })).await, ["/required not-allowed"]);
    assert_eq!(patch(&fullname.path, by_administrators()).await, ["/approval_policy not-allowed"]);
    let role = json!({ "name": "role", "attributes": [fullname.id] });
    let refused = crm.post("/config/persona-definitions", role).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/0 not-allowed"]);

    let note = crm.define("note", json!({})).await;
    crm.define_persona("role", json!({ "attributes": [note.id] })).await;
    assert_eq!(patch(&note.path, json!({ "derived": link })).await, ["/derived not-allowed"]);
    let given_name =
        crm.read(&format!("{ATTRIBUTES}?name=given_name")).await["items"][0]["id"].clone();
    let path = format!("{ATTRIBUTES}/{}", given_name.as_str().unwrap());
    assert_eq!(patch(&path, json!({ "derived": link })).await, ["/derived not-allowed"]);
}

#[tokio::test]
async fn a4_an_attribute_that_is_linked_later_is_derived_from_then_on() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let made = workflow(&crm, FULL_NAME).await;
    let fullname = crm.define("fullname", json!({})).await;
    let mut body = tests::person("jan");
    body["attributes"] = json!({ "common": { "fullname": ["by hand"] } });
    let jan = crm.create(USERS, body).await;
    crm.patch(&fullname.path, json!({ "derived": { "workflow_id": made.id } }))
        .if_match("*")
        .await
        .is(200);
    service.clock.advance(30);
    assert_eq!(held(&crm.read(&jan.path).await, "fullname"), json!(["by hand"]));
    let now =
        crm.patch(&jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200).json();
    assert_eq!(held(&now, "fullname"), json!(["Johan Janssen"]));
}

#[tokio::test]
async fn a4_a_deprecated_attribute_keeps_what_it_has() {
    let (service, crm, workflow) = full_names().await;
    let jan = crm.create(USERS, tests::person("jan")).await;
    let definition =
        crm.read(&format!("{ATTRIBUTES}?name=fullname")).await["items"][0]["id"].clone();
    let path = format!("{ATTRIBUTES}/{}", definition.as_str().unwrap());
    crm.patch(&path, json!({ "deprecated": true })).if_match("*").await.is(200);
    rewrite(&crm, &workflow, &answering("{ fullname: ['new'] }")).await;
    service.clock.advance(30);
    let now =
        crm.patch(&jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200).json();
    assert_eq!(held(&now, "fullname"), json!(["Jan Janssen"]));
}

#[tokio::test]
async fn a4_a_new_script_counts_within_the_life_of_a_cache() {
    let (service, crm, workflow) = full_names().await;
    let jan = crm.create(USERS, tests::person("jan")).await;
    rewrite(
        &crm.on(&service.instance()),
        &workflow,
        &answering("{ fullname: [p.username + '!'] }"),
    )
    .await;
    service.clock.advance(30);
    let now =
        crm.patch(&jan.path, json!({ "given_name": "Johan" })).if_match("*").await.is(200).json();
    assert_eq!(held(&now, "fullname"), json!(["jan!"]));
}

#[tokio::test]
async fn e1_a_wrong_name_and_a_wrong_script_are_both_named() {
    let crm = tests::Service::start().await.crm().await;
    let refused =
        crm.post(WORKFLOWS, json!({ "name": "No Name", "script": "function main(" })).await.is(422);
    assert_eq!(refused.violations(), ["/name wrong-format", "/script wrong-format"]);
}

#[tokio::test]
async fn p3_what_the_service_sets_is_not_removed() {
    let crm = tests::Service::start().await.crm().await;
    let x = crm.define("x", json!({})).await;
    for name in ["id", "system", "unique", "category"] {
        let refused = crm.patch(&x.path, json!({ name: null })).if_match("*").await.is(422);
        assert_eq!(refused.violations(), [format!("/{name} immutable")]);
    }
}
