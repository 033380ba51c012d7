//! `/identity/config/sign-in`: what a tenant asks of the credentials of its people (rules G22, G27
//! and G33). What follows from it is tested where credentials are set.

use serde_json::json;
use shared::domain::definition::BuiltInPersona::Administrator;
use tests::{Service, TENANT, person};

use super::USERS;

const SETTINGS: &str = "/identity/config/sign-in";

#[tokio::test]
async fn g27_the_settings_are_there_from_the_start_and_change_under_their_tag() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    let first = boss.get(SETTINGS).await.is(200);
    assert_eq!(first.json(), json!({ "temporary_passwords": true, "minimum_password_length": 15 }));
    boss.get(SETTINGS).if_none_match(&first.tag()).await.is(304);
    let strict = json!({ "temporary_passwords": false, "minimum_password_length": 64 });
    assert_eq!(boss.put(SETTINGS, strict.clone()).await.is(428).slug(), "precondition-required");
    boss.put(SETTINGS, strict.clone()).if_match("\"stale\"").await.is(412);
    let put = boss.put(SETTINGS, strict.clone()).if_match(&first.tag()).await.is(200);
    assert_eq!(put.json(), strict);
    assert_ne!(put.tag(), first.tag());
    boss.patch(SETTINGS, json!({})).if_match(&first.tag()).await.is(412);
    let same = boss.put(SETTINGS, strict).if_match(&put.tag()).await.is(200);
    assert_eq!((same.tag(), same.cost().1), (put.tag(), 0.0));
    let read = boss.on(&service.instance()).get(SETTINGS).await.is(200);
    assert_eq!((read.json(), read.tag()), (put.json(), put.tag()));
    let patch = json!({ "temporary_passwords": true });
    let patched = boss.patch(SETTINGS, patch).if_match(&put.tag()).await.is(200);
    let due = json!({ "temporary_passwords": true, "minimum_password_length": 64 });
    assert_eq!(patched.json(), due);
    let usual = boss.put(SETTINGS, json!({})).if_match(&patched.tag()).await.is(200);
    assert_eq!(usual.json(), first.json());
    boss.delete(SETTINGS).if_match("*").await.is(405);
    service.check().await;
}

#[tokio::test]
async fn g27_a_tenant_raises_the_minimum_and_never_lowers_it_below_15() {
    let service = Service::start().await;
    let boss = service.client(TENANT, "administrator").await;
    for length in [15, 64] {
        let body = json!({ "minimum_password_length": length });
        let changed = boss.patch(SETTINGS, body).if_match("*").await.is(200);
        assert_eq!(changed.json()["minimum_password_length"], length);
    }
    for (wrong, violation) in [
        (json!({ "minimum_password_length": 14 }), "/minimum_password_length wrong-format"),
        (json!({ "minimum_password_length": 65 }), "/minimum_password_length wrong-format"),
        (json!({ "minimum_password_length": 0 }), "/minimum_password_length wrong-format"),
        (json!({ "minimum_password_length": -20 }), "/minimum_password_length wrong-format"),
        (json!({ "minimum_password_length": 20.5 }), "/minimum_password_length wrong-format"),
        (json!({ "minimum_password_length": "20" }), "/minimum_password_length wrong-type"),
        (json!({ "temporary_passwords": "no" }), "/temporary_passwords wrong-type"),
        (json!({ "maximum_password_length": 20 }), "/maximum_password_length unknown"),
    ] {
        for method in ["PUT", "PATCH"] {
            let refused = boss.call(method, SETTINGS).json(wrong.clone()).if_match("*").await;
            let refused = refused.is(422);
            assert_eq!(refused.violations(), [violation], "{method} {wrong}");
            let named = refused.text().contains("from 15 to 64");
            assert_eq!(named, violation.ends_with("wrong-format"), "{}", refused.text());
        }
    }
    assert_eq!(boss.read(SETTINGS).await["minimum_password_length"], 64);
}

#[tokio::test]
async fn g33_the_settings_are_read_by_many_and_changed_by_administrators_of_the_tenant() {
    let service = Service::start().await;
    service.create_tenant("globex").await;
    let off = json!({ "temporary_passwords": false });
    for scopes in ["config:read config:write", "users:read users:write"] {
        let client = service.client(TENANT, scopes).await;
        client.get(SETTINGS).await.is(if scopes.contains("config") { 200 } else { 403 });
        for method in ["PUT", "PATCH"] {
            let refused = client.call(method, SETTINGS).json(off.clone()).if_match("*").await;
            assert_eq!(refused.is(403).slug(), "insufficient-scope", "{method} {scopes}");
        }
    }
    let boss = service.client(TENANT, "administrator").await;
    boss.patch(SETTINGS, off).if_match("*").await.is(200);
    let other = service.client("globex", "administrator").await;
    assert_eq!(other.read(SETTINGS).await["temporary_passwords"], true);
}

#[tokio::test]
async fn g22_a_person_changes_the_settings_after_a_recent_sign_in() {
    let service = Service::start().await;
    let client = service.client(TENANT, "administrator").await;
    let boss = client.person_with("boss", &[Administrator]).await;
    let before = service.signed_in(&boss.id).await;
    service.clock.advance(301);
    before.get(SETTINGS).await.is(200);
    let off = json!({ "temporary_passwords": false });
    for method in ["PUT", "PATCH"] {
        let refused = before.call(method, SETTINGS).json(off.clone()).if_match("*").await;
        assert_eq!(refused.is(403).slug(), "reauthenticate", "{method}");
    }
    assert_eq!(before.get(SETTINGS).await.is(200).json()["temporary_passwords"], true);
    let again = service.signed_in(&boss.id).await;
    let changed = again.patch(SETTINGS, off).if_match("*").await.is(200);
    assert_eq!(changed.json()["temporary_passwords"], false);
}

#[tokio::test]
async fn the_settings_cost_no_read_beside_that_of_the_definitions() {
    let service = Service::start_unaudited().await;
    let boss = service.client(TENANT, "administrator").await;
    let jan = boss.create(USERS, person("jan")).await;
    boss.get(SETTINGS).await.is(200);
    assert_eq!(boss.get(SETTINGS).await.is(200).cost(), (1.0, 0.0, 0.0));
    let set = async || {
        let body = json!({ "password": "gently rowing past nine herons" });
        boss.post(&jan.below("temporary-password"), body).await.is(200).cost().0
    };
    set().await;
    let without = set().await;
    let change = json!({ "minimum_password_length": 20 });
    // The definitions are read once; the epoch and the settings are written in a transaction.
    let changed = boss.patch(SETTINGS, change).if_match("*").await.is(200);
    assert_eq!(changed.cost(), (1.0, 4.0, 0.0));
    service.clock.advance(31);
    set().await;
    assert_eq!(set().await, without);
}
