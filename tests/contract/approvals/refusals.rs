//! Changes that are refused instead of becoming a change request.

use serde_json::json;

use super::{Office, USERS, by_administrators, common, request_of, salary};

#[tokio::test]
async fn a3_a_new_user_or_persona_has_no_guarded_attribute() {
    let office = Office::open().await;
    let (jan, _) = office.employee().await;
    let mut body = salary("5");
    body["username"] = json!("els");
    let refused = office.crm.post(USERS, body.clone()).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/salary not-allowed"]);
    let mut body = salary("5");
    body["name"] = json!("employee");
    body["scope"] = json!(["new"]);
    let refused = office.crm.post(&jan.below("personas"), body).await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/salary not-allowed"]);

    office.redefine("given_name", by_administrators()).await.is(200);
    office.service.clock.advance(30);
    let body = json!({
        "username": "els", "given_name": "Els", "attributes": { "common": { "salary": ["5"] } }
    });
    let refused = office.crm.post(USERS, body).await.is(422);
    assert_eq!(
        refused.violations(),
        ["/attributes/common/salary not-allowed", "/given_name not-allowed"]
    );
    office.crm.create_user("els").await;
}

#[tokio::test]
async fn e1_a_guarded_attribute_of_a_new_users_persona_is_named_where_it_stands() {
    let office = Office::open().await;
    office.employee().await;
    let mut persona = salary("5");
    persona["name"] = json!("employee");
    persona["scope"] = json!(["new"]);
    let body = json!({
        "username": "els", "personas": [{ "name": "employee", "scope": ["free"] }, persona]
    });
    let refused = office.crm.post(USERS, body).await.is(422);
    assert_eq!(refused.violations(), ["/personas/1/attributes/common/salary not-allowed"]);
}

#[tokio::test]
async fn h2_a_change_that_is_refused_becomes_no_request() {
    let office = Office::open().await;
    let jan = office.user("jan").await;
    let mut wrong = salary("5");
    wrong["colour"] = json!("red");
    wrong["attributes"]["common"]["nothing"] = json!(["x"]);
    let patch = |body| office.crm.patch(&jan.path, body);
    let refused = patch(wrong).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/attributes/common/nothing unknown", "/colour unknown"]);
    patch(salary("5")).await.is(428);
    assert_eq!(patch(salary("5")).if_match("\"old\"").await.is(412).tag(), jan.tag);
    patch(salary("5")).if_match("x").await.is(400);
    patch(salary("5")).if_match("*").token("x").await.is(401);
    let reader = office.service.client("acme", "users:read").await;
    reader.patch(&jan.path, salary("5")).if_match("*").await.is(403);
    let nobody = format!("{USERS}/0192f3c1-0000-7000-8000-0000000000aa");
    office.crm.patch(&nobody, salary("5")).if_match("*").await.is(404);
    let list = office.crm.read(&format!("{}?user_id={}", super::REQUESTS, jan.id)).await;
    assert_eq!(list, json!({ "items": [] }));
    office.unchanged(&jan, 1).await;
}

#[tokio::test]
async fn s1_at_most_20_requests_of_a_user_wait() {
    let mut office = Office::open().await;
    let (jan, first) = office.waiting().await;
    for i in 1..20 {
        office.ask(&jan, salary(&format!("{i}-more"))).await;
    }
    let one_more = |office: &Office| office.crm.patch(&jan.path, salary("one more")).if_match("*");
    let refused = one_more(&office).await.is(422);
    assert_eq!(refused.violations(), [" too-many"]);
    assert!(refused.text().contains("20"), "the message must say the limit: {}", refused.text());
    // The same once more is no further one, and what was decided does not count.
    assert_eq!(office.ask(&jan, salary("5")).await.path, first.path);
    office.reject(&first).await.is(200);
    request_of(one_more(&office).await);
    one_more(&office).await.is(202);
    office.crm.patch(&jan.path, salary("21")).if_match("*").await.is(422);
    // Another user has twenty of its own, and those that expired do not wait.
    let els = office.user("els").await;
    office.ask(&els, salary("5")).await;
    office.days_later(30).await;
    office.ask(&jan, salary("21")).await;
    let list = format!("{}?status=PENDING&user_id={}", super::REQUESTS, jan.id);
    assert_eq!(office.crm.read(&list).await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a5_a_request_is_nothing_that_callers_write() {
    let office = Office::open().await;
    let (jan, request) = office.waiting().await;
    for method in ["PUT", "PATCH", "DELETE"] {
        office.boss.call(method, &request.path).json(json!({})).if_match("*").await.is(405);
    }
    office.boss.post(super::REQUESTS, json!({ "user_id": jan.id })).await.is(405);
    let patch = common(&json!({ "change_requests": ["x"] }));
    office.boss.patch(&jan.path, patch).if_match("*").await.is(422);
}
