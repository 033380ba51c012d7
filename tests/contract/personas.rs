//! `/identity/users/{user_id}/personas…`

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

async fn employee(crm: &Client) -> (Resource, Resource) {
    let number = crm.define("number", json!({ "data_format": "NUMERIC" })).await;
    crm.define("other", json!({})).await;
    let role =
        crm.define_persona("employee", json!({ "scoped": true, "attributes": [number.id] })).await;
    crm.define_persona("consumer", json!({})).await;
    (role, crm.create_user("jan").await)
}

fn in_scope(scope: &str) -> Value {
    json!({ "name": "employee", "scope": [scope] })
}

#[tokio::test]
async fn a_persona_is_added_listed_and_read() {
    let crm = Service::start().await.crm().await;
    let (role, jan) = employee(&crm).await;

    let made = crm.post(&jan.below("personas"), in_scope("chemco")).await.is(201);

    let mut body = made.json();
    let id = body["id"].take();
    assert_eq!(
        made.header("location"),
        Some(&*jan.below(&format!("personas/{}", id.as_str().unwrap())))
    );
    let due = json!({
        "id": null, "persona_definition_id": role.id, "name": "employee", "status": "ACTIVE",
        "scope": ["chemco"],
        "preferred": false, "valid_from": null, "valid_until": null, "attributes": {},
        "attribute_states": {},
    });
    assert_eq!(body, due);
    let read = crm.get(made.header("location").unwrap()).await.is(200);
    assert_eq!((read.tag(), read.json()), (made.tag(), made.json()));
    let listed = tests::without_tags(crm.read(&jan.below("personas")).await);
    assert_eq!(listed, json!({ "items": [made.json()] }));
    assert_eq!(crm.read(&jan.path).await["personas"], json!([made.json()]));
    assert_ne!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn a_persona_names_its_definition_by_id_or_by_name() {
    let crm = Service::start().await.crm().await;
    let (role, jan) = employee(&crm).await;
    let consumer =
        crm.read("/config/persona-definitions?name=consumer").await["items"][0]["id"].clone();
    let post = |body: Value| crm.post(&jan.below("personas"), body);

    post(json!({ "persona_definition_id": role.id, "scope": ["a"] })).await.is(201);
    post(json!({ "persona_definition_id": role.id, "name": "employee", "scope": ["b"] }))
        .await
        .is(201);
    for (body, due) in [
        (json!({}), "/persona_definition_id required"),
        (json!({ "name": "nobody" }), "/name not-found"),
        (json!({ "persona_definition_id": jan.id }), "/persona_definition_id not-found"),
        (json!({ "persona_definition_id": "x" }), "/persona_definition_id not-found"),
        (
            json!({ "persona_definition_id": consumer, "name": "employee", "scope": ["c"] }),
            "/name not-allowed",
        ),
        (json!({ "name": "employee" }), "/scope required"),
        (json!({ "name": "employee", "scope": [] }), "/scope required"),
        (json!({ "name": "consumer", "scope": ["x"] }), "/scope not-allowed"),
        (json!({ "name": "consumer", "id": jan.id }), "/id unknown"),
        (json!({ "name": "consumer", "status": "BLOCKED" }), "/status not-in-enumeration"),
        (json!({ "name": "consumer", "valid_from": "yesterday" }), "/valid_from wrong-format"),
        (
            json!({ "name": "consumer", "attributes": { "common": { "other": ["x"] } } }),
            "/attributes/common/other not-allowed",
        ),
        (
            json!({ "name": "consumer", "attributes": { "common": { "nothing": ["x"] } } }),
            "/attributes/common/nothing unknown",
        ),
    ] {
        assert_eq!(post(body.clone()).await.is(422).violations(), [due], "{body}");
    }
    let backwards = json!({
        "name": "consumer", "valid_from": "2026-01-02T00:00:00Z",
        "valid_until": "2026-01-01T00:00:00Z", "colour": 1,
    });
    assert_eq!(
        post(backwards).await.is(422).violations(),
        ["/colour unknown", "/valid_until wrong-format"]
    );
}

#[tokio::test]
async fn e3_the_same_definition_with_the_same_scope_is_a_conflict() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let post = |body: Value| crm.post(&jan.below("personas"), body);
    let one = post(json!({ "name": "employee", "scope": ["a", "b"] })).await.created();
    post(json!({ "name": "consumer" })).await.is(201);

    let refused = post(json!({ "name": "employee", "scope": ["b", "a", "b"] })).await.is(409);
    assert_eq!(
        (refused.slug(), refused.violations()),
        ("already-exists".to_owned(), vec!["/scope not-unique".to_owned()])
    );
    post(json!({ "name": "consumer" })).await.is(409);
    let two = post(in_scope("a")).await.created();
    crm.patch(&two.path, json!({ "scope": ["a", "b"] })).if_match(&two.tag).await.is(409);
    assert_eq!(crm.tag_of(&one.path).await, one.tag);
}

