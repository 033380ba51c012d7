//! The writes of an approval: exactly the shown changes, in the current profile, by the current
//! definitions.

use serde_json::{Value, json};
use tests::{Resource, TENANT, person};

use super::{Office, USERS, by_administrators, common, salary};

#[tokio::test]
async fn a5_later_changes_of_other_fields_are_kept() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let mut patch = salary("5");
    patch["given_name"] = json!("Johan");
    let request = office.ask(&jan, patch).await;
    let other =
        json!({ "family_name": "Peeters", "attributes": { "common": { "note": ["later"] } } });
    office.crm.patch(&jan.path, other).if_match("*").await.is(200);
    office.crm.act(&jan.below("block")).await.is(200);

    office.approve(&request).await.is(200);

    let now = office.now(&jan).await.body;
    for (name, due) in [("given_name", "Johan"), ("family_name", "Peeters"), ("status", "BLOCKED")]
    {
        assert_eq!(now[name], due, "{name}");
    }
    assert_eq!(now["attributes"], json!({ "common": { "note": ["later"], "salary": ["5"] } }));
    office.service.check().await;
}

#[tokio::test]
async fn a5_a_field_that_is_no_longer_as_it_was_shown_makes_the_request_stale() {
    for change in [salary("9"), json!({ "given_name": "Piet" }), json!({ "given_name": null })] {
        let office = Office::open().await;
        let jan = office.user("jan").await;
        let mut patch = salary("5");
        patch["given_name"] = json!("Johan");
        let request = office.ask(&jan, patch).await;
        office.boss.patch(&jan.path, change.clone()).if_match("*").await.is(200);
        let now = office.now(&jan).await;

        let refused = office.approve(&request).await.is(409);

        assert_eq!(refused.slug(), "conflict", "{change}");
        assert!(refused.text().contains("STALE"), "{}", refused.text());
        let stale = office.now(&request).await;
        assert_eq!(
            (&stale.body["status"], &stale.body["decided_by"]),
            (&json!("STALE"), &json!(null))
        );
        assert_ne!(stale.tag, request.tag);
        // It stays so, also when the field is again what it was.
        office
            .boss
            .patch(
                &jan.path,
                json!({ "given_name": "Jan", "attributes": { "common": { "salary": [] } } }),
            )
            .if_match("*")
            .await
            .is(200);
        office.approve(&request).await.is(409);
        office.reject(&request).await.is(409);
        assert_eq!(office.now(&request).await.tag, stale.tag);
        assert_eq!(office.service.version_of(&jan.id).await, 3);
        assert_ne!(office.now(&jan).await.tag, now.tag);
    }
}

#[tokio::test]
async fn a5_a_field_that_is_again_as_it_was_shown_is_applied() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.boss.patch(&jan.path, salary("9")).if_match("*").await.is(200);
    office.boss.patch(&jan.path, common(&json!({ "salary": null }))).if_match("*").await.is(200);
    office.approve(&request).await.is(200);
    assert_eq!(office.found("salary", "5").await, 1);
}

#[tokio::test]
async fn a5_a_request_for_a_persona_that_is_gone_is_stale() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    let request = office.ask(&persona, salary("2")).await;
    office.crm.delete(&persona.path).await.is(204);
    // The same role again is another persona.
    office.boss.add_persona(&jan, json!({ "name": "employee", "scope": ["a"] })).await;
    let now = office.now(&jan).await;
    office.approve(&request).await.is(409);
    assert_eq!(office.status(&request).await, "STALE");
    office.unchanged(&now, 4).await;
}

#[tokio::test]
async fn a5_a_persona_becomes_no_twin_of_another_by_an_approval() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    let mut patch = salary("2");
    patch["scope"] = json!(["b"]);
    let request = office.ask(&persona, patch).await;
    let twin = office.crm.add_persona(&jan, json!({ "name": "employee", "scope": ["b"] })).await;
    let now = office.now(&jan).await;
    assert_eq!(office.approve(&request).await.is(409).slug(), "already-exists");
    office.unchanged(&now, 3).await;
    assert_eq!(office.status(&request).await, "PENDING");
    office.crm.delete(&twin.path).await.is(204);
    office.approve(&request).await.is(200);
    office.service.check().await;
}

#[tokio::test]
async fn a3_a_verified_address_is_not_verified_after_an_approved_change() {
    let office = Office::open().await;
    office.redefine("preferred_email", by_administrators()).await.is(200);
    office.service.clock.advance(30);
    let jan = office.user_by_boss("jan").await;
    let verify = json!({ "attribute": "preferred_email", "value": "jan@example.org" });
    assert_eq!(
        office.boss.post(&jan.below("verify"), verify).await.is(200).json()["email_verified"],
        true
    );
    let request = office.ask(&jan, json!({ "preferred_email": "johan@example.org" })).await;
    office.approve(&request).await.is(200);
    assert_eq!(office.now(&jan).await.body["email_verified"], false);
    office.service.check().await;
}

/// Approves, and asserts that it is refused, that nothing is written, and that the request waits
/// on.
async fn waits_on(office: &Office, request: &Resource, user: &Resource, status: u16, due: &[&str]) {
    let before = office.now(user).await;
    let version = office.service.version_of(&user.id).await;
    let refused = office.approve(request).await.is(status);
    assert_eq!(refused.violations(), due);
    office.unchanged(&before, version).await;
    let now = office.now(request).await;
    assert_eq!((now.tag, now.body), (request.tag.clone(), request.body.clone()));
}

