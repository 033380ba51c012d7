//! How answers go back to the client, and the headers of all pages (rules G11, G12, G70).

use serde_json::json;
use tests::{Answer, Browser, REDIRECT_URI, Service};

use super::{ISSUER, PASSWORD, native_client, refused, request, sign_in, start};
use crate::edge::logs;

#[track_caller]
fn policy(answer: &Answer) -> String {
    answer.header("content-security-policy").expect("a policy").to_owned()
}

#[tokio::test]
async fn g11_redirects_after_a_form_are_303_and_the_policy_names_the_origin() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = browser.get(&request(&client, &[])).await.is(200);
    let expected = "form-action 'self' https://app.example;";
    assert!(policy(&page.answer).contains(expected), "{}", policy(&page.answer));
    let done = browser.enter(&page, "jan", PASSWORD).await;
    assert_eq!(done.answer.code(), 303);
    done.code();
    // The page of a wrong password leads on as well.
    let page = browser.get(&request(&client, &[("prompt", "login")])).await.is(200);
    let page = browser.enter(&page, "jan", "wrong").await.is(422);
    assert!(policy(&page.answer).contains(expected));
    browser.enter(&page, "jan", PASSWORD).await.code();
}

#[tokio::test]
async fn g11_a_page_without_an_application_leads_nowhere_else() {
    let (service, ..) = start().await;
    let page = Browser::new(&service).get("/idhub/login/acme").await.is(200);
    assert!(policy(&page.answer).contains("form-action 'self';"), "{}", policy(&page.answer));
}

#[tokio::test]
async fn g11_an_app_with_a_scheme_of_its_own_gets_a_page_with_a_link() {
    let service = Service::start().await;
    service.member("jan", PASSWORD).await;
    let uri = "com.example.app:/callback";
    let app = native_client(&service, uri, true).await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &app, &[("redirect_uri", uri)]).await.is(200);
    assert_eq!(page.location, None);
    assert!(page.text().contains(&format!("href=\"{uri}?code=")), "{}", page.text());
    assert!(policy(&page.answer).contains("form-action 'self';"));
    // An error is told in the same way, unless no page may be shown.
    let more = [("redirect_uri", uri), ("scope", "nothing")];
    let page = browser.get(&request(&app, &more)).await.is(200);
    assert!(page.text().contains("error=invalid_scope"));
    let more = [("redirect_uri", uri), ("prompt", "none")];
    browser.forget_session();
    let page = browser.get(&request(&app, &more)).await;
    assert!(page.sent_to().contains("error=login_required"));
}

#[tokio::test]
async fn g12_form_post_sends_a_form_with_a_policy_of_its_own() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let page = sign_in(&browser, &client, &[("response_mode", "form_post")]).await.is(200);
    let form = page.form(REDIRECT_URI);
    assert_eq!(form.method, "post");
    assert_eq!(form.value("state"), Some("of the client"));
    assert_eq!(form.value("iss"), Some(ISSUER));
    assert_eq!(form.value("code").map(str::len), Some(43));
    let expected = "form-action 'self' https://app.example;";
    assert!(policy(&page.answer).contains(expected), "{}", policy(&page.answer));
    client.exchange(form.value("code").unwrap()).await.is(200);
    let wrong = [("response_mode", "form_post"), ("scope", "nothing")];
    let page = browser.get(&request(&client, &wrong)).await.is(200);
    assert_eq!(page.form(REDIRECT_URI).value("error"), Some("invalid_scope"));
}

#[tokio::test]
async fn g12_an_answer_never_goes_into_the_fragment() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    refused(
        &browser.get(&request(&client, &[("response_mode", "fragment")])).await,
        "invalid_request",
    );
    let page = sign_in(&browser, &client, &[]).await;
    assert!(!page.sent_to().contains('#'));
}

#[track_caller]
fn protected(answer: &Answer) {
    let policy = policy(answer);
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("permissions-policy").is_some());
    assert_eq!(answer.header("access-control-allow-origin"), None, "G19: no CORS");
}

#[tokio::test]
async fn g70_every_page_and_redirect_is_stored_nowhere_and_framed_nowhere() {
    let (service, _, client) = start().await;
    let browser = Browser::new(&service);
    let ask = request(&client, &[]);
    let page = browser.get(&ask).await.is(200);
    protected(&page.answer);
    protected(&browser.enter(&page, "jan", "wrong").await.answer);
    protected(&browser.enter(&page, "jan", PASSWORD).await.answer);
    protected(&browser.get(&ask).await.answer);
    for path in [
        "/idhub/oidc/v1/authorize",
        "/idhub/login/acme",
        "/idhub/login/absent",
        "/idhub/login/Not-a-tenant",
        "/idhub/oidc/v1/logout",
        "/idhub/oidc/v1/logout?post_logout_redirect_uri=https%3A%2F%2Fx.example",
    ] {
        protected(&browser.request("GET", path).await);
    }
    for path in [
        "/idhub/login/password",
        "/idhub/login/persona",
        "/idhub/login/consent",
        "/idhub/oidc/v1/logout",
    ] {
        protected(&browser.request("POST", path).await);
        protected(
            &browser.request("POST", path).form(&[("state", "x"), ("form_token", "x")]).await,
        );
    }
}

#[tokio::test]
async fn g70_after_the_sign_out_the_page_before_is_not_there_any_more() {
    let (service, ..) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    browser.get("/idhub/account").await.is(200);
    let page = browser.get("/idhub/oidc/v1/logout").await.is(200);
    browser.submit(&page, &[("answer", "yes")]).await.is(200);
    let page = browser.get("/idhub/account").await;
    assert!(!page.text().contains("jan@example.org"));
    assert_ne!(page.answer.code(), 200);
}

#[tokio::test]
async fn g71_a_log_line_counts_by_tenant_and_names_nobody() {
    logs::keep();
    let (service, _, client) = start().await;
    service.member("zwaardvis", PASSWORD).await;
    let browser = Browser::new(&service).from("203.0.113.77");
    let page = browser.get(&request(&client, &[("login_hint", "zwaardvis")])).await.is(200);
    let wrong = browser.enter(&page, "zwaardvis", "a wrong password").await.is(422);
    let right = browser.enter(&page, "zwaardvis", PASSWORD).await;
    for (answer, status, error) in
        [(&wrong.answer, 422, Some("wrong_password")), (&right.answer, 303, None)]
    {
        let lines = logs::lines(answer);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["operation"], "sign_in_with_password");
        assert_eq!((&line["tenant"], &line["client"]), (&json!("acme"), &json!(client.id)));
        assert_eq!((&line["status"], &line["error"]), (&json!(status), &json!(error)));
    }
    for personal in ["zwaardvis", "203.0.113.77", "a wrong password", PASSWORD] {
        assert_eq!(logs::lines_with(personal).len(), 0, "{personal}");
    }
}
