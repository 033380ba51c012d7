//! The state of e-mail addresses: PENDING until an administrator says that they are the person's
//! (rules A1, A3, H4, P3).

use serde_json::{Value, json};
use tests::{Answer, Call, Resource};

use super::{Desk, Place, USERS, attribute, said};

fn verify(desk: &Desk, attribute: &str, value: &str) -> Call {
    desk.crm.post(&desk.user.below("verify"), json!({ "attribute": attribute, "value": value }))
}

async fn emails() -> Desk {
    Desk::with(json!({ "data_format": "EMAIL" })).await
}

fn states(answer: &Answer) -> Value {
    answer.json()["attribute_states"].clone()
}

fn own(states: &Value) -> Value {
    json!({ "common": { "x": states } })
}

#[tokio::test]
async fn a1_an_address_is_pending_at_every_place() {
    let desk = emails().await;
    for place in Place::ALL {
        let answer = desk.write(place, r#"["b@example.org","a@example.org"]"#).await;
        assert_eq!(
            place.shown(&answer, "attribute_states"),
            json!(["PENDING", "PENDING"]),
            "{place:?}"
        );
    }
    // Only addresses have states.
    desk.crm.define("note", json!({})).await;
    let noted = desk
        .crm
        .patch(&desk.user.path, attribute("note", &json!(["n"])))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(states(&noted), own(&json!(["PENDING", "PENDING"])));
    desk.clear().await;
    assert_eq!(desk.crm.read(&desk.user.path).await["attribute_states"], json!({}));
}

#[tokio::test]
async fn a1_verifying_marks_one_value_moves_the_tag_and_repeating_it_changes_nothing() {
    let desk = emails().await;
    let before =
        desk.write(Place::Patch, r#"["Jan@Bücher.example","b@example.org"]"#).await.is(200);

    let verified = verify(&desk, "common.x", "jan@xn--bcher-kva.EXAMPLE").await.is(200);

    assert_ne!(verified.tag(), before.tag());
    assert_eq!(states(&verified), own(&json!(["VERIFIED", "PENDING"])));
    assert_eq!(verified.json()["attributes"], before.json()["attributes"]);
    let read = desk.crm.get(&desk.user.path).await.is(200);
    assert_eq!((read.tag(), read.json()), (verified.tag(), verified.json()));
    let again = verify(&desk, "common.x", "jan@bücher.example").await.is(200);
    assert_eq!((again.tag(), again.cost().1), (verified.tag(), 0.0));
    let keyed = verify(&desk, "common.x", "b@example.org").key("k").await.is(200);
    let replayed = verify(&desk, "common.x", "b@example.org").key("k").await.is(200);
    assert_eq!(
        (replayed.header("idempotency-replayed"), &replayed.body),
        (Some("true"), &keyed.body)
    );
    assert_eq!(states(&keyed), own(&json!(["VERIFIED", "VERIFIED"])));
    desk.service.check().await;
}

#[tokio::test]
async fn a1_only_an_administrator_verifies() {
    let desk = emails().await;
    desk.write(Place::Patch, r#"["a@example.org"]"#).await.is(200);
    let body = json!({ "attribute": "common.x", "value": "a@example.org" });
    for scopes in ["users:read users:write config:read config:write", "users:write"] {
        let client = desk.service.client("acme", scopes).await;
        let refused = client.post(&desk.user.below("verify"), body.clone()).await.is(403);
        assert_eq!(refused.slug(), "insufficient-scope", "{scopes}");
    }
    let admin = desk.service.client("acme", "administrator").await;
    admin.post(&desk.user.below("verify"), body.clone()).await.is(200);
    desk.service.create_tenant("globex").await;
    let stranger = desk.service.client("globex", "administrator").await;
    stranger.post(&desk.user.below("verify"), body.clone()).await.is(404);
    admin.post(&format!("{USERS}/0192f3c1-0000-7000-8000-000000000001/verify"), body).await.is(404);
}

#[tokio::test]
async fn h2_verifying_honours_if_match_and_does_not_require_it() {
    let desk = emails().await;
    let old = desk.user.tag.clone();
    let now = desk.write(Place::Patch, r#"["a@example.org"]"#).await.is(200).tag();
    let stale = verify(&desk, "common.x", "a@example.org").if_match(&old).await.is(412);
    assert_eq!(stale.tag(), now);
    verify(&desk, "common.x", "a@example.org").if_match(&format!("W/{now}")).await.is(412);
    verify(&desk, "common.x", "nobody@example.org").if_match(&old).await.is(412);
    let done = verify(&desk, "common.x", "a@example.org").if_match(&now).await.is(200);
    verify(&desk, "common.x", "a@example.org").if_match(&now).await.is(412);
    verify(&desk, "common.x", "a@example.org").if_match(&done.tag()).await.is(200);
    verify(&desk, "common.x", "a@example.org").if_match("*").await.is(200);
}

#[tokio::test]
async fn e1_what_cannot_be_verified_is_named() {
    let desk = emails().await;
    desk.crm.define("note", json!({})).await;
    desk.write(Place::Patch, r#"["a@example.org"]"#).await.is(200);
    let tag = desk.crm.tag_of(&desk.user.path).await;
    for (body, due) in [
        (json!({ "attribute": "common.x", "value": "b@example.org" }), vec!["/value not-found"]),
        (
            json!({ "attribute": "preferred_email", "value": "a@example.org" }),
            vec!["/value not-found"],
        ),
        (
            json!({ "attribute": "common.note", "value": "a@example.org" }),
            vec!["/attribute not-found"],
        ),
        (
            json!({ "attribute": "common.nothing", "value": "a@example.org" }),
            vec!["/attribute not-found"],
        ),
        (
            json!({ "attribute": "common.preferred_email", "value": "a@example.org" }),
            vec!["/attribute not-found"],
        ),
        (
            json!({ "attribute": "username", "value": "a@example.org" }),
            vec!["/attribute not-found"],
        ),
        (json!({ "attribute": "x", "value": "a@example.org" }), vec!["/attribute not-found"]),
        (json!({ "attribute": "common.x", "value": "jan" }), vec!["/value wrong-format"]),
        (json!({ "attribute": "common.x", "value": ["a@example.org"] }), vec!["/value wrong-type"]),
        (
            json!({ "attribute": 1, "value": "a@example.org", "more": 1 }),
            vec!["/attribute wrong-type", "/more unknown"],
        ),
        (json!({}), vec!["/attribute required", "/value required"]),
        (json!([]), vec![" wrong-type"]),
    ] {
        let refused = desk.crm.post(&desk.user.below("verify"), body.clone()).await.is(422);
        assert_eq!(refused.violations(), due, "{body}");
    }
    let wrong = desk.crm.post(
        &desk.user.below("verify"),
        json!({ "attribute": "common.note", "value": "a@example.org" }),
    );
    assert!(said(&wrong.await).contains("of an EMAIL attribute"));
    assert_eq!(desk.crm.tag_of(&desk.user.path).await, tag);
}

#[tokio::test]
async fn a1_another_address_is_pending_and_the_others_stay_verified() {
    let desk = emails().await;
    let write = async |values: Value| desk.write(Place::Patch, &values.to_string()).await.is(200);
    write(json!(["a@example.org", "b@example.org"])).await;
    verify(&desk, "common.x", "a@example.org").await.is(200);
    // States follow the addresses, wherever these stand.
    let moved = write(json!(["c@example.org", "a@example.org"])).await;
    assert_eq!(states(&moved), own(&json!(["PENDING", "VERIFIED"])));
    let put = json!({ "username": "jan", "attributes": { "common": { "x": ["a@example.org"] } } });
    let replaced = desk.crm.put(&desk.user.path, put).if_match("*").await.is(200);
    assert_eq!(states(&replaced), own(&json!(["VERIFIED"])));
    let other =
        desk.crm.patch(&desk.user.path, json!({ "given_name": "Jan" })).if_match("*").await.is(200);
    assert_eq!(states(&other), own(&json!(["VERIFIED"])));
    // Gone is forgotten.
    write(json!([])).await;
    let back = write(json!(["a@example.org"])).await;
    assert_eq!(states(&back), own(&json!(["PENDING"])));
    verify(&desk, "common.x", "a@example.org").await.is(200);
    desk.crm.put(&desk.user.path, json!({ "username": "jan" })).if_match("*").await.is(200);
    assert_eq!(states(&write(json!(["a@example.org"])).await), own(&json!(["PENDING"])));
}

#[tokio::test]
async fn a1_a_change_of_case_means_the_same_to_both_kinds_of_addresses() {
    let desk = emails().await;
    let email = |value: &str| {
        json!({
            "preferred_email": value, "attributes": { "common": { "x": [value] } }
        })
    };
    let patch = async |value: &str| {
        desk.crm.patch(&desk.user.path, email(value)).if_match("*").await.is(200)
    };
    patch("jan@example.org").await;
    verify(&desk, "common.x", "jan@example.org").await.is(200);
    verify(&desk, "preferred_email", "jan@example.org").await.is(200);
    let changed = patch("Jan@Example.org").await.json();
    assert_eq!(changed["attributes"]["common"]["x"], json!(["Jan@Example.org"]));
    let custom = changed["attribute_states"]["common"]["x"] == json!(["VERIFIED"]);
    assert_eq!(json!(custom), changed["email_verified"], "{changed}");
}

#[tokio::test]
async fn a1_an_address_is_verified_wherever_the_user_has_it() {
    let desk = emails().await;
    desk.write(Place::Patch, r#"["a@example.org"]"#).await.is(200);
    let mut tags = vec![
        desk.write(Place::SetById, r#"["A@example.org","b@example.org"]"#).await.is(200).tag(),
    ];
    let verified = verify(&desk, "common.x", "a@example.org").await.is(200).json();
    assert_eq!(verified["attribute_states"], own(&json!(["VERIFIED"])));
    assert_eq!(verified["personas"][0]["attribute_states"], own(&json!(["VERIFIED", "PENDING"])));
    let persona = desk.crm.get(&desk.persona.path).await.is(200);
    assert_eq!(persona.json(), verified["personas"][0]);
    tags.push(persona.tag());
    assert_ne!(tags[0], tags[1], "the persona's tag moves with what it shows");

    // An address that only the persona has.
    verify(&desk, "common.x", "b@example.org").await.is(200);
    let changed =
        desk.write(Place::SetByName, r#"["b@example.org","c@example.org"]"#).await.is(200);
    assert_eq!(states(&changed), own(&json!(["VERIFIED", "PENDING"])));
    let changed = desk.write(Place::PatchPersona, r#"["c@example.org"]"#).await.is(200);
    assert_eq!(states(&changed), own(&json!(["PENDING"])));
    let back = desk.write(Place::PatchPersona, r#"["b@example.org"]"#).await.is(200);
    assert_eq!(states(&back), own(&json!(["PENDING"])));
    // The address of a new persona starts as PENDING.
    let added = desk.write(Place::Add, r#"["a@example.org"]"#).await.is(201);
    assert_eq!(states(&added), own(&json!(["PENDING"])));
}

#[tokio::test]
async fn p3_states_follow_and_are_not_written() {
    let desk = emails().await;
    desk.write(Place::Patch, r#"["a@example.org"]"#).await.is(200);
    desk.write(Place::SetById, r#"["a@example.org"]"#).await.is(200);
    let wrong = own(&json!(["VERIFIED"]));
    for target in [&desk.user, &desk.persona] {
        let read = desk.crm.get(&target.path).await.is(200);
        let same = json!({ "attribute_states": states(&read) });
        let kept = desk.crm.patch(&target.path, same).if_match("*").await.is(200);
        assert_eq!((kept.tag(), kept.cost().1), (read.tag(), 0.0));
        for changed in [wrong.clone(), json!({}), Value::Null] {
            let body = json!({ "attribute_states": changed });
            let refused = desk.crm.patch(&target.path, body.clone()).if_match("*").await;
            if changed == json!({}) {
                // A patch that names no member changes none.
                assert_eq!(refused.code(), 200);
                continue;
            }
            assert_eq!(refused.is(422).violations(), ["/attribute_states not-editable"], "{body}");
        }
    }
    let put = json!({
        "username": "jan", "attribute_states": wrong,
        "attributes": { "common": { "x": ["a@example.org"] } }
    });
    let refused = desk.crm.put(&desk.user.path, put).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attribute_states not-editable"]);
    for body in [
        json!({ "username": "els", "attribute_states": {} }),
        json!({
            "username": "els",
            "personas": [{ "name": "role", "scope": ["a"], "attribute_states": {} }]
        }),
    ] {
        desk.crm.post(USERS, body).await.is(422);
    }
}

#[tokio::test]
async fn a1_the_preferred_address_is_verified_and_loses_that_with_any_change() {
    let desk = emails().await;
    let verified = |user: &Resource| {
        json!({
            "preferred_email": "jan@example.org", "username": user.body["username"]
        })
    };
    let put = async |body: Value| desk.crm.put(&desk.user.path, body).if_match("*").await.is(200);
    let before = put(verified(&desk.user)).await;
    assert_eq!(before.json()["email_verified"], json!(false));
    let done = verify(&desk, "preferred_email", "JAN@example.org").await.is(200);
    assert_eq!(
        (done.json()["email_verified"].clone(), done.tag() != before.tag()),
        (json!(true), true)
    );
    let again = verify(&desk, "preferred_email", "jan@example.org").await.is(200);
    assert_eq!((again.tag(), again.cost().1), (done.tag(), 0.0));
    // Another address than the present one takes nothing away.
    verify(&desk, "preferred_email", "piet@example.org").await.is(422);
    assert_eq!(desk.crm.tag_of(&desk.user.path).await, done.tag());
    let back = put(done.json()).await;
    assert_eq!((back.tag(), back.cost().1), (done.tag(), 0.0));
    assert_eq!(put(verified(&desk.user)).await.json()["email_verified"], json!(true));

    for (field, sent) in [("email_verified", json!(false)), ("email_verified", Value::Null)] {
        let refused =
            desk.crm.patch(&desk.user.path, json!({ field: sent })).if_match("*").await.is(422);
        assert_eq!(refused.violations(), ["/email_verified not-editable"], "{sent}");
    }
    let removed = desk
        .crm
        .patch(&desk.user.path, json!({ "preferred_email": null }))
        .if_match("*")
        .await
        .is(200);
    assert_eq!(removed.json()["email_verified"], json!(false));
    let again = put(verified(&desk.user)).await;
    assert_eq!(again.json()["email_verified"], json!(false));
    // An import may say that it is.
    let mut body =
        json!({ "username": "els", "preferred_email": "els@example.org", "email_verified": true });
    assert_eq!(desk.crm.create(USERS, body.clone()).await.body["email_verified"], json!(true));
    body["username"] = json!("ann");
    body["attributes"] = json!({ "common": { "x": ["els@example.org"] } });
    let imported = desk.crm.create(USERS, body).await;
    assert_eq!(
        imported.body["attribute_states"],
        own(&json!(["PENDING"])),
        "of the preferred address alone"
    );
    desk.service.check().await;
}