#[tokio::test]
async fn a3_what_was_deprecated_meanwhile_is_not_written() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    office.elsewhere().redefine("salary", json!({ "deprecated": true })).await.is(200);
    waits_on(&office, &request, &jan, 422, &["/attributes/common/salary not-allowed"]).await;
    office.elsewhere().redefine("salary", json!({ "deprecated": false })).await.is(200);
    office.approve(&request).await.is(200);
}

#[tokio::test]
async fn a3_a_schema_that_became_stricter_meanwhile_counts() {
    let office = Office::open().await;
    let mut definition = by_administrators();
    definition["data_format"] = json!("JSON");
    office.crm.define("terms", definition).await;
    let jan = office.user("jan").await;
    let request = office.ask(&jan, common(&json!({ "terms": [{ "hours": 20 }] }))).await;
    let schema =
        |most: u8| json!({ "json_schema": { "properties": { "hours": { "maximum": most } } } });
    office.elsewhere().redefine("terms", schema(10)).await.is(200);
    waits_on(&office, &request, &jan, 422, &["/attributes/common/terms/0 schema"]).await;
    office.elsewhere().redefine("terms", schema(38)).await.is(200);
    office.approve(&request).await.is(200);
    assert_eq!(
        office.now(&jan).await.body["attributes"]["common"]["terms"],
        json!([{ "hours": 20 }])
    );
}

#[tokio::test]
async fn a3_a_value_that_somebody_waits_for_stays_in_its_enumeration() {
    let office = Office::open().await;
    let mut definition = by_administrators();
    definition["data_format"] = json!("ENUMERATION");
    definition["enumeration_values"] = json!(["low", "high"]);
    office.crm.define("grade", definition).await;
    let jan = office.user("jan").await;
    let request = office.ask(&jan, common(&json!({ "grade": ["high"] }))).await;
    let removed = office.redefine("grade", json!({ "enumeration_values": ["low"] })).await.is(409);
    assert_eq!(removed.slug(), "in-use");
    office.approve(&request).await.is(200);
}

#[tokio::test]
async fn a3_what_became_required_meanwhile_is_not_removed() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    office.boss.patch(&jan.path, salary("5")).if_match("*").await.is(200);
    let request = office.ask(&jan, common(&json!({ "salary": null }))).await;
    office.elsewhere().redefine("salary", json!({ "required": true })).await.is(200);
    waits_on(&office, &request, &jan, 422, &["/attributes/common/salary required"]).await;
}

#[tokio::test]
async fn a3_what_became_required_of_personas_meanwhile_is_not_removed_from_one() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    let request = office.ask(&persona, common(&json!({ "salary": [] }))).await;
    office.elsewhere().redefine("salary", json!({ "required": true })).await.is(200);
    waits_on(&office, &request, &jan, 422, &["/attributes/common/salary required"]).await;
}

#[tokio::test]
async fn a3_what_left_its_persona_definition_meanwhile_is_not_written() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    let request = office.ask(&persona, salary("2")).await;
    let role = office.crm.read("/config/persona-definitions?name=employee").await["items"][0]["id"]
        .clone();
    let path = format!("/config/persona-definitions/{}", role.as_str().unwrap());
    office.crm.patch(&path, json!({ "attributes": [] })).if_match("*").await.is(200);
    waits_on(&office, &request, &jan, 422, &["/attributes/common/salary not-allowed"]).await;
}

#[tokio::test]
async fn e3_a_value_that_another_took_meanwhile_is_a_conflict() {
    let office = Office::open().await;
    let mut definition = by_administrators();
    definition["unique"] = json!(true);
    office.crm.define("badge", definition).await;
    for (name, guarded) in [
        ("badge", common(&json!({ "badge": ["7"] }))),
        ("username", json!({ "username": "johan" })),
    ] {
        if name == "username" {
            office.redefine("username", by_administrators()).await.is(200);
            office.service.clock.advance(30);
        }
        let asking = office.user_by_boss(&format!("asks-{name}")).await;
        let request = office.ask(&asking, guarded.clone()).await;
        let other = office.user_by_boss(&format!("has-{name}")).await;
        office.boss.patch(&other.path, guarded).if_match("*").await.is(200);
        let due = if name == "badge" {
            "/attributes/common/badge not-unique"
        } else {
            "/username not-unique"
        };
        waits_on(&office, &request, &asking, 409, &[due]).await;
        office.crm.delete(&other.path).await.is(204);
        office.approve(&request).await.is(200);
    }
    office.service.check().await;
}

#[tokio::test]
async fn a5_a_guard_that_was_put_up_later_does_not_let_a_request_through_unasked() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let mut patch: Value = salary("5");
    patch["attributes"]["common"]["note"] = json!(["n"]);
    let request = office.ask(&jan, patch).await;
    // The note that waits with the salary gets a policy of its own, which administrators do not
    // fulfil.
    let policy = json!({ "approval_policy": { "statements": [{ "client_scope": "userdata" }] } });
    office.elsewhere().redefine("note", policy).await.is(200);
    assert_eq!(office.approve(&request).await.is(403).slug(), "not-allowed");
    office.unchanged(&jan, 1).await;
    let both = office.service.client(TENANT, "administrator userdata").await;
    both.act(&request.below("approve")).await.is(200);
}

impl Office {
    async fn user_by_boss(&self, name: &str) -> Resource {
        self.boss.create(USERS, person(name)).await
    }
}
