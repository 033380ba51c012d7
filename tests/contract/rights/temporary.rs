//! Temporary passwords that administrators set (rules G32 and G33).

use serde_json::{Value, json};
use shared::domain::people::{MailKind, Throttle};
use tests::{Browser, Resource, TENANT};

use super::{ME, Tenant, refused};

const GOOD: &str = "gently rowing past nine herons";
const COOKIE: &str = "session";
const SETTINGS: &str = "/identity/config/sign-in";

fn path(user: &Resource) -> String {
    user.below("temporary-password")
}

async fn details(tenant: &Tenant, user: &Resource) -> Value {
    let admin = tenant.admin.clone().with_token().await;
    let principals = admin.read(&user.below("principals")).await;
    let system = principals["items"].as_array().unwrap().iter();
    let mut system = system.filter(|item| item["authentication_server_id"] == "system");
    system.next().unwrap()["details"].clone()
}

#[tokio::test]
async fn g33_the_service_makes_a_password_and_shows_it_once() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let answer = tenant.of_hugo.act(&path(&jan)).await.is(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (password, end) = (answer.field("password"), answer.field("ends_at"));
    assert!(password.chars().count() >= 15, "{password}");
    assert_eq!(end, "2026-11-24T10:00:00.000Z");
    let other = tenant.of_hugo.act(&path(&jan)).await.is(200).field("password");
    assert_ne!(password, other);
    let known = details(&tenant, &jan).await;
    assert_eq!(
        known,
        json!({
            "password": {
                "set_at": "2026-11-21T10:00:00.000Z", "set_by": "administrator",
                "last_used_at": null, "must_change": true, "ends_at": end,
            },
            "passkeys": 0, "pending_address": false,
        })
    );
    // Rule G32: it stands nowhere.
    for item in tenant.service.items().await {
        assert!(!item.contains(&password) && !item.contains(&other), "{item}");
    }
    tenant.service.check().await;
}

#[tokio::test]
async fn g33_a_given_password_has_to_be_good_and_is_not_shown() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let set = |body: Value| tenant.of_hugo.post(&path(&jan), body);
    for (password, code) in [
        ("", "wrong-format"),
        ("short", "wrong-format"),
        ("fourteen chars", "wrong-format"),
        ("passwordpassword", "not-allowed"),
        ("aaaaaaaaaaaaaaaaaaaa", "not-allowed"),
        ("jan janssen acme kith", "not-allowed"),
        (&"x".repeat(257), "too-long"),
    ] {
        let refused = set(json!({ "password": password })).await.is(422);
        let violations = refused.violations();
        assert_eq!(violations.len(), 1, "{password}: {violations:?}");
        assert!(violations[0].starts_with("/password "), "{password}: {violations:?}");
        if !password.is_empty() {
            assert_eq!(violations, [format!("/password {code}")], "{password}");
            assert!(!refused.text().contains(password), "{password}");
        }
    }
    set(json!({ "pasword": GOOD })).await.is(422);
    set(json!({ "password": 15 })).await.is(422);
    assert_eq!(details(&tenant, &jan).await["password"], Value::Null);
    let answer = set(json!({ "password": GOOD })).await.is(200);
    assert_eq!(answer.json(), json!({ "password": null, "ends_at": "2026-11-24T10:00:00.000Z" }));
    set(json!({ "password": null })).await.is(200).field("password");
}

#[tokio::test]
async fn g33_a_temporary_password_signs_nobody_in_without_a_change() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    tenant.of_hugo.post(&path(&jan), json!({ "password": GOOD })).await.is(200);
    let browser = Browser::new(&tenant.service);
    let page = browser.sign_in(TENANT, "jan", GOOD).await;
    assert_eq!(browser.cookie(COOKIE), None);
    assert!(page.has_form("/idhub/login/new-password"), "{}", page.text());
    let new = "seven violet kettles whistle";
    browser.submit_form(&page, "/idhub/login/new-password", &[("new_password", new)]).await;
    assert!(browser.cookie(COOKIE).is_some());
    let known = details(&tenant, &jan).await["password"].clone();
    assert_eq!((&known["set_by"], &known["must_change"]), (&json!("self"), &json!(false)));
    assert_eq!(known["ends_at"], Value::Null);
    let again = Browser::new(&tenant.service);
    again.sign_in(TENANT, "jan", GOOD).await;
    assert_eq!(again.cookie(COOKIE), None, "the temporary one is gone");
}

#[tokio::test]
async fn g33_a_temporary_password_is_good_for_72_hours() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    tenant.of_hugo.post(&path(&jan), json!({ "password": GOOD })).await.is(200);
    tenant.service.clock.advance(72 * 3600 - 1);
    let page = Browser::new(&tenant.service).sign_in(TENANT, "jan", GOOD).await;
    assert!(page.has_form("/idhub/login/new-password"), "{}", page.text());
    tenant.service.clock.advance(1);
    let browser = Browser::new(&tenant.service);
    let page = browser.sign_in(TENANT, "jan", GOOD).await;
    assert!(!page.has_form("/idhub/login/new-password"), "{}", page.text());
    assert_eq!(browser.cookie(COOKIE), None);
}