#[tokio::test]
async fn patch_edits_scope_validity_preference_and_attributes() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let (_, jan) = employee(&crm).await;
    let persona = crm.add_persona(&jan, in_scope("a")).await;
    let patch = json!({
        "scope": ["z", "b"], "preferred": true, "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2027-01-01T00:00:00.5Z",
        "attributes": { "common": { "number": [7] } },
    });

    let patched = crm.patch(&persona.path, patch).if_match(&persona.tag).await.is(200);

    let mut due = persona.body.clone();
    for (name, value) in [
        ("scope", json!(["b", "z"])),
        ("preferred", json!(true)),
        ("valid_from", json!("2026-01-01T00:00:00.000Z")),
        ("valid_until", json!("2027-01-01T00:00:00.500Z")),
        ("attributes", json!({ "common": { "number": ["7"] } })),
    ] {
        due[name] = value;
    }
    assert_eq!(patched.json(), due);
    assert_eq!(
        crm.find(json!({ "personas": { "name": "employee", "scope": "z" } })).await.len(),
        1
    );
    assert!(crm.find(json!({ "personas": { "name": "employee", "scope": "a" } })).await.is_empty());
    let back = crm.patch(&persona.path, patched.json()).if_match(&patched.tag()).await.is(200);
    assert_eq!((back.tag(), back.cost().1), (patched.tag(), 0.0));
    service.check().await;
}

#[tokio::test]
async fn p3_what_a_persona_is_does_not_change_by_patch() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let persona = crm.add_persona(&jan, in_scope("a")).await;
    let patch = json!({
        "id": jan.id, "persona_definition_id": jan.id, "name": "consumer", "status": "SUSPENDED",
        "colour": "red", "scope": null,
    });
    let due = [
        "/colour unknown",
        "/id not-editable",
        "/name not-editable",
        "/persona_definition_id not-editable",
        "/scope required",
        "/status not-editable",
    ];
    assert_eq!(crm.patch(&persona.path, patch).if_match("*").await.is(422).violations(), due);
    let nulls = json!({ "attributes": null });
    assert_eq!(
        crm.patch(&persona.path, nulls).if_match("*").await.is(422).violations(),
        ["/attributes not-allowed"]
    );
    assert_eq!(crm.read(&persona.path).await, persona.body);
}

#[tokio::test]
async fn one_attribute_is_set_by_id_or_by_name_and_removed_by_an_empty_array() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let persona = crm.add_persona(&jan, in_scope("a")).await;
    let number =
        crm.read("/identity/config/attribute-definitions?name=number").await["items"][0]["id"]
            .clone();
    let path = persona.below("attribute");
    let set = |body: Value| crm.patch(&path, body).if_match("*");

    let one = set(json!({ "attribute_definition_id": number, "value": [1] })).await.is(200);
    assert_eq!(one.json()["attributes"], json!({ "common": { "number": ["1"] } }));
    let same = set(json!({ "category": "common", "name": "number", "value": ["1"] })).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (one.tag(), 0.0));
    let gone = set(json!({ "category": "common", "name": "number", "value": [] })).await.is(200);
    assert_eq!(gone.json()["attributes"], json!({}));
    for (body, due) in [
        (json!({ "value": ["1"] }), "/attribute_definition_id required"),
        (json!({ "name": "number", "value": ["1"] }), "/attribute_definition_id required"),
        (
            json!({
                "attribute_definition_id": number, "category": "common", "name": "number",
                "value": []
            }),
            "/attribute_definition_id required",
        ),
        (json!({ "attribute_definition_id": number }), "/value required"),
        (json!({ "attribute_definition_id": number, "value": "1" }), "/value wrong-type"),
        (json!({ "attribute_definition_id": number, "value": ["x"] }), "/value/0 wrong-format"),
        (
            json!({ "attribute_definition_id": jan.id, "value": ["x"] }),
            "/attribute_definition_id unknown",
        ),
        (json!({ "category": "common", "name": "other", "value": ["x"] }), "/name not-allowed"),
        (json!({ "category": "common", "name": "nothing", "value": ["x"] }), "/name unknown"),
    ] {
        assert_eq!(set(body.clone()).await.is(422).violations(), [due], "{body}");
    }
}

#[tokio::test]
async fn at_most_one_persona_is_preferred() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let one = crm
        .add_persona(&jan, json!({ "name": "employee", "scope": ["a"], "preferred": true }))
        .await;
    let two = crm
        .add_persona(&jan, json!({ "name": "employee", "scope": ["b"], "preferred": true }))
        .await;
    let preferred = async |path: &str| crm.read(path).await["preferred"].as_bool().unwrap();

    assert!(!preferred(&one.path).await && preferred(&two.path).await);
    assert_ne!(crm.tag_of(&one.path).await, one.tag, "the other's tag moves with what it shows");
    crm.act(&one.below("prefer")).await.is(200);
    assert!(preferred(&one.path).await && !preferred(&two.path).await);
    let again = crm.act(&one.below("prefer")).await.is(200);
    assert_eq!(again.cost().1, 0.0);
    crm.patch(&two.path, json!({ "preferred": true })).if_match("*").await.is(200);
    assert!(!preferred(&one.path).await);
}

