//! `PUT PATCH /identity/users/{user_id}`

use serde_json::{Value, json};
use tests::{Client, Resource, Service, person};

const USERS: &str = "/identity/users";

async fn jan(crm: &Client) -> Resource {
    crm.define("number", json!({ "data_format": "NUMERIC" })).await;
    crm.define(
        "colour",
        json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "blue"] }),
    )
    .await;
    crm.define_persona("employee", json!({})).await;
    let mut body = person("jan");
    body["attributes"] = json!({ "common": { "number": ["1", "2"], "colour": ["red"] } });
    body["personas"] = json!([{ "name": "employee" }]);
    body["email_verified"] = json!(true);
    body["id_at_customer"] = json!("CRM-1");
    body["ui_locales"] = json!("nl-BE");
    crm.create(USERS, body).await
}

#[tokio::test]
async fn p3_a_whole_profile_that_was_read_can_be_put_back_and_changes_nothing() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    let read = crm.read(&jan.path).await;

    let put = crm.put(&jan.path, read.clone()).if_match(&jan.tag).await.is(200);
    assert_eq!((put.tag(), put.json(), put.cost().1), (jan.tag.clone(), read.clone(), 0.0));

    let patched = crm.patch(&jan.path, read.clone()).if_match(&jan.tag).await.is(200);
    assert_eq!((patched.tag(), patched.json(), patched.cost().1), (jan.tag, read, 0.0));
}

#[tokio::test]
async fn p3_a_field_that_is_not_editable_is_refused_when_it_changes() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    let time = "2020-01-01T00:00:00.000Z";
    let changes = json!({
        "id": "0192f3c1-0000-7000-8000-000000000001", "email_verified": false, "status": "BLOCKED",
        "personas": [],
        "attribute_states": { "common": {} }, "last_login_at": time, "created_at": time,
        "updated_at": time,
    });
    let due = [
        "/attribute_states not-editable",
        "/created_at not-editable",
        "/email_verified not-editable",
        "/id not-editable",
        "/last_login_at not-editable",
        "/personas not-editable",
        "/status not-editable",
        "/updated_at not-editable",
    ];
    let refused = crm.patch(&jan.path, changes.clone()).if_match(&jan.tag).await.is(422);
    assert_eq!(refused.violations(), due);
    let mut body = changes;
    body["username"] = json!("jan");
    // The address goes, and with it that it is verified (DT5).
    body["email_verified"] = json!(true);
    assert_eq!(crm.put(&jan.path, body).if_match(&jan.tag).await.is(422).violations(), due);

    let nulls = json!({ "id": null, "status": null, "personas": null, "last_login_at": null });
    let refused = crm.patch(&jan.path, nulls).if_match(&jan.tag).await.is(422);
    assert_eq!(
        refused.violations(),
        ["/id not-editable", "/personas not-editable", "/status not-editable"]
    );
    assert_eq!(crm.read(&jan.path).await, jan.body);
}

#[tokio::test]
async fn put_removes_what_is_omitted_but_for_what_is_not_editable() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = jan(&crm).await;

    let put = crm
        .put(&jan.path, json!({ "username": "johannes" }))
        .if_match(&jan.tag)
        .await
        .is(200)
        .json();

    for gone in ["id_at_customer", "family_name", "given_name", "ui_locales", "preferred_email"] {
        assert_eq!(put[gone], Value::Null, "{gone}");
    }
    assert_eq!((&put["attributes"], &put["email_verified"]), (&json!({}), &json!(false)));
    for stays in ["id", "personas", "status", "created_at"] {
        assert_eq!(put[stays], jan.body[stays], "{stays}");
    }
    assert!(crm.find(json!({ "username": "jan" })).await.is_empty());
    assert_eq!(crm.find(json!({ "username": "johannes" })).await, [put]);
    crm.put(&jan.path, json!({})).if_match("*").await.is(422);
    service.check().await;
}

#[tokio::test]
async fn p2_null_and_an_empty_array_remove_an_attribute() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;

    let patch = json!({ "attributes": { "common": { "number": null } }, "given_name": null });
    let one = crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(200);
    assert_eq!(one.json()["attributes"], json!({ "common": { "colour": ["red"] } }));
    assert_eq!(one.json()["given_name"], Value::Null);
    let patch = json!({ "attributes": { "common": { "colour": [] } } });
    let two = crm.patch(&jan.path, patch).if_match(&one.tag()).await.is(200);
    assert_eq!(two.json()["attributes"], json!({}));
}

#[tokio::test]
async fn p2_arrays_replace_whole() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    let patch = json!({ "attributes": { "common": { "number": ["3"] } } });
    let patched = crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(200).json();
    assert_eq!(patched["attributes"], json!({ "common": { "colour": ["red"], "number": ["3"] } }));
}

