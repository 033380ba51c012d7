//! Which claims of a server's tokens feed which fields

use serde_json::{Map, Value, json};
use tests::{Client, Resource, Service};

const SERVERS: &str = "/api/v1/sso/authentication-servers";

fn server(claims: &Value) -> Value {
    json!({ "id": "corp", "name": "Corp", "subject_type": "email", "claims": claims })
}

fn standard() -> Value {
    json!({
        "given_name": "given_name", "family_name": "family_name", "email": "preferred_email",
        "email_verified": "email_verified",
        "locale": "ui_locales", "preferred_username": "username",
    })
}

async fn mapped(crm: &Client, claims: &Value) -> Resource {
    crm.create(SERVERS, server(claims)).await
}

#[tokio::test]
async fn a_server_without_a_mapping_has_the_standard_one_and_shows_it() {
    let crm = Service::start().await.crm().await;
    let made = mapped(&crm, &Value::Null).await;
    assert_eq!(made.body["claims"], standard());
    assert_eq!(made.body["tenant_claim"], "tenant");
    assert_eq!(crm.read(&format!("{SERVERS}/system")).await["claims"], json!({}));
    let patched =
        crm.patch(&made.path, json!({ "claims": { "locale": null, "lang": "ui_locales" } }));
    let mut due = standard();
    due.as_object_mut().unwrap().remove("locale");
    due["lang"] = json!("ui_locales");
    assert_eq!(patched.if_match(&made.tag).await.is(200).json()["claims"], due);
    let again = crm.patch(&made.path, json!({ "claims": null })).if_match("*").await.is(200);
    assert_eq!(again.json()["claims"], standard());
}

#[tokio::test]
async fn a_mapping_that_is_given_is_the_whole_mapping() {
    let crm = Service::start().await.crm().await;
    crm.define("badge", json!({})).await;
    let claims = json!({
        "https://corp.example/badge": "common.badge", "sub": "username", "email": "preferred_email"
    });
    let made = mapped(&crm, &claims).await;
    assert_eq!(crm.read(&made.path).await["claims"], claims);
    let none = json!({ "id": "none", "name": "None", "subject_type": "email", "claims": {} });
    assert_eq!(crm.create(SERVERS, none).await.body["claims"], json!({}));
}

#[tokio::test]
async fn e1_each_claim_that_feeds_nothing_it_may_feed_is_named() {
    let crm = Service::start().await.crm().await;
    let script = "function main(w) { w.output = tb.simpleResponse({ made: ['x'] }); }";
    let flow =
        crm.create("/identity/config/workflows", json!({ "name": "flow", "script": script })).await;
    crm.define("made", json!({ "derived": { "workflow_id": flow.id } })).await;
    crm.define("secret", json!({ "data_format": "SEARCHABLE_HASH" })).await;
    crm.define("salted", json!({ "data_format": "HASH" })).await;
    let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
    crm.define("guarded", json!({ "approval_policy": policy })).await;
    let claims = json!({
        "a": "status", "b": "common.nothing", "c": "common.made", "d": "common.secret",
        "e": "common.salted", "f": "common.guarded",
        "g": "common.given_name", "h": "preferred_email", "i": "preferred_email", "j": "",
        "k/l": "created_at", "": "given_name",
        "m": ["given_name"], "n": "nowhere.guarded", "o": "id",
    });
    let due = [
        "/claims/ wrong-format",
        "/claims/a not-found",
        "/claims/b not-found",
        "/claims/c not-allowed",
        "/claims/d not-allowed",
        "/claims/e not-allowed",
        "/claims/f not-allowed",
        "/claims/g not-found",
        "/claims/i not-allowed",
        "/claims/j wrong-format",
        "/claims/k~1l not-found",
        "/claims/m wrong-type",
        "/claims/n not-found",
        "/claims/o not-found",
    ];
    assert_eq!(crm.post(SERVERS, server(&claims)).await.is(422).violations(), due);
    assert_eq!(
        crm.post(SERVERS, server(&json!(["email"]))).await.is(422).violations(),
        ["/claims wrong-type"]
    );
    let long = json!({ "x".repeat(257): "given_name", "y": "z".repeat(257) });
    let due =
        [format!("/claims/{} wrong-format", "x".repeat(257)), "/claims/y too-long".to_owned()];
    assert_eq!(crm.post(SERVERS, server(&long)).await.is(422).violations(), due);
}

#[tokio::test]
async fn s1_a_mapping_names_fifty_claims_at_most() {
    let crm = Service::start().await.crm().await;
    let mut claims = Map::new();
    for i in 0..50 {
        crm.define(&format!("a{i}"), json!({})).await;
        claims.insert(format!("c{i}"), json!(format!("common.a{i}")));
    }
    let mut more = claims.clone();
    more.insert("email".to_owned(), json!("preferred_email"));
    let refused = crm.post(SERVERS, server(&Value::Object(more))).await.is(422);
    assert_eq!(refused.violations(), ["/claims too-many"]);
    assert!(refused.text().contains("expected at most 50 values, found 51"), "{}", refused.text());
    mapped(&crm, &Value::Object(claims)).await;
}

#[tokio::test]
async fn d6_an_attribute_that_a_claim_feeds_stays_and_is_not_derived() {
    let crm = Service::start().await.crm().await;
    let badge = crm.define("badge", json!({})).await;
    let made = mapped(&crm, &json!({ "badge": "common.badge" })).await;
    let refused = crm.delete(&badge.path).await.is(409);
    assert_eq!(refused.slug(), "in-use");
    assert!(refused.text().contains("`corp`"), "{}", refused.text());
    let script = "function main(w) { w.output = tb.simpleResponse({ badge: ['x'] }); }";
    let flow =
        crm.create("/identity/config/workflows", json!({ "name": "flow", "script": script })).await;
    let derived = crm
        .patch(&badge.path, json!({ "derived": { "workflow_id": flow.id } }))
        .if_match("*")
        .await
        .is(422);
    assert_eq!(derived.violations(), ["/derived not-allowed"]);

    // A policy that comes later stands in the way of no other change of the server, and of each new
    // claim.
    let policy = json!({ "statements": [{ "client_scope": "administrator" }] });
    crm.patch(&badge.path, json!({ "approval_policy": policy })).if_match("*").await.is(200);
    crm.patch(&made.path, json!({ "name": "Corporation" })).if_match("*").await.is(200);
    let other = json!({ "claims": { "badge": null, "number": "common.badge" } });
    let refused = crm.patch(&made.path, other).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/claims/number not-allowed"]);

    crm.patch(&made.path, json!({ "claims": { "badge": null } })).if_match("*").await.is(200);
    crm.delete(&badge.path).await.is(204);
}
