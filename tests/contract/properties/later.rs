//! Definitions that change while values are stored. Stored values are kept, and new values follow
//! the new definition (rules A3, D4, D6).

use serde_json::{Value, json};
use tests::Client;

use crate::formats::{Desk, Place, attribute, role};

/// Changes the definition of `common.x`, and lets every cache hear of it.
async fn redefine(desk: &Desk, change: Value) {
    desk.crm.patch(&desk.x.path, change).if_match("*").await.is(200);
    desk.service.clock.advance(30);
}

/// A change of something else.
async fn touch(crm: &Client, path: &str, n: u32) -> u16 {
    let change = if path.contains("/personas/") {
        json!({ "valid_from": format!("2026-01-0{n}T00:00:00Z") })
    } else {
        json!({ "given_name": format!("Jan{n}") })
    };
    crm.patch(path, change).if_match("*").await.code()
}

#[tokio::test]
async fn a3_required_added_later_binds_put_and_removal_and_no_other_change_of_a_user() {
    let desk = Desk::with(json!({})).await;
    let y = desk.crm.define("y", json!({})).await;
    let els = desk.somebody().await;
    desk.crm.patch(&els.path, attribute("y", &json!(["1"]))).if_match("*").await.is(200);
    desk.crm.patch(&y.path, json!({ "required": true })).if_match("*").await.is(200);
    desk.service.clock.advance(30);

    let due = ["/attributes/common/y required"];
    assert_eq!(touch(&desk.crm, &desk.user.path, 1).await, 200);
    assert_eq!(touch(&desk.crm, &desk.persona.path, 1).await, 200);
    let put =
        desk.crm.put(&desk.user.path, json!({ "username": "jan" })).if_match("*").await.is(422);
    assert_eq!(put.violations(), due);
    // Sent back as it is, it is not what a new one must be either.
    let whole = desk.crm.read(&desk.user.path).await;
    assert_eq!(desk.crm.put(&desk.user.path, whole).if_match("*").await.is(422).violations(), due);
    assert_eq!(touch(&desk.crm, &els.path, 2).await, 200);
    for gone in [Value::Null, json!([])] {
        let refused = desk.crm.patch(&els.path, attribute("y", &gone)).if_match("*").await.is(422);
        assert_eq!(refused.violations(), due);
    }
    desk.crm.patch(&els.path, attribute("y", &json!(["2"]))).if_match("*").await.is(200);
}

