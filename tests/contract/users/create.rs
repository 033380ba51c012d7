//! `POST /identity/users`

use serde_json::json;
use tests::{Service, person};

const USERS: &str = "/identity/users";

#[tokio::test]
async fn a_user_is_created_with_the_whole_contract_of_its_content() {
    let crm = Service::start().await.crm().await;
    crm.define("employee-number", json!({})).await;
    let body = json!({
        "username": "jan.janssen", "id_at_customer": "CRM-0042", "family_name": "Janssen",
        "given_name": "Jan",
        "ui_locales": ["fr-be", "nl-BE"], "preferred_email": "jan@example.org",
        "email_verified": true,
        "attributes": { "common": { "employee-number": ["42"] } },
    });
    let mut made = crm.post(USERS, body).await.is(201).json();

    let id = made["id"].take();
    assert_eq!(id.as_str().unwrap().as_bytes()[14], b'7', "{id}");
    let due = json!({
        "id": null, "username": "jan.janssen", "id_at_customer": "CRM-0042",
        "family_name": "Janssen", "given_name": "Jan",
        "ui_locales": "fr-BE nl-BE", "preferred_email": "jan@example.org", "email_verified": true,
        "status": "ACTIVE", "kind": "person",
        "attributes": { "common": { "employee-number": ["42"] } }, "attribute_states": {},
        "personas": [],
        "last_login_at": null, "created_at": "2026-11-21T10:00:00.000Z",
        "updated_at": "2026-11-21T10:00:00.000Z",
    });
    assert_eq!(made, due);
}

#[tokio::test]
async fn e3_a_username_that_is_taken_is_a_conflict_that_names_the_field() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jose = crm.create_user("josé").await;
    crm.act(&jose.below("block")).await.is(200);
    for same in ["josé", "JOSÉ", "Jose\u{301}"] {
        let refused = crm.post(USERS, json!({ "username": same })).await.is(409);
        assert_eq!(
            (refused.slug(), refused.violations()),
            ("already-exists".to_owned(), vec!["/username not-unique".to_owned()])
        );
    }
    crm.create_user("jose").await;
    assert_eq!(service.check().await.users, 2);
}

#[tokio::test]
async fn e3_a_customer_id_and_a_unique_attribute_are_named_too() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.define("badge", json!({ "unique": true })).await;
    crm.define("number", json!({ "unique": true, "data_format": "NUMERIC" })).await;
    let body = |username: &str, badge: &str, number: &str| {
        let attributes = json!({ "badge": [badge], "number": [number] });
        json!({
            "username": username, "id_at_customer": "CRM-1", "attributes": { "common": attributes }
        })
    };
    crm.create(USERS, body("jan", "A 1", "1.50")).await;

    let refused = crm.post(USERS, body("jan", "a  1", "1.5")).await.is(409);

    let due = [
        "/attributes/common/badge not-unique",
        "/attributes/common/number not-unique",
        "/id_at_customer not-unique",
        "/username not-unique",
    ];
    assert_eq!(refused.violations(), due);
    assert!(!refused.text().contains("A 1"), "another user's value is shown: {}", refused.text());
    crm.create(USERS, json!({ "username": "piet", "id_at_customer": "crm-1" })).await;
    assert_eq!(service.check().await.users, 2);
}

#[tokio::test]
async fn e3_a_change_to_a_taken_value_is_a_conflict_and_changes_nothing() {
    let service = Service::start().await;
    let crm = service.crm().await;
    crm.create(USERS, person("jan")).await;
    let piet = crm.create(USERS, person("piet")).await;
    let patch = json!({
        "username": "JAN", "preferred_email": "other@example.org", "family_name": "Peeters"
    });

    let refused = crm.patch(&piet.path, patch).if_match(&piet.tag).await.is(409);

    assert_eq!(refused.violations(), ["/username not-unique"]);
    assert_eq!(crm.read(&piet.path).await, piet.body);
    assert!(crm.find(json!({ "preferred_email": "other@example.org" })).await.is_empty());
    crm.patch(&piet.path, json!({ "username": "PIET" })).if_match(&piet.tag).await.is(200);
    service.check().await;
}

#[tokio::test]
async fn an_imported_id_is_kept_and_is_taken_afterwards() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let id = "0192F3C1-0000-7000-8000-000000000001";
    let jan = crm.create(USERS, json!({ "id": id, "username": "jan" })).await;
    assert_eq!(jan.id, id.to_lowercase());

    let refused = crm.post(USERS, json!({ "id": id, "username": "piet" })).await.is(409);
    assert_eq!(refused.violations(), ["/id not-unique"]);
    // The same username changes nothing about that: what is sent is not what is stored.
    let same = json!({ "id": id, "username": "jan", "family_name": "Janssen" });
    let refused = crm.post(USERS, same).await.is(409);
    assert_eq!(refused.violations(), ["/id not-unique", "/username not-unique"]);
    assert_eq!(crm.read(&jan.path).await, jan.body);
    crm.post(USERS, json!({ "id": "x", "username": "els" })).await.is(422);
    service.check().await;
}

