//! The answer to a request with faults everywhere.

use serde_json::{Value, json};
use tests::{Answer, Service, TENANT};

/// The most bytes of an answer that refuses content.
const MAX_ANSWER: usize = 160 * 1024;

fn named(name: &str, values: usize) -> Value {
    let names = (0..values).map(|i| (format!("n{i}"), json!(["x"])));
    json!({ "attributes": { name: names.collect::<serde_json::Map<_, _>>() } })
}

#[track_caller]
fn check(answer: &Answer, what: &str) {
    assert_eq!(answer.code(), 422, "{what}");
    let bytes = answer.body.len();
    assert!(bytes < MAX_ANSWER, "{what}: {bytes} bytes");
    assert!(!answer.json()["errors"].as_array().unwrap().is_empty(), "{what}");
}

#[tokio::test]
async fn wk3_what_is_wrong_everywhere_is_answered_in_a_bounded_number_of_bytes() {
    let service = Service::start().await;
    let crm = service.client(TENANT, "administrator").await;
    let user = crm.create_user("jan").await;
    let long = "x".repeat(200_000);
    let bodies = [
        ("a long category", named(&long, 3000)),
        ("many attributes", named("common", 12_000)),
        ("a long field", json!({ "username": "els", long.as_str(): 1 })),
        ("a long attribute", json!({ "attributes": { "common": { long.as_str(): ["x"] } } })),
        ("a long category of null", json!({ "attributes": { long.as_str(): null } })),
        ("a long text", json!({ "username": long.as_str() })),
    ];
    for (what, body) in &bodies {
        check(&crm.patch(&user.path, body.clone()).if_match("*").await, what);
        check(&crm.put(&user.path, body.clone()).if_match("*").await, what);
        check(&crm.post("/identity/users", body.clone()).await, what);
    }
    for path in [
        "/identity/config/attribute-definitions",
        "/identity/config/systems",
        "/identity/config/workflows",
        "/api/v1/sso/authentication-servers",
        "/config/clients",
    ] {
        check(&crm.post(path, json!({ long[1..].to_owned() + "y": 1, "name": 7 })).await, path);
    }
    let half = "x".repeat(100_000);
    let twice = format!("{{\"{half}\":1,\"{half}\":2}}");
    let answer = crm.call("POST", "/identity/users").body("application/json", twice).await.is(400);
    assert!(answer.body.len() < 1000, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn wk3_a_name_longer_than_any_that_exists_is_a_violation_of_its_container() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let user = crm.create_user("jan").await;
    let (long, longer) = ("x".repeat(65), "y".repeat(300));
    for (body, due) in [
        (json!({ long.as_str(): 1, longer.as_str(): 1 }), " unknown"),
        (json!({ "attributes": { long.as_str(): { "a": ["x"] } } }), "/attributes unknown"),
        (
            json!({ "attributes": { "common": { longer.as_str(): ["x"], long.as_str(): null } } }),
            "/attributes/common unknown",
        ),
    ] {
        let answer = crm.patch(&user.path, body.clone()).if_match("*").await.is(422);
        assert_eq!(answer.violations(), [due], "{body}");
        let detail = answer.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("at most 64 bytes") && !detail.contains(&longer), "{detail}");
    }
}
