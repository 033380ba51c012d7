//! Definitions: changes of one tenant are one after another, and none is lost.

use serde_json::json;
use tests::Service;

use super::{at_once, count};

const ATTRIBUTES: &str = "/identity/config/attribute-definitions";
const CATEGORIES: &str = "/identity/config/attribute-categories";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_definitions_of_ten_clients_all_land() {
    let service = Service::start().await;
    let mut calls = Vec::new();
    for i in 0..10 {
        let crm = service.instance().crm().await;
        let body = json!({ "category": "common", "name": format!("a{i}"), "data_format": "TEXT" });
        calls.push(crm.post(ATTRIBUTES, body));
    }
    let answers = at_once(calls).await;
    assert_eq!(count(&answers, &[201]), [10]);
    let crm = service.crm().await;
    let items = crm.read(ATTRIBUTES).await["items"].as_array().unwrap().clone();
    assert_eq!(items.iter().filter(|item| item["system"] == json!(false)).count(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_ten_definitions_of_one_name_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let answers = at_once(
        (0..10).map(|_| crm.post("/config/persona-definitions", json!({ "name": "role" }))),
    )
    .await;
    assert_eq!(count(&answers, &[201, 409]), [1, 9]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_category_does_not_go_while_an_attribute_is_put_into_it() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..4 {
        let name = format!("work{round}");
        let work = crm.create(CATEGORIES, json!({ "name": name })).await;
        let mut calls = vec![crm.delete(&work.path)];
        for i in 0..4 {
            let body = json!({ "category": name, "name": format!("a{i}"), "data_format": "TEXT" });
            calls.push(crm.post(ATTRIBUTES, body));
        }
        let answers = at_once(calls).await;
        let made = count(&answers, &[201])[0];
        let found = crm.read(&format!("{ATTRIBUTES}?category={name}")).await["items"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(found, made);
        match count(&answers, &[204])[0] {
            0 => assert!(made > 0 && crm.get(&work.path).await.code() == 200),
            _ => assert!(made == 0 && crm.get(&work.path).await.code() == 404),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_assignments_and_a_deletion_race_and_no_user_holds_what_is_gone() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..6 {
        let name = format!("badge{round}");
        let badge = crm.define(&name, json!({})).await;
        let mut calls = vec![crm.delete(&badge.path)];
        for i in 0..4 {
            let crm = crm.on(&service.instance());
            let attributes = json!({ "common": { &name: ["1"] } });
            let body = json!({ "username": format!("jan{round}-{i}"), "attributes": attributes });
            calls.push(crm.post("/identity/users", body));
        }
        let answers = at_once(calls).await;
        let (made, gone) = (count(&answers, &[201])[0], count(&answers, &[204])[0]);
        assert!(made == 0 || gone == 0, "{made} users hold a definition that is gone");
        assert_eq!(made + count(&answers, &[422])[0], 4);
        assert_eq!(gone + count(&answers, &[409])[0], 1);
        assert_eq!(crm.get(&badge.path).await.code(), if gone == 1 { 404 } else { 200 });
    }
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_of_many_mappings_of_one_subject_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let sso = "/api/v1/sso";
    let shop = json!({ "id": "shop", "name": "Shop", "subject_type": "predefined" });
    crm.create(&format!("{sso}/applications"), shop).await;
    let mut calls = Vec::new();
    for i in 0..8 {
        let user = crm.create_user(&format!("jan{i}")).await;
        let body = json!({ "application_id": "shop", "subject": "s", "user_id": user.id });
        calls.push(crm.post(&format!("{sso}/application-subjects"), body));
    }
    assert_eq!(count(&at_once(calls).await, &[201, 409]), [1, 7]);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_a_workflow_does_not_go_while_an_attribute_is_linked_to_it() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for round in 0..6 {
        let workflow = crate::derived::workflow(&crm, crate::derived::FULL_NAME).await;
        let attribute = |i: usize| {
            let link = json!({ "workflow_id": workflow.id });
            let name = format!("a{round}-{i}");
            crm.post(
                ATTRIBUTES,
                json!({
                    "category": "common", "name": name, "data_format": "TEXT", "derived": link
                }),
            )
        };
        let answers = at_once((0..4).map(attribute).chain([crm.delete(&workflow.path)])).await;
        let (made, gone) = (count(&answers, &[201])[0], count(&answers, &[204])[0]);
        assert!(made == 0 || gone == 0, "{made} attributes are derived by a workflow that is gone");
        assert_eq!((made + count(&answers, &[422])[0], gone + count(&answers, &[409])[0]), (4, 1));
        assert_eq!(crm.get(&workflow.path).await.code(), if gone == 1 { 404 } else { 200 });
        for item in crm.read(ATTRIBUTES).await["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|i| i["system"] == false)
        {
            crm.delete(&format!("{ATTRIBUTES}/{}", item["id"].as_str().unwrap())).await.is(204);
        }
        crm.delete(&workflow.path).await;
    }
}