#[tokio::test]
async fn g35_a_temporary_password_works_after_strangers_used_up_their_tries() {
    let tenant = Tenant::open().await;
    let (service, jan) = (&tenant.service, tenant.user("jan").await);
    let temporary = json!({ "password": GOOD });
    tenant.clerk.post(&path(&jan), temporary.clone()).await.is(200);
    for _ in 0..100 {
        let granted = service.table.reserve_attempt("strangers\nacme\njan", &Throttle::STRANGERS);
        assert!(granted.await.unwrap().is_granted());
        service.clock.advance(900);
    }
    let page = Browser::new(service).sign_in(TENANT, "jan", GOOD).await.is(422);
    assert!(!page.has_form("/idhub/login/new-password"), "{}", page.text());
    let clerk = tenant.clerk.clone().with_token().await;
    clerk.post(&path(&jan), temporary).await.is(200);
    let page = Browser::new(service).sign_in(TENANT, "jan", GOOD).await.is(200);
    assert!(page.has_form("/idhub/login/new-password"), "{}", page.text());
}

#[tokio::test]
async fn g33_the_person_is_told_signed_out_and_the_audit_knows_who_did_it() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let of_jan = tenant.service.signed_in(&jan.id).await;
    let password = tenant.of_hugo.act(&path(&jan)).await.is(200).field("password");
    of_jan.get(ME).await.is(401);
    let mails = tenant.service.deliver_mails().await;
    let told: Vec<_> = mails.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
    assert_eq!(told, [(MailKind::TemporaryPassword, "jan@example.org")]);
    assert!(!mails[0].mime.contains(&password) && !mails[0].text.contains(&password));
    let auditor = tenant.service.client(TENANT, "audit:read").await;
    let newest = auditor.read(&jan.below("audit")).await["items"][0].clone();
    assert_eq!(newest["operation"], "user.password_reset");
    assert_eq!(newest["actor"]["id"], tenant.hugo.id);
    assert!(!newest.to_string().contains(&password));
}

#[tokio::test]
async fn g33_a_tenant_switches_temporary_passwords_off() {
    let tenant = Tenant::open().await;
    let (jan, els) = (tenant.user("jan").await, tenant.user("els").await);
    let given = json!({ "password": GOOD });
    tenant.clerk.post(&path(&jan), given.clone()).await.is(200);
    let switch = async |on: bool| {
        let change = json!({ "temporary_passwords": on });
        tenant.admin.patch(SETTINGS, change).if_match("*").await.is(200);
    };
    switch(false).await;
    // Each function remembers settings for half a minute.
    tenant.service.clock.advance(31);
    tenant.clerk.post(&path(&els), json!({ "password": "short" })).await.is(422);
    for call in [
        tenant.of_hugo.act(&path(&els)),
        tenant.of_boss.act(&path(&els)),
        tenant.clerk.act(&path(&els)),
        tenant.admin.post(&path(&els), given.clone()),
    ] {
        let refused = call.await.is(409);
        assert_eq!(refused.slug(), "conflict");
        for told in ["does not allow temporary passwords", "/invite"] {
            assert!(refused.text().contains(told), "{}", refused.text());
        }
    }
    assert_eq!(details(&tenant, &els).await["password"], Value::Null);
    // What was set before is good until its end.
    let page = Browser::new(&tenant.service).sign_in(TENANT, "jan", GOOD).await.is(200);
    assert!(page.has_form("/idhub/login/new-password"), "{}", page.text());
    tenant.clerk.act(&els.below("invite")).await.is(204);
    // Settings that are outdated refuse nothing.
    switch(true).await;
    tenant.clerk.post(&path(&els), given).await.is(200);
    tenant.service.check().await;
}

#[tokio::test]
async fn g33_a_temporary_password_is_set_for_a_user_as_it_was_read() {
    let tenant = Tenant::open().await;
    let jan = tenant.user("jan").await;
    let call = || tenant.clerk.act(&path(&jan));
    call().if_match("\"stale\"").await.is(412);
    let keyed = call().key("once").await.is(400);
    assert!(keyed.text().contains("secret"), "{}", keyed.text());
    call().if_match(&jan.tag).await.is(200);
    // What is kept beside the profile does not move its tag.
    call().if_match(&jan.tag).await.is(200);
    tenant.admin.act(&jan.below("block")).await.is(200);
    assert_eq!(call().await.is(409).slug(), "conflict");
    let nobody = "/identity/users/0192f3c1-0000-7000-8000-00000000dead/temporary-password";
    tenant.clerk.act(nobody).await.is(404);
    refused(&tenant.clerk.act(&path(&tenant.boss)).await, "the administrator");
    let reader = tenant.service.client(TENANT, "users:read").await;
    assert_eq!(reader.act(&path(&jan)).await.is(403).slug(), "insufficient-scope");
}
