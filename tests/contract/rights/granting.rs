//! Nobody grants more rights than they have: each way to a right is closed (rule G62).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{self, Administrator, Auditor, Helpdesk};
use tests::Call;

use super::{Tenant, USERS, official, persona_of, refused};
use crate::imports::{NDJSON, done, outcomes};

/// What the helpdesk sends: by cookie, and as a client with the same scopes.
fn both(tenant: &Tenant, method: &str, path: &str, body: &Value) -> [Call; 2] {
    let call = |call: Call| if body.is_null() { call } else { call.json(body.clone()) };
    let calls = [tenant.of_hugo.call(method, path), tenant.clerk.call(method, path)];
    calls.map(|by| call(by).if_match("*"))
}

#[tokio::test]
async fn g62_nobody_makes_a_user_with_more_rights() {
    let tenant = Tenant::open().await;
    for rights in [Administrator, Auditor] {
        for call in both(&tenant, "POST", USERS, &official("eve", rights)) {
            refused(&call.without("if-match").await, rights.name());
        }
    }
    for (i, call) in both(&tenant, "POST", USERS, &Value::Null).into_iter().enumerate() {
        // As many as one has.
        let made = official(&format!("ida{i}"), Helpdesk);
        call.without("if-match").json(made).await.is(201);
    }
    assert_eq!(tenant.admin.find(json!({ "username": "eve" })).await, Vec::<Value>::new());
}

#[tokio::test]
async fn g62_nobody_adds_a_persona_with_more_rights() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let far = "2030-01-01T00:00:00Z";
    for user in [&jan, &tenant.hugo] {
        for more in [
            json!({}),
            json!({ "status": "PENDING" }),
            json!({ "status": "SUSPENDED" }),
            json!({ "valid_from": far }),
            json!({ "valid_until": "2020-01-01T00:00:00Z", "valid_from": "2019-01-01T00:00:00Z" }),
        ] {
            let body = tests::with(json!({ "name": "administrator" }), more);
            for call in both(&tenant, "POST", &user.below("personas"), &body) {
                refused(&call.await, &body.to_string());
            }
            let by_id = json!({ "persona_definition_id": Administrator.id().to_string() });
            for call in both(&tenant, "POST", &user.below("personas"), &by_id) {
                refused(&call.await, "by id");
            }
        }
    }
    let persona = json!({ "name": "helpdesk" });
    tenant.of_hugo.post(&jan.below("personas"), persona).if_match("*").await.is(201);
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_nobody_brings_a_right_back_that_they_do_not_have() {
    let tenant = Tenant::open().await;
    let mut body = official("eve", Administrator);
    body["personas"][0]["status"] = json!("SUSPENDED");
    let eve = tenant.admin.create(USERS, body).await;
    let persona = persona_of(&eve);
    let until = json!({ "valid_until": "2030-01-01T00:00:00Z" });
    for (method, path, body) in [
        ("POST", format!("{persona}/activate"), Value::Null),
        ("PATCH", persona.clone(), until),
        ("DELETE", persona.clone(), Value::Null),
    ] {
        for call in both(&tenant, method, &path, &body) {
            refused(&call.await, &format!("{method} {path} {body}"));
        }
    }
    assert_eq!(tenant.admin.read(&persona).await["status"], "SUSPENDED");
}

#[tokio::test]
async fn g62_nobody_takes_a_right_that_they_do_not_have() {
    let tenant = Tenant::open().await;
    tenant.admin.create(USERS, official("other", Administrator)).await;
    let persona = persona_of(&tenant.boss);
    for (method, path, body) in [
        ("POST", format!("{persona}/suspend"), Value::Null),
        ("PATCH", persona.clone(), json!({ "valid_until": "2026-11-22T00:00:00Z" })),
        ("DELETE", persona.clone(), Value::Null),
    ] {
        for call in both(&tenant, method, &path, &body) {
            refused(&call.await, &format!("{method} {path} {body}"));
        }
    }
    tenant.boss_is_unchanged("personas").await;
}

