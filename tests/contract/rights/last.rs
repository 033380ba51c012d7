//! The last administrator of a tenant stays (rules G62 and U19).

use serde_json::{Value, json};
use shared::domain::definition::BuiltInPersona::Administrator;
use shared::domain::people::PasswordFacts;
use tests::{Answer, Call, Client, Resource, Service, TENANT};

use super::{DEFINITIONS, ME, Tenant, USERS, official, persona_of};
use crate::races::{at_once, count};

#[track_caller]
fn stays(answer: &Answer, what: &str) {
    let due = (409, "last-administrator".to_owned());
    assert_eq!((answer.code(), answer.slug()), due, "{what}: {}", answer.text());
}

/// Every way in which a user loses the right.
fn ways(by: &Client, user: &Resource, name: &str) -> Vec<(String, Call)> {
    let persona = persona_of(user);
    let call = |method: &str, path: String, body: Value| {
        let what = format!("{method} {path} {body}");
        let call = by.call(method, &path).if_match("*");
        (what, if body.is_null() { call } else { call.json(body) })
    };
    vec![
        call("DELETE", persona.clone(), Value::Null),
        call("POST", format!("{persona}/suspend"), Value::Null),
        call("PATCH", persona.clone(), json!({ "valid_until": "2027-01-01T00:00:00Z" })),
        call("PATCH", persona, json!({ "valid_from": "2027-01-01T00:00:00Z" })),
        call("POST", user.below("block"), Value::Null),
        call("POST", user.below("principals/system/unlink"), Value::Null),
        call("DELETE", user.path.clone(), Value::Null),
        call("DELETE", format!("{USERS}/by/username/{name}"), Value::Null),
        call("DELETE", format!("{USERS}/by/id_at_customer/C-{name}"), Value::Null),
        call("DELETE", format!("{USERS}/by/preferred_email/{name}@example.org"), Value::Null),
    ]
}

