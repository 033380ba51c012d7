//! The audit of what people do with a browser (rule G65).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::Administrator;
use tests::{Client, Resource, TENANT, person};

use super::{House, ME, OWN, USERS, items};

async fn auditor(house: &House) -> Client {
    house.service.client(TENANT, "audit:read").await
}

/// The newest entry of a user: the operation, the actor, and the fields that changed.
async fn newest(auditor: &Client, user: &Resource) -> (String, Value, Vec<String>) {
    let entry = items(&auditor.get(&user.below("audit")).await.is(200).json()).remove(0);
    let fields = entry["changes"].as_array().unwrap().iter();
    let fields = fields.map(|field| field["pointer"].as_str().unwrap().to_owned()).collect();
    (entry["operation"].as_str().unwrap().to_owned(), entry["actor"].clone(), fields)
}

#[tokio::test]
async fn g65_an_entry_names_the_person_and_the_session() {
    let house = House::open().await;
    let auditor = auditor(&house).await;
    let (boss, browser) = house.official("boss", Administrator).await;
    let sid = house.sessions(&browser).await[0]["id"].clone();
    let actor = json!({ "kind": "person", "id": boss.id, "session": sid });
    let jan = browser.post(USERS, person("jan")).await.created();
    assert_eq!(newest(&auditor, &jan).await.1, actor);
    let patch = json!({ "given_name": "Johan" });
    browser.patch(&jan.path, patch).if_match("*").await.is(200);
    let (operation, who, fields) = newest(&auditor, &jan).await;
    assert_eq!((&*operation, &who), ("user.change", &actor));
    assert_eq!(fields, ["/given_name"]);
    let persona = json!({ "name": "helpdesk" });
    let persona = browser.post(&jan.below("personas"), persona).if_match("*").await.created();
    assert_eq!(newest(&auditor, &jan).await.0, "persona.create");
    for (act, operation) in [
        (browser.act(&format!("{}/suspend", persona.path)), "persona.suspend"),
        (browser.act(&jan.below("block")), "user.block"),
        (browser.act(&jan.below("unblock")), "user.unblock"),
        (browser.act(&jan.below("principals/system/unlink")), "principal.unlink"),
        (browser.act(&jan.below("principals/system/link")), "principal.link"),
        (browser.act(&jan.below("invite")), "user.invite"),
        (browser.act(&jan.below("temporary-password")), "user.password_reset"),
        (browser.delete(&jan.below("sessions")), "user.sessions_end"),
    ] {
        let answer = act.await;
        assert!(matches!(answer.code(), 200 | 204), "{operation}: {}", answer.text());
        let (told, who, _) = newest(&auditor, &jan).await;
        assert_eq!((&*told, &who), (operation, &actor));
    }
    house.service.check().await;
}

#[tokio::test]
async fn g65_self_service_is_told_with_its_session_and_another_session_is_another() {
    let house = House::open().await;
    let auditor = auditor(&house).await;
    let (jan, first) = house.guest("jan").await;
    let second = house.service.signed_in(&jan.id).await;
    let mut sids = Vec::new();
    for (i, browser) in [&first, &second].into_iter().enumerate() {
        let patch = json!({ "given_name": format!("J{i}") });
        browser.patch(ME, patch).if_match("*").await.is(200);
        let (_, actor, _) = newest(&auditor, &jan).await;
        assert_eq!(actor["id"], jan.id);
        sids.push(actor["session"].as_str().unwrap().to_owned());
    }
    assert_ne!(sids[0], sids[1]);
    let known = house.sessions(&first).await;
    for sid in &sids {
        assert!(known.iter().any(|session| session["id"] == **sid));
    }
    first.delete(&format!("{OWN}/{}", sids[1])).await.is(204);
    let (operation, actor, _) = newest(&auditor, &jan).await;
    assert_eq!((&*operation, &actor["session"]), ("user.sessions_end", &json!(sids[0])));
    // With a token there is no session to name.
    let token = house.admin.local_person(&jan.id, "userdata").await;
    token.patch(ME, json!({ "given_name": "T" })).if_match("*").await.is(200);
    assert_eq!(newest(&auditor, &jan).await.1, json!({ "kind": "person", "id": jan.id }));
    // No entry holds what is in the cookie.
    let secret = first.cookie.rsplit('.').next().unwrap();
    assert!(!house.service.items().await.iter().any(|item| item.contains(secret)), "G18");
}

#[tokio::test]
async fn g65_the_ledger_names_the_session_too() {
    let house = House::open().await;
    let auditor = auditor(&house).await;
    let (boss, browser) = house.official("boss", Administrator).await;
    let sid = house.sessions(&browser).await[0]["id"].clone();
    let actor = json!({ "kind": "person", "id": boss.id, "session": sid });
    let definition = json!({ "name": "reader", "portal_scopes": ["users:read"] });
    browser.post("/identity/config/persona-definitions", definition).await.is(201);
    let client = json!({ "name": "other", "scopes": ["users:read"] });
    browser.post("/config/clients", client).await.is(201);
    house.service.clock.advance(1);
    let auditor = auditor.with_token().await;
    for operation in ["config.create", "client.create"] {
        let path = format!("/identity/audit?operation={operation}");
        let entries = items(&auditor.get(&path).await.is(200).json());
        assert!(entries.iter().any(|entry| entry["actor"] == actor), "{operation}: {entries:?}");
    }
}
