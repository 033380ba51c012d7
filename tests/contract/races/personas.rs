//! Personas of one user, changed by different clients.

use serde_json::json;
use tests::{Client, Service};
use tokio::task::JoinSet;

use super::{at_once, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_different_personas_do_not_disturb_each_others_clients() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let number = crm.define("number", json!({})).await;
    crm.define_persona("employee", json!({ "scoped": true, "attributes": [number.id] })).await;
    let jan = crm.create_user("jan").await;
    let mut running = JoinSet::new();
    for i in 0..6 {
        let persona =
            crm.add_persona(&jan, json!({ "name": "employee", "scope": [format!("s{i}")] })).await;
        let crm: Client = crm.on(&service.instance());
        running.spawn(async move {
            let mut tag = persona.tag;
            for n in 0..5 {
                let patch = json!({ "attributes": { "common": { "number": [n.to_string()] } } });
                tag = crm.patch(&persona.path, patch).if_match(&tag).await.is(200).tag();
            }
            assert_eq!(crm.tag_of(&persona.path).await, tag);
        });
    }
    running.join_all().await;
    let user = crm.read(&jan.path).await;
    for persona in user["personas"].as_array().unwrap() {
        assert_eq!(persona["attributes"]["common"]["number"], json!(["4"]));
    }
    assert_eq!(service.version_of(&jan.id).await, 1 + 6 + 30);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d2_of_many_changes_of_one_persona_with_one_tag_one_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let jan = crm.create_user("jan").await;
    let persona = crm.add_persona(&jan, json!({ "name": "employee", "scope": ["a"] })).await;
    let user = crm.tag_of(&jan.path).await;
    // Half of them send the persona's tag, half the user's.
    let answers = at_once((0..32).map(|i| {
        let tag = if i % 2 == 0 { &persona.tag } else { &user };
        crm.patch(&persona.path, json!({ "scope": [format!("s{i}")] })).if_match(tag)
    }));
    assert_eq!(count(&answers.await, &[200, 412]), [1, 31]);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_the_same_persona_is_added_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({})).await;
    let jan = crm.create_user("jan").await;
    let answers =
        at_once((0..16).map(|_| crm.post(&jan.below("personas"), json!({ "name": "employee" }))))
            .await;
    assert_eq!(count(&answers, &[201, 409]), [1, 15]);
    service.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_most_one_persona_is_preferred_whoever_asks_at_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    let jan = crm.create_user("jan").await;
    let mut personas = Vec::new();
    for i in 0..6 {
        personas.push(
            crm.add_persona(&jan, json!({ "name": "employee", "scope": [format!("s{i}")] })).await,
        );
    }
    let answers = at_once(personas.iter().map(|persona| crm.act(&persona.below("prefer")))).await;
    assert_eq!(count(&answers, &[200]), [6]);
    let user = crm.read(&jan.path).await;
    let preferred = user["personas"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["preferred"] == json!(true))
        .count();
    assert_eq!(preferred, 1);
}
