//! Which changes become change requests.

use serde_json::json;
use tests::person;

use super::{Office, USERS, by_administrators, changes, common, request_of, salary};

#[tokio::test]
async fn a3_a_patch_of_guarded_and_free_fields_becomes_one_request_as_a_whole() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let patch = json!({
        "given_name": "Johan", "ui_locales": null,
        "attributes": { "common": { "salary": ["5", "6"], "note": ["n"] } },
    });

    let answer = office.crm.patch(&jan.path, patch).if_match(&jan.tag).await;

    let request = request_of(answer);
    assert_eq!(request.path, format!("/identity/change-requests/{}", request.id));
    assert_eq!(
        changes(&request.body),
        [
            r#"/attributes/common/note [] ["n"]"#,
            r#"/attributes/common/salary [] ["5","6"]"#,
            r#"/given_name "Jan" "Johan""#
        ]
    );
    let mut rest = request.body.clone();
    rest["changes"].take();
    let due = json!({
        "id": request.id, "user_id": jan.id, "persona_id": null, "changes": null,
        "requested_by": { "client_id": office.crm.id }, "decided_by": null, "status": "PENDING",
        "created_at": "2026-11-21T10:00:00.000Z", "expires_at": "2026-12-21T10:00:00.000Z",
        "profile_etag": jan.tag,
    });
    assert_eq!(rest, due);

    // None of the values is written before the approval.
    office.unchanged(&jan, 1).await;
    assert_eq!(office.found("note", "n").await + office.found("salary", "5").await, 0);
    assert_eq!(office.crm.find(json!({ "given_name": "Johan" })).await.len(), 0);
    let read = office.crm.get(&request.path).await.is(200);
    assert_eq!((read.tag(), read.json()), (request.tag.clone(), request.body.clone()));

    let approved = office.approve(&request).await.is(200);
    let mut due = request.body.clone();
    due["status"] = json!("APPROVED");
    due["decided_by"] = json!({ "client_id": office.boss.id });
    assert_eq!(approved.json(), due);
    assert_ne!(approved.tag(), request.tag);
    let now = office.now(&jan).await;
    assert_eq!(now.body["given_name"], "Johan");
    assert_eq!(
        now.body["attributes"],
        json!({ "common": { "salary": ["5", "6"], "note": ["n"] } })
    );
    assert_ne!(now.tag, jan.tag);
    assert_eq!(office.service.version_of(&jan.id).await, 2);
    assert_eq!(office.found("note", "n").await + office.found("salary", "6").await, 2);
    office.service.check().await;
}

#[tokio::test]
async fn a3_a_put_that_omits_a_guarded_attribute_asks_for_its_removal() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    office.boss.patch(&jan.path, salary("1")).if_match("*").await.is(200);
    let jan = office.now(&jan).await;

    let request = request_of(
        office.crm.put(&jan.path, json!({ "username": "jan" })).if_match(&jan.tag).await,
    );
    assert_eq!(
        changes(&request.body),
        [
            r#"/attributes/common/salary ["1"] []"#,
            r#"/family_name "Janssen" null"#,
            r#"/given_name "Jan" null"#,
            r#"/preferred_email "jan@example.org" null"#,
        ]
    );
    office.unchanged(&jan, 2).await;
    office.approve(&request).await.is(200);
    let now = office.now(&jan).await.body;
    assert_eq!(
        (&now["attributes"], &now["given_name"], &now["username"]),
        (&json!({}), &json!(null), &json!("jan"))
    );
    assert_eq!(office.found("salary", "1").await, 0);
    assert_eq!(office.crm.find(json!({ "preferred_email": "jan@example.org" })).await.len(), 0);
    office.service.check().await;
}

