//! Property by path: what holds at one place where a value is written holds at all of them (rule
//! A3).

use serde_json::{Value, json};

use crate::formats::{Desk, Place, USERS, attribute, role};

#[tokio::test]
async fn a3_a_single_value_is_one_at_every_place() {
    let desk = Desk::with(json!({ "single_value": true })).await;
    for place in Place::ALL {
        let refused = desk.write(place, r#"["1","2"]"#).await.is(422);
        assert_eq!(refused.violations(), [format!("{} too-many", place.pointer())], "{place:?}");
        let answer = desk.write(place, r#"["1"]"#).await;
        assert_eq!(place.shown(&answer, "attributes"), json!(["1"]), "{place:?}");
    }
}

#[tokio::test]
async fn a3_what_machine_clients_may_do_does_not_depend_on_the_properties_of_self_service() {
    for property in ["read_only", "hidden", "override"] {
        let desk = Desk::with(json!({ property: true })).await;
        assert_eq!(desk.x.body[property], json!(true));
        for place in Place::ALL {
            let answer = desk.write(place, r#"["1"]"#).await;
            assert_eq!(place.shown(&answer, "attributes"), json!(["1"]), "{property} {place:?}");
            if place.changes() {
                let read = desk.crm.read(&desk.target(place).path).await;
                assert_eq!(read["attributes"]["common"]["x"], json!(["1"]));
                desk.write(place, r#"["2"]"#).await.is(200);
                desk.write(place, "[]").await.is(200);
            }
        }
    }
}

#[tokio::test]
async fn a3_a_deprecated_attribute_takes_no_new_value_and_keeps_and_loses_old_ones() {
    let desk = Desk::with(json!({})).await;
    for place in [Place::Patch, Place::SetById] {
        desk.write(place, r#"["1","2"]"#).await.is(200);
    }
    desk.crm.patch(&desk.x.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    desk.service.clock.advance(30);
    for place in Place::ALL {
        let refused = desk.write(place, r#"["3"]"#).await.is(422);
        assert_eq!(
            refused.violations(),
            [format!("{}/0 not-allowed", place.pointer())],
            "{place:?}"
        );
        if place.changes() {
            let refused = desk.write(place, r#"["1","2","3"]"#).await.is(422);
            assert_eq!(
                refused.violations(),
                [format!("{}/2 not-allowed", place.pointer())],
                "{place:?}"
            );
            let same = desk.write(place, r#"["1","2"]"#).await.is(200);
            assert_eq!(same.cost().1, 0.0, "{place:?}");
        }
    }
    for target in [&desk.user, &desk.persona] {
        let other = json!({ "valid_from": "2026-01-01T00:00:00Z" });
        let other =
            if target.path == desk.user.path { json!({ "given_name": "Jan" }) } else { other };
        desk.crm.patch(&target.path, other).if_match("*").await.is(200);
        let removed =
            desk.crm.patch(&target.path, attribute("x", &Value::Null)).if_match("*").await.is(200);
        assert_eq!(removed.json()["attributes"], json!({}));
    }
}

#[tokio::test]
async fn a3_a_deprecated_attribute_may_lose_one_of_its_values() {
    let desk = Desk::with(json!({})).await;
    desk.write(Place::Patch, r#"["1","2"]"#).await.is(200);
    desk.crm.patch(&desk.x.path, json!({ "deprecated": true })).if_match("*").await.is(200);
    desk.service.clock.advance(30);
    // The write adds no new value.
    let fewer = desk.write(Place::Patch, r#"["2"]"#).await.is(200);
    assert_eq!(Place::Patch.shown(&fewer, "attributes"), json!(["2"]));
}

#[tokio::test]
async fn d3_a_unique_value_is_refused_at_every_place_while_another_holds_it() {
    for holder in [Place::Create, Place::Import] {
        let desk = Desk::with(json!({ "unique": true })).await;
        let held = desk.write(holder, r#"["A 1","B"]"#).await.created();
        for place in Place::ALL {
            for values in [r#"["a  1"]"#, r#"["c","b"]"#] {
                let refused = desk.write(place, values).await.is(409);
                assert_eq!(
                    (refused.slug(), refused.violations().len()),
                    ("already-exists".to_owned(), 1),
                    "{holder:?} {place:?}"
                );
                assert!(!refused.text().contains("A 1"), "{}", refused.text());
            }
        }
        desk.service.check().await;
        desk.crm.delete(&held.path).await.is(204);
        desk.write(Place::Patch, r#"["a 1"]"#).await.is(200);
        // The same person may have it in a persona as well.
        desk.write(Place::SetByName, r#"["A 1"]"#).await.is(200);
        desk.clear().await;
        desk.write(Place::Create, r#"["a 1"]"#).await.is(201);
        desk.service.check().await;
    }
}

#[tokio::test]
async fn e3_a_value_that_is_taken_is_named_where_it_stands_in_the_body() {
    let desk = Desk::with(json!({ "unique": true })).await;
    desk.write(Place::Create, r#"["1"]"#).await.is(201);
    let mut wrong = Vec::new();
    for place in Place::ALL {
        let named = desk.write(place, r#"["1"]"#).await.is(409).violations();
        let at = place.pointer();
        if ![format!("{at} not-unique"), format!("{at}/0 not-unique")].contains(&named[0]) {
            wrong.push(format!("{place:?}: {}", named[0]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn a3_an_attribute_that_the_persona_definition_does_not_list_is_refused_in_personas() {
    let desk = Desk::with(json!({})).await;
    let roles = desk.crm.read("/config/persona-definitions?name=role").await;
    let path = format!("/config/persona-definitions/{}", roles["items"][0]["id"].as_str().unwrap());
    desk.write(Place::SetById, r#"["1"]"#).await.is(200);
    desk.crm.patch(&path, json!({ "attributes": [] })).if_match("*").await.is(200);
    desk.service.clock.advance(30);
    for place in Place::ALL {
        let answer = desk.write(place, r#"["2"]"#).await;
        if !place.is_persona() {
            assert!(answer.status.is_success(), "{place:?}: {}", answer.text());
            continue;
        }
        let at = match place {
            Place::SetById => "/attribute_definition_id",
            Place::SetByName => "/name",
            _ => place.pointer(),
        };
        assert_eq!(answer.is(422).violations(), [format!("{at} not-allowed")], "{place:?}");
    }
    // Every other change keeps the stored value.
    let persona = desk
        .crm
        .patch(&desk.persona.path, json!({ "scope": ["other"] }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(persona.json()["attributes"]["common"]["x"], json!(["1"]));
}

#[tokio::test]
async fn a3_required_binds_a_user_at_every_place() {
    let desk = Desk::with(json!({})).await;
    desk.crm.define("y", json!({ "required": true })).await;
    desk.service.clock.advance(30);
    let due = ["/attributes/common/y required"];
    assert_eq!(desk.crm.post(USERS, json!({ "username": "els" })).await.is(422).violations(), due);
    let body = |name: &str, values: Value| {
        json!({
            "username": name, "attributes": { "common": { "y": values } }
        })
    };
    assert_eq!(desk.crm.post(USERS, body("els", json!([]))).await.is(422).violations(), due);
    let els = desk.crm.create(USERS, body("els", json!(["1"]))).await;
    for refused in [
        desk.crm.put(&els.path, json!({ "username": "els" })),
        desk.crm.put(&els.path, body("els", json!([]))),
        desk.crm.patch(&els.path, attribute("y", &Value::Null)),
        desk.crm.patch(&els.path, attribute("y", &json!([]))),
    ] {
        assert_eq!(refused.if_match("*").await.is(422).violations(), due);
    }
    let id = desk.crm.read("/identity/config/attribute-definitions?name=y").await["items"][0]["id"]
        .clone();
    for value in [Value::Null, json!([])] {
        let patch =
            json!({ "attribute_values": [{ "attribute_definition_id": id, "value": value }] });
        let refused = desk.crm.patch(&els.path, patch).if_match("*").await.is(422);
        assert_eq!(refused.violations(), ["/attribute_values/0/value required"]);
    }
    desk.crm.patch(&els.path, attribute("y", &json!(["2"]))).if_match("*").await.is(200);
}

#[tokio::test]
async fn a3_required_binds_a_persona_that_lists_the_attribute_at_every_place() {
    let desk = Desk::with(json!({})).await;
    desk.crm.patch(&desk.x.path, json!({ "required": true })).if_match("*").await.is(200);
    desk.service.clock.advance(30);
    let bare = |scope: &str| json!({ "username": desk.fresh(), "personas": [role(scope)] });
    let refused = desk.crm.post(USERS, bare("a")).await.is(422);
    assert_eq!(refused.violations(), ["/personas/0/attributes/common/x required"]);
    let refused = desk.crm.post(&desk.somebody().await.below("personas"), role("a")).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/x required"]);
    for place in [Place::Import, Place::Add] {
        let refused = desk.write(place, "[]").await.is(422);
        assert_eq!(refused.violations(), [format!("{} required", place.pointer())]);
    }
    desk.write(Place::SetById, r#"["1"]"#).await.is(200);
    for (place, values) in [
        (Place::PatchPersona, "[]"),
        (Place::PatchPersona, "null"),
        (Place::SetById, "[]"),
        (Place::SetByName, "[]"),
    ] {
        let refused = desk.write(place, values).await.is(422);
        assert_eq!(
            refused.violations(),
            [format!("{} required", place.pointer())],
            "{place:?} {values}"
        );
    }
    // The user itself is not asked for it.
    desk.write(Place::Patch, r#"["1"]"#).await.is(200);
    desk.write(Place::Patch, "[]").await.is(200);
}
