//! The sessions on the account page, and how they end (rules G22 to G24).

use super::*;

const END: &str = "/idhub/account/sessions/end";
const SIGN_OUT: &str = "/idhub/account/sign-out";

/// The ids of the sessions that the page offers to end.
fn others(page: &Page) -> Vec<String> {
    page.forms.iter().filter_map(|form| form.value("session")).map(str::to_owned).collect()
}

#[tokio::test]
async fn g24_one_other_session_or_all_others_end() {
    let (service, jan) = start().await;
    let here = service.browser_of("jan", PASSWORD).await;
    service.clock.advance(1);
    let one = service.browser_of("jan", PASSWORD).await;
    service.clock.advance(1);
    let two = service.browser_of("jan", PASSWORD).await;
    let page = here.get(ACCOUNT).await.is(200);
    assert_eq!(others(&page).len(), 2, "{}", page.text());
    let newest = others(&page)[0].clone();
    let page = here.submit_form(&page, END, &[("session", &newest)]).await.is(200);
    assert!(page.text().contains("That device is signed out."), "{}", page.text());
    assert!(is_signed_in(&one).await && !is_signed_in(&two).await && is_signed_in(&here).await);
    // Each is told of (rule G65).
    let ended = async || {
        let operations = super::secrets::operations(&service, &jan).await;
        operations.iter().filter(|operation| *operation == "user.sessions_end").count()
    };
    assert_eq!(ended().await, 1);
    let three = service.browser_of("jan", PASSWORD).await;
    let page = here.get(ACCOUNT).await.is(200);
    let form = page.forms.iter().find(|form| form.action == END).unwrap();
    let token = form.value("form_token").unwrap().to_owned();
    let page = here.post(END, &[("form_token", &token), ("others", "1")]).await.is(200);
    assert!(page.text().contains("All other devices are signed out."), "{}", page.text());
    assert!(!is_signed_in(&one).await && !is_signed_in(&three).await && is_signed_in(&here).await);
    assert!(others(&page).is_empty());
    assert_eq!(ended().await, 2);
    service.check().await;
}

#[tokio::test]
async fn g22_other_sessions_end_after_a_recent_sign_in_alone() {
    let (service, _) = start().await;
    let (here, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let page = here.get(ACCOUNT).await.is(200);
    service.clock.advance(301);
    let again = here.submit_form(&page, END, &[]).await.is(200);
    assert!(again.has_form("/idhub/login/password"), "{}", again.text());
    assert!(is_signed_in(&other).await);
}

#[tokio::test]
async fn g24_a_session_of_somebody_else_cannot_be_ended() {
    let (service, _) = start().await;
    service.member("piet", NEW).await;
    let (jan, piet) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("piet", NEW).await);
    let cookie = piet.cookie("session").unwrap();
    let cookie: shared::domain::people::SessionCookie = cookie.parse().unwrap();
    let page = jan.get(ACCOUNT).await.is(200);
    let form = page.form(SIGN_OUT);
    let token = form.value("form_token").unwrap().to_owned();
    let hash = cookie.hash().to_string();
    jan.post(END, &[("form_token", &token), ("session", &hash)]).await.is(200);
    assert!(is_signed_in(&piet).await);
}

#[tokio::test]
async fn g25_signing_out_forgets_the_cookie_and_offers_to_sign_in_again() {
    let (service, _) = start().await;
    let (here, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let page = here.get(ACCOUNT).await.is(200);
    let copy = here.copy();
    let out = here.submit_form(&page, SIGN_OUT, &[]).await.is(200);
    assert!(out.text().contains("You are signed out"), "{}", out.text());
    assert!(out.text().contains(&format!("href=\"/idhub/login/{TENANT}")), "{}", out.text());
    assert_eq!(here.cookie("session"), None);
    assert!(!is_signed_in(&copy).await, "a copied cookie is worth nothing");
    assert!(is_signed_in(&other).await);
    // Signing out twice is no dead end.
    here.submit_form(&page, SIGN_OUT, &[]).await.is(200);
    let page = other.get(ACCOUNT).await.is(200);
    other.submit_form(&page, SIGN_OUT, &[("everywhere", "1")]).await.is(200);
    assert!(!is_signed_in(&other).await);
    service.check().await;
}

#[tokio::test]
async fn g23_signing_out_everywhere_ends_each_session() {
    let (service, jan) = start().await;
    let browsers = [
        service.browser_of("jan", PASSWORD).await,
        service.browser_of("jan", PASSWORD).await,
        service.browser_of("jan", PASSWORD).await,
    ];
    let page = browsers[0].get(ACCOUNT).await.is(200);
    browsers[0].submit_form(&page, SIGN_OUT, &[("everywhere", "1")]).await.is(200);
    for browser in &browsers {
        assert!(!is_signed_in(browser).await);
    }
    let left = service.table.list_sessions(&tenant(), id(&jan)).await.unwrap();
    assert!(left.is_empty());
    assert!(signs_in(&service, "jan", PASSWORD).await);
}

#[tokio::test]
async fn g19_the_forms_of_the_page_need_the_token_of_the_page() {
    let (service, _) = start().await;
    let browser = service.browser_of("jan", PASSWORD).await;
    for (path, field) in [
        (SIGN_OUT, ("everywhere", "1")),
        (END, ("others", "1")),
        ("/idhub/account/password", ("new_password", NEW)),
        ("/idhub/account/address", ("email", "new@example.org")),
        ("/idhub/account/address/cancel", ("x", "y")),
        ("/idhub/account/clients/withdraw", ("client", "x")),
    ] {
        browser.post(path, &[field]).await.is(400);
        browser.post(path, &[field, ("form_token", "AAAA")]).await.is(400);
        // Another site, whatever it knows.
        let page = browser.get(ACCOUNT).await.is(200);
        let token = page.forms[0].value("form_token").unwrap().to_owned();
        let foreign = browser.request("POST", path).header("origin", "https://evil.example");
        let foreign = foreign.header("sec-fetch-site", "cross-site");
        let refused = foreign.form(&[field, ("form_token", &token)]).await;
        assert_eq!(refused.code(), 403, "{path}: {}", refused.text());
    }
    assert!(is_signed_in(&browser).await);
}
