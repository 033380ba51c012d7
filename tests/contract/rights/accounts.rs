//! Acts on the account of a user with more rights (rule G62).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::{Administrator, Helpdesk};
use tests::Call;

use super::{Tenant, USERS, official, refused};

/// Every act on an account, at these paths of its user.
fn acts(path: &str, name: &str) -> Vec<(&'static str, String, Value)> {
    let below = |rest: &str| format!("{path}/{rest}");
    vec![
        ("POST", below("block"), Value::Null),
        ("POST", below("principals/system/unlink"), Value::Null),
        ("POST", below("principals/corp/unlink"), Value::Null),
        ("POST", below("invite"), Value::Null),
        ("POST", below("temporary-password"), Value::Null),
        (
            "POST",
            below("temporary-password"),
            json!({ "password": "correct horse battery staple" }),
        ),
        ("DELETE", below("sessions"), Value::Null),
        ("DELETE", path.to_owned(), Value::Null),
        ("DELETE", format!("{USERS}/by/username/{name}"), Value::Null),
        ("DELETE", format!("{USERS}/by/id_at_customer/C-{name}"), Value::Null),
        ("DELETE", format!("{USERS}/by/preferred_email/{name}@example.org"), Value::Null),
    ]
}

fn with(call: Call, body: &Value) -> Call {
    if body.is_null() { call } else { call.json(body.clone()) }
}

#[tokio::test]
async fn g62_the_helpdesk_does_nothing_to_the_account_of_an_administrator() {
    let tenant = Tenant::open().await;
    tenant.admin.create(USERS, official("other", Administrator)).await;
    let server = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
    tenant.admin.create("/api/v1/sso/authentication-servers", server).await;
    for (method, path, body) in acts(&tenant.boss.path, "boss") {
        for call in [tenant.of_hugo.call(method, &path), tenant.clerk.call(method, &path)] {
            refused(&with(call, &body).await, &format!("{method} {path}"));
        }
    }
    tenant.boss_is_unchanged("acts").await;
    let principals = tenant.admin.read(&tenant.boss.below("principals")).await;
    let mut items = principals["items"].as_array().unwrap().iter();
    assert!(items.all(|principal| principal["linked"] == true), "{principals}");
    assert!(tenant.service.deliver_mails().await.is_empty());
    // Also while the right rests.
    let persona = super::persona_of(&tenant.boss);
    tenant.of_boss.act(&format!("{persona}/suspend")).if_match("*").await.is(200);
    for (method, path, body) in acts(&tenant.boss.path, "boss") {
        refused(&with(tenant.clerk.call(method, &path), &body).await, &format!("{method} {path}"));
    }
    // An account that is blocked stays so.
    tenant.admin.act(&tenant.boss.below("block")).await.is(200);
    refused(&tenant.of_hugo.act(&tenant.boss.below("unblock")).await, "unblock");
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_the_helpdesk_looks_after_people_without_rights_and_its_own_kind() {
    let tenant = Tenant::open().await;
    let server = json!({ "id": "corp", "name": "corp", "subject_type": "predefined" });
    tenant.admin.create("/api/v1/sso/authentication-servers", server).await;
    for (i, (method, _, body)) in acts("", "").into_iter().enumerate() {
        for (name, user) in [
            (format!("jan{i}"), tests::person(&format!("jan{i}"))),
            (format!("ida{i}"), official(&format!("ida{i}"), Helpdesk)),
        ] {
            let user = tests::with(user, json!({ "id_at_customer": format!("C-{name}") }));
            let user = tenant.admin.create(USERS, user).await;
            let (_, path, _) = acts(&user.path, &name).swap_remove(i);
            let answer = with(tenant.of_hugo.call(method, &path), &body).await;
            assert!(matches!(answer.code(), 200 | 204), "{method} {path}: {}", answer.text());
        }
    }
    tenant.service.check().await;
}