#[tokio::test]
async fn null_for_a_category_or_for_all_attributes_is_refused() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    for (patch, at) in [
        (json!({ "attributes": null }), "/attributes"),
        (json!({ "attributes": { "common": null } }), "/attributes/common"),
        (json!({ "attributes": { "nothing": null } }), "/attributes/nothing"),
    ] {
        let refused = crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(422);
        assert!(refused.violations()[0].starts_with(at), "{:?}", refused.violations());
    }
    let refused =
        crm.patch(&jan.path, json!({ "username": null })).if_match(&jan.tag).await.is(422);
    assert_eq!(refused.violations(), ["/username required"]);
    assert_eq!(crm.tag_of(&jan.path).await, jan.tag);
}

#[tokio::test]
async fn p4_what_is_unknown_is_refused_by_name_also_when_it_is_removed() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    for (patch, due) in [
        (json!({ "nickname": "J" }), "/nickname unknown"),
        (json!({ "nickname": null }), "/nickname unknown"),
        (
            json!({ "attributes": { "common": { "nothing": ["x"] } } }),
            "/attributes/common/nothing unknown",
        ),
        (
            json!({ "attributes": { "common": { "nothing": null } } }),
            "/attributes/common/nothing unknown",
        ),
        (
            json!({ "attributes": { "common": { "nothing": [] } } }),
            "/attributes/common/nothing unknown",
        ),
        (json!({ "attributes": { "nothing": {} } }), "/attributes/nothing unknown"),
        (
            json!({ "attributes": { "nothing": { "number": ["1"] } } }),
            "/attributes/nothing/number unknown",
        ),
    ] {
        let answer = crm.patch(&jan.path, patch.clone()).if_match(&jan.tag).await;
        assert_eq!(answer.code(), 422, "{patch}");
        assert_eq!(answer.violations(), [due], "{patch}");
    }
}

#[tokio::test]
async fn attributes_may_be_named_by_their_definitions() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    let definitions = crm.read("/identity/config/attribute-definitions?name=number").await;
    let id = definitions["items"][0]["id"].clone();
    let entry = |value: Value| {
        json!({
            "attribute_values": [{ "attribute_definition_id": id, "value": value }]
        })
    };

    let one = crm.patch(&jan.path, entry(json!([7]))).if_match(&jan.tag).await.is(200);
    assert_eq!(one.json()["attributes"]["common"], json!({ "colour": ["red"], "number": ["7"] }));
    let two = crm.patch(&jan.path, entry(json!([]))).if_match(&one.tag()).await.is(200);
    assert_eq!(two.json()["attributes"]["common"], json!({ "colour": ["red"] }));

    let refused = crm.patch(&jan.path, entry(json!(["x", "1"]))).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attribute_values/0/value/0 wrong-format"]);
    let mut both = entry(json!(["1"]));
    both["attributes"] = json!({ "common": { "number": ["1"] } });
    let refused = crm.patch(&jan.path, both).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attribute_values/0 not-allowed"]);
    let wrong = json!({ "attribute_values": [
        { "attribute_definition_id": "0192f3c1-0000-7000-8000-000000000001", "value": ["1"] },
        { "value": ["1"] },
        { "attribute_definition_id": id },
        { "attribute_definition_id": id, "value": ["1"], "more": 1 },
    ] });
    let due = [
        "/attribute_values/0/attribute_definition_id unknown",
        "/attribute_values/1/attribute_definition_id required",
        "/attribute_values/2/value required",
        "/attribute_values/3/more unknown",
    ];
    assert_eq!(crm.patch(&jan.path, wrong).if_match("*").await.is(422).violations(), due);
    crm.patch(&jan.path, json!({ "attribute_values": {} })).if_match("*").await.is(422);
}

#[tokio::test]
async fn a_change_of_the_email_address_takes_its_verification_back() {
    let crm = Service::start().await.crm().await;
    let jan = jan(&crm).await;
    let patch = json!({ "preferred_email": "new@example.org" });
    let patched = crm.patch(&jan.path, patch).if_match(&jan.tag).await.is(200).json();
    assert_eq!(
        (&patched["preferred_email"], &patched["email_verified"]),
        (&json!("new@example.org"), &json!(false))
    );
}

#[tokio::test]
async fn the_time_of_a_change_rises_even_when_the_clock_does_not() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;
    let edit = |name: &str| crm.patch(&jan.path, json!({ "given_name": name })).if_match("*");

    assert_eq!(edit("A").await.is(200).field("updated_at"), "2026-11-21T10:00:00.001Z");
    assert_eq!(edit("B").await.is(200).field("updated_at"), "2026-11-21T10:00:00.002Z");
    service.clock.advance(5);
    let changed = edit("C").await.is(200);
    assert_eq!(changed.field("updated_at"), "2026-11-21T10:00:05.000Z");
    assert_eq!(changed.field("created_at"), "2026-11-21T10:00:00.000Z");
}

#[tokio::test]
async fn d2_a_change_there_and_back_moves_the_tag() {
    let crm = Service::start().await.crm().await;
    let jan = crm.create(USERS, person("jan")).await;
    let edit = |name: &str| crm.patch(&jan.path, json!({ "given_name": name })).if_match("*");
    edit("Piet").await.is(200);
    let back = edit("Jan").await.is(200).tag();
    assert_ne!(back, jan.tag);
    crm.patch(&jan.path, json!({})).if_match(&jan.tag).await.is(412);
}