#[tokio::test]
async fn a3_required_added_later_binds_removal_and_no_other_change_of_a_persona() {
    let desk = Desk::with(json!({})).await;
    let held = desk.crm.add_persona(&desk.user, {
        let mut persona = role("held");
        persona["attributes"] = json!({ "common": { "x": ["1"] } });
        persona
    });
    let held = held.await;
    redefine(&desk, json!({ "required": true })).await;

    let refused =
        desk.crm.patch(&held.path, attribute("x", &Value::Null)).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/x required"]);
    assert_eq!(touch(&desk.crm, &held.path, 1).await, 200);
    let action = desk.crm.act(&desk.persona.below("suspend")).await;
    assert_eq!(action.code(), 200);
    assert_eq!(touch(&desk.crm, &desk.persona.path, 1).await, 200);
    // The user is changed whatever its personas lack.
    assert_eq!(touch(&desk.crm, &desk.user.path, 1).await, 200);
    let refused = desk.crm.post(&desk.user.below("personas"), role("new")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/x required"]);
}

#[tokio::test]
async fn a3_a_persona_that_was_never_changed_is_not_bound_by_what_was_required_later() {
    let desk = Desk::with(json!({})).await;
    redefine(&desk, json!({ "required": true })).await;
    assert_eq!(touch(&desk.crm, &desk.persona.path, 1).await, 200);
}

#[tokio::test]
async fn a3_a_persona_that_was_never_changed_is_not_bound_by_a_scope_that_is_due_later() {
    let desk = Desk::with(json!({})).await;
    let plain = desk.crm.define_persona("plain", json!({})).await;
    let persona = desk.crm.add_persona(&desk.user, json!({ "name": "plain" })).await;
    desk.crm.patch(&plain.path, json!({ "scoped": true })).if_match("*").await.is(200);
    desk.service.clock.advance(30);
    assert_eq!(touch(&desk.crm, &persona.path, 1).await, 200);
    assert_eq!(
        desk.crm
            .post(&desk.user.below("personas"), json!({ "name": "plain" }))
            .await
            .is(422)
            .violations(),
        ["/scope required"]
    );
}

#[tokio::test]
async fn d4_search_is_only_raised_after_the_first_value_of_a_user_or_a_persona() {
    for place in [Place::Patch, Place::SetById] {
        let desk = Desk::with(json!({})).await;
        let search =
            |how: &str| desk.crm.patch(&desk.x.path, json!({ "search": how })).if_match("*");
        search("prefix").await.is(200);
        search("exact").await.is(200);
        desk.write(place, r#"["Value"]"#).await.is(200);
        assert_eq!(search("none").await.is(409).slug(), "in-use", "{place:?}");
        desk.clear().await;
        assert_eq!(
            search("none").await.is(409).slug(),
            "in-use",
            "{place:?}: backups and caches may hold a value"
        );
        search("exact").await.is(200);
        desk.write(Place::Patch, r#"["Value"]"#).await.is(200);
        assert_eq!(desk.crm.find(json!({ "attributes.common.x": "value" })).await.len(), 1);
        desk.service.check().await;
    }
}

#[tokio::test]
async fn a1_values_of_an_enumeration_that_are_in_use_stay() {
    for place in [Place::Patch, Place::SetByName] {
        let desk = Desk::with(
            json!({ "data_format": "ENUMERATION", "enumeration_values": ["red", "blue"] }),
        )
        .await;
        let values = |values: Value| {
            desk.crm.patch(&desk.x.path, json!({ "enumeration_values": values })).if_match("*")
        };
        values(json!(["red", "blue", "green"])).await.is(200);
        values(json!(["blue", "green"])).await.is(200);
        desk.write(place, r#"["green"]"#).await.is(200);
        assert_eq!(values(json!(["blue"])).await.is(409).slug(), "in-use", "{place:?}");
        assert_eq!(values(json!([])).await.is(422).violations(), ["/enumeration_values required"]);
        values(json!(["green", "blue", "white"])).await.is(200);
        desk.write(place, r#"["white"]"#).await.is(200);
    }
}

#[tokio::test]
async fn a1_a_schema_that_became_stricter_binds_what_is_new() {
    let desk = Desk::with(json!({ "data_format": "JSON" })).await;
    for place in [Place::Patch, Place::SetById] {
        desk.write(place, r#"[1,"old"]"#).await.is(200);
    }
    redefine(&desk, json!({ "json_schema": { "type": "integer" } })).await;
    for (target, n) in [(&desk.user, 1), (&desk.persona, 2)] {
        assert_eq!(touch(&desk.crm, &target.path, n).await, 200);
        let whole = desk.crm.get(&target.path).await.is(200);
        let same = json!({ "attributes": whole.json()["attributes"] });
        let back = desk.crm.patch(&target.path, same).if_match("*").await.is(200);
        assert_eq!(back.tag(), whole.tag());
    }
    for place in Place::ALL {
        let refused = desk.write(place, r#"["new"]"#).await.is(422);
        assert_eq!(refused.violations(), [format!("{}/0 schema", place.pointer())], "{place:?}");
        assert!(desk.write(place, "[2]").await.status.is_success(), "{place:?}");
    }
}

#[tokio::test]
async fn d6_a_definition_that_holds_or_is_listed_is_not_deleted() {
    let desk = Desk::with(json!({})).await;
    let y = desk.crm.define("y", json!({})).await;
    let listed = desk.crm.delete(&desk.x.path).await.is(409);
    assert_eq!(listed.slug(), "in-use");
    assert!(listed.text().contains("persona definition"), "{}", listed.text());
    desk.crm.patch(&desk.user.path, attribute("y", &json!(["1"]))).if_match("*").await.is(200);
    let held = desk.crm.delete(&y.path).await.is(409);
    assert!(held.text().contains("deprecated"), "{}", held.text());
    desk.crm.delete(&y.path).if_match("\"stale\"").await.is(412);
    let z = desk.crm.define("z", json!({})).await;
    desk.crm.delete(&z.path).if_match(&z.tag).await.is(204);
    desk.crm.get(&z.path).await.is(404);
    let refused =
        desk.crm.patch(&desk.user.path, attribute("z", &json!(["1"]))).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/z unknown"]);
}

#[tokio::test]
async fn a3_what_is_deprecated_is_not_required() {
    let service = tests::Service::start().await;
    let crm = service.crm().await;
    let x = crm.define("x", json!({ "required": true })).await;
    let held = json!({ "username": "jan", "attributes": { "common": { "x": ["1"] } } });
    let jan = crm.create("/identity/users", held).await;
    crm.patch(&x.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    service.clock.advance(30);

    crm.create_user("els").await;
    crm.put(&jan.path, crm.read(&jan.path).await).if_match("*").await.is(200);
    crm.patch(&jan.path, json!({ "attributes": { "common": { "x": null } } }))
        .if_match("*")
        .await
        .is(200);
}
