//! Local persons: what they see and change by what is granted to them, and what of themselves.

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{Administrator, Helpdesk};
use tests::{Person, Resource, TENANT, person};

use super::{ALL, ME, Office, USERS};
use crate::approvals::{REQUESTS, by_administrators, request_of};
use crate::oauth::about;

async fn create(ada: &Person, name: &str, more: Value) -> Resource {
    let mut body = person(name);
    body["attributes"] = json!({ "common": more });
    ada.call("POST", USERS).json(body).await.created()
}

#[tokio::test]
async fn an_administrator_creates_reads_and_patches_with_the_administrative_view() {
    let office = Office::open().await;
    office.hidden_and_read_only().await;
    let ada = office.ada("users:read users:write userdata").await;
    let jan = create(&ada, "jan", json!({ "hidden": ["x"], "fixed": ["1"] })).await;
    let read = ada.get(&jan.path).await.is(200).json();
    assert_eq!(read["attributes"]["common"], json!({ "hidden": ["x"], "fixed": ["1"] }));
    assert_eq!(read, office.crm.read(&jan.path).await);
    let patch = json!({ "attributes": { "common": { "hidden": ["y"], "fixed": ["2"] } } });
    let patched = ada.patch(&jan.path, patch.clone()).if_match(&jan.tag).await.is(200).json();
    assert_eq!(patched["attributes"]["common"], json!({ "hidden": ["y"], "fixed": ["2"] }));
    // Also the administrator's own user, at the route of users.
    ada.patch(&office.ada.path, patch).if_match("*").await.is(200);
    // About oneself the view is that of everybody.
    let me = ada.get(ME).await.is(200).json();
    assert_eq!(
        (&me["id"], &me["attributes"]["common"]),
        (&json!(office.ada.id), &json!({ "fixed": ["2"] }))
    );
    for (name, why) in [("hidden", "unknown"), ("fixed", "read-only")] {
        let own = json!({ "attributes": { "common": { name: ["3"] } } });
        let answer = ada.patch(ME, own).if_match("*").await.is(422);
        assert_eq!(answer.violations(), [format!("/attributes/common/{name} {why}")]);
    }
    ada.patch(ME, json!({ "given_name": "Augusta" })).if_match("*").await.is(200);
    office.service.check().await;
}

#[tokio::test]
async fn an_administrator_edits_definitions_and_registers_clients() {
    let office = Office::open().await;
    let ada = office.ada("config:read config:write administrator").await;
    let nick = office.crm.define("nick", json!({})).await;
    let edited = ada.patch(&nick.path, json!({ "hidden": true })).if_match(&nick.tag).await;
    assert_eq!(edited.is(200).json()["hidden"], true);
    let client = json!({ "name": "other", "scopes": ["users:read"] });
    ada.call("POST", "/config/clients").json(client).await.is(201);
}

#[tokio::test]
async fn a5_an_administrator_asks_for_changes_and_approves_those_of_others() {
    let office = Office::open().await;
    office.crm.define("salary", by_administrators()).await;
    let jan = office.crm.create(USERS, person("jan")).await;
    let salary = json!({ "attributes": { "common": { "salary": ["10"] } } });
    // A change by a person without the scope of the policy becomes a change request.
    let clerk = office.ada("users:read users:write userdata").await;
    let asked = request_of(clerk.patch(&jan.path, salary.clone()).if_match("*").await);
    assert_eq!(asked.body["requested_by"], json!({ "user_id": office.ada.id }));
    let approve = asked.below("approve");
    assert_eq!(clerk.act(&approve).await.is(403).slug(), "not-allowed");
    let ada = office.ada(ALL).await;
    assert_eq!(ada.act(&approve).await.is(403).slug(), "not-allowed", "the own request");
    let eve = office.application.person_with("eve", &[Administrator]).await;
    let eve_guest = office.application.local_person(&eve.id, "userdata").await;
    // In self-service a grant that the token lacks does not count, and the request is not there.
    eve_guest.get(&asked.path).await.is(404);
    assert_eq!(eve_guest.get(REQUESTS).await.is(200).json()["items"], json!([]));
    let eve_admin = office.application.local_person(&eve.id, "administrator").await;
    assert_eq!(eve_admin.get(REQUESTS).await.is(200).json()["items"][0]["id"], json!(asked.id));
    let approved = eve_admin.act(&approve).await.is(200).json();
    assert_eq!(
        (&approved["status"], &approved["decided_by"]),
        (&json!("APPROVED"), &json!({ "user_id": eve.id }))
    );
    assert_eq!(office.crm.read(&jan.path).await["attributes"]["common"]["salary"], json!(["10"]));
    // With the scope nobody has to be asked.
    let salary = json!({ "attributes": { "common": { "salary": ["11"] } } });
    ada.patch(&jan.path, salary.clone()).if_match("*").await.is(200);
    // About oneself grants do not count.
    let own = request_of(ada.patch(ME, salary).if_match("*").await);
    assert_eq!(own.body["requested_by"], json!({ "user_id": office.ada.id }));
    office.service.check().await;
}

