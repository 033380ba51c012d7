//! What takes a sign-in within the last five minutes (rule G22).

use std::collections::BTreeSet;

use serde_json::json;
use shared::domain::definition::BuiltInPersona::{Administrator, Auditor};
use shared::http::Body;
use tests::person;

use super::{House, ME, OWN, USERS};

const NOBODY: &str = "0192f3c1-0000-7000-8000-00000000dead";

/// The routes that always take a recent sign-in.
const ALWAYS: [&str; 16] = [
    "create_client",
    "patch_client",
    "delete_client",
    "create_client_secret",
    "delete_client_secret",
    "forget_user",
    "forget_user_by_id_at_customer",
    "forget_user_by_username",
    "forget_user_by_preferred_email",
    "forget_me",
    "invite_user",
    "set_temporary_password",
    "replace_sign_in_settings",
    "patch_sign_in_settings",
    "end_own_sessions",
    "end_user_sessions",
];

#[tokio::test]
async fn g22_sensitive_routes_take_a_sign_in_within_five_minutes() {
    let house = House::open().await;
    let (_, browser) = house.official("boss", Administrator).await;
    let routes = || {
        let all = local::serve::functions().into_iter().flatten();
        all.filter(|route| route.reauthenticate)
    };
    let names: BTreeSet<_> = routes().map(|route| route.name).collect();
    for due in ALWAYS.into_iter().chain(["end_user_session"]) {
        assert!(names.contains(due), "{due}");
    }
    let call = |route: &shared::http::Route| {
        let path = route.path.replace("{user_id}", NOBODY).replace("{session_id}", NOBODY);
        let path = path.replace("{client_id}", "acme.000102030405060708090a0b0c0d0e0f");
        let path = path.replace("{secret_id}", NOBODY).replace("{value}", "nobody");
        let call = browser.call(route.method, &path).if_match("\"stale\"");
        match route.body {
            Body::Json(_) | Body::OptionalJson(_) => call.json(json!({})),
            _ => call,
        }
    };
    house.service.clock.advance(300);
    for route in routes() {
        assert_ne!(call(route).await.code(), 403, "{}", route.name);
    }
    house.service.clock.advance(1);
    for route in routes() {
        let answer = call(route).await.is(403);
        assert_eq!(answer.slug(), "reauthenticate", "{}", route.name);
        assert_eq!(answer.problem()["max_age"], 300);
    }
    // Everything else goes on.
    browser.get(USERS).await.is(200);
    browser.post(USERS, person("jan")).await.is(201);
}

#[tokio::test]
async fn g22_a_renewed_sign_in_is_recent() {
    let house = House::open().await;
    let (boss, before) = house.official("boss", Administrator).await;
    let jan = house.admin().await.create(USERS, person("jan")).await;
    house.service.clock.advance(301);
    assert_eq!(before.delete(&jan.path).await.is(403).slug(), "reauthenticate");
    let again = house.service.signed_in(&boss.id).await;
    again.delete(&jan.path).await.is(204);
}

#[tokio::test]
async fn g22_rights_are_given_and_taken_after_a_recent_sign_in() {
    let house = House::open().await;
    let (_, browser) = house.official("boss", Administrator).await;
    let admin = house.admin().await;
    let jan = admin.create(USERS, person("jan")).await;
    let otto = admin.person_with("otto", &[Auditor]).await;
    let otto_persona = otto.body["personas"][0]["id"].as_str().unwrap();
    let otto_persona = otto.below(&format!("personas/{otto_persona}"));
    admin.define_persona("employee", json!({})).await;
    house.service.clock.advance(301);
    let helpdesk = json!({ "name": "helpdesk" });
    let mut created = person("hugo");
    created["personas"] = json!([helpdesk]);
    let definitions = "/identity/config/persona-definitions";
    for refused in [
        browser.post(&jan.below("personas"), helpdesk).if_match("*"),
        browser.post(USERS, created),
        browser.act(&format!("{otto_persona}/suspend")).if_match("*"),
        browser
            .patch(&otto_persona, json!({ "valid_until": "2030-01-01T00:00:00Z" }))
            .if_match("*"),
        browser.delete(&otto_persona).if_match("*"),
        // An address to which a new password could be sent.
        browser.patch(&otto.path, json!({ "preferred_email": "eve@example.org" })).if_match("*"),
        browser.post(definitions, json!({ "name": "reader", "portal_scopes": ["users:read"] })),
    ] {
        assert_eq!(refused.await.is(403).slug(), "reauthenticate");
    }
    // What leads to no right does not.
    let moved = json!({ "preferred_email": "jan@work.example" });
    browser.patch(&jan.path, moved).if_match("*").await.is(200);
    let employee = json!({ "name": "employee" });
    browser.post(&jan.below("personas"), employee).if_match("*").await.is(201);
    browser.post(definitions, json!({ "name": "guest" })).await.is(201);
    house.service.check().await;
}

#[tokio::test]
async fn g22_people_end_other_sessions_after_a_recent_sign_in_and_the_own_at_any_time() {
    let house = House::open().await;
    let (jan, browser) = house.guest("jan").await;
    let other = house.service.signed_in(&jan.id).await;
    house.service.clock.advance(301);
    let of = |sessions: &[serde_json::Value], current: bool| {
        let found = sessions.iter().find(|session| session["current"] == current).unwrap();
        format!("{OWN}/{}", found["id"].as_str().unwrap())
    };
    let sessions = house.sessions(&browser).await;
    for path in [OWN, &of(&sessions, false)] {
        assert_eq!(browser.delete(path).await.is(403).slug(), "reauthenticate");
    }
    assert_eq!(browser.delete(ME).await.is(403).slug(), "reauthenticate");
    browser.delete(&of(&sessions, true)).await.is(204);
    super::over(&browser).await;
    other.get(ME).await.is(200);
}
