//! A definition that a user holds is never deleted (rule D6).

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

const USERS: &str = "/identity/users";

fn with_badge(username: &str) -> Value {
    json!({ "username": username, "attributes": { "common": { "badge": ["1"] } } })
}

/// An instance of the functions that has read the definitions as they are now.
async fn reader(service: &Service, crm: &Client) -> Client {
    let other = crm.on(&service.instance());
    let user = other.create_user("reader").await;
    other.define_persona("warm", json!({})).await;
    other.post(&user.below("personas"), json!({ "name": "warm" })).await.is(201);
    other.patch(&user.path, json!({ "given_name": "R" })).if_match("*").await.is(200);
    other
}

async fn in_use(crm: &Client, definition: &Resource) {
    let refused = crm.delete(&definition.path).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    assert!(refused.text().contains("deprecated"), "{}", refused.text());
}

#[tokio::test]
async fn d6_a_definition_that_was_ever_assigned_is_not_deleted() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let role = crm.define_persona("role", json!({})).await;
    let jan = crm.create(USERS, with_badge("jan")).await;
    let persona = crm.add_persona(&jan, json!({ "name": "role" })).await;
    in_use(&crm, &badge).await;
    in_use(&crm, &role).await;

    crm.delete(&persona.path).await.is(204);
    crm.delete(&jan.path).await.is(204);
    in_use(&crm, &badge).await;
    in_use(&crm, &role).await;
    // The mark of use moves neither version nor tag.
    assert_eq!(crm.tag_of(&badge.path).await, badge.tag);
    crm.patch(&badge.path, json!({ "deprecated": true })).if_match(&badge.tag).await.is(200);
    in_use(&crm, &badge).await;
}

#[tokio::test]
async fn d6_a_stale_cache_does_not_assign_what_was_deleted() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let role = crm.define_persona("role", json!({})).await;
    let stale = reader(&service, &crm).await;
    crm.delete(&badge.path).await.is(204);
    crm.delete(&role.path).await.is(204);

    let refused = stale.post(USERS, with_badge("jan")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge unknown"]);
    let jan = stale.create_user("jan").await;
    let patch = json!({ "attributes": { "common": { "badge": ["1"] } } });
    stale.patch(&jan.path, patch).if_match("*").await.is(422);
    let refused = stale.post(&jan.below("personas"), json!({ "name": "role" })).await.is(422);
    assert_eq!(refused.violations(), ["/name not-found"]);
    service.check().await;
}

#[tokio::test]
async fn d6_a_stale_cache_does_not_assign_what_was_deprecated_before_its_first_use() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let stale = reader(&service, &crm).await;
    crm.patch(&badge.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    stale.post(USERS, with_badge("jan")).await.is(422);
    crm.delete(&badge.path).await.is(204);
}

#[tokio::test]
async fn d6_a_stale_cache_does_not_delete_what_another_function_assigned() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let stale = crm.on(&service.instance());
    stale.get(&badge.path).await.is(200);
    crm.create(USERS, with_badge("jan")).await;
    in_use(&stale, &badge).await;
}

/// An assignment marks the definition first, then writes. A deletion that starts in between finds
/// the mark; one that has read the definition before the mark fails on its condition.
#[tokio::test]
async fn d6_a_deletion_between_the_steps_of_an_assignment_is_refused() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    crm.create_user("warm").await;

    let gate = service.faults.hold("TransactWriteItems");
    let assignment = tokio::spawn(crm.post(USERS, with_badge("jan")).into_future());
    gate.reached().await;
    in_use(&crm, &badge).await;
    gate.open();
    assignment.await.unwrap().is(201);
}

#[tokio::test]
async fn d6_an_assignment_between_the_steps_of_a_deletion_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    crm.create_user("warm").await;

    let gate = service.faults.hold("TransactWriteItems");
    let deletion = tokio::spawn(crm.delete(&badge.path).into_future());
    gate.reached().await;
    crm.post(USERS, with_badge("jan")).await.is(201);
    gate.open();
    deletion.await.unwrap().is(409);
    crm.get(&badge.path).await.is(200);
}

#[tokio::test]
async fn d6_a_deletion_before_the_mark_of_an_assignment_wins() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let stale = reader(&service, &crm).await;

    let gate = service.faults.hold("UpdateItem");
    let assignment = tokio::spawn(stale.post(USERS, with_badge("jan")).into_future());
    gate.reached().await;
    crm.delete(&badge.path).await.is(204);
    gate.open();
    assignment.await.unwrap().is(422);
    service.check().await;
}

#[tokio::test]
async fn d6_a_change_of_a_definition_keeps_a_mark_that_is_set_meanwhile() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let badge = crm.define("badge", json!({})).await;
    crm.create_user("warm").await;

    let gate = service.faults.hold("TransactWriteItems");
    let change = tokio::spawn(
        crm.patch(&badge.path, json!({ "display_name": "Badge" })).if_match("*").into_future(),
    );
    gate.reached().await;
    crm.post(USERS, with_badge("jan")).await.is(201);
    gate.open();
    change.await.unwrap().is(200);
    in_use(&crm, &badge).await;
}

#[tokio::test]
async fn d6_a_server_or_an_application_with_subjects_is_not_deleted() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create_user("jan").await;
    for (path, field, id) in [
        ("authentication-servers", "authentication_server_id", "corp"),
        ("applications", "application_id", "shop"),
    ] {
        let party = json!({ "id": id, "name": id, "subject_type": "predefined" });
        let party = crm.create(&format!("/api/v1/sso/{path}"), party).await;
        let subjects = format!("/api/v1/sso/{}-subjects", path.trim_end_matches('s'));
        crm.create(&subjects, json!({ field: id, "subject": "s", "user_id": jan.id })).await;
        assert_eq!(crm.delete(&party.path).await.is(409).slug(), "in-use");
    }
}

#[tokio::test]
async fn d4_no_value_is_stored_by_a_definition_that_has_changed_since() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({})).await;
    // The users function remembers the definition as it is now.
    crm.create("/identity/users", person("first")).await;
    crm.patch(&badge.path, json!({ "search": "exact" })).if_match(&badge.tag).await.is(200);
    let mut body = person("second");
    body["attributes"] = json!({ "common": { "badge": ["B7"] } });
    let second = crm.create("/identity/users", body).await;
    let found = crm.find(json!({ "attributes.common.badge": "b7" })).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"].as_str(), Some(second.id.as_str()));
    // From the first value on, how it is searched stays.
    let now = crm.get(&badge.path).await.tag();
    crm.patch(&badge.path, json!({ "search": "none" })).if_match(&now).await.is(409);
}
