//! Every caller sees every acknowledged write (rule D4).

use serde_json::{Value, json};
use tests::Service;

use super::{USERS, names};

#[tokio::test]
async fn d4_each_look_up_sees_a_write_at_once_at_an_instance_with_cold_caches_too() {
    let service = Service::start().await;
    let crm = service.crm().await;
    for (name, more) in [
        ("badge", json!({ "unique": true })),
        ("tag", json!({ "search": "exact" })),
        ("title", json!({ "search": "prefix" })),
        ("size", json!({ "search": "exact", "data_format": "NUMERIC" })),
        ("pin", json!({ "search": "exact", "data_format": "SEARCHABLE_HASH" })),
    ] {
        crm.define(name, more).await;
    }
    crm.define_persona("employee", json!({ "scoped": true })).await;
    // This instance knows the definitions and that they are not in use yet.
    let warm = crm.on(&service.instance());
    assert_eq!(names(&warm, "attributes.common.tag eq \"first\"").await, [""; 0]);

    let jan = crm.create(USERS, json!({ "username": "jan" })).await;
    for turn in ["first", "second"] {
        let number = if turn == "first" { "1.25" } else { "2.5" };
        let patch = json!({
            "username": format!("jan.{turn}"), "id_at_customer": turn,
            "family_name": format!("{turn} Janssen"), "given_name": format!("Jan {turn}"),
            "preferred_email": format!("{turn}@example.org"),
            "attributes": {
                "common": {
                    "badge": [turn], "tag": [turn], "title": [format!("{turn} title")],
                    "size": [number], "pin": [turn]
                }
            },
        });
        crm.patch(&jan.path, patch).if_match("*").await.is(200);
        let personas = crm.read(&jan.below("personas")).await;
        for persona in personas["items"].as_array().unwrap() {
            crm.delete(&jan.below(&format!("personas/{}", persona["id"].as_str().unwrap())))
                .if_match("*")
                .await
                .is(204);
        }
        crm.add_persona(&jan, json!({ "name": "employee", "scope": [turn] })).await;
        let filters = |turn: &str, number: &str| -> Vec<String> {
            vec![
                format!("username eq \"jan.{turn}\""),
                format!("id_at_customer eq \"{turn}\""),
                format!("preferred_email eq \"{turn}@example.org\""),
                format!("family_name eq \"{turn} janssen\""),
                format!("family_name sw \"{turn}\""),
                format!("given_name sw \"jan {turn}\""),
                format!("attributes.common.badge eq \"{turn}\""),
                format!("attributes.common.tag eq \"{turn}\""),
                format!("attributes.common.title sw \"{turn}\""),
                format!("attributes.common.size eq {number}"),
                format!("attributes.common.pin eq \"{turn}\""),
                format!("personas[name eq \"employee\" and scope eq \"{turn}\"]"),
                format!("username eq \"nobody\" or attributes.common.tag eq \"{turn}\""),
            ]
        };
        let name = format!("jan.{turn}");
        for filter in filters(turn, number) {
            for asking in [&crm, &warm, &crm.on(&service.instance())] {
                assert_eq!(names(asking, filter.as_str()).await, [name.as_str()], "{filter}");
            }
        }
        if turn == "second" {
            for filter in filters("first", "1.25") {
                assert_eq!(names(&warm, filter.as_str()).await, [""; 0], "{filter}");
            }
        }
    }
    crm.delete(&jan.path).await.is(204);
    for filter in
        ["family_name sw \"second\"", "attributes.common.tag eq \"second\"", "username pr"]
    {
        assert_eq!(names(&warm, filter).await, [""; 0], "{filter}");
    }
    service.check().await;
}

#[tokio::test]
async fn d4_how_an_attribute_is_searched_may_change_until_it_has_a_value() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let tag = crm.define("tag", json!({ "search": "exact" })).await;
    let warm = crm.on(&service.instance());
    assert_eq!(names(&warm, "attributes.common.tag eq \"x1\"").await, [""; 0]);
    crm.patch(&tag.path, json!({ "search": "prefix" })).if_match("*").await.is(200);
    let attributes: Value = json!({ "common": { "tag": ["x1"] } });
    crm.create(USERS, json!({ "username": "jan", "attributes": attributes })).await;
    assert_eq!(names(&warm, "attributes.common.tag eq \"x1\"").await, ["jan"]);
    assert_eq!(names(&warm, "attributes.common.tag sw \"x1\"").await, ["jan"]);
}
