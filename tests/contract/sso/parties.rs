//! Authentication servers and applications

use serde_json::{Value, json};
use tests::Service;

const SERVERS: &str = "/api/v1/sso/authentication-servers";
const APPLICATIONS: &str = "/api/v1/sso/applications";

/// A public key (RFC 7517 A.1).
fn key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    })
}

#[tokio::test]
async fn an_authentication_server_keeps_all_that_it_was_given() {
    let crm = Service::start().await.crm().await;
    let body = json!({
        "id": "corp", "name": "Corp", "subject_type": "email",
        "issuer": "https://corp.example/oidc", "audience": "kith",
        "jwks": { "keys": [key()] }, "claims": { "given_name": "given_name" }, "priority": 2,
    });
    let made = crm.create(SERVERS, body.clone()).await;
    assert_eq!(made.path, format!("{SERVERS}/corp"));
    let mut due = body;
    due["jwks_uri"] = Value::Null;
    due["subject_matching"] = json!("exact");
    due["tenant_claim"] = json!("tenant");
    due["addresses_verified"] = json!(false);
    assert_eq!(made.body, due);
    assert_eq!(crm.read(&made.path).await, due);
    let same = crm.patch(&made.path, due).if_match(&made.tag).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (made.tag.clone(), 0.0));

    let patch = json!({ "jwks": null, "jwks_uri": "https://corp.example/jwks" });
    let patched = crm.patch(&made.path, patch).if_match(&made.tag).await.is(200);
    assert_eq!(patched.json()["jwks"], Value::Null);
    crm.delete(&made.path).if_match(&patched.tag()).await.is(204);
    crm.get(&made.path).await.is(404);
}

#[tokio::test]
async fn an_application_is_created_listed_changed_and_deleted() {
    let crm = Service::start().await.crm().await;
    let made = crm
        .create(APPLICATIONS, json!({ "id": "shop", "name": "Shop", "subject_type": "userid" }))
        .await;
    let list = tests::without_tags(crm.read(&format!("{APPLICATIONS}?name=Shop")).await);
    assert_eq!(list["items"], json!([made.body]));
    let patched = crm
        .patch(&made.path, json!({ "subject_type": "predefined" }))
        .if_match(&made.tag)
        .await
        .is(200);
    assert_eq!(patched.field("subject_type"), "predefined");
    crm.put(&made.path, json!({})).await.is(405);
    crm.delete(&made.path).await.is(204);
    crm.delete(&made.path).await.is(404);
}

#[tokio::test]
async fn e1_what_is_wrong_with_a_server_is_named() {
    let crm = Service::start().await.crm().await;
    let private = json!({ "keys": [{ "kty": "EC", "d": "AA" }] });
    let body = json!({
        "id": "Corp", "subject_type": "dns", "issuer": "http://corp.example", "jwks": private,
        "jwks_uri": "https://a|b",
        "claims": { "a": 1 }, "priority": -1, "colour": "red",
    });
    let due = [
        "/claims/a wrong-type",
        "/colour unknown",
        "/id wrong-format",
        "/issuer wrong-format",
        "/jwks/keys/0 not-allowed",
        "/jwks_uri wrong-format",
        "/name required",
        "/priority wrong-type",
        "/subject_type not-in-enumeration",
    ];
    assert_eq!(crm.post(SERVERS, body).await.is(422).violations(), due);
    let both = json!({
        "id": "corp", "name": "Corp", "subject_type": "email", "jwks": { "keys": [key()] },
        "jwks_uri": "https://corp.example/jwks",
    });
    assert_eq!(crm.post(SERVERS, both).await.is(422).violations(), ["/jwks_uri not-allowed"]);
    for wrong in ["", "c", "1corp", "corp_1", "corp#1", "corp|1", &"c".repeat(64)] {
        let body = json!({ "id": wrong, "name": "x", "subject_type": "email" });
        assert_eq!(
            crm.post(APPLICATIONS, body).await.is(422).violations(),
            ["/id wrong-format"],
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn e3_ids_and_issuers_are_unique_and_ids_never_change() {
    let crm = Service::start().await.crm().await;
    let body = |id: &str, issuer: &str| {
        json!({
            "id": id, "name": "Corp", "subject_type": "email",
            "issuer": format!("https://{issuer}.example")
        })
    };
    let corp = crm.create(SERVERS, body("corp", "corp")).await;
    let other = crm.create(SERVERS, body("other", "other")).await;
    assert_eq!(
        crm.post(SERVERS, body("corp", "new")).await.is(409).violations(),
        ["/id not-unique"]
    );
    assert_eq!(
        crm.post(SERVERS, body("new", "corp")).await.is(409).violations(),
        ["/issuer not-unique"]
    );
    crm.patch(&other.path, json!({ "issuer": "https://corp.example" })).if_match("*").await.is(409);
    let refused = crm.patch(&corp.path, json!({ "id": "corp2" })).if_match("*").await.is(422);
    assert_eq!(refused.violations(), ["/id immutable"]);
}

#[tokio::test]
async fn the_built_in_server_is_listed_and_never_changes() {
    let crm = Service::start().await.crm().await;
    let system = format!("{SERVERS}/system");
    let read = crm.get(&system).await.is(200);
    assert_eq!(read.field("subject_type"), "username");
    assert_eq!(crm.read(SERVERS).await["items"].as_array().unwrap().len(), 1);
    crm.patch(&system, json!({ "name": "Mine" })).if_match(&read.tag()).await.is(409);
    crm.delete(&system).await.is(409);
    crm.post(SERVERS, json!({ "id": "system", "name": "x", "subject_type": "email" }))
        .await
        .is(409);
}
