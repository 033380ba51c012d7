//! What a client may ask of the pages (rule G10), and the modules of the OpenID Foundation's suite
//! about it.

use serde_json::json;
use tests::{Browser, Service};

use super::{PASSWORD, asks_to_sign_in, id_token, refused, request, session_of, sign_in, start};

#[tokio::test]
async fn g10_oidcc_prompt_none_not_logged_in() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    refused(&browser.get(&request(&client, &[("prompt", "none")])).await, "login_required");
    // A cookie that names no session is no sign-in.
    let other = service.give_session(&service.member("eva", PASSWORD).await.id).await;
    let mut stale = other.clone();
    stale.replace_range(stale.len() - 43.., &"A".repeat(43));
    browser.set_cookie("session", Some(&stale));
    refused(&browser.get(&request(&client, &[("prompt", "none")])).await, "login_required");
}

#[tokio::test]
async fn g10_oidcc_prompt_none_logged_in() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let first = id_token(&client, &sign_in(&browser, &client, &[]).await).await;
    service.clock.advance(60);
    let page = browser.get(&request(&client, &[("prompt", "none")])).await;
    let second = id_token(&client, &page).await;
    assert_eq!(second["sub"], first["sub"]);
    assert_eq!(second["auth_time"], first["auth_time"], "G8: when the person authenticated");
    assert_eq!(second["sid"], first["sid"]);
}

#[tokio::test]
async fn g10_oidcc_prompt_login_authenticates_again() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let first = id_token(&client, &sign_in(&browser, &client, &[]).await).await;
    let before = browser.cookie("session").unwrap();
    service.clock.advance(60);
    let second = id_token(&client, &sign_in(&browser, &client, &[("prompt", "login")]).await).await;
    let seconds = |claims: &serde_json::Value| claims["auth_time"].as_i64().unwrap();
    assert_eq!(seconds(&second), seconds(&first) + 60);
    assert_eq!(second["sub"], first["sub"]);
    assert_ne!(browser.cookie("session").unwrap(), before, "G18: a new secret");
}

#[tokio::test]
async fn g10_oidcc_max_age_1_authenticates_again() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let first = id_token(&client, &sign_in(&browser, &client, &[]).await).await;
    service.clock.advance(2);
    let page = browser.get(&request(&client, &[("max_age", "1")])).await.is(200);
    asks_to_sign_in(&page);
    let second = id_token(&client, &browser.enter(&page, "jan", PASSWORD).await).await;
    assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64());
    refused(
        &{
            service.clock.advance(2);
            browser.get(&request(&client, &[("max_age", "1"), ("prompt", "none")])).await
        },
        "login_required",
    );
}

#[tokio::test]
async fn g10_oidcc_max_age_10000_uses_the_session() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let first = id_token(&client, &sign_in(&browser, &client, &[]).await).await;
    service.clock.advance(5);
    let page = browser.get(&request(&client, &[("max_age", "10000")])).await;
    let second = id_token(&client, &page).await;
    assert_eq!(second["auth_time"], first["auth_time"]);
}

#[tokio::test]
async fn g10_a_max_age_of_zero_authenticates_once_and_not_for_ever() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    let page = browser.get(&request(&client, &[("max_age", "0")])).await.is(200);
    asks_to_sign_in(&page);
    browser.enter(&page, "jan", PASSWORD).await.code();
}

#[tokio::test]
async fn g10_select_account_asks_which_account_it_is() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    let ask = request(&client, &[("prompt", "select_account")]);
    let page = browser.get(&ask).await.is(200);
    let action = "/idhub/login/persona";
    browser.submit_form(&page, action, &[("account", "this")]).await.code();
    let page = browser.submit_form(&page, action, &[("account", "other")]).await.is(200);
    asks_to_sign_in(&page);
    service.member("eva", PASSWORD).await;
    browser.enter(&page, "eva", PASSWORD).await.code();
    let none = request(&client, &[("prompt", "none select_account")]);
    refused(&browser.get(&none).await, "invalid_request");
}

#[tokio::test]
async fn g10_prompt_none_never_shows_a_page() {
    let (service, jan, client) = start().await;
    let browser = Browser::new(&service);
    let none = |more: &[(&str, &str)]| request(&client, &[&[("prompt", "none")], more].concat());
    refused(&browser.get(&none(&[])).await, "login_required");
    sign_in(&browser, &client, &[]).await.code();
    browser.get(&none(&[])).await.code();
    // A client that needs a consent.
    let stranger = service.person_client(|_| {}).await;
    let ask = request(&stranger, &[("prompt", "none")]);
    refused(&browser.get(&ask).await, "consent_required");
    // A person with several personas, of which none is preferred.
    let crm = service.crm().await;
    crm.define_persona("employee", json!({ "scoped": true })).await;
    for scope in ["a", "b"] {
        crm.add_persona(&jan, json!({ "name": "employee", "scope": [scope] })).await;
    }
    refused(&browser.get(&none(&[])).await, "interaction_required");
    // A session that has ended.
    service.clock.advance(31 * 24 * 3600);
    refused(&browser.get(&none(&[])).await, "login_required");
}

#[tokio::test]
async fn g10_a_blocked_person_is_not_signed_in_any_more() {
    let (service, jan, client) = start().await;
    let browser = Browser::new(&service);
    sign_in(&browser, &client, &[]).await.code();
    service.crm().await.act(&jan.below("block")).await.is(200);
    let none = request(&client, &[("prompt", "none")]);
    refused(&browser.get(&none).await, "login_required");
    asks_to_sign_in(&browser.get(&request(&client, &[])).await.is(200));
}

#[tokio::test]
async fn g10_oidcc_ensure_request_with_acr_values_succeeds() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[("acr_values", "2 1")]).await;
    assert_eq!(id_token(&client, &page).await["acr"], "1", "answered as far as met");
}

#[tokio::test]
async fn g10_oidcc_claims_locales() {
    let (service, _, client) = start().await;
    let page = sign_in(&Browser::new(&service), &client, &[("claims_locales", "se nl")]).await;
    assert_eq!(id_token(&client, &page).await["iss"], super::ISSUER);
}

#[tokio::test]
async fn g10_oidcc_ui_locales() {
    let (service, _, client) = start().await;
    let service: &Service = &service;
    for (locales, language) in
        [("nl", "nl"), ("se fr-BE en", "fr"), ("de", "de"), ("se", "en"), ("", "nl")]
    {
        let browser = Browser::new(service).language("nl-BE, en;q=0.5");
        let more = [("ui_locales", locales), ("claims_locales", "de")];
        let page = browser.get(&request(&client, &more)).await.is(200);
        let expected = if locales == "se" { "nl" } else { language };
        assert!(page.text().contains(&format!("<html lang=\"{expected}\"")), "{locales}");
        // The language stays on the pages that follow.
        let page = browser.enter(&page, "jan", "wrong").await.is(422);
        assert!(page.text().contains(&format!("<html lang=\"{expected}\"")), "{locales}");
    }
}

#[tokio::test]
async fn g10_oidcc_login_hint_fills_the_username() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let hint = "jan\"><script>alert(1)</script>";
    let page = browser.get(&request(&client, &[("login_hint", hint)])).await.is(200);
    assert_eq!(page.form("/idhub/login/password").value("username"), Some(hint));
    assert!(!page.text().contains("<script>alert"), "G68");
    let page = browser.get(&request(&client, &[("login_hint", "jan")])).await.is(200);
    let password = [("password", PASSWORD)];
    browser.submit_form(&page, "/idhub/login/password", &password).await.code();
    assert!(session_of(&service, &browser).await.is_some());
}