#[tokio::test]
async fn personas_may_be_imported_with_their_user() {
    let crm = Service::start().await.crm().await;
    let number = crm.define("number", json!({})).await;
    let role =
        crm.define_persona("employee", json!({ "scoped": true, "attributes": [number.id] })).await;
    let id = "0192f3c1-0000-7000-8000-000000000001";
    let persona = json!({
        "id": id, "name": "employee", "scope": ["b", "a", "b"], "status": "PENDING",
        "preferred": true,
        "valid_from": "2026-01-01T00:00:00+01:00", "attributes": { "common": { "number": ["42"] } },
    });
    let jan = crm.create(USERS, json!({ "username": "jan", "personas": [persona] })).await;

    let due = json!({
        "id": id, "persona_definition_id": role.id, "name": "employee", "scope": ["a", "b"],
        "status": "PENDING",
        "preferred": true, "valid_from": "2025-12-31T23:00:00.000Z", "valid_until": null,
        "attributes": { "common": { "number": ["42"] } }, "attribute_states": {},
    });
    assert_eq!(jan.body["personas"], json!([due]));
    let read = crm.get(&jan.below(&format!("personas/{id}"))).await.is(200);
    assert_eq!(read.json(), due);

    let twice = json!([
        { "name": "employee", "scope": ["a"] }, { "name": "employee", "scope": ["a", "a"] }
    ]);
    crm.post(USERS, json!({ "username": "piet", "personas": twice })).await.is(409);
    let preferred = json!([
        { "name": "employee", "scope": ["a"], "preferred": true },
        { "name": "employee", "scope": ["b"], "preferred": true },
    ]);
    crm.post(USERS, json!({ "username": "piet", "personas": preferred })).await.is(422);
}

#[tokio::test]
async fn what_the_service_sets_cannot_be_imported() {
    let crm = Service::start().await.crm().await;
    let time = "2026-11-21T10:00:00.000Z";
    let body = json!({
        "username": "jan", "status": "ACTIVE", "created_at": time, "updated_at": time,
        "last_login_at": time,
        "attribute_states": {},
    });
    let due = [
        "/attribute_states not-editable",
        "/created_at not-editable",
        "/last_login_at not-editable",
        "/status not-editable",
        "/updated_at not-editable",
    ];
    assert_eq!(crm.post(USERS, body).await.is(422).violations(), due);
    let verified =
        crm.post(USERS, json!({ "username": "jan", "email_verified": true })).await.is(422);
    assert_eq!(verified.violations(), ["/email_verified not-allowed"]);
}

#[tokio::test]
async fn texts_that_cannot_be_compared_are_refused() {
    let crm = Service::start().await.crm().await;
    for (field, value, code) in [
        ("username", json!("jan janssen"), "wrong-format"),
        ("username", json!(""), "wrong-format"),
        ("username", json!(null), "required"),
        ("username", json!(["jan"]), "wrong-type"),
        ("family_name", json!(" "), "wrong-format"),
        ("given_name", json!("a\u{0}b"), "wrong-format"),
        ("preferred_email", json!("Jan <jan@example.org>"), "wrong-format"),
        ("ui_locales", json!([1]), "wrong-type"),
        ("ui_locales", json!("xx_YY"), "wrong-format"),
    ] {
        let mut body = json!({ "username": "jan" });
        body[field] = value.clone();
        assert_eq!(
            crm.post(USERS, body).await.is(422).violations(),
            [format!("/{field} {code}")],
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_required_attribute_binds_creation() {
    let crm = Service::start().await.crm().await;
    crm.define("badge", json!({ "required": true })).await;
    let refused = crm.post(USERS, json!({ "username": "jan" })).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge required"]);
    let refused = crm
        .post(USERS, json!({ "username": "jan", "attributes": { "common": { "badge": [] } } }))
        .await
        .is(422);
    assert_eq!(refused.violations(), ["/attributes/common/badge required"]);
    crm.post(USERS, json!({ "username": "jan", "attributes": { "common": { "badge": ["1"] } } }))
        .await
        .is(201);
}

#[tokio::test]
async fn p17_an_id_without_hyphens_is_imported_and_found() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let bare = "3F2504E04F8941D39A0C0305E82C3301";
    let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let made = crm.create(USERS, json!({ "username": "jan", "id": bare })).await;
    assert_eq!(made.id, id);
    for named in [id, bare, &bare.to_lowercase(), &id.to_uppercase()] {
        assert_eq!(crm.get(&format!("{USERS}/{named}")).await.is(200).field("id"), id);
    }
    assert_eq!(crm.find(json!({ "id": bare })).await.len(), 1);
    let again = crm.post(USERS, json!({ "username": "other", "id": id })).await.is(409);
    assert_eq!(again.violations(), ["/id not-unique"]);
    crm.get(&format!("{USERS}/{}", &bare[1..])).await.is(404);
}