#[tokio::test]
async fn the_change_that_an_administrator_asked_for_is_no_self_service_of_the_user() {
    let office = Office::open().await;
    office.crm.define("salary", by_administrators()).await;
    let corp = office.service.issuer("corp", "predefined").await;
    let jan = office.crm.create(USERS, person("jan")).await;
    let _ = corp.link(&jan.id, "jan").await;
    let clerk = office.ada("users:read users:write userdata").await;
    let salary = json!({ "attributes": { "common": { "salary": ["10"] } } });
    let asked = request_of(clerk.patch(&jan.path, salary).if_match("*").await);
    let boss = office.service.client(TENANT, "administrator users:read").await;
    boss.act(&asked.below("approve")).await.is(200);
    let items = office.service.items().await;
    assert!(!items.iter().any(|item| item.contains("Person")), "a source of the person");
}

#[tokio::test]
async fn a_local_person_is_somebody_at_the_routes_of_people() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    let ada = office.ada("openid profile userdata").await;
    let info = ada.get("/idhub/oidc/v1/userinfo").await.is(200).json();
    assert_eq!(info["sub"], tests::part(&ada.token, 1)["sub"]);
    assert_eq!(info["preferred_username"], "ada");
    let profile = ada.sign_in("shop").await.created();
    assert_eq!(ada.sign_in("shop").await.is(200).field("id"), profile.id);
    let own = ada.get(&format!("{}/me", tests::profiles("shop"))).await.is(200);
    assert_eq!(own.field("id"), profile.id);
    // The profile of another is not there in self-service, and is with the scope.
    let other = office.crm.create(USERS, person("jan")).await;
    let jan = office.application.local_person(&other.id, "userdata").await;
    let path = jan.sign_in("shop").await.created().path;
    ada.delete(&path).if_match("*").await.is(404);
    office.ada("users:write").await.delete(&path).if_match("*").await.is(204);
    ada.delete(ME).if_match("*").await.is(204);
    ada.get(ME).await.is(404);
    office.service.check().await;
}

#[tokio::test]
async fn a_local_person_who_is_blocked_or_gone_is_refused_at_once() {
    let office = Office::open().await;
    let ada = office.ada(ALL).await;
    for path in [ME, USERS, REQUESTS] {
        ada.get(path).await.is(200);
    }
    office.block(&office.ada).await;
    for path in [ME, USERS, REQUESTS] {
        assert_eq!(ada.get(path).await.is(403).slug(), "user-blocked");
    }
    // A blocked person is signed out: the token is over when the block ends.
    office.application.act(&office.ada.below("unblock")).await.is(200);
    for path in [ME, USERS, REQUESTS] {
        assert_eq!(ada.get(path).await.is(401).slug(), "unauthenticated");
    }
    let version = office.service.version_of(&office.ada.id).await;
    let ada = office.application.local_person_with(&office.ada.id, ALL, |claims| {
        claims.user_version = Some(version);
    });
    let ada = ada.await;
    ada.get(USERS).await.is(200);
    office.application.delete(&office.ada.path).if_match("*").await.is(204);
    ada.get(ME).await.is(404);
    for path in [USERS, REQUESTS] {
        assert_eq!(ada.get(path).await.is(401).slug(), "unauthenticated");
    }
}