#[tokio::test]
async fn actions_move_the_status_and_repeating_one_changes_nothing() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let persona = crm
        .add_persona(&jan, json!({ "name": "employee", "scope": ["a"], "status": "PENDING" }))
        .await;
    assert_eq!(persona.body["status"], "PENDING");
    for (action, status) in
        [("activate", "ACTIVE"), ("suspend", "SUSPENDED"), ("activate", "ACTIVE")]
    {
        let done = crm.act(&persona.below(action)).await.is(200);
        assert_eq!(done.field("status"), status);
        let again = crm.act(&persona.below(action)).if_match(&done.tag()).await.is(200);
        assert_eq!((again.tag(), again.cost().1), (done.tag(), 0.0));
    }
}

#[tokio::test]
async fn a_persona_is_removed_once() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let (_, jan) = employee(&crm).await;
    let one = crm.add_persona(&jan, in_scope("a")).await;
    let two = crm.add_persona(&jan, in_scope("b")).await;

    crm.delete(&one.path).if_match(&one.tag).await.is(204);

    crm.delete(&one.path).await.is(404);
    crm.get(&one.path).await.is(404);
    crm.act(&one.below("activate")).await.is(404);
    let listed = tests::without_tags(crm.read(&jan.below("personas")).await);
    assert_eq!(listed["items"], json!([two.body]));
    assert!(crm.find(json!({ "personas": { "name": "employee", "scope": "a" } })).await.is_empty());
    assert_eq!(crm.find(json!({ "personas": { "name": "employee" } })).await.len(), 1);
    service.check().await;
}

#[tokio::test]
async fn h1_a_persona_takes_its_own_tag_or_that_of_the_whole_user() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let one = crm.add_persona(&jan, in_scope("a")).await;
    let two = crm.add_persona(&jan, in_scope("b")).await;
    let user = crm.tag_of(&jan.path).await;

    // A change of one persona moves its own tag and the user's, and not the other persona's.
    let tag = crm
        .patch(&one.path, json!({ "valid_from": "2026-01-01T00:00:00Z" }))
        .if_match(&user)
        .await
        .is(200)
        .tag();
    assert_eq!(crm.tag_of(&two.path).await, two.tag);
    let stale = crm
        .patch(&two.path, json!({ "valid_from": "2026-01-01T00:00:00Z" }))
        .if_match(&user)
        .await
        .is(412);
    assert_eq!(stale.tag(), two.tag);
    crm.patch(&two.path, json!({ "valid_from": "2026-01-01T00:00:00Z" }))
        .if_match(&two.tag)
        .await
        .is(200);
    crm.patch(&one.path, json!({})).if_match(&tag).await.is(200);
    // A change of the user alone moves no persona's tag.
    crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    assert_eq!(crm.tag_of(&one.path).await, tag);
    crm.delete(&one.path).if_match(&crm.tag_of(&jan.path).await).await.is(204);
}

#[tokio::test]
async fn a_persona_is_found_below_its_own_user_only() {
    let crm = Service::start().await.crm().await;
    let (_, jan) = employee(&crm).await;
    let piet = crm.create_user("piet").await;
    let persona = crm.add_persona(&jan, in_scope("a")).await;
    let elsewhere = persona.path.replace(&jan.id, &piet.id);
    crm.get(&elsewhere).await.is(404);
    crm.delete(&elsewhere).await.is(404);
    crm.patch(&elsewhere, json!({})).if_match("*").await.is(404);
    for wrong in ["x", &jan.id] {
        crm.get(&jan.below(&format!("personas/{wrong}"))).await.is(404);
    }
    crm.get("/identity/users/x/personas").await.is(404);
}

#[tokio::test]
async fn a3_an_attribute_that_is_required_of_a_persona_is_required_there_alone() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({ "required": true })).await;
    crm.define_persona("guard", json!({ "attributes": [badge.id] })).await;
    let jan = crm.create_user("jan").await;
    let refused = crm.post(&jan.below("personas"), json!({ "name": "guard" })).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge required"]);
    let body = json!({ "name": "guard", "attributes": { "common": { "badge": ["1"] } } });
    let guard = crm.add_persona(&jan, body).await;
    let patch = json!({ "attributes": { "common": { "badge": null } } });
    crm.patch(&guard.path, patch).if_match("*").await.is(422);
    let patch = json!({ "category": "common", "name": "badge", "value": [] });
    crm.patch(&guard.below("attribute"), patch).if_match("*").await.is(422);
}

#[tokio::test]
async fn p4_a_name_that_names_nothing_is_refused_beside_a_good_id() {
    let crm = Service::start().await.crm().await;
    let consumer = crm.define_persona("consumer", json!({})).await;
    let user = crm.create("/identity/users", person("jan")).await;
    let body = json!({ "persona_definition_id": consumer.id, "name": "nosuch" });
    let refused = crm.post(&format!("{}/personas", user.path), body).await.is(422);
    assert_eq!(refused.violations(), ["/name not-found"]);
}
