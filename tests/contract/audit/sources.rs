//! Who stands behind a change: approvals, and what is derived (rule AU-05).

use serde_json::json;
use tests::person;

use super::{USERS, complete};
use crate::approvals::{Office, salary};
use crate::derived::{answering, full_names, rewrite};

#[tokio::test]
async fn au05_an_approved_change_names_who_asked_and_who_approved() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let request = office.ask(&jan, salary("5")).await;
    assert_eq!(complete(&office.service, &jan.id).await.len(), 1, "nothing is changed yet");
    office.approve(&request).await.is(200);
    let entry = complete(&office.service, &jan.id).await.pop().unwrap();
    assert_eq!(entry.entry.actor.id.as_deref(), Some(office.boss.id.as_str()));
    let via = serde_json::to_value(&entry.entry.via).unwrap();
    let requester = json!({ "kind": "client", "id": office.crm.id });
    assert_eq!(via, json!({ "kind": "approval", "id": request.id, "requester": requester }));
}

#[tokio::test]
async fn au05_derived_values_name_the_workflow_and_its_revision() {
    let (service, crm, workflow) = full_names().await;
    let jan = crm.create(USERS, person("jan")).await;
    let derived = |entry: &super::Kept| serde_json::to_value(&entry.entry.derived).unwrap();
    let made = complete(&service, &jan.id).await.pop().unwrap();
    assert_eq!(derived(&made)[0]["workflow"], json!(workflow.id));
    assert_eq!(derived(&made)[0]["revision"], json!(1));

    crm.patch(&jan.path, json!({ "ui_locales": "nl" })).if_match("*").await.is(200);
    let other = complete(&service, &jan.id).await.pop().unwrap();
    assert_eq!(derived(&other), json!([]), "no value of it has moved");

    rewrite(&crm, &workflow, &answering("{ fullname: [p.username] }")).await;
    service.sweep().await;
    service.clock.advance(61);
    service.sweep().await;
    let recomputed = complete(&service, &jan.id).await.pop().unwrap();
    assert_eq!(recomputed.operation(), "user.derive");
    assert_eq!(derived(&recomputed)[0]["revision"], json!(2));
    let actor = serde_json::to_value(&recomputed.entry.actor).unwrap();
    assert_eq!(actor, json!({ "kind": "service" }));
}