#[tokio::test]
async fn a3_both_ways_of_changing_a_persona_become_requests() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    let patch =
        json!({ "scope": ["b"], "attributes": { "common": { "salary": ["2"], "note": ["x"] } } });
    let one = request_of(office.crm.patch(&persona.path, patch).if_match(&persona.tag).await);
    assert_eq!(
        (&one.body["user_id"], &one.body["persona_id"]),
        (&json!(jan.id), &json!(persona.id))
    );
    assert_eq!(
        changes(&one.body),
        [
            r#"/attributes/common/note [] ["x"]"#,
            r#"/attributes/common/salary ["1"] ["2"]"#,
            r#"/scope ["a"] ["b"]"#
        ]
    );
    let value = json!({ "category": "common", "name": "salary", "value": [] });
    let two =
        request_of(office.crm.patch(&persona.below("attribute"), value).if_match(&jan.tag).await);
    assert_eq!(changes(&two.body), [r#"/attributes/common/salary ["1"] []"#]);
    office.unchanged(&jan, 2).await;
    assert_eq!(office.now(&persona).await.tag, persona.tag);

    office.approve(&one).await.is(200);
    let now = office.now(&persona).await;
    assert_eq!(now.body["scope"], json!(["b"]));
    assert_eq!(now.body["attributes"], json!({ "common": { "salary": ["2"], "note": ["x"] } }));
    assert_ne!(now.tag, persona.tag);
    assert_eq!(office.crm.read(&jan.path).await["personas"], json!([now.body]));
    let tag = now.tag;
    office.crm.patch(&persona.path, json!({ "scope": ["c"] })).if_match(&tag).await.is(200);
    // The other request was made for a salary of 1.
    assert_eq!(office.approve(&two).await.is(409).slug(), "conflict");
    assert_eq!(office.status(&two).await, "STALE");
    office.service.check().await;
}

#[tokio::test]
async fn a3_values_named_by_their_definition_become_a_request_too() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let id = office.definition("salary").await["id"].clone();
    let patch = json!({ "attribute_values": [{ "attribute_definition_id": id, "value": ["5"] }] });
    let request = office.ask(&jan, patch).await;
    assert_eq!(changes(&request.body), [r#"/attributes/common/salary [] ["5"]"#]);
    // If two requests for the same change of a user differ only in form, both get the same change
    // request.
    assert_eq!(office.ask(&jan, salary("5")).await.path, request.path);
}

#[tokio::test]
async fn a3_a_predefined_field_is_guarded_by_the_policy_of_its_definition() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    for (name, to) in
        [("given_name", "Johan"), ("preferred_email", "johan@example.org"), ("username", "johan")]
    {
        office.redefine(name, by_administrators()).await.is(200);
        // Cached definitions are at most 30 seconds old.
        office.service.clock.advance(30);
        let jan = office.now(&jan).await;
        let request = office.ask(&jan, json!({ name: to })).await;
        assert_eq!(changes(&request.body), [format!("/{name} {} {}", jan.body[name], json!(to))]);
        assert_eq!(office.now(&jan).await.tag, jan.tag);
        assert_eq!(office.crm.find(json!({ name: to })).await.len(), 0);
        office.approve(&request).await.is(200);
        assert_eq!(office.crm.find(json!({ name: to })).await.len(), 1);
        assert_eq!(office.crm.find(json!({ name: jan.body[name] })).await.len(), 0);
    }
    office.crm.patch(&jan.path, json!({ "family_name": "Peeters" })).if_match("*").await.is(200);
    office.service.check().await;
}

#[tokio::test]
async fn a3_who_may_approve_writes_directly() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    office.boss.patch(&jan.path, salary("5")).if_match("*").await.is(200);
    office.boss.patch(&persona.path, salary("6")).if_match("*").await.is(200);
    let mut put = person("jan");
    put["attributes"] = json!({ "common": { "salary": ["7"] } });
    office.boss.put(&jan.path, put).if_match("*").await.is(200);
    let mut body = person("els");
    body["attributes"] = json!({ "common": { "salary": ["7"] } });
    office.boss.create(USERS, body).await;
    assert_eq!(office.found("salary", "7").await, 2);
}

#[tokio::test]
async fn a3_what_leaves_guarded_attributes_alone_needs_no_approval() {
    let office = Office::open().await;
    let (jan, persona) = office.employee().await;
    office.boss.patch(&jan.path, salary("5")).if_match("*").await.is(200);
    let patch = |body| office.crm.patch(&jan.path, body).if_match("*");
    patch(common(&json!({ "note": ["x"] }))).await.is(200);
    patch(common(&json!({ "note": ["y"], "salary": ["5"] }))).await.is(200);
    let before = office.now(&jan).await;
    assert_eq!(patch(salary("5")).await.is(200).tag(), before.tag);
    office.crm.put(&jan.path, before.body.clone()).if_match(&before.tag).await.is(200);
    for action in ["block", "unblock"] {
        office.crm.act(&jan.below(action)).await.is(200);
    }
    for action in ["prefer", "suspend", "activate"] {
        office.crm.act(&persona.below(action)).await.is(200);
    }
    office.crm.patch(&persona.path, json!({ "scope": ["z"] })).if_match("*").await.is(200);
    let none = office
        .crm
        .post(&jan.below("personas"), json!({ "name": "employee", "scope": ["y"] }))
        .await
        .created();
    // A value that is removed with its persona or its user is not a change of the attribute.
    office.crm.delete(&none.path).await.is(204);
    office.crm.delete(&persona.path).await.is(204);
    office.crm.delete(&jan.path).await.is(204);
    office.service.check().await;
}

#[tokio::test]
async fn i2_asking_twice_for_the_same_does_not_ask_for_two_decisions() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    let again = office.ask(&jan, salary("5")).await;
    assert_eq!(
        (&again.path, &again.tag, &again.body),
        (&request.path, &request.tag, &request.body)
    );
    // A change of another field meanwhile makes no other request of it.
    office.crm.patch(&jan.path, common(&json!({ "note": ["x"] }))).if_match("*").await.is(200);
    assert_eq!(office.ask(&jan, salary("5")).await.path, request.path);

    let colleague = office.service.crm().await;
    let other = request_of(colleague.patch(&jan.path, salary("5")).if_match("*").await);
    assert_ne!(other.path, request.path);
    assert_ne!(office.ask(&jan, salary("6")).await.path, request.path);
    office.reject(&request).await.is(200);
    assert_ne!(office.ask(&jan, salary("5")).await.path, request.path);
}