#[tokio::test]
async fn i1_cursors_and_idempotency_records_are_the_callers_own() {
    let office = Office::open().await;
    let jan = office.application.person_with("jan", &[Helpdesk]).await;
    let scopes = "users:read users:write";
    let ada = office.ada(scopes).await;
    let other = office.application.local_person(&jan.id, scopes).await;
    let elsewhere = office.crm.local_person(&office.ada.id, scopes).await;
    let again = office.ada(scopes).await;
    let post = |token: &str, name: &str| {
        office.service.call("POST", USERS).token(token).json(person(name)).key("one-key")
    };
    let first = post(&ada.token, "first").await.created();
    for (i, token) in
        [&other.token, &elsewhere.token, &office.application.token].into_iter().enumerate()
    {
        let made = post(token, &format!("own-{i}")).await.created();
        assert_ne!(made.id, first.id);
    }
    let replayed = post(&again.token, "first").await.is(201);
    assert_eq!(replayed.field("id"), first.id);
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));

    let page = ada.get(&format!("{USERS}?limit=1")).await.is(200);
    let next = format!("{USERS}?limit=1&cursor={}", page.field("next_cursor"));
    again.get(&next).await.is(200);
    for token in [&other.token, &elsewhere.token, &office.application.token] {
        office.service.call("GET", &next).token(token).await.is(400);
    }
}

#[tokio::test]
async fn o4_the_subject_of_a_token_is_whom_it_is_for() {
    let office = Office::open().await;
    let jan = office.crm.create(USERS, person("jan")).await;
    let theirs = tests::part(&office.application.local_person(&jan.id, ALL).await.token, 1);
    let theirs = theirs["sub"].as_str().unwrap();
    let client = office.application.id.clone();
    for (sub, user) in
        [(theirs, true), (theirs, false), (&*client, true), (&*office.ada.id, true), ("", false)]
    {
        let forged = office.application.local_person_with(&office.ada.id, ALL, |claims| {
            sub.clone_into(&mut claims.sub);
            if !user {
                claims.user_id = None;
            }
        });
        let answer = forged.await.get(USERS).await.is(401);
        assert_eq!(answer.slug(), "unauthenticated", "{sub} {user}");
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_system_is_good_there_alone_for_persons_too() {
    let office = Office::open().await;
    office.service.system("shop", &[]).await;
    office.service.system("crm", &[]).await;
    let ada = office
        .application
        .local_person_with(&office.ada.id, ALL, |claims| {
            claims.systems = vec!["shop".parse().unwrap()];
        })
        .await;
    for path in [ME, USERS] {
        assert_eq!(ada.get(path).await.is(403).slug(), "not-allowed");
    }
    ada.sign_in("shop").await.is(201);
    ada.sign_in("crm").await.is(404);
}

#[tokio::test]
async fn h7_a_cursor_is_good_for_the_view_in_which_it_was_made() {
    let office = Office::open().await;
    let requests = "/identity/change-requests?limit=1";
    office
        .crm
        .define(
            "salary",
            json!({ "approval_policy": {
        "statements": [{ "client_scope": "administrator" }]
    } }),
        )
        .await;
    for name in ["jan", "piet"] {
        let user = office.crm.create(USERS, person(name)).await;
        let patch = json!({ "attributes": { "common": { "salary": ["1"] } } });
        office.crm.patch(&user.path, patch).if_match("*").await.is(202);
    }
    let (granted, own) =
        (office.ada("users:read").await, office.ada("openid profile userdata").await);
    let page = granted.get(requests).await.is(200);
    let next = format!("{requests}&cursor={}", page.field("next_cursor"));
    office.service.call("GET", &next).token(&own.token).await.is(400);
    granted.get(&next).await.is(200);
}

#[tokio::test]
async fn o7_the_token_of_a_person_who_is_blocked_or_gone_is_inactive() {
    let office = Office::open().await;
    let jan = office.crm.create(USERS, person("jan")).await;
    let (ada, jan_token) =
        (office.ada(ALL).await, office.application.local_person(&jan.id, ALL).await);
    let introspect = async |token: &str| {
        let said = about(&office.application, "introspect", token).await.is(200).json();
        said["active"].as_bool().unwrap()
    };
    assert!(introspect(&ada.token).await && introspect(&jan_token.token).await);
    office.block(&office.ada).await;
    office.crm.delete(&jan.path).if_match("*").await.is(204);
    assert!(!introspect(&ada.token).await && !introspect(&jan_token.token).await);
}
