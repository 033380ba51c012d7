//! The sign-in page of a tenant (rules G43, G69).

use serde_json::json;
use tests::Browser;

use super::{PASSWORD, asks_to_sign_in, session_of, start};

#[tokio::test]
async fn g69_return_to_leads_to_a_path_of_this_service_alone() {
    let (service, ..) = start().await;
    for (return_to, end) in [
        ("/idhub/account?x=1", "/idhub/account?x=1"),
        ("//evil.example", "/idhub/account"),
        ("https://evil.example/", "/idhub/account"),
        ("/\\evil.example", "/idhub/account"),
        ("/%09/evil.example", "/idhub/account"),
        ("javascript:alert(1)", "/idhub/account"),
        ("account", "/idhub/account"),
    ] {
        let browser = Browser::new(&service);
        let path = format!("/idhub/login/acme?return_to={}", tests::escape(return_to));
        let path = path.replace("%2509", "%09");
        let page = browser.get(&path).await.is(200);
        let page = browser.enter(&page, "jan", PASSWORD).await.is(200);
        assert_eq!(page.url, end, "{return_to}");
        // Signed in, the page leads on at once.
        assert_eq!(browser.get(&path).await.is(200).url, end, "{return_to}");
    }
}

#[tokio::test]
async fn g43_the_username_is_the_one_identifier() {
    let (service, ..) = start().await;
    let crm = service.crm().await;
    // Eva's username is Jan's address.
    let eva = crm.create("/identity/users", json!({ "username": "jan@example.org" })).await;
    service.give_password(&eva.id, "another horse battery staple").await;
    let browser = Browser::new(&service);
    browser.sign_in("acme", "jan@example.org", PASSWORD).await.is(422);
    browser.sign_in("acme", "jan@example.org", "another horse battery staple").await.is(200);
    assert!(browser.cookie("session").unwrap().contains(&eva.id));
    // The username is compared without regard to case, as everywhere.
    let browser = Browser::new(&service);
    browser.sign_in("acme", " JAN ", PASSWORD).await.is(200);
}

#[tokio::test]
async fn g43_a_person_belongs_to_one_tenant() {
    let (service, ..) = start().await;
    service.create_tenant("other").await;
    let browser = Browser::new(&service);
    browser.sign_in("other", "jan", PASSWORD).await.is(422);
    browser.sign_in("acme", "jan", PASSWORD).await.is(200);
    // A session of one tenant is no sign-in at another.
    asks_to_sign_in(&browser.get("/idhub/login/other").await.is(200));
}

#[tokio::test]
async fn an_unknown_tenant_has_no_sign_in_page() {
    let (service, ..) = start().await;
    for tenant in ["absent", "Not-a-slug", "a"] {
        Browser::new(&service).get(&format!("/idhub/login/{tenant}")).await.is(404);
    }
}

#[tokio::test]
async fn g22_prompt_login_asks_a_signed_in_person_for_the_password_again() {
    let (service, ..) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    let before = session_of(&service, &browser).await.unwrap();
    service.clock.advance(600);
    let page = browser.get("/idhub/login/acme?prompt=login").await.is(200);
    assert_eq!(page.form("/idhub/login/password").value("username"), Some("jan"));
    browser.submit_form(&page, "/idhub/login/password", &[("password", PASSWORD)]).await.is(200);
    let after = session_of(&service, &browser).await.unwrap();
    assert_eq!((after.sid, after.created_at), (before.sid, before.created_at));
    assert_eq!(after.auth_time, service.clock.now());
}

#[tokio::test]
async fn g30_the_page_says_what_its_fields_are_for() {
    let (service, ..) = start().await;
    let page = Browser::new(&service).get("/idhub/login/acme").await.is(200);
    let text = page.text();
    assert!(text.contains("autocomplete=\"current-password\""), "{text}");
    assert!(text.contains("autocomplete=\"username webauthn\""), "{text}");
    assert!(page.answer.body.len() < 20 * 1024);
    let page = Browser::new(&service);
    let shown = page.get("/idhub/login/acme").await.is(200);
    let shown = page.enter(&shown, "jan", "").await.is(422);
    assert!(!shown.text().contains(PASSWORD));
}

#[tokio::test]
async fn u16_a_path_that_takes_forms_answers_a_visit_with_a_page_that_leads_on() {
    let (service, ..) = start().await;
    for path in ["/idhub/login/password", "/idhub/login/persona", "/idhub/login/consent"] {
        let page = Browser::new(&service).get(path).await.is(405);
        let text = page.text();
        assert!(text.contains("<h1") && text.contains("href=\"/idhub/account\""), "{path}: {text}");
        assert_eq!(page.answer.header("allow"), Some("POST"), "{path}");
    }
}
