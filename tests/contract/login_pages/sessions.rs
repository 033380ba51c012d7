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
async fn g24_a_device_that_has_signed_in_again_since_the_page_was_shown_is_signed_out() {
    let (service, _) = start().await;
    let (here, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let page = here.get(ACCOUNT).await.is(200);
    other.sign_in(TENANT, "jan", PASSWORD).await.is(200);
    let page = here.submit_form(&page, END, &[]).await.is(200);
    assert!(page.text().contains("That device is signed out."), "{}", page.text());
    assert!(!is_signed_in(&other).await && is_signed_in(&here).await);
    service.check().await;
}

/// Two browsers of a person. The first sends a form, and authenticates again in another tab once its
/// session was read.
struct Renewal {
    service: Service,
    jan: Resource,
    here: Browser,
    other: Browser,
}

impl Renewal {
    async fn set() -> Self {
        let (service, jan) = start().await;
        let here = service.browser_of("jan", PASSWORD).await;
        let other = service.browser_of("jan", PASSWORD).await;
        Self { service, jan, here, other }
    }

    /// Sends the form. Gives the page that comes then, and the other tab.
    async fn send(&self, path: &str, field: Option<(&str, &str)>) -> (Page, Browser) {
        let Self { service, jan, here, .. } = self;
        let page = here.get(ACCOUNT).await.is(200);
        let token = page.form(SIGN_OUT).value("form_token").unwrap();
        let mut fields = vec![("form_token", token)];
        fields.extend(field);
        let (tab, own) = (here.copy(), format!("#U#{}", jan.id));
        // The session is read, and its user is.
        let gate = service.faults.hold_naming("GetItem", &own);
        let renewing = async {
            gate.reached().await;
            service.faults.mend(&own);
            let cookie = tab.cookie("session").unwrap();
            let cookie = Box::pin(service.renew_session(&cookie)).await.unwrap();
            tab.set_cookie("session", Some(&cookie));
            gate.open();
        };
        let (page, ()) = tokio::join!(here.post(path, &fields), Box::pin(renewing));
        (page, tab)
    }
}

#[tokio::test]
async fn g24_a_sign_out_ends_the_session_that_signs_in_again_in_another_tab() {
    let renewal = Renewal::set().await;
    let (page, tab) = renewal.send(SIGN_OUT, None).await;
    assert!(page.is(200).text().contains("You are signed out"));
    assert!(!is_signed_in(&tab).await && is_signed_in(&renewal.other).await);
    let (service, jan) = (&renewal.service, &renewal.jan);
    let left = service.table.list_sessions(&tenant(), id(jan)).await.unwrap();
    assert_eq!(left.len(), 1);
    // It is told, as each end of a session is.
    let told = super::secrets::operations(service, jan).await;
    assert_eq!(told.last().map(String::as_str), Some("user.sessions_end"));
    service.check().await;
}

#[tokio::test]
async fn g24_a_sign_out_everywhere_ends_the_session_that_signs_in_again_in_another_tab() {
    let renewal = Renewal::set().await;
    let (page, tab) = renewal.send(SIGN_OUT, Some(("everywhere", "1"))).await;
    assert!(page.is(200).text().contains("You are signed out"));
    assert!(!is_signed_in(&tab).await && !is_signed_in(&renewal.other).await);
    renewal.service.check().await;
}

#[tokio::test]
async fn g24_the_others_are_not_said_to_be_signed_out_when_nothing_has_ended() {
    let renewal = Renewal::set().await;
    let (page, tab) = renewal.send(END, Some(("others", "1"))).await;
    is_error(&page.is(409), "Something has changed meanwhile");
    assert!(is_signed_in(&tab).await && is_signed_in(&renewal.other).await);
    // The tab tries again.
    let page = tab.get(ACCOUNT).await.is(200);
    let token = page.form(SIGN_OUT).value("form_token").unwrap();
    let page = tab.post(END, &[("form_token", token), ("others", "1")]).await.is(200);
    assert!(page.text().contains("All other devices are signed out."), "{}", page.text());
    assert!(is_signed_in(&tab).await && !is_signed_in(&renewal.other).await);
    renewal.service.check().await;
}

#[tokio::test]
async fn g24_a_page_of_an_earlier_version_names_a_session_by_its_hash_and_ends_none() {
    let (service, _) = start().await;
    let (here, other) =
        (service.browser_of("jan", PASSWORD).await, service.browser_of("jan", PASSWORD).await);
    let cookie = other.cookie("session").unwrap();
    let cookie: shared::domain::people::SessionCookie = cookie.parse().unwrap();
    let page = here.get(ACCOUNT).await.is(200);
    let hash = cookie.hash().to_string();
    let refused = here.submit_form(&page, END, &[("session", &hash)]).await.is(409);
    is_error(&refused, "Something has changed meanwhile");
    assert!(is_signed_in(&other).await);
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
    let session = service.table.read_session(&tenant(), cookie.user, &cookie.hash()).await;
    let sid = session.unwrap().unwrap().value.sid;
    let page = jan.get(ACCOUNT).await.is(200);
    let form = page.form(SIGN_OUT);
    let token = form.value("form_token").unwrap().to_owned();
    jan.post(END, &[("form_token", &token), ("session", &sid)]).await.is(200);
    assert!(is_signed_in(&piet).await && is_signed_in(&jan).await);
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