#[tokio::test]
async fn g62_the_last_administrator_keeps_the_right_in_every_way() {
    let tenant = Tenant::open().await;
    for (what, call) in ways(&tenant.admin, &tenant.boss, "boss") {
        stays(&call.await, &what);
    }
    stays(&tenant.of_boss.delete(ME).await, "the own user");
    let persona = persona_of(&tenant.boss);
    stays(&tenant.of_boss.delete(&persona).if_match("*").await, "the own persona");
    tenant.boss_is_unchanged("the last one").await;
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_with_another_administrator_each_way_is_open() {
    let tenant = Tenant::open().await;
    for i in 0..ways(&tenant.admin, &tenant.boss, "boss").len() {
        let name = format!("other{i}");
        let other = tenant.admin.create(USERS, official(&name, Administrator)).await;
        let (what, call) = ways(&tenant.admin, &other, &name).swap_remove(i);
        let answer = call.await;
        assert!(matches!(answer.code(), 200 | 204), "{what}: {}", answer.text());
        // Some ways give the right an end that has not come.
        let gone = tenant.admin.delete(&other.path).await.code();
        assert!(matches!(gone, 204 | 404), "{what}: {gone}");
    }
    let me = tenant.admin.create(USERS, official("me", Administrator)).await;
    tenant.service.signed_in(&me.id).await.delete(ME).await.is(204);
    stays(&tenant.admin.delete(&tenant.boss.path).await, "the last one");
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_an_administrator_who_cannot_act_is_no_other_administrator() {
    let tenant = Tenant::open().await;
    let mut pending = official("pending", Administrator);
    pending["personas"][0]["status"] = json!("PENDING");
    tenant.admin.create(USERS, pending).await;
    let mut later = official("later", Administrator);
    later["personas"][0]["valid_from"] = json!("2027-01-01T00:00:00Z");
    tenant.admin.create(USERS, later).await;
    let blocked = tenant.admin.create(USERS, official("blocked", Administrator)).await;
    tenant.admin.act(&blocked.below("block")).await.is(200);
    let unlinked = tenant.admin.create(USERS, official("unlinked", Administrator)).await;
    tenant.admin.act(&unlinked.below("principals/system/unlink")).await.is(200);
    let gone = tenant.admin.create(USERS, official("gone", Administrator)).await;
    tenant.admin.delete(&gone.path).await.is(204);
    for (what, call) in ways(&tenant.admin, &tenant.boss, "boss") {
        stays(&call.await, &what);
    }
    // One that can is enough.
    tenant.admin.act(&unlinked.below("principals/system/link")).await.is(200);
    tenant.admin.act(&tenant.boss.below("block")).await.is(200);
}

#[tokio::test]
async fn g62_an_administrator_who_can_sign_in_leaves_another_one_who_can() {
    const PASSWORD: &str = "a password of an official";
    let tenant = Tenant::open().await;
    let invited = tenant.admin.create(USERS, official("invited", Administrator)).await;
    tenant.service.give_password(&tenant.boss.id, PASSWORD).await;
    for (what, call) in ways(&tenant.admin, &tenant.boss, "boss") {
        stays(&call.await, &what);
    }
    // A temporary password runs out.
    let now = tenant.service.clock.now();
    let temporary = PasswordFacts::temporary(now);
    tenant.service.give_password_as(&invited.id, PASSWORD, temporary).await;
    stays(&tenant.admin.act(&tenant.boss.below("block")).await, "a temporary password");
    // The built-in definition cannot be changed; another one keeps the right of who can sign in.
    let own = json!({ "name": "owner", "portal_scopes": ["administrator", "users:read"] });
    let owner = tenant.admin.create(DEFINITIONS, own).await;
    let mut body = tests::person("owner");
    body["personas"] = json!([{ "name": "owner" }]);
    tenant.admin.create(USERS, body).await;
    let patch = || {
        let patch = json!({ "portal_scopes": ["users:read"] });
        tenant.admin.patch(&owner.path, patch).if_match("*")
    };
    patch().await.is(200);
    // The one who cannot sign in may go.
    tenant.admin.act(&invited.below("block")).await.is(200);
    tenant.admin.act(&invited.below("unblock")).await.is(200);
    tenant.service.give_password(&invited.id, PASSWORD).await;
    tenant.admin.act(&tenant.boss.below("block")).await.is(200);
    stays(&tenant.admin.act(&invited.below("block")).await, "the one who is left");
    tenant.service.check().await;
}

#[tokio::test]
async fn g62_a_definition_keeps_the_right_of_its_last_administrator() {
    let service = Service::start().await;
    let admin = service.client(TENANT, "administrator").await;
    let own = json!({ "name": "owner", "portal_scopes": ["administrator", "users:read"] });
    let owner = admin.create(DEFINITIONS, own).await;
    let mut body = tests::person("boss");
    body["personas"] = json!([{ "name": "owner" }]);
    admin.create(USERS, body).await;
    for scopes in [json!([]), json!(["users:read"])] {
        let patch = json!({ "portal_scopes": scopes });
        stays(&admin.patch(&owner.path, patch).if_match("*").await, "patch");
    }
    let replaced = json!({ "name": "owner" });
    stays(&admin.put(&owner.path, replaced).if_match("*").await, "replace");
    admin
        .patch(&owner.path, json!({ "portal_scopes": ["administrator"] }))
        .if_match("*")
        .await
        .is(200);
    admin.create(USERS, official("other", Administrator)).await;
    admin.patch(&owner.path, json!({ "portal_scopes": [] })).if_match("*").await.is(200);
    service.check().await;
}

#[tokio::test]
async fn g62_a_tenant_that_never_had_an_administrator_is_not_bound() {
    let service = Service::start().await;
    let crm = service.crm().await;
    let jan = crm.create(USERS, tests::person("jan")).await;
    crm.act(&jan.below("block")).await.is(200);
    crm.act(&jan.below("unblock")).await.is(200);
    crm.act(&jan.below("principals/system/unlink")).await.is(200);
    crm.delete(&jan.path).await.is(204);
    // Also if the one that it has never comes into force.
    let admin = service.client(TENANT, "administrator").await;
    let mut pending = official("pending", Administrator);
    pending["personas"][0]["status"] = json!("PENDING");
    let pending = admin.create(USERS, pending).await;
    admin.delete(&persona_of(&pending)).if_match("*").await.is(204);
}

#[tokio::test]
async fn u19_the_operator_may_forget_the_last_administrator() {
    let tenant = Tenant::open().await;
    let name = shared::domain::id::UserName::User(tenant.boss.id.parse().unwrap());
    let id = TENANT.parse().unwrap();
    maintenance::forget::forget(&tenant.service.table, &id, &name).await.unwrap();
    tenant.admin.get(&tenant.boss.path).await.is(404);
    tenant.service.check().await;
}

/// Ways that take the right away at once: those from which the administrator comes back, and all.
const HERE: [usize; 4] = [0, 1, 3, 4];
const THERE: [usize; 9] = [0, 1, 3, 4, 5, 6, 7, 8, 9];

/// How many administrators can act.
async fn administrators(tenant: &Tenant) -> usize {
    let schema = tenant.service.table.schema(&TENANT.parse().unwrap()).await.unwrap();
    tenant.service.table.administrators(&schema).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g62_of_two_administrators_who_remove_each_other_one_stays() {
    let tenant = Tenant::open().await;
    let elsewhere = tenant.admin.on(&tenant.service.instance());
    for round in 0..THERE.len() {
        let name = format!("other{round}");
        let other = tenant.admin.create(USERS, official(&name, Administrator)).await;
        let boss = tenant.read_boss().await;
        let boss = Resource { body: boss, ..tenant.boss.clone() };
        let (_, one) = ways(&tenant.admin, &boss, "boss").swap_remove(HERE[round % 4]);
        let (_, two) = ways(&elsewhere, &other, &name).swap_remove(THERE[round]);
        let answers = at_once([one, two]).await;
        let done = count(&answers, &[200, 204, 409]);
        assert_eq!((done[0] + done[1], done[2]), (1, 1), "{round}: {answers:?}");
        assert_eq!(administrators(&tenant).await, 1, "{round}");
        // The next round begins with one whom nobody has blocked.
        restore(&tenant, &boss).await;
        let other_now = tenant.admin.get(&other.path).await;
        if other_now.code() == 200 {
            tenant.admin.delete(&other.path).await.is(204);
        }
        assert_eq!(administrators(&tenant).await, 1, "{round}");
    }
    tenant.service.check().await;
}

/// Makes the administrator an administrator again.
async fn restore(tenant: &Tenant, boss: &Resource) {
    if tenant.admin.read(&boss.path).await["status"] == "BLOCKED" {
        tenant.admin.act(&boss.below("unblock")).await.is(200);
    }
    let personas = tenant.admin.read(&boss.below("personas")).await;
    match personas["items"].as_array().unwrap().first() {
        None => {
            let persona = json!({ "name": "administrator" });
            tenant.admin.add_persona(boss, persona).await;
        }
        Some(persona) => {
            let path = boss.below(&format!("personas/{}", persona["id"].as_str().unwrap()));
            let dates = json!({ "valid_from": null, "valid_until": null });
            tenant.admin.patch(&path, dates).if_match("*").await.is(200);
            tenant.admin.act(&format!("{path}/activate")).if_match("*").await.is(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g62_of_ten_administrators_who_leave_at_once_one_stays() {
    let tenant = Tenant::open().await;
    let mut leaving = Vec::new();
    for i in 0..9 {
        let other = tenant.admin.create(USERS, official(&format!("other{i}"), Administrator)).await;
        leaving.push(tenant.service.signed_in(&other.id).await.delete(ME));
    }
    leaving.push(tenant.of_boss.delete(ME));
    let answers = at_once(leaving).await;
    let done = count(&answers, &[204, 409]);
    assert!(done[0] <= 9 && done[0] + done[1] + count(&answers, &[503])[0] == 10, "{answers:?}");
    assert_eq!(administrators(&tenant).await, 10 - done[0]);
    assert!(administrators(&tenant).await >= 1);
    tenant.service.check().await;
}
