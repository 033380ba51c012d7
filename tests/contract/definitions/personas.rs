//! `/config/persona-definitions`, also under `/identity`

use serde_json::json;
use tests::Service;

const PATH: &str = "/config/persona-definitions";

#[tokio::test]
async fn a_persona_definition_is_the_same_under_both_paths() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let body = json!({ "name": "customer_employee", "scoped": true, "attributes": [badge.id] });
    let made = crm.create("/identity/config/persona-definitions", body).await;
    let due = json!({
        "id": made.id, "name": "customer_employee", "display_name": null, "description": null,
        "attributes": [badge.id],
        "scoped": true, "portal_scopes": [], "system": false, "deprecated": false,
    });
    assert_eq!(made.body, due);
    assert_eq!(made.path, format!("/identity{PATH}/{}", made.id));
    for path in [format!("{PATH}/{}", made.id), format!("/identity{PATH}/{}", made.id)] {
        let read = crm.get(&path).await.is(200);
        assert_eq!((read.json(), read.tag()), (due.clone(), made.tag.clone()), "{path}");
        let back = crm.put(&path, due.clone()).if_match(&made.tag).await.is(200);
        assert_eq!((back.tag(), back.cost().1), (made.tag.clone(), 0.0));
    }
    for path in [PATH, "/identity/config/persona-definitions"] {
        let found = crm.read(&format!("{path}?name=customer_employee")).await;
        assert_eq!(tests::without_tags(found)["items"], json!([due]), "{path}");
    }
    crm.delete(&format!("/identity{PATH}/{}", made.id)).await.is(204);
    crm.get(&made.path).await.is(404);
}

#[tokio::test]
async fn its_attributes_exist_and_occur_once() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let body = json!({
        "name": "x", "attributes": [badge.id, badge.id, "nothing"], "system": true, "scoped": "yes"
    });
    let due = [
        "/attributes/1 not-allowed",
        "/attributes/2 not-found",
        "/scoped wrong-type",
        "/system not-editable",
    ];
    assert_eq!(crm.post(PATH, body).await.is(422).violations(), due);
    let made = crm.define_persona("x", json!({ "attributes": [badge.id] })).await;
    assert_eq!(crm.delete(&badge.path).await.is(409).slug(), "in-use");
    crm.patch(&made.path, json!({ "attributes": [] })).if_match(&made.tag).await.is(200);
    crm.delete(&badge.path).await.is(204);
}

#[tokio::test]
async fn names_are_unique_and_may_change() {
    let crm = Service::start().await.crm().await;
    let one = crm.define_persona("one", json!({})).await;
    crm.define_persona("two", json!({})).await;
    assert_eq!(
        crm.post(PATH, json!({ "name": "one" })).await.is(409).violations(),
        ["/name not-unique"]
    );
    crm.patch(&one.path, json!({ "name": "two" })).if_match("*").await.is(409);
    crm.patch(&one.path, json!({ "name": "three" })).if_match("*").await.is(200);
    crm.define_persona("one", json!({})).await;
    for wrong in ["", "One", "1", "a b", "a.b"] {
        crm.post(PATH, json!({ "name": wrong })).await.is(422);
    }
}

#[tokio::test]
async fn a_deprecated_one_takes_no_new_personas() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let role = crm.define_persona("role", json!({})).await;
    let jan = crm.create_user("jan").await;
    crm.add_persona(&jan, json!({ "name": "role" })).await;
    crm.patch(&role.path, json!({ "deprecated": true })).if_match(&role.tag).await.is(200);
    service.clock.advance(30);
    let piet = crm.create_user("piet").await;
    let refused = crm.post(&piet.below("personas"), json!({ "name": "role" })).await.is(422);
    assert_eq!(refused.violations(), ["/name not-allowed"]);
    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
}
