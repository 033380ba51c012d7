//! The order of refusals: 404/405 of the route → 401 → 403 → 413/415 → 400 → 404 → 428 → 412 → 422
//! → 409 (rule H2).

use serde_json::json;
use tests::{Service, TENANT};

#[tokio::test]
async fn h2_refusals_come_in_one_order_down_to_success() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let reader = service.client(TENANT, "users:read").await;
    let jan = crm.create_user("jan").await;
    crm.create_user("piet").await;
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-000000000001";
    let wrong = json!({ "username": "piet", "status": "BLOCKED" }).to_string();
    let taken = json!({ "username": "piet" }).to_string();
    let large = "x".repeat(256 * 1024 + 1);
    let merge = "application/merge-patch+json";

    // Each request is wrong in every way that is still to come, and right in those before.
    service.call("PATCH", "/identity/nothing?x=1").body("text/plain", large.clone()).await.is(404);
    service.call("TRACE", &jan.path).body("text/plain", large.clone()).await.is(405);
    let call = |path: &str| service.call("PATCH", path);
    call(nobody).body("text/plain", large.clone()).if_match("x").await.is(401);
    call(nobody).token(&reader.token).body("text/plain", large.clone()).if_match("x").await.is(403);
    let call = |path: &str| service.call("PATCH", path).token(&crm.token);
    call(nobody).body("text/plain", large).if_match("x").await.is(413);
    call(nobody).body("text/plain", "{").if_match("x").await.is(415);
    call(nobody).body(merge, "{").if_match("x").await.is(400);
    call(nobody).body(merge, "{").await.is(400);
    call(nobody).body(merge, wrong.clone()).if_match("x").await.is(400);
    call(&format!("{nobody}?x=1")).body(merge, wrong.clone()).await.is(400);
    call(nobody).body(merge, wrong.clone()).if_match("\"stale\"").await.is(404);
    call(&jan.path).body(merge, wrong.clone()).await.is(428);
    call(&jan.path).body(merge, wrong.clone()).if_match("\"stale\"").await.is(412);
    call(&jan.path).body(merge, wrong).if_match(&jan.tag).await.is(422);
    call(&jan.path).body(merge, taken).if_match(&jan.tag).await.is(409);
    call(&jan.path)
        .body(merge, json!({ "username": "jan2" }).to_string())
        .if_match(&jan.tag)
        .await
        .is(200);
}

#[tokio::test]
async fn h2_a_rule_that_is_broken_wins_over_a_value_that_is_taken() {
    let crm = Service::start().await.crm().await;
    crm.create_user("jan").await;
    crm.define("number", json!({})).await;
    crm.define_persona("employee", json!({})).await;
    let server = json!({
        "id": "corp", "name": "Corp", "subject_type": "email", "issuer": "https://corp.example"
    });
    crm.create("/api/v1/sso/authentication-servers", server).await;

    for (path, body) in [
        ("/identity/users", json!({ "username": "jan", "nickname": "x" })),
        ("/identity/config/attribute-categories", json!({ "name": "common", "colour": "x" })),
        (
            "/identity/config/attribute-definitions",
            json!({ "category": "common", "name": "number", "data_format": "TEXT", "colour": "x" }),
        ),
        ("/config/persona-definitions", json!({ "name": "employee", "colour": "x" })),
        (
            "/api/v1/sso/authentication-servers",
            json!({ "id": "corp", "name": "Corp", "subject_type": "email", "colour": "x" }),
        ),
    ] {
        assert_eq!(crm.post(path, body).await.code(), 422, "{path}");
    }
}

#[tokio::test]
async fn h2_what_cannot_be_accepted_is_refused_after_scope_and_before_the_body() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create_user("jan").await;

    service.call("GET", &jan.path).header("accept", "text/html").await.is(401);
    let refused = crm.get(&jan.path).header("accept", "text/html").await.is(406);
    assert_eq!(refused.slug(), "not-acceptable");
    crm.get(&jan.path).header("accept", "text/html, application/json;q=0").await.is(406);
    crm.get(&jan.path).header("accept", "text/html, application/*;q=0.1").await.is(200);
    crm.get(&jan.path).header("accept", "*/*").await.is(200);
    crm.post("/identity/users", json!(1)).header("accept", "text/html").await.is(406);
}