#[tokio::test]
async fn g62_nobody_gets_at_the_access_of_a_user_with_more_rights() {
    let tenant = Tenant::open().await;
    let email = shared::domain::definition::Predefined::PreferredEmail.id();
    let by_definition = json!({ "attribute_values": [
        { "attribute_definition_id": email, "value": ["eve@example.org"] },
    ] });
    let mut whole = tenant.boss.body.clone();
    whole["preferred_email"] = json!("eve@example.org");
    let eve = json!({ "preferred_email": "eve@example.org" });
    let boss = &tenant.boss.path;
    for (method, path, body) in [
        ("PATCH", boss.clone(), eve.clone()),
        ("PATCH", boss.clone(), json!({ "preferred_email": null })),
        ("PATCH", boss.clone(), json!({ "username": "eve" })),
        ("PATCH", boss.clone(), by_definition.clone()),
        ("PUT", boss.clone(), whole),
        ("PATCH", format!("{USERS}/by/username/boss"), eve.clone()),
        ("PATCH", format!("{USERS}/by/id_at_customer/C-boss"), by_definition),
        ("PATCH", format!("{USERS}/by/preferred_email/boss@example.org"), eve),
    ] {
        for call in both(&tenant, method, &path, &body) {
            refused(&call.await, &format!("{method} {path} {body}"));
        }
    }
    tenant.boss_is_unchanged("access").await;
    // What gives nobody access is changed as ever.
    let name = json!({ "family_name": "Smit" });
    tenant.of_hugo.patch(boss, name).if_match("*").await.is(200);
    let address = json!({ "preferred_email": "jan@work.example" });
    let jan = tenant.user("jan").await;
    tenant.of_hugo.patch(&jan.path, address).if_match("*").await.is(200);
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_an_upsert_gives_no_right_and_no_access() {
    let tenant = Tenant::open().await;
    let by = |id: &str| format!("{USERS}/by/id_at_customer/{id}");
    let upsert = |username: &str, personas: Value| {
        let mut body = tests::person(username);
        body["personas"] = personas;
        body
    };
    let administrator = json!([{ "name": "administrator" }]);
    for (path, body) in [
        (by("C-new"), upsert("new", administrator.clone())),
        (by("C-hugo"), upsert("hugo", administrator)),
        (by("C-boss"), upsert("eve", json!([]))),
    ] {
        for call in both(&tenant, "PUT", &path, &body) {
            refused(&call.without("if-match").await, &format!("{path} {body}"));
        }
    }
    let mut moved = upsert("boss", json!([]));
    moved["preferred_email"] = json!("eve@example.org");
    refused(&tenant.clerk.put(&by("C-boss"), moved).await, "the address");
    tenant.boss_is_unchanged("upsert").await;
    assert_eq!(tenant.admin.find(json!({ "username": "new" })).await, Vec::<Value>::new());
}

#[tokio::test]
async fn g62_a_row_of_an_import_gives_no_right_and_no_access() {
    let tenant = Tenant::open().await;
    let rows = [
        json!({ "username": "eve", "personas": [{ "name": "administrator" }] }),
        json!({ "username": "hugo", "personas": [{ "name": "administrator" }] }),
        json!({ "username": "boss", "preferred_email": "eve@example.org" }),
        json!({ "id_at_customer": "C-boss", "username": "adam" }),
        json!({ "username": "ida", "personas": [{ "name": "helpdesk" }] }),
    ];
    let file = rows.map(|row| row.to_string()).join("\n");
    let (_, report) = done(&tenant.clerk, "mode=upsert", NDJSON, file.clone()).await;
    let refused = "error  not-allowed";
    assert_eq!(outcomes(&report), [refused, refused, refused, refused, "created"]);
    tenant.boss_is_unchanged("an import").await;
    let hugo = tenant.admin.read(&tenant.hugo.path).await;
    assert_eq!(hugo["personas"], tenant.hugo.body["personas"]);
    let name = json!({ "username": "boss", "family_name": "Smit" }).to_string();
    let (_, report) = done(&tenant.clerk, "mode=upsert", NDJSON, name).await;
    assert_eq!(outcomes(&report), ["updated"]);
    // An administrator's client may.
    let (_, report) = done(&tenant.admin, "mode=upsert", NDJSON, file).await;
    assert!(!outcomes(&report).iter().any(|row| row.contains("not-allowed")), "{report:?}");
    // A person brings no file: it would be worked when the person has gone home.
    let send = tenant.of_boss.call("POST", "/identity/imports?mode=upsert");
    let answer = send.body(NDJSON, "{\"username\":\"z\"}").await.is(403);
    assert_eq!(answer.slug(), "not-allowed");
    let token = tenant.clerk.local_person(&tenant.boss.id, "users:write").await;
    let send = token.call("POST", "/identity/imports?mode=upsert");
    let answer = send.body(NDJSON, "{\"username\":\"z\"}").await.is(403);
    assert_eq!(answer.slug(), "not-allowed");
}

#[tokio::test]
async fn g62_who_approves_a_change_has_the_rights_of_its_user() {
    let tenant = Tenant::open().await;
    let email = shared::domain::definition::Predefined::PreferredEmail.id();
    tenant.admin.define_persona("approver", json!({})).await;
    for user in [&tenant.hugo, &tenant.boss] {
        tenant.admin.add_persona(user, json!({ "name": "approver" })).await;
    }
    let other = tenant.admin.create(USERS, official("other", Administrator)).await;
    let policy = json!({ "approval_policy": { "statements": [{ "persona": "approver" }] } });
    let definition = format!("/identity/config/attribute-definitions/{email}");
    tenant.admin.patch(&definition, policy).if_match("*").await.is(200);
    let patch = json!({ "preferred_email": "eve@example.org" });
    // The request itself takes the rights.
    refused(&tenant.clerk.patch(&other.path, patch.clone()).if_match("*").await, "asking");
    let asked = tenant.admin.patch(&other.path, patch).if_match("*").await.is(202);
    let approve = format!("{}/approve", asked.header("location").unwrap());
    refused(&tenant.of_hugo.act(&approve).await, "approving");
    // The same person as one who has a persona and no right: with the token of an application.
    let token = tenant.clerk.local_person(&tenant.hugo.id, "userdata").await;
    refused(&token.act(&approve).await, "approving in self-service");
    assert_eq!(tenant.admin.read(&other.path).await["preferred_email"], "other@example.org");
    tenant.of_boss.act(&approve).await.is(200);
    assert_eq!(tenant.admin.read(&other.path).await["preferred_email"], "eve@example.org");
}

#[tokio::test]
async fn g62_a_client_grants_what_its_scopes_allow() {
    let tenant = Tenant::open().await;
    for (scopes, rights, allowed) in [
        ("users:write", Helpdesk, false),
        ("users:read users:write", Helpdesk, true),
        ("users:read users:write config:read", Auditor, false),
        ("users:write users:read config:read audit:read", Auditor, true),
        ("users:read users:write config:read config:write audit:read", Administrator, false),
        ("administrator", Administrator, true),
    ] {
        let client = tenant.service.client(tests::TENANT, scopes).await;
        let name = format!("u{}", scopes.replace([' ', ':'], "-"));
        let made = client.post(USERS, official(&name, rights)).await;
        assert_eq!(made.code(), if allowed { 201 } else { 403 }, "{scopes}: {}", made.text());
    }
}

#[tokio::test]
async fn g62_an_administrator_grants_every_right_and_takes_it() {
    let tenant = Tenant::open().await;
    for rights in BuiltInPersona::ALL {
        let name = format!("new-{rights}");
        let made = tenant.of_boss.post(USERS, official(&name, rights)).await.created();
        let persona = persona_of(&made);
        tenant.of_boss.act(&format!("{persona}/suspend")).if_match("*").await.is(200);
        tenant.of_boss.act(&format!("{persona}/activate")).if_match("*").await.is(200);
        let moved = json!({ "username": format!("moved-{rights}"), "preferred_email": null });
        tenant.of_boss.patch(&made.path, moved).if_match("*").await.is(200);
        tenant.of_boss.delete(&persona).if_match("*").await.is(204);
        tenant.of_boss.delete(&made.path).await.is(204);
    }
    tenant.service.check().await;
}
